#include "turnbuckle/net/dtls_acceptor.hpp"

#include <malloc.h>

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "turnbuckle/net/dtls_hello.hpp"

#include "support/dtls_client.hpp"
#include "support/wall_clock.hpp"

namespace turnbuckle::net {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::datagrams_of;
using test::DtlsClient;
using testing::IsEmpty;
using testing::SizeIs;

const Endpoint kAddress{IpAddress::v4(192, 0, 2, 1), 40000};
const Endpoint kElsewhere{IpAddress::v4(192, 0, 2, 2), 40000};
const Endpoint kServer{IpAddress::v4(198, 51, 100, 1), 5349};

class DtlsAcceptorTest : public testing::Test {
protected:
    static const std::shared_ptr<const TlsContext>& context() {
        static const auto made = test::make_dtls_context();
        return made;
    }

    std::unique_ptr<DtlsSession> receive(const Bytes& datagram, const Endpoint& from = kAddress) {
        wire_.clear();
        return acceptor_.receive(datagram, from, kServer, now_, wire_);
    }

    // The client's second ClientHello, which carries the cookie.
    Bytes hello_with_cookie() {
        const Bytes first = client_.start().at(0);
        EXPECT_EQ(receive(first), nullptr);
        return client_.receive(datagrams_of(wire_).at(0)).at(0);
    }

    turnbuckle::test::StoppedWallClock wall_clock_;
    Time now_{1h};
    DtlsCookies cookies_{Secret(std::string(DtlsCookies::kMasterKeyLength, 'k'))};
    DtlsAcceptor acceptor_{context(), cookies_};
    DatagramBatch wire_;
    DtlsClient client_;
};

TEST_F(DtlsAcceptorTest, asks_for_a_cookie_with_less_than_it_was_sent) {
    const Bytes hello = client_.start().at(0);
    EXPECT_EQ(receive(hello), nullptr);
    ASSERT_THAT(wire_.sizes, SizeIs(1));
    // Record and message header, version, length and cookie, and not a byte more.
    EXPECT_EQ(wire_.bytes.size(), 13 + 12 + 2 + 1 + DtlsCookies::kLength);
    EXPECT_LT(wire_.bytes.size(), hello.size());
    // RFC 6347 section 4.2.1: a HelloVerifyRequest carries its request's record sequence number.
    EXPECT_TRUE(std::equal(hello.begin() + 5, hello.begin() + 11, wire_.bytes.begin() + 5));
}

TEST_F(DtlsAcceptorTest, answers_the_smallest_hello_with_less_as_well) {
    // No extensions, one cipher suite, and of the message only what the first fragment must hold.
    Bytes hello{22, 0xfe, 0xfd, 0,  0, 0, 0, 0, 0, 0, 0, 0, 48,  //
                1,  0,    0,    42, 0, 0, 0, 0, 0, 0, 0, 36};
    hello.insert(hello.end(), {0xfe, 0xfd});
    hello.resize(hello.size() + 32, 0x55);
    hello.insert(hello.end(), {0, 0});
    ASSERT_TRUE(parse_dtls_hello(hello));
    EXPECT_EQ(receive(hello), nullptr);
    EXPECT_THAT(wire_.sizes, SizeIs(1));
    EXPECT_LT(wire_.bytes.size(), hello.size());
}

TEST_F(DtlsAcceptorTest, makes_a_session_of_a_hello_with_a_good_cookie) {
    const Bytes hello = hello_with_cookie();
    const auto session = receive(hello);
    ASSERT_NE(session, nullptr);
    EXPECT_EQ(session->state(), DtlsState::Handshaking);
    EXPECT_EQ(session->deadline(), now_ + 1s);
    EXPECT_TRUE(session->began_with(*parse_dtls_hello(hello)));
    EXPECT_THAT(wire_.sizes, testing::Not(IsEmpty()));
}

TEST_F(DtlsAcceptorTest, serves_one_client_after_the_other) {
    for (int i = 0; i < 3; ++i) {
        client_.restart();
        EXPECT_NE(receive(hello_with_cookie()), nullptr);
    }
}

TEST_F(DtlsAcceptorTest, keeps_clients_apart_that_come_at_the_same_time) {
    DtlsClient other;
    const Bytes first = client_.start().at(0);
    const Bytes second = other.start().at(0);
    receive(first);
    const Bytes answer_to_first = datagrams_of(wire_).at(0);
    receive(second, kElsewhere);
    const Bytes answer_to_second = datagrams_of(wire_).at(0);
    EXPECT_NE(receive(client_.receive(answer_to_first).at(0)), nullptr);
    EXPECT_NE(receive(other.receive(answer_to_second).at(0), kElsewhere), nullptr);
}

TEST_F(DtlsAcceptorTest, asks_again_for_a_cookie_that_was_stolen_forged_or_is_old) {
    const Bytes hello = hello_with_cookie();
    EXPECT_EQ(receive(hello, kElsewhere), nullptr);
    EXPECT_THAT(wire_.sizes, SizeIs(1));

    Bytes forged = hello;
    const auto cookie = parse_dtls_hello(hello)->cookie;
    ASSERT_THAT(cookie, SizeIs(DtlsCookies::kLength));
    forged[static_cast<std::size_t>(cookie.data() - hello.data()) + 5] ^= 1;
    EXPECT_EQ(receive(forged), nullptr);
    EXPECT_THAT(wire_.sizes, SizeIs(1));

    // The cookie of one ClientHello in another.
    Bytes other_random = hello;
    other_random[13 + 12 + 2] ^= 1;
    EXPECT_EQ(receive(other_random), nullptr);

    now_ += 3min;
    EXPECT_EQ(receive(hello), nullptr);
    EXPECT_THAT(wire_.sizes, SizeIs(1));
}

TEST_F(DtlsAcceptorTest, answers_nothing_else) {
    const Bytes hello = client_.start().at(0);
    for (std::size_t n = 0; n < hello.size(); ++n) {
        EXPECT_EQ(receive(Bytes(hello.begin(), hello.begin() + static_cast<long>(n))), nullptr);
        EXPECT_THAT(wire_.sizes, IsEmpty()) << n;
    }
    for (const int type : {20, 21, 23, 24, 25, 63}) {
        Bytes other = hello;
        other[0] = static_cast<std::uint8_t>(type);
        receive(other);
        EXPECT_THAT(wire_.sizes, IsEmpty()) << type;
    }
    Bytes epoch = hello;
    epoch[4] = 1;
    receive(epoch);
    EXPECT_THAT(wire_.sizes, IsEmpty());
    Bytes server_hello = hello;
    server_hello[13] = 2;
    receive(server_hello);
    EXPECT_THAT(wire_.sizes, IsEmpty());
    receive(Bytes(1200, 22));
    EXPECT_THAT(wire_.sizes, IsEmpty());
}

TEST_F(DtlsAcceptorTest, never_answers_a_changed_hello_with_more_than_it) {
    const Bytes hello = client_.start().at(0);
    for (std::size_t i = 0; i < hello.size(); ++i) {
        for (const int bit : {0, 3, 7}) {
            Bytes changed = hello;
            changed[i] ^= static_cast<std::uint8_t>(1 << bit);
            EXPECT_EQ(receive(changed), nullptr);
            EXPECT_LE(wire_.sizes.size(), 1u);
            EXPECT_LT(wire_.bytes.size(), changed.size());
        }
    }
}

TEST_F(DtlsAcceptorTest, remembers_nobody) {
    const Bytes hello = client_.start().at(0);
    const auto flood = [&] {
        for (std::uint32_t i = 0; i < 2000; ++i) {
            const Endpoint from{IpAddress::v4(10, 0, static_cast<std::uint8_t>(i >> 8),
                                              static_cast<std::uint8_t>(i)),
                                1024};
            receive(hello, from);
        }
    };
    flood();
    const std::size_t before = mallinfo2().uordblks;
    flood();
    EXPECT_EQ(mallinfo2().uordblks, before);
}

}  // namespace
}  // namespace turnbuckle::net
