// An allocation and what hangs on it (RFC 8656 sections 6, 9 and 12): plain state of one worker.
//
// Nothing here has a timer of its own. A permission or channel is live while its expiry lies ahead
// of the `now` that a look-up brings; the dead are swept when room is needed.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/container/flat_map.hpp>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/secret.hpp"
#include "turnbuckle/base/time.hpp"
#include "turnbuckle/stun/types.hpp"
#include "turnbuckle/turn/client_path.hpp"
#include "turnbuckle/turn/effects.hpp"
#include "turnbuckle/turn/quota.hpp"

namespace turnbuckle::turn {

// Removes what the predicate finds; Boost's flat_map has no erase_if yet.
template <class Map, class Predicate>
void sweep(Map& map, Predicate predicate) {
    for (auto at = map.begin(); at != map.end();)
        at = predicate(*at) ? map.erase(at) : at + 1;
}

struct Channel {
    Endpoint peer;
    Time expires{};
    // Where the peer lives, judged when the channel was bound; only own addresses change their
    // meaning with the port, so only they are judged again for each datagram.
    bool peer_is_own = false;
};

class Permissions {
public:
    // The peer's IP address only: a permission does not name a port (RFC 8656 section 9).
    [[nodiscard]] bool allows(const IpAddress& peer, Time now) const noexcept {
        const auto at = expiries_.find(peer);
        return at != expiries_.end() && now < at->second;
    }
    // True if `count` more fit under `limit`, after sweeping the dead.
    [[nodiscard]] bool make_room(std::size_t count, std::size_t limit, Time now);
    void install(const IpAddress& peer, Time expires) { expiries_[peer] = expires; }
    template <class Predicate>
    void remove_if(Predicate predicate) {
        sweep(expiries_, [&](const auto& entry) { return predicate(entry.first); });
    }
    [[nodiscard]] std::size_t size() const noexcept { return expiries_.size(); }

private:
    boost::container::flat_map<IpAddress, Time> expiries_;
};

class Channels {
public:
    // Nothing if the number is not bound or the binding is dead.
    [[nodiscard]] const Channel* by_number(std::uint16_t number, Time now) const noexcept {
        const auto at = by_number_.find(number);
        return at != by_number_.end() && now < at->second.expires ? &at->second : nullptr;
    }
    [[nodiscard]] std::optional<std::uint16_t> by_peer(const Endpoint& peer,
                                                       Time now) const noexcept {
        const auto at = by_peer_.find(peer);
        if (at == by_peer_.end() || by_number(at->second, now) == nullptr) return std::nullopt;
        return at->second;
    }
    [[nodiscard]] bool make_room(std::size_t limit, Time now);
    // The caller has made sure that neither is bound to another.
    void bind(std::uint16_t number, const Channel& channel);
    template <class Predicate>
    void remove_if(Predicate predicate) {
        sweep(by_peer_, [&](const auto& entry) { return predicate(entry.first.ip); });
        sweep(by_number_, [&](const auto& entry) { return predicate(entry.second.peer.ip); });
    }
    [[nodiscard]] std::size_t size() const noexcept { return by_number_.size(); }

private:
    boost::container::flat_map<std::uint16_t, Channel> by_number_;
    boost::container::flat_map<Endpoint, std::uint16_t> by_peer_;
};

// A connection to a TCP peer, from the Connect or the accept to its end (RFC 6062 section 5).
struct TcpPeer {
    enum class State : std::uint8_t {
        Connecting,  // a Connect is under way, its request is parked under `ticket`
        Waiting,     // for the ConnectionBind that names `id`
        Bound,
    };
    State state = State::Connecting;
    Endpoint peer;
    Ticket ticket{};
    PeerConnection connection{};
    std::uint32_t id = 0;         // CONNECTION-ID
    Time deadline = Time::max();  // of Connecting and Waiting
};

// One half of a dual allocation can be refreshed and deleted apart (RFC 8656 section 8.1).
struct AllocatedRelay : OpenedRelay {
    Time expires{};
};

struct Allocation {
    std::uint64_t id = 0;  // given by the table
    ClientPath path;
    stun::TransactionId created_by{};  // a retransmission of it gets the same answer
    std::array<std::optional<AllocatedRelay>, 2> relays;  // by family: IPv4, IPv6
    std::optional<RelayError> additional_error;           // answered as ADDRESS-ERROR-CODE
    std::optional<ReservationTokenBytes> reservation;

    std::string username;  // as sent, for 441; `user` is who is charged
    std::string user;
    Secret key;
    QuotaTicket quota;

    Time created{};
    Time timer = Time::max();  // when the wheel fires for it next
    RelayProtocol protocol = RelayProtocol::Udp;
    Permissions permissions;
    Channels channels;
    std::vector<TcpPeer> tcp_peers;
    PerEnum<SessionEnded::Amount, Direction> relayed_data;

    [[nodiscard]] const std::optional<AllocatedRelay>& relay(AddressFamily family) const noexcept {
        return relays[family == AddressFamily::IPv4 ? 0 : 1];
    }
    [[nodiscard]] const AllocatedRelay* live_relay(AddressFamily family, Time now) const noexcept {
        const auto& half = relay(family);
        return half && now < half->expires ? &*half : nullptr;
    }
    // When the last half expires, and with it the allocation.
    [[nodiscard]] Time expires() const noexcept {
        Time last = Time::min();
        for (const auto& half : relays)
            if (half) last = std::max(last, half->expires);
        return last;
    }
    // Of the halves and of what its TCP peers wait for.
    [[nodiscard]] Time next_expiry() const noexcept {
        Time first = Time::max();
        for (const auto& half : relays)
            if (half) first = std::min(first, half->expires);
        for (const TcpPeer& each : tcp_peers)
            first = std::min(first, each.deadline);
        return first;
    }
};

}  // namespace turnbuckle::turn
