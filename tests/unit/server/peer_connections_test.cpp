// Real sockets on loopback, and an owner that only takes notes.
#include "turnbuckle/server/peer_connections.hpp"

#include <sys/resource.h>

#include <functional>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "turnbuckle/server/relay_opener.hpp"
#include "turnbuckle/server/watch.hpp"

#include "support/certificates.hpp"
#include "support/engine_rig.hpp"
#include "unit/net/tcp_ends.hpp"
#include "unit/net/tls_client.hpp"

namespace turnbuckle::server {
namespace {

using namespace std::chrono_literals;
using net::test::End;
using net::test::read_some;
using net::test::TcpEnds;
using net::test::write_some;
using turn::PeerConnectError;
using turn::PeerConnection;
using turn::Ticket;
using Bytes = std::vector<std::uint8_t>;
using Side = net::StreamPair::Side;

const IpAddress kLoopback = IpAddress::v4(127, 0, 0, 1);

class PeerConnectionsTest : public testing::Test, private PeerOwner {
protected:
    // A member, because the sanitizer's first look at this object takes a pipe of its own.
    rlimit leave_no_descriptors() {
        rlimit before{};
        EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
        const rlimit none{.rlim_cur = 3, .rlim_max = before.rlim_max};
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
        return before;
    }

    struct Accepted {
        turn::RelayHandle relay;
        Endpoint peer;
        PeerConnection connection;
    };

    PeerConnectionsTest() {
        std::signal(SIGPIPE, SIG_IGN);
        turn::OpenRelay request;
        request.client.server.ip = kLoopback;
        request.protocol = turn::RelayProtocol::Tcp;
        relay_ = adopt(opener_.open_tcp(request, now()));
        relayed_ = relays_.find_tcp(relay_)->relayed();
    }

    turn::RelayHandle adopt(OpenedTcpRelays opened) {
        const int fd = opened.relay.value()->listener().fd();
        const auto handle = relays_.add(std::move(*opened.relay));
        poller_.add(fd, token_of(Watch::TcpRelay, static_cast<std::uint32_t>(handle)));
        return handle;
    }

    static Time now() { return monotonic_now(); }

    std::size_t turn(Duration wait = 1ms) {
        const auto ready = poller_.wait(wait);
        for (const auto& each : ready) {
            const std::uint32_t index = index_of(each.token);
            switch (watch_of(each.token)) {
                case Watch::TcpRelay:
                    peers_.accept(turn::RelayHandle{index}, now());
                    break;
                case Watch::PeerConnection:
                    peers_.serve(Side::Peer, PeerConnection{index}, each, now());
                    break;
                case Watch::DataConnection:
                    peers_.serve(Side::Client, PeerConnection{index}, each, now());
                    break;
                default:
                    ADD_FAILURE() << "an event of nobody's";
            }
        }
        return ready.size();
    }

    [[nodiscard]] bool until(const std::function<bool()>& done) {
        const Time deadline = now() + 10s;
        while (!done()) {
            if (now() > deadline) return false;
            turn();
        }
        return true;
    }

    // A peer that listens, and what connects to it.
    struct ListeningPeer {
        net::TcpListener listener = net::open_tcp_listener({kLoopback, 0}).value();

        net::AcceptedStream accept() const {
            pollfd wait{.fd = listener.fd(), .events = POLLIN, .revents = 0};
            if (::poll(&wait, 1, 5000) != 1) throw std::runtime_error("nobody connects");
            return std::move(net::accept_stream(listener).value());
        }
    };

    turn::ConnectPeer to(const Endpoint& peer, std::uint64_t ticket = 1) const {
        return {.ticket = Ticket{ticket}, .relay = relay_, .peer = peer, .own_endpoint = false};
    }

    // A peer that has connected to the relay.
    net::FileDescriptor connect_in() {
        auto fd = net::start_connect({kLoopback, 0}, relayed_).value();
        const auto known = accepted_.size();
        EXPECT_TRUE(until([&] { return accepted_.size() > known; }));
        return fd;
    }

    std::unique_ptr<Stream> departing(TcpEnds& client, PeerConnection connection,
                                      std::string_view rest = "", turn::LinkId link = {}) {
        auto stream = std::make_unique<Stream>();
        stream->fd = std::move(client.inner);
        stream->path.link = link;
        stream->departure = Stream::Departure{.to = Stream::Departure::To::Peer,
                                              .peer = connection,
                                              .worker = 0,
                                              .request = {},
                                              .rest = {rest.begin(), rest.end()}};
        return stream;
    }

    Bytes arrives(int fd, std::size_t count) {
        Bytes got;
        EXPECT_TRUE(until([&] { return read_some(fd, got) != End::None || got.size() >= count; }));
        return got;
    }
    End end_of(int fd) {
        End end = End::None;
        Bytes ignored;
        EXPECT_TRUE(until([&] { return (end = read_some(fd, ignored)) != End::None; }));
        return end;
    }

    void on_peer_connected(Ticket ticket, std::expected<PeerConnection, PeerConnectError> result,
                           Time) override {
        connected_.emplace(ticket, result);
    }
    void on_peer_accepted(turn::RelayHandle relay, const Endpoint& peer, PeerConnection connection,
                          Time) override {
        accepted_.push_back({relay, peer, connection});
        if (refuse_) peers_.close(connection);
    }
    void on_peer_closed(PeerConnection connection, Time) override { closed_.push_back(connection); }

    turnbuckle::test::EngineRig rig_;
    SecureRandom random_;
    RelayAddresses addresses_{{}, 40000, 60000};
    Reservations reservations_;
    RelayOpener opener_{addresses_, reservations_, random_, {}};
    RelaySockets relays_;
    net::Poller poller_;
    PeerConnections peers_{{rig_.engine(), poller_, relays_, addresses_, *this}};
    turn::RelayHandle relay_{};
    Endpoint relayed_;
    std::map<Ticket, std::expected<PeerConnection, PeerConnectError>> connected_;
    std::vector<Accepted> accepted_;
    std::vector<PeerConnection> closed_;
    bool refuse_ = false;
};

TEST_F(PeerConnectionsTest, a_peer_is_connected_to_from_the_relayed_transport_address) {
    const ListeningPeer peer;
    ASSERT_EQ(peers_.connect(to(peer.listener.local())), std::nullopt);
    ASSERT_TRUE(until([&] { return connected_.contains(Ticket{1}); }));
    EXPECT_TRUE(connected_.at(Ticket{1}).has_value());
    EXPECT_EQ(peer.accept().remote, relayed_);
    EXPECT_EQ(peers_.size(), 1u);
}

TEST_F(PeerConnectionsTest, several_peers_are_connected_to_from_the_same_port) {
    const ListeningPeer first;
    const ListeningPeer second;
    ASSERT_EQ(peers_.connect(to(first.listener.local(), 1)), std::nullopt);
    ASSERT_EQ(peers_.connect(to(second.listener.local(), 2)), std::nullopt);
    ASSERT_TRUE(until([&] { return connected_.size() == 2; }));
    EXPECT_EQ(first.accept().remote, relayed_);
    EXPECT_EQ(second.accept().remote, relayed_);
}

TEST_F(PeerConnectionsTest, a_refused_connection_is_a_failure) {
    Endpoint nobody;
    {
        const ListeningPeer gone;
        nobody = gone.listener.local();
    }
    ASSERT_EQ(peers_.connect(to(nobody)), std::nullopt);
    ASSERT_TRUE(until([&] { return connected_.contains(Ticket{1}); }));
    EXPECT_EQ(connected_.at(Ticket{1}), std::unexpected(PeerConnectError::Failed));
    EXPECT_EQ(peers_.size(), 0u);
}

TEST_F(PeerConnectionsTest, a_second_connection_between_the_same_two_addresses_exists_already) {
    const ListeningPeer peer;
    ASSERT_EQ(peers_.connect(to(peer.listener.local(), 1)), std::nullopt);
    ASSERT_TRUE(until([&] { return connected_.size() == 1; }));
    EXPECT_EQ(peers_.connect(to(peer.listener.local(), 2)), PeerConnectError::AlreadyExists);
    EXPECT_EQ(peers_.size(), 1u);
}

TEST_F(PeerConnectionsTest, without_descriptors_there_is_no_capacity) {
    const ListeningPeer peer;
    const rlimit before = leave_no_descriptors();
    const auto error = peers_.connect(to(peer.listener.local()));
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(error, PeerConnectError::NoCapacity);
}

TEST_F(PeerConnectionsTest, a_cancelled_attempt_is_closed_and_not_told_of) {
    const ListeningPeer peer;
    ASSERT_EQ(peers_.connect(to(peer.listener.local())), std::nullopt);
    peers_.cancel(Ticket{1});
    peers_.cancel(Ticket{1});
    turn(20ms);
    EXPECT_TRUE(connected_.empty());
    EXPECT_EQ(peers_.size(), 0u);
}

TEST_F(PeerConnectionsTest, who_connects_is_told_of_and_bytes_wait_for_the_bind) {
    const auto peer = connect_in();
    ASSERT_EQ(accepted_.size(), 1u);
    EXPECT_EQ(accepted_[0].relay, relay_);
    EXPECT_EQ(accepted_[0].peer.ip, kLoopback);
    write_some(peer.get(), as_bytes("early"));
    EXPECT_EQ(turn(20ms), 0u);  // nobody reads it, nobody is woken by it

    TcpEnds client;
    peers_.expect({accepted_[0].connection, {}});
    auto stream = departing(client, accepted_[0].connection, "behind the bind");
    stream->wire = {};
    ASSERT_TRUE(stream->queue.push(as_bytes("[answer]"), {}, 0, now(), {}));
    peers_.bind(std::move(stream), now());
    EXPECT_EQ(as_text(arrives(client.outer.get(), 13)), "[answer]early");
    EXPECT_EQ(as_text(arrives(peer.get(), 15)), "behind the bind");
    write_some(client.outer.get(), as_bytes("more"));
    EXPECT_EQ(as_text(arrives(peer.get(), 4)), "more");
}

TEST_F(PeerConnectionsTest, over_tls_what_was_queued_leaves_encrypted_and_in_order) {
    const auto peer = connect_in();
    const turnbuckle::test::TemporaryDirectory directory;
    const auto pem = turnbuckle::test::make_certificate();
    turnbuckle::test::write_file(directory / "cert.pem", pem.certificate);
    turnbuckle::test::write_file(directory / "key.pem", pem.private_key);
    const auto context = net::TlsContext::load(
        {.certificates = {net::CertificateFiles{directory / "cert.pem", directory / "key.pem"}}});
    net::test::TlsServerSide side(context.value());
    net::test::TlsClient tls;
    net::test::exchange(tls, side);

    TcpEnds client;
    auto stream = departing(client, accepted_[0].connection, "rest");
    ASSERT_TRUE(side.session.write(as_bytes("[first]"), stream->wire));
    ASSERT_TRUE(stream->queue.push(as_bytes("[answer]"), {}, 0, now(), {}));
    stream->tls = std::make_unique<net::TlsSession>(std::move(side.session));
    write_some(peer.get(), as_bytes("early"));
    peers_.bind(std::move(stream), now());
    EXPECT_EQ(as_text(arrives(peer.get(), 4)), "rest");
    ASSERT_TRUE(until([&] {
        Bytes bytes;
        (void)read_some(client.outer.get(), bytes);
        tls.incoming(bytes);
        return tls.received().size() >= 20;
    }));
    EXPECT_EQ(tls.received(), "[first][answer]early");
}

TEST_F(PeerConnectionsTest, what_waits_for_the_bind_is_bounded_by_the_kernels_buffer) {
    const auto peer = connect_in();
    const Bytes flood(64 << 20, 'x');
    std::size_t taken = 0;
    for (int quiet = 0; quiet < 5;) {
        const auto n = write_some(peer.get(), ByteView(flood).subspan(taken));
        taken += n;
        quiet = n == 0 ? quiet + 1 : 0;
        turn(5ms);
    }
    EXPECT_LT(taken, flood.size() / 2);
    TcpEnds client;
    peers_.bind(departing(client, accepted_[0].connection), now());
    std::size_t got = 0;
    ASSERT_TRUE(until([&] {
        Bytes bytes;
        (void)read_some(client.outer.get(), bytes);
        got += bytes.size();
        return got == taken;
    }));
}

TEST_F(PeerConnectionsTest, a_refused_peer_is_closed_at_once) {
    refuse_ = true;
    const auto peer = connect_in();
    EXPECT_NE(end_of(peer.get()), End::None);
    EXPECT_EQ(peers_.size(), 0u);
    EXPECT_TRUE(closed_.empty());  // the engine knows
}

TEST_F(PeerConnectionsTest, a_peer_that_closes_before_the_bind_is_noticed) {
    auto peer = connect_in();
    peer.reset();
    ASSERT_TRUE(until([&] { return !closed_.empty(); }));
    EXPECT_EQ(closed_, std::vector{accepted_[0].connection});
    EXPECT_EQ(peers_.size(), 0u);
}

TEST_F(PeerConnectionsTest, a_peer_that_resets_before_the_bind_is_noticed_even_with_bytes_waiting) {
    auto peer = connect_in();
    write_some(peer.get(), as_bytes("early"));
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    peer.reset();
    ASSERT_TRUE(until([&] { return !closed_.empty(); }));
}

TEST_F(PeerConnectionsTest, what_a_peer_sent_before_it_closed_is_delivered_after_the_bind) {
    auto peer = connect_in();
    write_some(peer.get(), as_bytes("all of it"));
    peer.reset();
    turn(20ms);
    turn(20ms);
    EXPECT_EQ(turn(20ms), 0u);  // noticed once, not for ever
    ASSERT_TRUE(closed_.empty());
    TcpEnds client;
    peers_.bind(departing(client, accepted_[0].connection), now());
    Bytes got;
    ASSERT_TRUE(until([&] { return read_some(client.outer.get(), got) == End::Fin; }));
    EXPECT_EQ(as_text(got), "all of it");
    client.outer.reset();
    ASSERT_TRUE(until([&] { return !closed_.empty(); }));
    EXPECT_EQ(peers_.size(), 0u);
}

TEST_F(PeerConnectionsTest, either_side_that_breaks_ends_the_pair_once) {
    for (const bool client_breaks : {true, false}) {
        auto peer = connect_in();
        TcpEnds client;
        closed_.clear();
        peers_.bind(departing(client, accepted_.back().connection), now());
        net::FileDescriptor& breaks = client_breaks ? client.outer : peer;
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(breaks.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        breaks.reset();
        ASSERT_TRUE(until([&] { return !closed_.empty(); }));
        EXPECT_EQ(closed_, std::vector{accepted_.back().connection});
        EXPECT_EQ(end_of((client_breaks ? peer : client.outer).get()), End::Reset);
    }
}

TEST_F(PeerConnectionsTest, closing_a_bound_connection_closes_both_sides_and_tells_nobody) {
    const auto peer = connect_in();
    TcpEnds client;
    peers_.bind(departing(client, accepted_[0].connection), now());
    peers_.close(accepted_[0].connection);
    peers_.close(accepted_[0].connection);
    EXPECT_EQ(end_of(peer.get()), End::Fin);
    EXPECT_EQ(end_of(client.outer.get()), End::Fin);
    EXPECT_TRUE(closed_.empty());
    EXPECT_EQ(peers_.size(), 0u);
}

TEST_F(PeerConnectionsTest, a_stream_that_comes_for_a_connection_that_is_gone_is_closed) {
    const auto first = connect_in();
    const PeerConnection gone = accepted_[0].connection;
    peers_.expect({gone, turn::LinkId{5}});
    peers_.close(gone);
    // Its place is another's by now, which the stream must not get.
    const auto second = connect_in();
    ASSERT_NE(accepted_[1].connection, gone);
    TcpEnds client;
    peers_.bind(departing(client, gone, "", turn::LinkId{5}), now());
    EXPECT_EQ(end_of(client.outer.get()), End::Fin);
    EXPECT_EQ(peers_.size(), 1u);
    EXPECT_TRUE(closed_.empty());
}

TEST_F(PeerConnectionsTest, a_stream_that_closes_on_its_way_ends_its_connection) {
    const auto peer = connect_in();
    EXPECT_FALSE(peers_.abandon(turn::LinkId{5}, now()));
    peers_.expect({accepted_[0].connection, turn::LinkId{5}});
    EXPECT_TRUE(peers_.abandon(turn::LinkId{5}, now()));
    EXPECT_EQ(closed_, std::vector{accepted_[0].connection});
    EXPECT_EQ(end_of(peer.get()), End::Fin);
    EXPECT_FALSE(peers_.abandon(turn::LinkId{5}, now()));
}

TEST_F(PeerConnectionsTest, survives_a_want_of_descriptors) {
    auto peer = net::start_connect({kLoopback, 0}, relayed_).value();
    const rlimit before = leave_no_descriptors();
    turn(100ms);
    const std::size_t spins = turn(20ms);
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(spins, 0u);
    EXPECT_TRUE(accepted_.empty());
    peers_.keep_house(now());
    ASSERT_TRUE(until([&] { return accepted_.size() == 1; }));
}

TEST_F(PeerConnectionsTest, one_relay_connects_to_another_by_its_relayed_address) {
    turn::OpenRelay request;
    request.client.server.ip = kLoopback;
    request.protocol = turn::RelayProtocol::Tcp;
    const auto other = adopt(opener_.open_tcp(request, now()));
    auto effect = to(relays_.find_tcp(other)->relayed());
    effect.own_endpoint = true;
    ASSERT_EQ(peers_.connect(effect), std::nullopt);
    ASSERT_TRUE(until([&] { return connected_.size() == 1 && accepted_.size() == 1; }));
    EXPECT_EQ(accepted_[0].relay, other);
    EXPECT_EQ(accepted_[0].peer, relayed_);
}

}  // namespace
}  // namespace turnbuckle::server
