// The inside of an Engine: the state that handlers work on. Not for use outside of `turn`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "turnbuckle/base/timer_wheel.hpp"
#include "turnbuckle/stun/message_view.hpp"
#include "turnbuckle/turn/allocation_table.hpp"
#include "turnbuckle/turn/answer_limiter.hpp"
#include "turnbuckle/turn/engine.hpp"
#include "turnbuckle/turn/refusal.hpp"

namespace turnbuckle::turn {

// Who a request comes from, once its integrity has been verified.
struct Identity {
    std::string username;  // as sent
    std::string user;      // who is charged
    Secret key;
};

// One request under way through the control path.
struct Request {
    const stun::MessageView& message;
    ClientPath from;
    Time now{};
    Time received_at{};
    const Identity* identity = nullptr;  // nothing: not authenticated, or does not need to be
    Effects& effects;
};

// What an Allocate asks for, after every check that needs no socket.
struct AllocatePlan {
    RelayProtocol protocol = RelayProtocol::Udp;
    AddressFamily family = AddressFamily::IPv4;
    std::optional<AddressFamily> additional_family;
    bool even_port = false;
    bool reserve_next = false;
    std::optional<ReservationTokenBytes> reservation;
    std::chrono::seconds lifetime{};
};

// A request that waits for something from outside. It keeps its own copy of the bytes.
struct PendingRequest {
    ClientPath from;
    std::vector<std::uint8_t> bytes;
    Time received_at{};
    // Set while the relay is being opened, or the peer connected to:
    std::optional<Identity> identity;
    AllocatePlan plan;
    QuotaTicket quota;
    bool is_connect = false;
};

// A client has one request of each transaction id under way; a retransmission finds it here.
struct TransactionKey {
    FiveTuple client;
    stun::TransactionId id;
    friend bool operator==(const TransactionKey&, const TransactionKey&) noexcept = default;
};

struct TransactionKeyHash {
    std::size_t operator()(const TransactionKey& key) const noexcept {
        return hash_value(key.client) * 31 + stun::hash_value(key.id);
    }
};

// More than this many waiting requests mean that a credential store has stopped answering. Connects
// are not among them: they wait for peers, and each allocation has its limit of them.
inline constexpr std::size_t kMaxPending = 4096;

struct Core {
    Core(std::shared_ptr<const EngineConfig> rules, const EngineDependencies& dependencies,
         Time now)
        : config(std::move(rules)),
          limiter(config->answers, dependencies.random),
          random(dependencies.random),
          nonces(dependencies.nonces),
          quota(dependencies.quota),
          own_addresses(dependencies.own_addresses),
          statistics(dependencies.statistics),
          worker(dependencies.worker),
          workers(dependencies.workers),
          wheel(now) {}

    std::shared_ptr<const EngineConfig> config;
    AnswerLimiter limiter;
    Random& random;
    const NonceAuthority& nonces;
    Quota& quota;
    const OwnAddresses& own_addresses;
    Statistics& statistics;
    const std::uint8_t worker;
    const std::uint16_t workers;

    AllocationTable allocations;
    TimerWheel wheel;
    std::vector<TimerWheel::Token> fired;
    boost::unordered_flat_map<Ticket, PendingRequest> pending;
    boost::unordered_flat_map<TransactionKey, Ticket, TransactionKeyHash> transactions;
    // How many requests of a client wait, where its connection may close meanwhile.
    boost::unordered_flat_map<FiveTuple, std::uint32_t, std::hash<FiveTuple>> waiting;
    std::size_t connecting = 0;
    // TCP peers, by CONNECTION-ID and by the driver's name of the connection.
    boost::unordered_flat_map<std::uint32_t, AllocationTable::Id> by_connection_id;
    boost::unordered_flat_map<PeerConnection, AllocationTable::Id> by_connection;
    std::uint64_t last_ticket = 0;
    bool draining = false;

    // Takes in a request that must wait; nothing if too many wait already.
    [[nodiscard]] std::optional<Ticket> park(const Request& request);
    [[nodiscard]] std::optional<PendingRequest> unpark(Ticket ticket);
    // What waits for an answer on this link will not get one: nobody could read it.
    void forget_waiting(const ClientPath& client);

    // The client's allocation. What of it has expired ends here, however late the timer is.
    [[nodiscard]] Allocation* find_live(const FiveTuple& tuple, Time now, Effects& effects);
    // False if that was the end of the allocation.
    bool expire(Allocation& allocation, Time now, Effects& effects);
    // Makes the timer fire when what expires first has expired.
    void arm(Allocation& allocation);
    // One half of a dual allocation, with its permissions and channels (RFC 8656 section 8.1).
    void close_half(Allocation& allocation, AddressFamily family, Effects& effects);
    void end(Allocation& allocation, EndReason reason, Time now, Effects& effects);
};

// A parked request as its handler wants it; `message` is parsed from its bytes.
[[nodiscard]] Request resume(const PendingRequest& pending, const stun::MessageView& message,
                             Time now, Effects& effects);

// Whether the peer may be talked to, whatever permission the client holds or asks for.
enum class PeerJudgement : std::uint8_t { Allowed, OwnRelayed, Denied };

// By IP address, for CreatePermission: an own address is fine if relayed addresses live on it.
[[nodiscard]] PeerJudgement judge_peer(const Core& core, const IpAddress& peer) noexcept;
// By endpoint, for ChannelBind, TCP connections and each datagram to an own address.
[[nodiscard]] PeerJudgement judge_peer(const Core& core, const Endpoint& peer,
                                       RelayProtocol protocol = RelayProtocol::Udp) noexcept;
// 443 or 403 for a peer that a request names, in the RFC's order.
[[nodiscard]] std::optional<Refusal> refuse_peer(Core& core, const Request& request,
                                                 const Allocation& allocation,
                                                 PeerJudgement judgement, const IpAddress& peer);

}  // namespace turnbuckle::turn
