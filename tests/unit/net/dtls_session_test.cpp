#include "turnbuckle/net/dtls_session.hpp"

#include <malloc.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "turnbuckle/net/dtls_acceptor.hpp"

#include "support/dtls_client.hpp"
#include "support/wall_clock.hpp"

namespace turnbuckle::net {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::datagrams_of;
using test::DtlsClient;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;
using Datagrams = std::vector<Bytes>;

const Endpoint kAddress{IpAddress::v4(192, 0, 2, 1), 40000};
const Endpoint kServer{IpAddress::v4(198, 51, 100, 1), 5349};

Bytes text(std::string_view words) {
    const ByteView view = as_bytes(words);
    return {view.begin(), view.end()};
}

class DtlsSessionTest : public testing::Test {
protected:
    // One certificate for all: what it says is of no interest here.
    static const std::shared_ptr<const TlsContext>& context() {
        static const auto made = test::make_dtls_context();
        return made;
    }

    // The server's whole side of the tests: a ClientHello goes to the acceptor, the rest to the
    // session.
    Datagrams to_server(const Bytes& datagram) {
        wire_.clear();
        plaintext_.clear();
        if (!session_) {
            session_ = acceptor_.receive(datagram, kAddress, kServer, now_, wire_);
        } else {
            session_->receive(datagram, now_, plaintext_, wire_);
        }
        for (Bytes& said : datagrams_of(plaintext_))
            heard_.push_back(std::move(said));
        return datagrams_of(wire_);
    }

    Datagrams to_server(const Datagrams& datagrams) {
        Datagrams answers;
        for (const Bytes& datagram : datagrams)
            for (Bytes& answer : to_server(datagram))
                answers.push_back(std::move(answer));
        return answers;
    }

    Datagrams to_client(const Datagrams& datagrams) {
        Datagrams answers;
        for (const Bytes& datagram : datagrams)
            for (Bytes& answer : client_.receive(datagram))
                answers.push_back(std::move(answer));
        return answers;
    }

    // Plays on without loss until neither has more to say.
    void converse(Datagrams from_client) {
        while (!from_client.empty())
            from_client = to_client(to_server(from_client));
    }

    void open() {
        converse(client_.start());
        ASSERT_TRUE(session_);
        ASSERT_EQ(session_->state(), DtlsState::Open) << session_->failure();
        ASSERT_TRUE(client_.is_open());
    }

    Datagrams say(const Bytes& plaintext) {
        wire_.clear();
        EXPECT_EQ(session_->write(plaintext, wire_), DtlsWriteResult::Written);
        return datagrams_of(wire_);
    }

    Datagrams server_timeout() {
        wire_.clear();
        session_->on_timeout(now_, wire_);
        return datagrams_of(wire_);
    }

    void advance(Duration by) {
        now_ += by;
        wall_clock_.advance(by);
    }

    turnbuckle::test::StoppedWallClock wall_clock_;
    Time now_{1h};
    DtlsCookies cookies_{Secret(std::string(DtlsCookies::kMasterKeyLength, 'k'))};
    DtlsAcceptor acceptor_{context(), cookies_};
    DatagramBatch wire_;
    DatagramBatch plaintext_;
    std::unique_ptr<DtlsSession> session_;
    DtlsClient client_;
    Datagrams heard_;
};

TEST_F(DtlsSessionTest, opens_and_carries_datagrams_both_ways) {
    open();

    EXPECT_STREQ(SSL_get_version(client_.ssl()), "DTLSv1.2");
    EXPECT_EQ(session_->deadline(), std::nullopt);

    to_server(client_.write(text("ping")));
    EXPECT_THAT(heard_, ElementsAre(text("ping")));
    const Datagrams answer = say(text("pong"));
    EXPECT_THAT(answer, SizeIs(1));
    to_client(answer);
    EXPECT_THAT(client_.take_plaintext(), ElementsAre(text("pong")));
}

TEST_F(DtlsSessionTest, keeps_the_boundaries_of_datagrams_that_share_one) {
    open();
    Bytes joined;
    for (const std::string_view words : {"one", "two", "three"})
        for (const Bytes& record : client_.write(text(words)))
            joined.insert(joined.end(), record.begin(), record.end());
    to_server(joined);
    EXPECT_THAT(heard_, ElementsAre(text("one"), text("two"), text("three")));
}

TEST_F(DtlsSessionTest, fits_every_flight_into_the_mtu) {
    Datagrams from_client = client_.start();
    while (!from_client.empty()) {
        const Datagrams answers = to_server(from_client);
        for (const Bytes& answer : answers)
            EXPECT_LE(answer.size(), kDefaultDtlsMtu);
        from_client = to_client(answers);
    }
    EXPECT_EQ(session_->state(), DtlsState::Open);
}

TEST_F(DtlsSessionTest, cuts_messages_to_a_small_mtu) {
    DtlsAcceptor small(context(), cookies_, 300);
    const Bytes with_cookie = to_client(to_server(client_.start()))[0];
    wire_.clear();
    session_ = small.receive(with_cookie, kAddress, kServer, now_, wire_);
    ASSERT_TRUE(session_);
    const Datagrams flight = datagrams_of(wire_);
    EXPECT_GT(flight.size(), 2u);
    for (const Bytes& datagram : flight)
        EXPECT_LE(datagram.size(), 300u);
    converse(to_client(flight));
    EXPECT_EQ(session_->state(), DtlsState::Open);
}

TEST_F(DtlsSessionTest, carries_the_largest_record_and_refuses_more) {
    open();
    const Bytes largest(DtlsSession::kMaxPlaintext, 7);
    const Datagrams sent = say(largest);
    ASSERT_THAT(sent, SizeIs(1));
    EXPECT_LE(sent[0].size(), largest.size() + DtlsSession::kMaxOverhead);
    to_client(sent);
    EXPECT_THAT(client_.take_plaintext(), ElementsAre(largest));
    to_server(client_.write(largest));
    EXPECT_THAT(heard_, ElementsAre(largest));

    wire_.clear();
    EXPECT_EQ(session_->write(Bytes(largest.size() + 1), wire_), DtlsWriteResult::TooLong);
    EXPECT_THAT(wire_.sizes, IsEmpty());
    EXPECT_EQ(session_->state(), DtlsState::Open);
}

TEST_F(DtlsSessionTest, writes_nothing_before_it_is_open) {
    to_server(to_client(to_server(client_.start())));
    ASSERT_TRUE(session_);
    wire_.clear();
    EXPECT_EQ(session_->write(text("early"), wire_), DtlsWriteResult::NotOpen);
    EXPECT_THAT(wire_.bytes, IsEmpty());
    EXPECT_EQ(session_->state(), DtlsState::Handshaking);
}

TEST_F(DtlsSessionTest, repeats_its_flight_when_the_timer_runs_out_and_waits_longer_each_time) {
    const Datagrams flight = to_server(to_client(to_server(client_.start())));  // lost
    ASSERT_TRUE(session_);
    ASSERT_THAT(flight, testing::Not(IsEmpty()));
    Datagrams again;
    Duration timer = 1s;
    for (int i = 0; i < 4; ++i, timer *= 2) {
        ASSERT_EQ(session_->deadline(), now_ + timer);
        advance(timer - 20ms);
        EXPECT_THAT(server_timeout(), IsEmpty());
        advance(20ms);
        again = server_timeout();
        EXPECT_THAT(again, testing::Not(IsEmpty()));
        for (const Bytes& datagram : again)
            EXPECT_LE(datagram.size(), kDefaultDtlsMtu);
    }
    converse(to_client(again));
    EXPECT_EQ(session_->state(), DtlsState::Open);
    EXPECT_TRUE(client_.is_open());
}

TEST_F(DtlsSessionTest, gives_up_after_many_timeouts) {
    to_server(to_client(to_server(client_.start())));
    int flights = 0;
    for (int i = 0; i < 100 && session_->state() == DtlsState::Handshaking; ++i) {
        advance(60s);
        flights += server_timeout().empty() ? 0 : 1;
    }
    EXPECT_EQ(session_->state(), DtlsState::Failed);
    EXPECT_LE(flights, 12);
    EXPECT_EQ(session_->deadline(), std::nullopt);
}

TEST_F(DtlsSessionTest, opens_whatever_datagram_is_lost) {
    // The n-th datagram of the whole conversation is lost, for each n.
    for (std::size_t lost = 0; lost < 12; ++lost) {
        session_.reset();
        client_.restart();
        std::size_t number = 0;
        const auto through_loss = [&](Datagrams datagrams) {
            std::erase_if(datagrams, [&](const Bytes&) { return number++ == lost; });
            return datagrams;
        };
        Datagrams from_client = through_loss(client_.start());
        for (int round = 0; round < 8; ++round) {
            while (!from_client.empty())
                from_client = through_loss(to_client(through_loss(to_server(from_client))));
            advance(2s);
            if (session_) from_client = through_loss(to_client(through_loss(server_timeout())));
            for (Bytes& again : through_loss(client_.on_timeout()))
                from_client.push_back(std::move(again));
        }
        ASSERT_TRUE(session_) << lost;
        EXPECT_EQ(session_->state(), DtlsState::Open) << lost;
        EXPECT_TRUE(client_.is_open()) << lost;
    }
}

TEST_F(DtlsSessionTest, opens_when_every_flight_arrives_backwards_and_twice) {
    const auto shuffled = [](Datagrams datagrams) {
        std::ranges::reverse(datagrams);
        const Datagrams copy = datagrams;
        datagrams.insert(datagrams.end(), copy.begin(), copy.end());
        return datagrams;
    };
    DtlsAcceptor small(context(), cookies_, 300);
    const Bytes with_cookie = to_client(to_server(client_.start()))[0];
    wire_.clear();
    session_ = small.receive(with_cookie, kAddress, kServer, now_, wire_);
    Datagrams from_client = to_client(shuffled(datagrams_of(wire_)));
    for (int round = 0; round < 6; ++round) {
        while (!from_client.empty())
            from_client = to_client(shuffled(to_server(shuffled(from_client))));
        advance(4s);
        from_client = to_client(shuffled(server_timeout()));
        for (Bytes& again : shuffled(client_.on_timeout()))
            from_client.push_back(std::move(again));
    }
    EXPECT_EQ(session_->state(), DtlsState::Open);
    EXPECT_TRUE(client_.is_open());
}

TEST_F(DtlsSessionTest, drops_corrupted_truncated_and_replayed_records_in_silence) {
    open();
    const Bytes record = client_.write(text("whole"))[0];
    for (std::size_t i = 0; i < record.size(); ++i) {
        for (const std::uint8_t flip : {std::uint8_t{1}, std::uint8_t{0x80}}) {
            Bytes corrupted = record;
            corrupted[i] ^= flip;
            EXPECT_THAT(to_server(corrupted), IsEmpty()) << i;
        }
        EXPECT_THAT(to_server(Bytes(record.begin(), record.begin() + static_cast<long>(i))),
                    IsEmpty());
    }
    EXPECT_THAT(heard_, IsEmpty());
    to_server(record);
    to_server(record);
    EXPECT_THAT(heard_, ElementsAre(text("whole")));
    EXPECT_EQ(session_->state(), DtlsState::Open);
}

TEST_F(DtlsSessionTest, takes_records_in_any_order) {
    open();
    const Bytes first = client_.write(text("first"))[0];
    const Bytes second = client_.write(text("second"))[0];
    to_server(second);
    to_server(first);
    EXPECT_THAT(heard_, ElementsAre(text("second"), text("first")));
}

TEST_F(DtlsSessionTest, ignores_what_anybody_can_forge_once_it_is_open) {
    open();
    // A fatal alert, a handshake message, application data and garbage, all in the clear.
    for (const Bytes& forged : {Bytes{21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40},
                                Bytes{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 1, 1},
                                Bytes{23, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 1, 1},
                                Bytes{20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 1, 1},
                                Bytes(1500, 0x17), Bytes{22}, Bytes{}}) {
        EXPECT_THAT(to_server(forged), IsEmpty());
    }
    EXPECT_EQ(session_->state(), DtlsState::Open);
    to_server(client_.write(text("still here")));
    EXPECT_THAT(heard_, ElementsAre(text("still here")));
}

TEST_F(DtlsSessionTest, repeats_its_last_flight_for_a_client_that_missed_it) {
    const Datagrams client_flight = to_client(to_server(to_client(to_server(client_.start()))));
    EXPECT_THAT(to_server(client_flight), SizeIs(Le(2u)));  // lost
    ASSERT_EQ(session_->state(), DtlsState::Open);
    advance(1s);
    converse(client_.on_timeout());
    EXPECT_TRUE(client_.is_open());
}

TEST_F(DtlsSessionTest, ends_with_the_clients_close_notify) {
    open();
    to_client(to_server(client_.close()));
    EXPECT_EQ(session_->state(), DtlsState::Closed);
    EXPECT_TRUE(client_.was_closed());
    wire_.clear();
    EXPECT_EQ(session_->write(text("late"), wire_), DtlsWriteResult::NotOpen);
    session_->close(wire_);
    EXPECT_EQ(session_->state(), DtlsState::Closed);
}

TEST_F(DtlsSessionTest, tells_the_client_when_it_closes) {
    open();
    wire_.clear();
    session_->close(wire_);
    EXPECT_EQ(session_->state(), DtlsState::Closed);
    to_client(datagrams_of(wire_));
    EXPECT_TRUE(client_.was_closed());
    EXPECT_THAT(to_server(Bytes(20, 23)), IsEmpty());
}

TEST_F(DtlsSessionTest, closes_without_a_word_before_it_is_open) {
    to_server(to_client(to_server(client_.start())));
    wire_.clear();
    session_->close(wire_);
    EXPECT_EQ(session_->state(), DtlsState::Closed);
    EXPECT_EQ(session_->deadline(), std::nullopt);
}

TEST_F(DtlsSessionTest, fails_with_a_client_that_has_nothing_in_common_with_it) {
    SSL_set_cipher_list(client_.ssl(), "AES128-SHA");
    to_server(to_client(to_server(client_.start())));
    ASSERT_TRUE(session_);
    EXPECT_EQ(session_->state(), DtlsState::Failed);
    EXPECT_EQ(session_->failure(), "no shared cipher");
}

TEST_F(DtlsSessionTest, refuses_renegotiation_and_stays) {
    open();
    DatagramBatch wire;
    const DatagramSpan span(SSL_get_rbio(client_.ssl()), {}, wire, DtlsClient::kMtu);
    SSL_renegotiate(client_.ssl());
    SSL_do_handshake(client_.ssl());
    for (const Bytes& hello : datagrams_of(wire))
        to_server(hello);
    EXPECT_EQ(session_->state(), DtlsState::Open);
}

TEST_F(DtlsSessionTest, costs_little_memory) {
    // OpenSSL's own default is about 70 KiB: two record buffers of 16 KiB besides one for the
    // handshake, which cannot be given back. Sanitizers do not tell, and pass.
    constexpr std::size_t kSessions = 50;
    std::vector<std::unique_ptr<DtlsSession>> sessions;
    open();
    const std::size_t before = mallinfo2().uordblks;
    for (std::size_t i = 0; i < kSessions; ++i) {
        session_.reset();
        client_.restart();
        open();
        sessions.push_back(std::move(session_));
    }
    const std::size_t open_size = (mallinfo2().uordblks - before) / kSessions;
    EXPECT_LT(open_size, 40'000u);

    session_.reset();
    client_.restart();
    const Bytes hello = to_client(to_server(client_.start()))[0];
    const std::size_t before_half = mallinfo2().uordblks;
    to_server(hello);
    ASSERT_EQ(session_->state(), DtlsState::Handshaking);
    const std::size_t half_size = mallinfo2().uordblks - before_half;
    EXPECT_LT(half_size, 40'000u);
}

}  // namespace
}  // namespace turnbuckle::net
