// What the engine wants done: values, in order. One driver in `server` performs them, and a test
// simply looks at them.
//
// An Effects object belongs to the driver and is reused: clear() keeps its memory. Bytes to send
// live in it until then.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/base/time.hpp"
#include "turnbuckle/turn/client_path.hpp"
#include "turnbuckle/turn/credential.hpp"
#include "turnbuckle/turn/quota.hpp"
#include "turnbuckle/turn/statistics.hpp"

namespace turnbuckle::turn {

// Names a request that waits for an answer from outside. Never reused within an engine's life.
enum class Ticket : std::uint64_t {};

// Largest STUN message that the server sends; below every path MTU that matters.
inline constexpr std::size_t kMaxAnswerSize = 1200;

struct SendToClient {
    ClientPath path;
    std::size_t offset = 0;  // into Effects::bytes()
    std::size_t length = 0;
    std::optional<Time> received_at;  // when the request that this answers came in, if it does
};

// To be answered with Engine::on_credential, at once or later.
struct LookupCredential {
    Ticket ticket{};
    CredentialQuery query;
};

using ReservationTokenBytes = std::array<std::uint8_t, 8>;

// To be answered with Engine::on_relay_opened, at once or later (RFC 8656 section 7.2).
struct OpenRelay {
    Ticket ticket{};
    // Without relay.addresses, the address that the client reached is relayed from.
    FiveTuple client;
    // Tcp: the relay listens from now on (RFC 6062 section 5.1), and what connects to it is told
    // with Engine::on_peer_accepted. Neither even_port nor a reservation comes with it.
    RelayProtocol protocol = RelayProtocol::Udp;
    // The first is required; the second comes from ADDITIONAL-ADDRESS-FAMILY and may fail alone.
    AddressFamily family = AddressFamily::IPv4;
    std::optional<AddressFamily> additional_family;
    bool even_port = false;
    // Set when the next higher port is to be reserved: the reservation is charged to its maker.
    std::optional<QuotaTicket> reserve_next;
    std::optional<ReservationTokenBytes> reservation;  // take what was reserved under this token
};

struct CloseRelay {
    RelayHandle relay{};
};

// RFC 6062 section 5.2: connect from the relayed transport address. To be answered with
// Engine::on_peer_connected, at once or later, unless it is cancelled first.
struct ConnectPeer {
    Ticket ticket{};
    RelayHandle relay{};
    Endpoint peer;
    bool own_endpoint = false;  // `peer` is a relayed transport address of ours, as advertised
};

// Nobody waits for this connection any more: its time is over, or its allocation has ended. An
// answer that is already on its way is harmless.
struct CancelConnect {
    Ticket ticket{};
};

// Close it, and the client's data connection that is bound to it. The engine has forgotten it:
// nothing more is to be told of it, and its number may be given out again.
struct ClosePeer {
    PeerConnection peer{};
};

// RFC 6062 section 5.4. Comes right behind the success response on this link: once that has been
// sent, the link carries raw bytes to and from this connection, beginning with what the peer has
// sent already and with what the client sent behind its request. However the pair ends after that,
// it is told with Engine::on_peer_closed, not with on_disconnect.
struct BindPeer {
    PeerConnection peer{};
    LinkId link{};
};

// The ConnectionBind on this link belongs to a connection of another worker. The stream moves there
// with this very message, which is given to that worker's engine as if it had arrived there. This
// engine has forgotten the link.
struct HandOver {
    LinkId link{};
    std::uint8_t worker = 0;
};

// For the log and for whoever accounts: one per session, at its end.
struct SessionEnded {
    FiveTuple client;
    std::string user;
    std::array<std::optional<Endpoint>, 2> relayed;
    EndReason reason{};
    Duration duration{};
    struct Amount {
        std::uint64_t packets = 0;
        std::uint64_t bytes = 0;
    };
    PerEnum<Amount, Direction> relayed_data;
};

struct SessionStarted {
    FiveTuple client;
    std::string user;
    std::array<std::optional<Endpoint>, 2> relayed;
};

struct AuthenticationFailed {
    FiveTuple client;
    std::string username;
    AuthFailure reason{};
};

struct PeerRefused {
    FiveTuple client;
    std::string user;
    IpAddress peer;
    std::string_view why;
};

using Effect = std::variant<SendToClient, LookupCredential, OpenRelay, CloseRelay, ConnectPeer,
                            CancelConnect, ClosePeer, BindPeer, HandOver, SessionStarted,
                            SessionEnded, AuthenticationFailed, PeerRefused>;

class Effects {
public:
    void clear() noexcept {
        list_.clear();
        bytes_.clear();
    }
    void add(Effect effect) { list_.push_back(std::move(effect)); }
    // Copies `message` in.
    void send(const ClientPath& path, ByteView message, std::optional<Time> received_at) {
        list_.push_back(SendToClient{path, bytes_.size(), message.size(), received_at});
        bytes_.insert(bytes_.end(), message.begin(), message.end());
    }

    [[nodiscard]] std::vector<Effect>& list() noexcept { return list_; }
    [[nodiscard]] ByteView bytes(const SendToClient& send) const noexcept {
        return ByteView(bytes_).subspan(send.offset, send.length);
    }

private:
    std::vector<Effect> list_;
    std::vector<std::uint8_t> bytes_;
};

// What opening a relay came to.
struct OpenedRelay {
    RelayHandle handle{};
    Endpoint relayed;  // the relayed transport address as peers see it (`advertise` applied)
};

enum class PeerConnectError : std::uint8_t {
    Failed,         // 447: refused, unreachable, timed out
    AlreadyExists,  // 446: the kernel knows a connection between these two endpoints
    NoCapacity,     // 508: no descriptor, no memory
};

enum class RelayError : std::uint8_t {
    FamilyNotSupported,  // 440
    NoPorts,             // 508
    NoSuchReservation,   // 508
};

struct RelayResult {
    std::expected<OpenedRelay, RelayError> relay;
    // Only where an additional family was asked for.
    std::optional<std::expected<OpenedRelay, RelayError>> additional;
    // Only where the next port was reserved.
    std::optional<ReservationTokenBytes> reservation;
};

}  // namespace turnbuckle::turn
