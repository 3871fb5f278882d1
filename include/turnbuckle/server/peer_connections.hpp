// One worker's TCP connections with peers (RFC 6062): connected to, accepted, kept until they are
// bound to a client's connection, and then paired with it.
//
// What a peer sends before the bind stays in the kernel's receive buffer; as section 5.2 has it,
// the advertised window shrinks meanwhile. That the peer has closed is noticed all the same. The
// engine decides everything (turn/effects.hpp); this class has the sockets. On the worker's thread.
//
// How it goes together: ConnectPeer -> connect(), CancelConnect -> cancel(), ClosePeer -> close(),
// BindPeer -> expect() at once, and bind() when the client's stream has departed from Streams; if
// the stream closes before that, abandon(). A TCP relay is added to RelaySockets and watched as
// Watch::TcpRelay; accept() and serve() take the poller's events.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "turnbuckle/base/log_limiter.hpp"
#include "turnbuckle/base/time.hpp"
#include "turnbuckle/net/poller.hpp"
#include "turnbuckle/net/splice_pump.hpp"
#include "turnbuckle/net/stream_pair.hpp"
#include "turnbuckle/server/relay_addresses.hpp"
#include "turnbuckle/server/relay_sockets.hpp"
#include "turnbuckle/server/stream.hpp"
#include "turnbuckle/turn/engine.hpp"

namespace turnbuckle::server {

// The worker, as its peer connections see it. Each is to be told to the engine, and its effects
// performed, before it returns.
class PeerOwner {
public:
    virtual ~PeerOwner() = default;

    virtual void on_peer_connected(
        turn::Ticket ticket, std::expected<turn::PeerConnection, turn::PeerConnectError> result,
        Time now) = 0;
    virtual void on_peer_accepted(turn::RelayHandle relay, const Endpoint& peer,
                                  turn::PeerConnection connection, Time now) = 0;
    virtual void on_peer_closed(turn::PeerConnection connection, Time now) = 0;
};

class PeerConnections {
public:
    struct Parts {
        turn::Engine& engine;  // for on_peer_data only
        net::Poller& poller;
        RelaySockets& relays;
        const RelayAddresses& addresses;
        PeerOwner& owner;
    };

    explicit PeerConnections(Parts parts) noexcept : parts_(parts) {}
    PeerConnections(const PeerConnections&) = delete;
    PeerConnections& operator=(const PeerConnections&) = delete;

    // The effects. connect(): nothing if it is under way; an error is to be answered at once.
    [[nodiscard]] std::optional<turn::PeerConnectError> connect(const turn::ConnectPeer& effect);
    void cancel(turn::Ticket ticket);
    void close(turn::PeerConnection connection);
    void expect(const turn::BindPeer& effect);

    // The stream has departed to `stream->departure->peer`. If that has closed meanwhile, so is the
    // stream.
    void bind(std::unique_ptr<Stream> stream, Time now);
    // The stream on this link has closed before it departed. True if a connection was to be bound
    // to it: then that has ended too, as the engine is told; on_disconnect() must not be.
    [[nodiscard]] bool abandon(turn::LinkId link, Time now);

    // The poller's events: of a TCP relay, of a connection to a peer (Watch::PeerConnection), and
    // of the client's side of a bound one (Watch::DataConnection). Both of the latter have the
    // PeerConnection as their index.
    void accept(turn::RelayHandle relay, Time now);
    void serve(net::StreamPair::Side side, turn::PeerConnection connection,
               const net::Poller::Ready& ready, Time now);

    // At least once a second: relays that ran out of descriptors are listened to again.
    void keep_house(Time now);

    [[nodiscard]] std::size_t size() const noexcept { return slots_.size() - free_.size(); }

private:
    // PeerConnection: | generation (12) | index (20) |, so that an event or a departed stream that
    // is about one that has closed never meets its successor.
    static constexpr unsigned kIndexBits = 20;
    static constexpr std::uint32_t kMaxConnections = std::uint32_t{1} << kIndexBits;
    static constexpr int kAcceptsPerRound = 16;

    struct Slot {
        enum class State : std::uint8_t { Free, Connecting, Waiting, Bound };
        State state = State::Free;
        std::uint32_t generation = 0;
        turn::Ticket ticket{};                  // Connecting
        net::FileDescriptor fd;                 // Connecting, Waiting
        std::unique_ptr<net::StreamPair> pair;  // Bound
    };

    [[nodiscard]] Slot* find(turn::PeerConnection connection) noexcept;
    [[nodiscard]] std::optional<turn::PeerConnection> add(net::FileDescriptor fd,
                                                          net::Interest interest,
                                                          Slot::State state);
    // Closes its sockets.
    void release(turn::PeerConnection connection);
    // And tells the owner.
    void end(turn::PeerConnection connection, Time now);
    void finish_connect(turn::PeerConnection connection, Time now);
    void look_after_waiting(turn::PeerConnection connection, const net::Poller::Ready& ready,
                            Time now);
    void account(turn::PeerConnection connection, net::StreamPair& pair) noexcept;
    void settle(turn::PeerConnection connection, net::StreamPair::State state, Time now);
    void admit(turn::RelayHandle relay, net::AcceptedStream accepted, Time now);
    void pause(turn::RelayHandle relay, Time now);
    void forget_expected(turn::PeerConnection connection);

    Parts parts_;
    net::PipePool pipes_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    boost::unordered_flat_map<turn::Ticket, turn::PeerConnection> connecting_;
    std::vector<turn::BindPeer> expected_;  // streams that are on their way here
    std::vector<turn::RelayHandle> paused_relays_;
    LogLimiter failures_;
};

}  // namespace turnbuckle::server
