#include "turnbuckle/net/tls_session.hpp"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "support/certificates.hpp"
#include "unit/net/tls_client.hpp"

namespace turnbuckle::net {
namespace {

using test::exchange;
using test::TlsClient;
using test::TlsClientOptions;
using test::TlsServerSide;
using testing::HasSubstr;
using State = TlsSession::State;
using Bytes = std::vector<std::uint8_t>;

class TlsSessionTest : public testing::Test {
protected:
    [[nodiscard]] std::shared_ptr<const TlsContext> context(
        std::optional<WebRule> web = std::nullopt) const {
        static const turnbuckle::test::TemporaryDirectory directory;
        static const CertificateFiles files = [] {
            const auto pem = turnbuckle::test::make_certificate();
            turnbuckle::test::write_file(directory / "cert.pem", pem.certificate);
            turnbuckle::test::write_file(directory / "key.pem", pem.private_key);
            return CertificateFiles{directory / "cert.pem", directory / "key.pem"};
        }();
        return TlsContext::load({.certificates = {files}, .web = std::move(web)}).value();
    }
    [[nodiscard]] TlsServerSide server(std::optional<WebRule> web = std::nullopt) const {
        return TlsServerSide(context(std::move(web)));
    }
};

// A record that holds `body` as if it were of that type.
Bytes record(std::uint8_t type, ByteView body) {
    Bytes bytes{type, 3, 3, static_cast<std::uint8_t>(body.size() >> 8),
                static_cast<std::uint8_t>(body.size())};
    bytes.insert(bytes.end(), body.begin(), body.end());
    return bytes;
}

// Cuts the one record in `bytes` into records with `length` bytes of its body each.
Bytes in_records_of(std::size_t length, ByteView bytes) {
    Bytes all;
    for (ByteView body = bytes.subspan(5); !body.empty();) {
        const Bytes one = record(bytes[0], body.first(std::min(length, body.size())));
        all.insert(all.end(), one.begin(), one.end());
        body = body.subspan(std::min(length, body.size()));
    }
    return all;
}

TEST_F(TlsSessionTest, speaks_both_versions_and_carries_data_both_ways) {
    for (const auto& [version, name] :
         {std::pair{TLS1_2_VERSION, "TLSv1.2"}, {TLS1_3_VERSION, "TLSv1.3"}}) {
        TlsClient client({.server_name = "turn.example", .version = version});
        auto side = server();
        exchange(client, side);
        ASSERT_TRUE(client.connected()) << client.error();
        ASSERT_EQ(side.session.state(), State::Open);
        EXPECT_EQ(side.session.version(), name);
        EXPECT_EQ(side.session.server_name(), "turn.example");
        EXPECT_FALSE(side.session.resumed());

        client.send("from client to server");
        exchange(client, side);
        EXPECT_EQ(side.received, "from client to server");
        EXPECT_TRUE(side.session.write(as_bytes("and back"), side.wire));
        exchange(client, side);
        EXPECT_EQ(client.received(), "and back");
    }
}

TEST_F(TlsSessionTest, does_not_care_how_the_bytes_are_cut) {
    const std::string much(50'000, 'x');
    for (const std::size_t chunk : {1u, 2u, 5u, 7u, 1000u, 1u << 20}) {
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            TlsClient client({.version = version});
            auto side = server();
            exchange(client, side, chunk);
            ASSERT_EQ(side.session.state(), State::Open) << side.session.error();
            client.send("a");
            client.send(much);
            client.send("z");
            exchange(client, side, chunk);
            EXPECT_EQ(side.received, "a" + much + "z");
            EXPECT_EQ(side.session.held(), 0u);
        }
    }
}

TEST_F(TlsSessionTest, fills_small_buffers_in_turn) {
    TlsClient client;
    auto side = server();
    exchange(client, side);
    side.buffer_size = 3;
    client.send("0123456789");
    client.send("abcd");
    exchange(client, side);
    EXPECT_EQ(side.received, "0123456789abcd");
}

TEST_F(TlsSessionTest, writes_more_than_a_record_at_once) {
    TlsClient client;
    auto side = server();
    exchange(client, side);
    const std::string much(100'000, 'y');
    EXPECT_TRUE(side.session.write(as_bytes(much), side.wire));
    EXPECT_TRUE(side.session.write({}, side.wire));
    exchange(client, side);
    EXPECT_EQ(client.received(), much);
}

TEST_F(TlsSessionTest, cannot_write_before_it_is_open) {
    auto side = server();
    EXPECT_FALSE(side.session.write(as_bytes("early"), side.wire));
    EXPECT_TRUE(side.wire.empty());
}

TEST_F(TlsSessionTest, is_closed_by_the_client_and_may_still_write) {
    TlsClient client;
    auto side = server();
    exchange(client, side);
    client.send("last words");
    client.close();
    exchange(client, side);
    EXPECT_EQ(side.received, "last words");
    EXPECT_EQ(side.session.state(), State::Closed);
    EXPECT_TRUE(side.session.write(as_bytes("answer"), side.wire));
    exchange(client, side);
    EXPECT_EQ(client.received(), "answer");
}

TEST_F(TlsSessionTest, says_once_that_it_closes) {
    TlsClient client;
    auto side = server();
    exchange(client, side);
    side.session.close(side.wire);
    const std::size_t length = side.wire.size();
    EXPECT_GT(length, 0u);
    side.session.close(side.wire);
    EXPECT_EQ(side.wire.size(), length);
    EXPECT_FALSE(side.session.write(as_bytes("late"), side.wire));
    EXPECT_EQ(side.wire.size(), length);
    EXPECT_EQ(side.session.state(), State::Open);
    exchange(client, side);
    EXPECT_TRUE(client.closed());
}

TEST_F(TlsSessionTest, hears_what_comes_after_it_has_closed) {
    TlsClient client;
    auto side = server();
    exchange(client, side);
    client.send("crossing");
    side.session.close(side.wire);
    exchange(client, side);
    EXPECT_EQ(side.received, "crossing");
}

TEST_F(TlsSessionTest, has_nothing_to_close_before_the_handshake) {
    auto side = server();
    side.session.close(side.wire);
    EXPECT_TRUE(side.wire.empty());
}

TEST_F(TlsSessionTest, chooses_the_label_of_stun_that_the_client_offers) {
    for (const auto& [offered, chosen] :
         {std::pair<std::vector<std::string>, std::string>{{"stun.turn"}, "stun.turn"},
          {{"stun.nat-discovery"}, "stun.nat-discovery"},
          {{"h2", "stun.nat-discovery", "stun.turn"}, "stun.nat-discovery"},
          {{}, ""}}) {
        TlsClient client({.alpn = offered});
        auto side = server();
        exchange(client, side);
        EXPECT_EQ(side.session.state(), State::Open);
        EXPECT_EQ(side.session.alpn(), chosen);
        EXPECT_EQ(client.alpn(), chosen);
    }
}

TEST_F(TlsSessionTest, refuses_protocols_that_it_does_not_speak) {
    TlsClient client({.alpn = {"h2", "http/1.1"}});
    auto side = server();
    exchange(client, side);
    EXPECT_EQ(side.session.state(), State::Failed);
    EXPECT_THAT(client.error(), HasSubstr("no application protocol"));
}

TEST_F(TlsSessionTest, refuses_old_versions_with_an_alert) {
    TlsClient client({.version = TLS1_1_VERSION});
    auto side = server();
    exchange(client, side);
    EXPECT_EQ(side.session.state(), State::Failed);
    EXPECT_EQ(side.session.error(), "unsupported protocol");
    EXPECT_THAT(client.error(), HasSubstr("alert protocol version"));
}

TEST_F(TlsSessionTest, follows_key_updates_both_ways) {
    TlsClient client({.version = TLS1_3_VERSION});
    auto side = server();
    exchange(client, side);
    for (int i = 0; i < 3; ++i) {
        SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED);
        client.send("x");
        exchange(client, side);
        EXPECT_TRUE(side.session.write(as_bytes("y"), side.wire));
        exchange(client, side);
    }
    EXPECT_EQ(side.received, "xxx");
    EXPECT_EQ(client.received(), "yyy");
}

TEST_F(TlsSessionTest, survives_a_hello_retry) {
    TlsClient client({.version = TLS1_3_VERSION, .groups = "P-521:P-256"});
    auto side = server();
    exchange(client, side, 1);
    EXPECT_EQ(side.session.state(), State::Open) << side.session.error();
}

TEST_F(TlsSessionTest, takes_a_client_hello_spread_over_records) {
    for (const std::size_t chunk : {1u, 1u << 20}) {
        TlsClient client;
        auto side = server();
        const Bytes hello = in_records_of(5, client.outgoing());
        for (ByteView rest = hello; !rest.empty();
             rest = rest.subspan(std::min(chunk, rest.size())))
            side.input(rest.first(std::min(chunk, rest.size())));
        exchange(client, side);
        EXPECT_EQ(side.session.state(), State::Open) << side.session.error();
    }
}

TEST_F(TlsSessionTest, costs_a_trickling_client_what_it_sent) {
    TlsClient client;
    auto side = server();
    const Bytes hello = client.outgoing();
    for (const std::uint8_t byte : ByteView(hello).first(hello.size() - 1))
        side.input({&byte, 1});
    EXPECT_EQ(side.session.state(), State::Handshaking);
    EXPECT_TRUE(side.wire.empty());
    EXPECT_LE(side.session.held(), 2 * hello.size());
    side.input(ByteView(hello).last(1));
    EXPECT_EQ(side.session.held(), 0u);
    EXPECT_FALSE(side.wire.empty());
}

TEST_F(TlsSessionTest, does_not_wait_for_what_cannot_be_a_hello) {
    const Bytes huge = {22, 3, 1, 0, 4, 1, 1, 0, 0};  // a ClientHello of 65,536 bytes
    const Bytes other = {22, 3, 1, 0, 4, 2, 0, 0, 4};
    const Bytes empty = {22, 3, 1, 0, 0};
    const Bytes stun = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
    const Bytes http = {'G', 'E', 'T', ' ', '/', ' '};
    const Bytes alert = {21, 3, 1, 0, 2, 2, 40};
    const Bytes old = {0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0};  // SSL 2's
    for (const Bytes& bytes : {huge, other, empty, stun, http, alert, old}) {
        auto side = server();
        side.input(bytes);
        EXPECT_EQ(side.session.state(), State::Failed) << int{bytes[0]};
        EXPECT_EQ(side.session.error(), "no TLS ClientHello");
        EXPECT_TRUE(side.wire.empty());
        EXPECT_EQ(side.session.held(), 0u);
    }
}

TEST_F(TlsSessionTest, gives_up_on_a_hello_in_too_many_records) {
    TlsClient client;
    auto side = server();
    Bytes hello = client.outgoing();
    hello[7] = 0x3f;  // says that it is much longer
    side.input(in_records_of(1, hello));
    EXPECT_EQ(side.session.state(), State::Failed);
}

TEST_F(TlsSessionTest, answers_broken_records_with_an_alert) {
    for (const Bytes& bytes : {Bytes{23, 3, 3, 0xff, 0xff}, Bytes{99, 3, 3, 0, 1, 0},
                               Bytes{23, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                                     9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}}) {
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            TlsClient client({.version = version});
            auto side = server();
            exchange(client, side);
            side.input(bytes);
            EXPECT_EQ(side.session.state(), State::Failed);
            EXPECT_NE(side.session.error(), "");
            exchange(client, side);
            EXPECT_THAT(client.error(), HasSubstr("alert")) << side.session.error();
        }
    }
}

TEST_F(TlsSessionTest, cannot_be_kept_busy_with_records_that_carry_nothing) {
    TlsClient client({.version = TLS1_3_VERSION});
    auto side = server();
    exchange(client, side);
    unsigned sent = 0;
    while (side.session.state() == State::Open && sent < 1000) {
        SSL_key_update(client.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED);
        SSL_do_handshake(client.ssl());
        side.input(client.outgoing());
        ++sent;
    }
    EXPECT_EQ(sent, TlsSession::kMaxIdleRecords + 1);
    EXPECT_EQ(side.session.error(), "too many records without data");
}

TEST_F(TlsSessionTest, lets_data_between_them_excuse_such_records) {
    TlsClient client({.version = TLS1_3_VERSION});
    auto side = server();
    exchange(client, side);
    for (unsigned i = 0; i < 2 * TlsSession::kMaxIdleRecords; ++i) {
        SSL_key_update(client.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED);
        client.send("x");
        side.input(client.outgoing());
    }
    EXPECT_EQ(side.session.state(), State::Open);
    EXPECT_EQ(side.received.size(), 2 * TlsSession::kMaxIdleRecords);
}

TEST_F(TlsSessionTest, refuses_renegotiation) {
    TlsClient client({.version = TLS1_2_VERSION});
    auto side = server();
    exchange(client, side);
    SSL_renegotiate(client.ssl());
    SSL_do_handshake(client.ssl());
    side.input(client.outgoing());
    exchange(client, side);
    EXPECT_NE(client.error(), "");
}

TEST_F(TlsSessionTest, keeps_its_errors_to_itself) {
    auto broken = server();
    TlsClient one;
    exchange(one, broken);
    broken.input(Bytes{23, 3, 3, 0xff, 0xff});
    ASSERT_EQ(broken.session.state(), State::Failed);
    EXPECT_EQ(ERR_peek_error(), 0u);

    auto good = server();
    TlsClient two;
    exchange(two, good);
    EXPECT_EQ(good.session.state(), State::Open);
    two.send("fine");
    good.input(two.outgoing());
    EXPECT_EQ(good.received, "fine");
    EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST_F(TlsSessionTest, does_not_take_anothers_error_for_its_own) {
    TlsClient client;
    auto side = server();
    exchange(client, side);
    client.close();
    const Bytes farewell = client.outgoing();
    ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);  // left behind by another part of the process
    side.input(farewell);
    EXPECT_EQ(side.session.state(), State::Closed) << side.session.error();
}

TEST_F(TlsSessionTest, moves_to_another_thread_between_calls) {
    TlsClient client;
    auto side = server();
    exchange(client, side);
    client.send("one");
    exchange(client, side);
    std::thread([&] {
        TlsServerSide moved = std::move(side);
        client.send("two");
        exchange(client, moved);
        EXPECT_EQ(moved.received, "onetwo");
        EXPECT_EQ(moved.session.state(), State::Open);
    }).join();
}

TEST_F(TlsSessionTest, hands_a_web_servers_clients_over_untouched) {
    const WebRule rule{.names = {"www.example"}, .protocols = {"h2", "http/1.1"}};
    for (const TlsClientOptions& options :
         {TlsClientOptions{.server_name = "WWW.example"},
          TlsClientOptions{.server_name = "www.example", .alpn = {"stun.turn"}},
          TlsClientOptions{.server_name = "turn.example", .alpn = {"spdy", "http/1.1"}}}) {
        for (const std::size_t chunk : {1u, 100u, 1u << 20}) {
            TlsClient client(options);
            auto side = server(rule);
            Bytes hello = client.outgoing();
            hello.push_back(0xaa);  // something that came with it
            for (ByteView rest = hello; !rest.empty();
                 rest = rest.subspan(std::min(chunk, rest.size())))
                if (side.session.state() == State::Handshaking)
                    side.input(rest.first(std::min(chunk, rest.size())));
            EXPECT_EQ(side.session.state(), State::PassThrough);
            EXPECT_TRUE(side.wire.empty());
            if (chunk == 1) hello.pop_back();  // which has not been shown to the session
            EXPECT_EQ(Bytes(side.session.raw().begin(), side.session.raw().end()), hello);
        }
    }
}

TEST_F(TlsSessionTest, keeps_the_clients_that_are_its_own) {
    const WebRule rule{.names = {"www.example"}, .protocols = {"h2"}};
    for (const TlsClientOptions& options :
         {TlsClientOptions{}, TlsClientOptions{.server_name = "turn.example"},
          TlsClientOptions{.server_name = "turn.example", .alpn = {"h2", "stun.turn"}}}) {
        TlsClient client(options);
        auto side = server(rule);
        exchange(client, side);
        EXPECT_EQ(side.session.state(), State::Open);
        EXPECT_TRUE(side.session.raw().empty());
    }
}

TEST_F(TlsSessionTest, refuses_what_neither_it_nor_the_web_server_speaks) {
    TlsClient client({.alpn = {"imap"}});
    auto side = server(WebRule{.names = {}, .protocols = {"h2"}});
    exchange(client, side);
    EXPECT_EQ(side.session.state(), State::Failed);
    EXPECT_THAT(client.error(), HasSubstr("no application protocol"));
}

}  // namespace
}  // namespace turnbuckle::net
