#include "turnbuckle/net/tls_context.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/certificates.hpp"
#include "unit/net/tls_client.hpp"

namespace turnbuckle::net {
namespace {

using test::exchange;
using test::TlsClient;
using test::TlsClientOptions;
using test::TlsServerSide;
using testing::HasSubstr;
using testing::StartsWith;
using turnbuckle::test::CertificateRequest;
using turnbuckle::test::make_certificate;
using turnbuckle::test::write_file;

class TlsContextTest : public testing::Test {
protected:
    CertificateFiles pair(const std::string& name, const CertificateRequest& request) {
        const auto pem = make_certificate(request);
        write_file(directory / (name + ".pem"), pem.certificate);
        write_file(directory / (name + ".key"), pem.private_key);
        return {directory / (name + ".pem"), directory / (name + ".key")};
    }
    CertificateFiles pair(const std::string& name) {
        return pair(name, {.common_name = name, .dns_names = {name}});
    }
    // The common name of the certificate that a client sees which asks for `server_name`.
    std::string shown_to(const std::shared_ptr<const TlsContext>& context,
                         const std::string& server_name) {
        TlsClient client({.server_name = server_name});
        TlsServerSide side(context);
        exchange(client, side);
        EXPECT_TRUE(client.connected()) << client.error();
        return client.server_common_name();
    }
    // Resumes `earlier`, and gives the client that did.
    std::unique_ptr<TlsClient> come_back(const TlsClient& earlier,
                                         const std::shared_ptr<const TlsContext>& context,
                                         int version, bool& resumed) {
        auto client = std::make_unique<TlsClient>(TlsClientOptions{
            .server_name = "turn.example", .version = version, .session = earlier.session()});
        TlsServerSide side(context);
        exchange(*client, side);
        EXPECT_TRUE(client->connected()) << client->error();
        resumed = side.session.resumed();
        EXPECT_EQ(SSL_session_reused(client->ssl()) == 1, resumed);
        return client;
    }

    turnbuckle::test::TemporaryDirectory directory;
};

TEST_F(TlsContextTest, shows_the_certificate_that_is_for_the_name) {
    const auto context =
        TlsContext::load(
            {.certificates =
                 {
                     pair("one.example"),
                     pair("two.example"),
                     pair("wild", {.common_name = "wild", .dns_names = {"*.three.example"}}),
                 }})
            .value();
    EXPECT_EQ(shown_to(context, "one.example"), "one.example");
    EXPECT_EQ(shown_to(context, "two.example"), "two.example");
    EXPECT_EQ(shown_to(context, "Two.Example"), "two.example");
    EXPECT_EQ(shown_to(context, "a.three.example"), "wild");
    EXPECT_EQ(shown_to(context, "three.example"), "one.example");
    EXPECT_EQ(shown_to(context, "other.example"), "one.example");
    EXPECT_EQ(shown_to(context, ""), "one.example");
}

TEST_F(TlsContextTest, chooses_among_kinds_of_keys_for_one_name_by_what_the_client_can) {
    const auto context =
        TlsContext::load({.certificates = {pair("ec", {.common_name = "ec"}),
                                           pair("rsa", {.common_name = "rsa", .rsa = true})}})
            .value();
    for (const auto& [ciphers, shown] : {std::pair{"ECDHE-RSA-AES128-GCM-SHA256", "rsa"},
                                         {"ECDHE-ECDSA-AES128-GCM-SHA256", "ec"}}) {
        for (const std::string name : {"turn.example", ""}) {
            TlsClient client({.server_name = name, .version = TLS1_2_VERSION, .ciphers = ciphers});
            TlsServerSide side(context);
            exchange(client, side);
            ASSERT_TRUE(client.connected()) << client.error();
            EXPECT_EQ(client.server_common_name(), shown);
        }
    }
}

TEST_F(TlsContextTest, sends_the_intermediates) {
    const turnbuckle::test::CertificateAuthority authority;
    const auto pem = authority.issue({});
    write_file(directory / "chain.pem", pem.certificate);
    write_file(directory / "chain.key", pem.private_key);
    TlsClient client;
    TlsServerSide side(
        TlsContext::load({.certificates = {{directory / "chain.pem", directory / "chain.key"}}})
            .value());
    exchange(client, side);
    EXPECT_EQ(sk_X509_num(SSL_get_peer_cert_chain(client.ssl())), 2);
}

TEST_F(TlsContextTest, negotiates_what_the_rfcs_ask_for_and_nothing_weak) {
    const auto context =
        TlsContext::load({.certificates = {pair("rsa", {.common_name = "rsa", .rsa = true})}})
            .value();
    const auto connects = [&](const char* ciphers) {
        TlsClient client({.version = TLS1_2_VERSION, .ciphers = ciphers});
        TlsServerSide side(context);
        exchange(client, side);
        return client.connected();
    };
    EXPECT_TRUE(connects("ECDHE-RSA-AES128-GCM-SHA256"));
    EXPECT_TRUE(connects("DHE-RSA-AES128-GCM-SHA256"));
    EXPECT_TRUE(connects("ECDHE-RSA-CHACHA20-POLY1305"));
    EXPECT_FALSE(connects("AES128-GCM-SHA256"));        // no forward secrecy
    EXPECT_FALSE(connects("ECDHE-RSA-AES128-SHA256"));  // CBC
    EXPECT_FALSE(connects("DHE-RSA-AES256-GCM-SHA384"));
}

TEST_F(TlsContextTest, resumes_sessions_by_ticket_in_both_versions) {
    const auto context = TlsContext::load({.certificates = {pair("turn.example")}}).value();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        bool resumed = true;
        TlsClient first({.server_name = "turn.example", .version = version});
        TlsServerSide side(context);
        exchange(first, side);
        ASSERT_EQ(first.tickets(), 1u);
        const auto second = come_back(first, context, version, resumed);
        EXPECT_TRUE(resumed);
        // RFC 8446 appendix C.4: a ticket should be used once, so there must be another one.
        EXPECT_EQ(second->tickets(), version == TLS1_3_VERSION ? 1u : 0u);
    }
}

TEST_F(TlsContextTest, resumes_with_a_certificate_other_than_the_first) {
    const auto context =
        TlsContext::load({.certificates = {pair("one.example"), pair("turn.example")}}).value();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        bool resumed = false;
        TlsClient first({.server_name = "turn.example", .version = version});
        TlsServerSide side(context);
        exchange(first, side);
        come_back(first, context, version, resumed);
        EXPECT_TRUE(resumed);
    }
}

TEST_F(TlsContextTest, resumes_after_a_reload_if_the_keys_are_the_same) {
    const auto keys = std::make_shared<TicketKeys>();
    const TlsOptions options{.certificates = {pair("turn.example")}, .ticket_keys = keys};
    const auto before = TlsContext::load(options).value();
    const auto after = TlsContext::load(options).value();
    const auto stranger = TlsContext::load({.certificates = options.certificates}).value();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        bool resumed = false;
        TlsClient first({.server_name = "turn.example", .version = version});
        TlsServerSide side(before);
        exchange(first, side);
        come_back(first, after, version, resumed);
        EXPECT_TRUE(resumed);
        come_back(first, stranger, version, resumed);
        EXPECT_FALSE(resumed);
    }
}

TEST_F(TlsContextTest, lives_until_its_last_session_ends) {
    auto context = TlsContext::load({.certificates = {pair("turn.example")}}).value();
    const std::weak_ptr<const TlsContext> watch = context;
    TlsClient client;
    {
        TlsServerSide side(std::move(context));
        exchange(client, side);
        client.send("still here");
        exchange(client, side);
        EXPECT_EQ(side.received, "still here");
        EXPECT_FALSE(watch.expired());
    }
    EXPECT_TRUE(watch.expired());
}

TEST_F(TlsContextTest, tells_about_all_its_certificates) {
    const auto files = pair("one.example");
    const auto context = TlsContext::load({.certificates = {files, pair("two.example")}}).value();
    ASSERT_EQ(context->certificates().size(), 2u);
    EXPECT_EQ(context->certificates()[0].file, files.certificate);
    EXPECT_EQ(context->certificates()[1].subject, "CN=two.example");
}

TEST_F(TlsContextTest, reports_everything_that_is_wrong_with_all_pairs) {
    const auto good = pair("one.example");
    const auto other = pair("two.example");
    const auto loaded = TlsContext::load({.certificates = {
                                              good,
                                              {good.certificate, other.private_key},
                                              {directory / "none.pem", directory / "none.key"},
                                          }});
    ASSERT_FALSE(loaded);
    ASSERT_EQ(loaded.error().size(), 3u);
    EXPECT_EQ(loaded.error()[0].pair, 1u);
    EXPECT_THAT(loaded.error()[0].reason, StartsWith("does not match"));
    EXPECT_EQ(loaded.error()[1].pair, 2u);
    EXPECT_EQ(loaded.error()[2].pair, 2u);
    EXPECT_TRUE(loaded.error()[2].in_private_key);
}

TEST_F(TlsContextTest, needs_a_certificate) {
    EXPECT_FALSE(TlsContext::load({.certificates = {}}));
}

TEST_F(TlsContextTest, says_why_a_certificate_is_too_weak) {
    const auto loaded =
        TlsContext::load({.certificates = {pair("weak", {.rsa = true, .rsa_bits = 1024})}});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().front().reason, "is refused by OpenSSL: ee key too small");
}

TEST_F(TlsContextTest, makes_datagram_sessions_too) {
    const auto context = TlsContext::load({.transport = TlsTransport::Datagram,
                                           .certificates = {pair("turn.example")},
                                           .web = WebRule{.names = {"x"}, .protocols = {"h2"}}})
                             .value();
    EXPECT_FALSE(context->has_web_rule());
    const SslPointer session = context->new_session();
    EXPECT_TRUE(SSL_is_dtls(session.get()));
    EXPECT_TRUE(SSL_is_server(session.get()));
}

}  // namespace
}  // namespace turnbuckle::net
