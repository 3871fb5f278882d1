// One worker's protocol state: STUN and TURN over whatever carries them, without I/O.
//
// Owns no socket, thread or clock. The driver brings bytes and `now`, performs the effects in order
// and brings back what they came to. Everything is called from the worker's own thread. No call
// throws because of what came from the network.
//
//   control path: on_datagram -> effects -> (on_credential, on_relay_opened -> effects) ...
//   data path:    client_to_peer, peer_to_client -> a RelayDecision; no heap, no lock
//   TCP peers:    on_peer_connected, on_peer_accepted, on_peer_closed (RFC 6062); their bytes do
//   not
//                 come by here, only on_peer_data counts them
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/base/random.hpp"
#include "turnbuckle/base/time.hpp"
#include "turnbuckle/turn/client_path.hpp"
#include "turnbuckle/turn/effects.hpp"
#include "turnbuckle/turn/engine_config.hpp"
#include "turnbuckle/turn/nonce.hpp"
#include "turnbuckle/turn/own_addresses.hpp"
#include "turnbuckle/turn/quota.hpp"
#include "turnbuckle/turn/relay_decision.hpp"
#include "turnbuckle/turn/statistics.hpp"

namespace turnbuckle::turn {

struct Core;

// What an engine shares with its worker and with the other workers; all outlive it.
struct EngineDependencies {
    Random& random;
    const NonceAuthority& nonces;
    Quota& quota;
    const OwnAddresses& own_addresses;
    Statistics& statistics;
    // Which worker this engine belongs to, and of how many: part of each CONNECTION-ID, because a
    // ConnectionBind may arrive on any worker.
    std::uint8_t worker = 0;
    std::uint16_t workers = 1;
};

class Engine {
public:
    Engine(std::shared_ptr<const EngineConfig> config, const EngineDependencies& dependencies,
           Time now);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // True for what belongs on the data path: ChannelData and Send indications.
    [[nodiscard]] static bool is_data(ByteView datagram) noexcept;

    // Any other datagram, or whole message of a stream, from a client.
    void on_datagram(const ClientPath& from, ByteView datagram, Time now, Effects& effects);
    // An unknown or outdated ticket is ignored; then the relay that was opened for it is closed.
    // `wall_now` is compared with the credential's expiry.
    void on_credential(Ticket ticket, const CredentialResult& result, Time now, WallTime wall_now,
                       Effects& effects);
    void on_relay_opened(Ticket ticket, RelayResult result, Time now, Effects& effects);
    // The client's connection or DTLS session has closed: its allocation ends, what it waits for is
    // forgotten. Not for a data connection (BindPeer), and harmless for a link never heard of.
    void on_disconnect(const ClientPath& from, Time now, Effects& effects);

    // What a ConnectPeer came to. For an outdated ticket the connection is closed again.
    void on_peer_connected(Ticket ticket, std::expected<PeerConnection, PeerConnectError> result,
                           Time now, Effects& effects);
    // A TCP relay accepted a connection from `peer` (as advertised, if it is one of our relays).
    void on_peer_accepted(RelayHandle relay, const Endpoint& peer, PeerConnection connection,
                          Time now, Effects& effects);
    // The connection has ended, whichever side began: both sides are closed by now.
    void on_peer_closed(PeerConnection connection, Time now, Effects& effects);
    // `bytes` were passed on over a bound connection. Counted as one packet.
    void on_peer_data(PeerConnection connection, Direction direction, std::size_t bytes) noexcept;

    // ChannelData or a Send indication. Drops are counted here.
    [[nodiscard]] RelayDecision client_to_peer(const ClientPath& from, ByteView datagram,
                                               Time now) noexcept;
    // `length` bytes that `peer` sent to `relay`; the header that goes in front is written here.
    [[nodiscard]] RelayDecision peer_to_client(RelayHandle relay, const Endpoint& peer,
                                               std::size_t length, Time now,
                                               RelayHeader& header) noexcept;

    // Ends what has expired. Call at next_timeout() or later.
    void on_timeout(Time now, Effects& effects);
    [[nodiscard]] std::optional<Time> next_timeout() const noexcept;

    // New rules for what comes; permissions, channels and connections that they forbid end at once.
    void reconfigure(std::shared_ptr<const EngineConfig> config, Effects& effects);
    // While draining, new allocations are refused with 508; those that live are served on.
    void set_draining(bool draining) noexcept;
    // The relay broke, the server ends, an operator says so: ends one session, or all.
    void end_allocation(RelayHandle relay, EndReason reason, Time now, Effects& effects);
    void end_all(EndReason reason, Time now, Effects& effects);

    [[nodiscard]] std::size_t allocations() const noexcept;
    // Whether this client has an allocation.
    [[nodiscard]] bool serves(const FiveTuple& client) const noexcept;

private:
    std::unique_ptr<Core> core_;
};

}  // namespace turnbuckle::turn
