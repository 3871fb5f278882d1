// Performs an OpenRelay effect: a port from the pool, a socket on it, and for EVEN-PORT with R set
// the socket of the next port, reserved (RFC 8656 section 7.2); or a listening TCP socket (RFC 6062
// section 5.1). One per worker, on its thread.
#pragma once

#include <expected>
#include <memory>
#include <system_error>

#include "turnbuckle/base/log_limiter.hpp"
#include "turnbuckle/base/random.hpp"
#include "turnbuckle/server/relay_addresses.hpp"
#include "turnbuckle/server/relay_sockets.hpp"
#include "turnbuckle/turn/effects.hpp"

namespace turnbuckle::server {

template <class Relay>
struct Opened {
    std::expected<std::unique_ptr<Relay>, turn::RelayError> relay;
    std::optional<std::expected<std::unique_ptr<Relay>, turn::RelayError>> additional;
    std::optional<turn::ReservationTokenBytes> reservation;
};
using OpenedSockets = Opened<RelaySocket>;
using OpenedTcpRelays = Opened<TcpRelay>;

class RelayOpener {
public:
    RelayOpener(RelayAddresses& addresses, Reservations& reservations, Random& random,
                net::UdpSocketOptions options)
        : addresses_(addresses), reservations_(reservations), random_(random), options_(options) {}

    [[nodiscard]] OpenedSockets open(turn::OpenRelay& request, Time now);
    [[nodiscard]] OpenedTcpRelays open_tcp(const turn::OpenRelay& request, Time now);

private:
    template <class Relay>
    using Result = std::expected<std::unique_ptr<Relay>, turn::RelayError>;

    // Another program may hold a port of the range: a few more are tried before giving up.
    static constexpr int kAttempts = 16;

    // More than an allocation may have connections; each is taken out as soon as it is there.
    static constexpr int kTcpBacklog = 64;

    [[nodiscard]] Result<RelaySocket> open_one(AddressFamily family, const turn::OpenRelay& request,
                                               Time now);
    [[nodiscard]] Result<TcpRelay> open_one_tcp(AddressFamily family,
                                                const turn::OpenRelay& request, Time now);
    [[nodiscard]] Result<RelaySocket> open_pair(
        turn::OpenRelay& request, Time now,
        std::optional<turn::ReservationTokenBytes>& reservation);
    // Owns the port from here on, also if it cannot be bound.
    [[nodiscard]] std::expected<std::unique_ptr<RelaySocket>, std::error_code> bind(
        RelayAddress& address, std::uint16_t port, Time now);

    void warn(const Endpoint& relay, std::error_code error, Time now);

    RelayAddresses& addresses_;
    Reservations& reservations_;
    Random& random_;
    net::UdpSocketOptions options_;
    LogLimiter failures_;
};

}  // namespace turnbuckle::server
