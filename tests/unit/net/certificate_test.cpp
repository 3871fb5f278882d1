#include "turnbuckle/net/certificate.hpp"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "support/certificates.hpp"

namespace turnbuckle::net {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using turnbuckle::test::make_certificate;
using turnbuckle::test::write_file;

class CertificateTest : public testing::Test {
protected:
    CertificateFiles write(const turnbuckle::test::CertificatePem& pem) {
        write_file(files.certificate, pem.certificate);
        write_file(files.private_key, pem.private_key);
        return files;
    }
    // The one error that reading these files gives.
    TlsLoadError only_error() {
        const auto read = read_certificate(files);
        EXPECT_FALSE(read);
        if (read) return {};
        EXPECT_EQ(read.error().size(), 1u);
        return read.error().front();
    }

    turnbuckle::test::TemporaryDirectory directory;
    CertificateFiles files{directory / "cert.pem", directory / "key.pem"};
};

TEST_F(CertificateTest, tells_its_subject_and_its_end) {
    write(make_certificate({.common_name = "türn.example", .valid_for = std::chrono::hours(48)}));
    const auto read = read_certificate(files);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->info.file, files.certificate);
    EXPECT_EQ(read->info.subject, "CN=türn.example");
    const auto left = read->info.not_after - wall_now();
    EXPECT_GT(left, std::chrono::hours(47));
    EXPECT_LE(left, std::chrono::hours(48));
}

TEST_F(CertificateTest, is_for_its_dns_names_and_their_wildcards) {
    write(make_certificate({.dns_names = {"turn.example", "*.relay.example"}}));
    const auto read = read_certificate(files);
    ASSERT_TRUE(read);
    for (const char* name : {"turn.example", "TURN.example", "a.relay.example"})
        EXPECT_TRUE(read->is_for(name)) << name;
    for (const char* name :
         {"example", "relay.example", "a.b.relay.example", "turn.example.org", ""})
        EXPECT_FALSE(read->is_for(name)) << name;
}

TEST_F(CertificateTest, is_for_its_common_name_where_it_has_no_other) {
    write(make_certificate({.common_name = "old.example", .dns_names = {}, .ip_addresses = {}}));
    EXPECT_TRUE(read_certificate(files)->is_for("old.example"));
}

TEST_F(CertificateTest, brings_its_intermediates) {
    const turnbuckle::test::CertificateAuthority authority;
    write(authority.issue({}));
    EXPECT_EQ(read_certificate(files)->intermediates.size(), 1u);
}

TEST_F(CertificateTest, may_share_a_file_with_its_key) {
    const auto pem = make_certificate();
    write_file(files.certificate, pem.private_key + pem.certificate);
    files.private_key = files.certificate;
    EXPECT_TRUE(read_certificate(files));
}

TEST_F(CertificateTest, that_is_missing_is_named_with_both_files) {
    const auto read = read_certificate(files);
    ASSERT_FALSE(read);
    ASSERT_EQ(read.error().size(), 2u);
    EXPECT_EQ(read.error()[0].file, files.certificate);
    EXPECT_FALSE(read.error()[0].in_private_key);
    EXPECT_EQ(read.error()[0].reason, "cannot be read: No such file or directory");
    EXPECT_EQ(read.error()[1].file, files.private_key);
    EXPECT_TRUE(read.error()[1].in_private_key);
}

TEST_F(CertificateTest, is_not_looked_for_in_what_is_no_file) {
    write(make_certificate());
    files.certificate = directory.path().string();
    EXPECT_EQ(only_error().reason, "is not a regular file");
    files.certificate = "/dev/zero";
    EXPECT_EQ(only_error().reason, "is not a regular file");
}

TEST_F(CertificateTest, is_not_looked_for_in_huge_files) {
    write(make_certificate());
    write_file(files.certificate, std::string(2 << 20, '\n'));
    EXPECT_EQ(only_error().reason, "is larger than 1 MiB");
}

TEST_F(CertificateTest, must_be_pem) {
    write({"\x30\x82 der or rubbish", make_certificate().private_key});
    const TlsLoadError error = only_error();
    EXPECT_EQ(error.reason, "holds no certificate in PEM form");
    EXPECT_EQ(error.file, files.certificate);
    EXPECT_FALSE(error.in_private_key);
}

TEST_F(CertificateTest, must_be_whole) {
    auto pem = make_certificate();
    const std::string whole = pem.certificate;
    pem.certificate.resize(pem.certificate.size() / 2);
    write(pem);
    EXPECT_THAT(only_error().reason, StartsWith("holds a certificate that cannot be parsed: "));
    pem.certificate = whole + pem.certificate;
    write(pem);
    EXPECT_THAT(only_error().reason,
                StartsWith("holds an intermediate certificate that cannot be parsed: "));
}

TEST_F(CertificateTest, needs_a_private_key) {
    const auto pem = make_certificate();
    write({pem.certificate, pem.certificate});
    const TlsLoadError error = only_error();
    EXPECT_EQ(error.reason, "holds no private key in PEM form");
    EXPECT_EQ(error.file, files.private_key);
    EXPECT_TRUE(error.in_private_key);
    write({pem.certificate, pem.private_key.substr(0, 60)});
    EXPECT_THAT(only_error().reason, HasSubstr("private key"));
}

TEST_F(CertificateTest, needs_a_key_without_passphrase) {
    write({make_certificate().certificate, turnbuckle::test::make_encrypted_key("secret")});
    EXPECT_EQ(only_error().reason, "is encrypted, and there is nobody to ask for the passphrase");
}

TEST_F(CertificateTest, needs_its_own_key) {
    write({make_certificate().certificate, make_certificate().private_key});
    const TlsLoadError error = only_error();
    EXPECT_EQ(error.reason, "does not match the certificate in " + files.certificate);
    EXPECT_TRUE(error.in_private_key);
}

TEST_F(CertificateTest, that_cannot_be_opened_says_why) {
    if (::geteuid() == 0) GTEST_SKIP() << "root reads every file";
    write(make_certificate());
    std::filesystem::permissions(files.private_key, std::filesystem::perms::none);
    EXPECT_EQ(only_error().reason, "cannot be read: Permission denied");
}

TEST_F(CertificateTest, leaves_no_error_behind) {
    write({"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "rubbish"});
    EXPECT_FALSE(read_certificate(files));
    EXPECT_EQ(ERR_peek_error(), 0u);
    write(make_certificate());
    EXPECT_TRUE(read_certificate(files));
    EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(OpenSslError, is_the_oldest_and_takes_the_younger_with_it) {
    EXPECT_EQ(take_openssl_error(), "");
    ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
    ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
    EXPECT_EQ(take_openssl_error(), "malloc failure");
    EXPECT_EQ(take_openssl_error(), "");
}

}  // namespace
}  // namespace turnbuckle::net
