// Performs an OpenRelay effect: a port from the pool, a socket on it, and for EVEN-PORT with R set
// the socket of the next port, reserved (RFC 8656 section 7.2). One per worker, on its thread.
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

struct OpenedSockets {
    std::expected<std::unique_ptr<RelaySocket>, turn::RelayError> relay;
    std::optional<std::expected<std::unique_ptr<RelaySocket>, turn::RelayError>> additional;
    std::optional<turn::ReservationTokenBytes> reservation;
};

class RelayOpener {
public:
    RelayOpener(RelayAddresses& addresses, Reservations& reservations, Random& random,
                net::UdpSocketOptions options)
        : addresses_(addresses), reservations_(reservations), random_(random), options_(options) {}

    [[nodiscard]] OpenedSockets open(turn::OpenRelay& request, Time now);

private:
    using Opened = std::expected<std::unique_ptr<RelaySocket>, turn::RelayError>;

    // Another program may hold a port of the range: a few more are tried before giving up.
    static constexpr int kAttempts = 16;

    [[nodiscard]] Opened open_one(AddressFamily family, const turn::OpenRelay& request, Time now);
    [[nodiscard]] Opened open_pair(turn::OpenRelay& request, Time now,
                                   std::optional<turn::ReservationTokenBytes>& reservation);
    // Owns the port from here on, also if it cannot be bound.
    [[nodiscard]] std::expected<std::unique_ptr<RelaySocket>, std::error_code> bind(
        RelayAddress& address, std::uint16_t port, Time now);

    RelayAddresses& addresses_;
    Reservations& reservations_;
    Random& random_;
    net::UdpSocketOptions options_;
    LogLimiter failures_;
};

}  // namespace turnbuckle::server
