#include "turnbuckle/net/stream_pair.hpp"

#include <sys/resource.h>

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "support/certificates.hpp"
#include "support/deterministic_random.hpp"
#include "unit/net/tcp_ends.hpp"
#include "unit/net/tls_client.hpp"

namespace turnbuckle::net {
namespace {

using namespace std::chrono_literals;
using test::End;
using test::read_some;
using test::TcpEnds;
using test::write_some;
using Bytes = std::vector<std::uint8_t>;
using Side = StreamPair::Side;
using State = StreamPair::State;

Bytes noise(std::size_t size) {
    Bytes bytes(size);
    turnbuckle::test::DeterministicRandom(7).fill(bytes);
    return bytes;
}

class StreamPairTest : public testing::Test {
protected:
    // A member, because the sanitizer's first look at this object takes a pipe of its own.
    rlimit leave_no_descriptors() {
        rlimit before{};
        EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
        const rlimit none{.rlim_cur = 3, .rlim_max = before.rlim_max};
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
        return before;
    }

    static constexpr std::uint64_t kClientToken = 1;
    static constexpr std::uint64_t kPeerToken = 2;

    void start(std::unique_ptr<TlsSession> tls = nullptr, ByteView first_to_peer = {},
               ByteView first_on_wire = {}) {
        pair_ =
            std::make_unique<StreamPair>(poller_, pipes_, std::move(client_.inner), kClientToken,
                                         std::move(peer_.inner), kPeerToken, std::move(tls));
        pair_->put_first_to_peer(first_to_peer);
        pair_->put_first_on_client_wire(first_on_wire);
        state_ = pair_->start();
    }

    // One wait; how many events came of it.
    std::size_t turn(Duration wait) {
        const auto ready = poller_.wait(wait);
        for (const auto& each : ready)
            if (state_ == State::Open)
                state_ = pair_->serve(each.token == kClientToken ? Side::Client : Side::Peer, each);
        return ready.size();
    }

    [[nodiscard]] bool until(const std::function<bool()>& done) {
        const Time deadline = monotonic_now() + 10s;
        while (!done()) {
            if (monotonic_now() > deadline) return false;
            turn(1ms);
        }
        return true;
    }

    // Everything that arrives at this end, until it has that many bytes or its stream ends.
    [[nodiscard]] Bytes arrives(int fd, std::size_t count) {
        Bytes got;
        EXPECT_TRUE(until([&] { return read_some(fd, got) != End::None || got.size() >= count; }));
        return got;
    }

    [[nodiscard]] End end_of(int fd) {
        End end = End::None;
        Bytes ignored;
        EXPECT_TRUE(until([&] { return (end = read_some(fd, ignored)) != End::None; }));
        return end;
    }

    Poller poller_;
    PipePool pipes_;
    TcpEnds client_;
    TcpEnds peer_;
    std::unique_ptr<StreamPair> pair_;
    State state_ = State::Open;
};

TEST_F(StreamPairTest, passes_bytes_on_in_both_directions_and_counts_them) {
    start();
    write_some(client_.outer.get(), as_bytes("from the client"));
    EXPECT_EQ(as_text(arrives(peer_.outer.get(), 15)), "from the client");
    write_some(peer_.outer.get(), as_bytes("and back"));
    EXPECT_EQ(as_text(arrives(client_.outer.get(), 8)), "and back");
    EXPECT_EQ(pair_->take_moved_to_peer(), 15u);
    EXPECT_EQ(pair_->take_moved_to_client(), 8u);
    EXPECT_EQ(pair_->take_moved_to_client(), 0u);
}

TEST_F(StreamPairTest, what_is_put_first_comes_first_and_answers_are_not_counted) {
    write_some(peer_.outer.get(), as_bytes("sent before the bind"));
    write_some(client_.outer.get(), as_bytes(" and more"));
    start(nullptr, as_bytes("behind the request"), as_bytes("[answer]"));
    EXPECT_EQ(as_text(arrives(peer_.outer.get(), 27)), "behind the request and more");
    EXPECT_EQ(as_text(arrives(client_.outer.get(), 28)), "[answer]sent before the bind");
    EXPECT_EQ(pair_->take_moved_to_peer(), 27u);
    EXPECT_EQ(pair_->take_moved_to_client(), 20u);
}

TEST_F(StreamPairTest, an_idle_pair_holds_no_pipe) {
    start();
    write_some(client_.outer.get(), noise(1000));
    EXPECT_EQ(arrives(peer_.outer.get(), 1000).size(), 1000u);
    EXPECT_EQ(pipes_.in_use(), 0u);
    EXPECT_EQ(pipes_.kept(), 1u);
    EXPECT_EQ(pair_->held(), 0u);
    EXPECT_EQ(turn(20ms), 0u);
}

TEST_F(StreamPairTest, stops_reading_while_the_other_side_does_not_and_loses_nothing) {
    client_ = TcpEnds(16 * 1024);
    peer_ = TcpEnds(16 * 1024);
    start();
    const Bytes sent = noise(8 << 20);
    std::size_t taken = 0;
    // Until nothing moves any more.
    for (int quiet = 0; quiet < 5;) {
        const auto n = write_some(client_.outer.get(), ByteView(sent).subspan(taken));
        taken += n;
        quiet = turn(5ms) == 0 && n == 0 ? quiet + 1 : 0;
    }
    EXPECT_LT(taken, std::size_t{2} << 20);  // buffers of four sockets and a pipe
    EXPECT_EQ(pipes_.in_use(), 1u);
    Bytes got;
    ASSERT_TRUE(until([&] {
        taken += write_some(client_.outer.get(), ByteView(sent).subspan(taken));
        (void)read_some(peer_.outer.get(), got);
        return got.size() == sent.size();
    }));
    EXPECT_EQ(got, sent);
    EXPECT_EQ(pair_->take_moved_to_peer(), sent.size());
    EXPECT_EQ(pipes_.in_use(), 0u);
}

TEST_F(StreamPairTest, the_end_of_one_direction_is_passed_on_and_the_other_goes_on) {
    start();
    write_some(client_.outer.get(), as_bytes("last words"));
    ::shutdown(client_.outer.get(), SHUT_WR);
    Bytes got;
    ASSERT_TRUE(until([&] { return read_some(peer_.outer.get(), got) == End::Fin; }));
    EXPECT_EQ(as_text(got), "last words");
    EXPECT_EQ(state_, State::Open);
    EXPECT_EQ(turn(20ms), 0u);  // the side that has ended does not keep the loop busy
    write_some(peer_.outer.get(), as_bytes("an answer"));
    EXPECT_EQ(as_text(arrives(client_.outer.get(), 9)), "an answer");
    peer_.outer.reset();
    EXPECT_EQ(end_of(client_.outer.get()), End::Fin);
    ASSERT_TRUE(until([&] { return state_ != State::Open; }));
    EXPECT_EQ(state_, State::Ended);
}

TEST_F(StreamPairTest, a_side_that_is_closed_both_ways_but_blocked_does_not_keep_the_loop_busy) {
    client_ = TcpEnds(16 * 1024);
    start();
    // The client will send no more, and does not read; the peer sends much, and closes.
    ::shutdown(client_.outer.get(), SHUT_WR);
    EXPECT_EQ(end_of(peer_.outer.get()), End::Fin);
    const Bytes sent = noise(1 << 20);
    std::size_t taken = 0;
    ASSERT_TRUE(until([&] {
        taken += write_some(peer_.outer.get(), ByteView(sent).subspan(taken));
        return taken == sent.size();
    }));
    peer_.outer.reset();
    for (int i = 0; i < 20; ++i)
        turn(5ms);
    EXPECT_EQ(turn(50ms), 0u);
    EXPECT_EQ(arrives(client_.outer.get(), sent.size()), sent);
    ASSERT_TRUE(until([&] { return state_ != State::Open; }));
    EXPECT_EQ(state_, State::Ended);
}

TEST_F(StreamPairTest, a_reset_fails_the_pair_and_reaches_the_other_side_as_a_reset) {
    start();
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(peer_.outer.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    peer_.outer.reset();
    ASSERT_TRUE(until([&] { return state_ != State::Open; }));
    EXPECT_EQ(state_, State::Failed);
    pair_.reset();
    EXPECT_EQ(end_of(client_.outer.get()), End::Reset);
}

TEST_F(StreamPairTest, what_has_come_is_passed_on_when_the_pair_is_closed) {
    start();
    write_some(client_.outer.get(), as_bytes("and off"));
    pair_.reset();
    Bytes got;
    ASSERT_TRUE(until([&] { return read_some(peer_.outer.get(), got) == End::Fin; }));
    EXPECT_EQ(as_text(got), "and off");
    EXPECT_EQ(end_of(client_.outer.get()), End::Fin);
}

TEST_F(StreamPairTest, copies_where_there_are_no_descriptors_for_a_pipe) {
    const Bytes sent = noise(300'000);
    const rlimit before = leave_no_descriptors();
    start();
    std::size_t taken = 0;
    Bytes got;
    const bool arrived = until([&] {
        taken += write_some(client_.outer.get(), ByteView(sent).subspan(taken));
        if (taken == sent.size()) ::shutdown(client_.outer.get(), SHUT_WR);
        return read_some(peer_.outer.get(), got) == End::Fin;
    });
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_TRUE(arrived);
    EXPECT_EQ(got, sent);
    EXPECT_EQ(pipes_.kept(), 0u);
}

class TlsStreamPairTest : public StreamPairTest {
protected:
    TlsStreamPairTest() {
        static const std::shared_ptr<const TlsContext> context = [] {
            const turnbuckle::test::TemporaryDirectory directory;
            const auto pem = turnbuckle::test::make_certificate();
            turnbuckle::test::write_file(directory / "cert.pem", pem.certificate);
            turnbuckle::test::write_file(directory / "key.pem", pem.private_key);
            return TlsContext::load({.certificates = {CertificateFiles{directory / "cert.pem",
                                                                       directory / "key.pem"}}})
                .value();
        }();
        test::TlsServerSide side(context);
        test::exchange(tls_, side);
        start(std::make_unique<TlsSession>(std::move(side.session)));
    }

    void client_sends(std::string_view text) {
        tls_.send(text);
        write_client();
    }
    void write_client() {
        Bytes more = tls_.outgoing();
        unsent_.insert(unsent_.end(), more.begin(), more.end());
        unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(write_some(
                                                             client_.outer.get(), unsent_)));
    }
    End client_reads() {
        Bytes bytes;
        const End end = read_some(client_.outer.get(), bytes);
        tls_.incoming(bytes);
        return end;
    }

    test::TlsClient tls_;
    Bytes unsent_;
};

TEST_F(TlsStreamPairTest, the_peer_sees_plain_bytes_and_the_client_encrypted_ones) {
    client_sends("in the clear");
    EXPECT_EQ(as_text(arrives(peer_.outer.get(), 12)), "in the clear");
    write_some(peer_.outer.get(), as_bytes("and wrapped"));
    ASSERT_TRUE(until([&] { return client_reads(), tls_.received().size() >= 11; }));
    EXPECT_EQ(tls_.received(), "and wrapped");
    EXPECT_EQ(pair_->take_moved_to_peer(), 12u);
    EXPECT_EQ(pair_->take_moved_to_client(), 11u);
    EXPECT_EQ(pair_->held(), 0u);
}

TEST_F(TlsStreamPairTest, close_notify_and_fin_are_passed_on_as_each_other) {
    client_sends("last words");
    tls_.close();
    write_client();
    Bytes got;
    ASSERT_TRUE(until([&] { return read_some(peer_.outer.get(), got) == End::Fin; }));
    EXPECT_EQ(as_text(got), "last words");
    EXPECT_EQ(state_, State::Open);
    write_some(peer_.outer.get(), as_bytes("an answer"));
    ::shutdown(peer_.outer.get(), SHUT_WR);
    ASSERT_TRUE(until([&] { return client_reads() == End::Fin; }));
    EXPECT_EQ(tls_.received(), "an answer");
    EXPECT_TRUE(tls_.closed());
    ASSERT_TRUE(until([&] { return state_ != State::Open; }));
    EXPECT_EQ(state_, State::Ended);
}

TEST_F(TlsStreamPairTest, neither_side_is_read_further_than_the_other_reads) {
    const Bytes sent = noise(4 << 20);
    std::size_t taken = 0;
    for (int quiet = 0; quiet < 5;) {
        const auto n = write_some(peer_.outer.get(), ByteView(sent).subspan(taken));
        taken += n;
        quiet = turn(5ms) == 0 && n == 0 ? quiet + 1 : 0;
        EXPECT_LT(pair_->held(), 64u * 1024);
        if (taken == sent.size()) break;
    }
    ASSERT_TRUE(until([&] {
        taken += write_some(peer_.outer.get(), ByteView(sent).subspan(taken));
        (void)client_reads();
        return tls_.received().size() == sent.size();
    }));
    EXPECT_EQ(tls_.received(), as_text(sent));

    std::string much(4 << 20, 'x');
    tls_.send(much);
    for (int quiet = 0; quiet < 5;) {
        write_client();
        quiet = turn(5ms) == 0 ? quiet + 1 : 0;
        EXPECT_LT(pair_->held(), 64u * 1024);
    }
    Bytes got;
    ASSERT_TRUE(until([&] {
        write_client();
        (void)read_some(peer_.outer.get(), got);
        return got.size() == much.size();
    }));
    EXPECT_EQ(as_text(got), much);
}

TEST_F(TlsStreamPairTest, what_is_no_tls_fails_the_pair) {
    write_some(client_.outer.get(), as_bytes("GET / HTTP/1.1\r\n\r\n"));
    ASSERT_TRUE(until([&] { return state_ != State::Open; }));
    EXPECT_EQ(state_, State::Failed);
}

}  // namespace
}  // namespace turnbuckle::net
