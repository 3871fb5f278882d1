#include "turnbuckle/server/certificates.hpp"

#include <stdexcept>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "turnbuckle/base/log.hpp"
#include "turnbuckle/config/loader.hpp"
#include "turnbuckle/server/rules.hpp"

#include "support/certificates.hpp"

namespace turnbuckle::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using turnbuckle::test::CertificateRequest;
using turnbuckle::test::make_certificate;
using turnbuckle::test::write_file;

class CertificatesTest : public testing::Test {
protected:
    config::CertificateFiles pair(const std::string& name) {
        write(name, name);
        return {.certificate = directory / (name + ".pem"),
                .private_key = directory / (name + ".key")};
    }
    // Puts a fresh pair with this common name into the files of `name`.
    void write(const std::string& name, const std::string& common_name) {
        const auto pem = make_certificate({.common_name = common_name});
        write_file(directory / (name + ".key"), pem.private_key);
        write_file(directory / (name + ".pem"), pem.certificate);
    }
    static config::Listener listener(turn::Transport transport,
                                     std::vector<config::CertificateFiles> pairs) {
        return {.transport = transport, .address = {}, .certificates = std::move(pairs)};
    }
    void let_settle(Certificates& certificates) {
        certificates.poll(now);
        now += FileWatch::kSettle;
        certificates.poll(now);
    }
    static std::vector<std::string> subjects(const Certificates& certificates) {
        std::vector<std::string> all;
        for (const auto& info : certificates.in_force())
            all.push_back(info.subject);
        return all;
    }

    turnbuckle::test::TemporaryDirectory directory;
    Time now{std::chrono::hours(10)};
};

TEST_F(CertificatesTest, are_those_of_the_listeners_that_have_any) {
    const auto files = pair("one");
    const Certificates certificates({listener(turn::Transport::Udp, {}),
                                     listener(turn::Transport::Tls, {files}),
                                     listener(turn::Transport::Dtls, {files}),
                                     listener(turn::Transport::Udp, {files, pair("two")})});
    EXPECT_FALSE(certificates.source(0));
    EXPECT_EQ(certificates.source(1)()->transport(), net::TlsTransport::Stream);
    EXPECT_EQ(certificates.source(2)()->transport(), net::TlsTransport::Datagram);
    EXPECT_EQ(certificates.source(3)()->transport(), net::TlsTransport::Datagram);
    EXPECT_THAT(certificates.source(3)()->certificates(), SizeIs(2));
    EXPECT_THAT(subjects(certificates), ElementsAre("CN=one", "CN=two"));
}

TEST_F(CertificatesTest, carry_the_rule_for_the_web_server) {
    auto with_web = listener(turn::Transport::Tls, {pair("one")});
    with_web.web = config::WebBackend{.port = 80, .names = {}};
    const Certificates certificates({with_web});
    EXPECT_TRUE(certificates.source(0)()->has_web_rule());
}

TEST_F(CertificatesTest, that_cannot_be_used_are_refused_at_once_and_by_name) {
    auto broken = pair("one");
    broken.private_key = directory / "none";
    try {
        const Certificates certificates({listener(turn::Transport::Tls, {broken, broken})});
        FAIL();
    } catch (const std::invalid_argument& error) {
        const std::string line =
            "listeners: " + broken.private_key + " cannot be read: No such file or directory";
        EXPECT_EQ(std::string(error.what()), line + "\n" + line);
    }
}

TEST_F(CertificatesTest, are_renewed_when_their_files_change) {
    Certificates certificates({listener(turn::Transport::Tls, {pair("one")}),
                               listener(turn::Transport::Dtls, {pair("two")})});
    certificates.poll(now);
    const auto source = certificates.source(0);
    const auto before = source();
    const auto other = certificates.source(1)();
    const log::Capture lines;
    write("one", "renewed");
    let_settle(certificates);
    EXPECT_THAT(subjects(certificates), ElementsAre("CN=renewed", "CN=two"));
    EXPECT_NE(source(), before);
    EXPECT_EQ(before->certificates()[0].subject, "CN=one");
    EXPECT_EQ(certificates.source(1)(), other);
    EXPECT_EQ(certificates.renewals().value(), 1u);
    EXPECT_EQ(certificates.failures().value(), 0u);
    ASSERT_THAT(lines.lines(), SizeIs(1));
    EXPECT_THAT(lines.lines()[0], HasSubstr("CN=renewed"));
    EXPECT_THAT(lines.lines()[0], HasSubstr("not_after=20"));
}

TEST_F(CertificatesTest, that_are_broken_leave_the_old_ones_in_force) {
    const auto files = pair("one");
    Certificates certificates(
        {listener(turn::Transport::Tls, {files}), listener(turn::Transport::Dtls, {files})});
    certificates.poll(now);
    const auto before = certificates.source(0)();
    {
        const log::Capture lines;
        write_file(files.certificate, "rubbish");
        let_settle(certificates);
        EXPECT_EQ(certificates.source(0)(), before);
        EXPECT_EQ(certificates.failures().value(), 1u);
        ASSERT_THAT(lines.lines(), SizeIs(1));
        EXPECT_THAT(lines.lines()[0], HasSubstr("file=" + files.certificate));
        EXPECT_THAT(lines.lines()[0], HasSubstr("holds no certificate in PEM form"));
    }
    write("one", "good again");
    let_settle(certificates);
    EXPECT_THAT(subjects(certificates), ElementsAre("CN=good again"));
    EXPECT_EQ(certificates.renewals().value(), 1u);
}

TEST_F(CertificatesTest, are_read_again_on_request_without_any_change) {
    const std::vector listeners{listener(turn::Transport::Tls, {pair("one")})};
    Certificates certificates(listeners);
    const auto before = certificates.source(0)();
    certificates.reload(listeners);
    EXPECT_NE(certificates.source(0)(), before);
    EXPECT_EQ(certificates.renewals().value(), 1u);
}

TEST_F(CertificatesTest, come_from_other_files_after_a_reload) {
    Certificates certificates({listener(turn::Transport::Tls, {pair("one")})});
    certificates.reload({listener(turn::Transport::Tls, {pair("two"), pair("three")})});
    EXPECT_THAT(subjects(certificates), ElementsAre("CN=two", "CN=three"));
    certificates.poll(now);
    write("three", "renewed");
    let_settle(certificates);
    EXPECT_THAT(subjects(certificates), ElementsAre("CN=two", "CN=renewed"));
}

TEST_F(CertificatesTest, do_not_come_to_or_leave_a_listener_without_a_restart) {
    const auto files = pair("one");
    Certificates certificates(
        {listener(turn::Transport::Udp, {}), listener(turn::Transport::Udp, {files})});
    certificates.reload(
        {listener(turn::Transport::Udp, {files}), listener(turn::Transport::Udp, {})});
    EXPECT_FALSE(certificates.source(0));
    EXPECT_TRUE(certificates.source(1)());
    EXPECT_EQ(certificates.failures().value(), 0u);
    EXPECT_THAT(subjects(certificates), ElementsAre("CN=one"));
}

TEST_F(CertificatesTest, of_another_listener_are_not_taken_for_this_one) {
    Certificates certificates({listener(turn::Transport::Tls, {pair("one")})});
    auto elsewhere = listener(turn::Transport::Tls, {pair("two")});
    elsewhere.port = 443;
    certificates.reload({elsewhere});
    EXPECT_THAT(subjects(certificates), ElementsAre("CN=one"));
}

TEST_F(CertificatesTest, need_a_restart_only_where_there_were_none) {
    config::Config running;
    running.listeners = {listener(turn::Transport::Udp, {}),
                         listener(turn::Transport::Tls, {pair("one")})};
    config::Config wanted = running;
    wanted.listeners[1].certificates = {pair("two"), pair("three")};
    EXPECT_THAT(needing_restart(running, wanted), IsEmpty());
    wanted.listeners[0].certificates = {pair("one")};
    EXPECT_THAT(needing_restart(running, wanted), ElementsAre("listeners"));
}

TEST_F(CertificatesTest, without_any_count_nothing) {
    Certificates certificates({listener(turn::Transport::Udp, {})});
    certificates.reload({listener(turn::Transport::Udp, {})});
    EXPECT_EQ(certificates.renewals().value(), 0u);
    EXPECT_THAT(certificates.in_force(), IsEmpty());
}

TEST_F(CertificatesTest, that_are_wrong_are_shown_where_the_configuration_names_them) {
    const auto one = pair("one");
    const auto two = pair("two");
    const std::string text = fmt::format(R"(listeners:
  - {{ transport: tls, certificate: {0},
      private_key: {2} }}
  - transport: dtls
    certificates:
      - {{ certificate: {0}, private_key: {1} }}
      - {{ certificate: /none, private_key: {2} }}
)",
                                         one.certificate, one.private_key, two.private_key);
    const auto config = config::load_text(text, "t.yaml");
    ASSERT_TRUE(config);
    std::vector<std::string> errors;
    for (const auto& error : certificate_errors(config->listeners))
        errors.push_back(to_string(error));
    EXPECT_THAT(errors,
                ElementsAre("t.yaml:3:20: " + two.private_key +
                                " does not match the certificate in " + one.certificate,
                            "t.yaml:7:24: /none cannot be read: No such file or directory"));
}

}  // namespace
}  // namespace turnbuckle::server
