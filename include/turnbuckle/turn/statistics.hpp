// What one worker counts: written by that worker's thread only, read by any (base/metrics.hpp).
//
// Every label is bounded: the enumerations here are all the labels there are. Nothing is counted
// per user or per address.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/metrics.hpp"
#include "turnbuckle/turn/drop_reason.hpp"

namespace turnbuckle::turn {

enum class Transport : std::uint8_t { Udp, Tcp, Tls, Dtls, Count_ };
enum class Direction : std::uint8_t { ClientToPeer, PeerToClient, Count_ };

// Methods as the label `method` knows them; whatever else comes is Other.
enum class RequestMethod : std::uint8_t {
    Binding,
    Allocate,
    Refresh,
    CreatePermission,
    ChannelBind,
    Connect,
    ConnectionBind,
    Other,
    Count_
};

// Why an allocation ended.
enum class EndReason : std::uint8_t {
    Expired,   // its lifetime ran out without a Refresh
    Released,  // the client sent a Refresh with lifetime 0
    Closed,    // the client's connection closed
    Drained,   // the server shut down
    Revoked,   // an operator or a configuration change ended it
    Failed,    // its relay socket broke
    Count_
};

enum class AuthFailure : std::uint8_t {
    NoSuchUser,
    WrongPassword,
    Expired,
    StaleNonce,
    Mismatch /* 441 */,
    BackendDown,
    Malformed,
    Count_
};

[[nodiscard]] std::string_view name_of(Transport) noexcept;
[[nodiscard]] std::string_view name_of(Direction) noexcept;
[[nodiscard]] std::string_view name_of(RequestMethod) noexcept;
[[nodiscard]] std::string_view name_of(EndReason) noexcept;
[[nodiscard]] std::string_view name_of(AuthFailure) noexcept;

// Response codes that have a counter of their own: success (0) and the codes a server sends.
inline constexpr std::array<std::uint16_t, 18> kCountedCodes{
    0, 300, 400, 401, 403, 405, 420, 437, 438, 440, 441, 442, 443, 446, 447, 486, 500, 508};
// Index into kCountedCodes; an unlisted code counts as 500.
[[nodiscard]] std::size_t code_index(std::uint16_t code) noexcept;

template <class Enum>
inline constexpr std::size_t kCount = static_cast<std::size_t>(Enum::Count_);

// A fixed array indexed by an enumeration.
template <class T, class Enum>
struct PerEnum : std::array<T, kCount<Enum>> {
    T& operator[](Enum e) noexcept {
        return std::array<T, kCount<Enum>>::operator[](static_cast<std::size_t>(e));
    }
    const T& operator[](Enum e) const noexcept {
        return std::array<T, kCount<Enum>>::operator[](static_cast<std::size_t>(e));
    }
};

inline constexpr std::array kSessionSecondsBounds{1.0,    10.0,   60.0,    300.0,   600.0,
                                                  1800.0, 3600.0, 10800.0, 43200.0, 86400.0};
inline constexpr std::array kRequestSecondsBounds{1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5,
                                                  1e-4, 2.5e-4, 1e-3, 1e-2, 1e-1};

struct Traffic {
    Counter packets;
    Counter bytes;  // of application data: what the client or peer meant to send
};

struct Statistics {
    // By the client's transport, then by the relayed address's family (IPv4, IPv6).
    PerEnum<std::array<Gauge, 2>, Transport> allocations;
    PerEnum<Counter, Transport> allocations_created;
    PerEnum<Counter, EndReason> allocations_ended;
    Histogram<kSessionSecondsBounds.size()> session_seconds{kSessionSecondsBounds};

    PerEnum<PerEnum<Traffic, Direction>, Transport> relayed;
    PerEnum<std::array<Counter, kCountedCodes.size()>, RequestMethod> responses;
    // From reading the request to handing over its answer, time waiting for a store included.
    Histogram<kRequestSecondsBounds.size()> request_seconds{kRequestSecondsBounds};
    PerEnum<Counter, AuthFailure> auth_failures;
    std::array<Counter, kDropReasonCount> drops;
    Gauge pending_requests;
    Gauge tcp_peers;  // connections to peers, bound or waiting to be (RFC 6062)

    void drop(DropReason reason, std::uint64_t n = 1) noexcept {
        drops[static_cast<std::size_t>(reason)].add(n);
    }
};

}  // namespace turnbuckle::turn
