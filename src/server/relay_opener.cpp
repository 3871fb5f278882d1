#include "turnbuckle/server/relay_opener.hpp"

#include <utility>

#include "turnbuckle/base/log.hpp"

namespace turnbuckle::server {

using turn::RelayError;

namespace {

// Another program has this one port; everything else (no descriptors, no memory) concerns them all.
bool is_port_taken(std::error_code error) noexcept {
    return error == std::errc::address_in_use;
}

}  // namespace

OpenedSockets RelayOpener::open(turn::OpenRelay& request, Time now) {
    if (request.reservation) {
        auto socket = reservations_.take(*request.reservation, now);
        if (socket == nullptr)
            return {std::unexpected(RelayError::NoSuchReservation), std::nullopt, std::nullopt};
        return {std::move(socket), std::nullopt, std::nullopt};
    }
    OpenedSockets opened{std::unexpected(RelayError::NoPorts), std::nullopt, std::nullopt};
    opened.relay = request.reserve_next ? open_pair(request, now, opened.reservation)
                                        : open_one(request.family, request, now);
    if (request.additional_family)
        opened.additional = open_one(*request.additional_family, request, now);
    return opened;
}

OpenedTcpRelays RelayOpener::open_tcp(const turn::OpenRelay& request, Time now) {
    OpenedTcpRelays opened{std::unexpected(RelayError::NoPorts), std::nullopt, std::nullopt};
    opened.relay = open_one_tcp(request.family, request, now);
    if (request.additional_family)
        opened.additional = open_one_tcp(*request.additional_family, request, now);
    return opened;
}

RelayOpener::Result<TcpRelay> RelayOpener::open_one_tcp(AddressFamily family,
                                                        const turn::OpenRelay& request, Time now) {
    RelayAddress* address = addresses_.choose(family, request.client.server.ip, random_);
    if (address == nullptr) return std::unexpected(RelayError::FamilyNotSupported);
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const auto port = address->tcp_ports.take_random(random_, now);
        if (!port) break;
        const Endpoint local{address->local, *port};
        // Others connect from this very endpoint while it listens (RFC 6062 section 5.2).
        auto listener = net::open_tcp_listener(local, {.reuse_port = true, .backlog = kTcpBacklog});
        if (listener) return std::make_unique<TcpRelay>(std::move(*listener), *address);
        address->tcp_ports.release(*port, now);
        warn(local, listener.error(), now);
        if (!is_port_taken(listener.error())) break;
    }
    return std::unexpected(RelayError::NoPorts);
}

RelayOpener::Result<RelaySocket> RelayOpener::open_one(AddressFamily family,
                                                       const turn::OpenRelay& request, Time now) {
    RelayAddress* address = addresses_.choose(family, request.client.server.ip, random_);
    if (address == nullptr) return std::unexpected(RelayError::FamilyNotSupported);
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const auto port = request.even_port ? address->ports.take_even(random_, false, now)
                                            : address->ports.take_random(random_, now);
        if (!port) break;
        auto socket = bind(*address, *port, now);
        if (socket) return std::move(*socket);
        if (!is_port_taken(socket.error())) break;
    }
    return std::unexpected(RelayError::NoPorts);
}

RelayOpener::Result<RelaySocket> RelayOpener::open_pair(
    turn::OpenRelay& request, Time now, std::optional<turn::ReservationTokenBytes>& reservation) {
    RelayAddress* address = addresses_.choose(request.family, request.client.server.ip, random_);
    if (address == nullptr) return std::unexpected(RelayError::FamilyNotSupported);
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const auto port = address->ports.take_even(random_, true, now);
        if (!port) break;
        auto even = bind(*address, *port, now);
        auto odd = bind(*address, static_cast<std::uint16_t>(*port + 1), now);
        if (even && odd) {
            reservation =
                reservations_.add(std::move(*odd), std::move(*request.reserve_next), random_, now);
            return std::move(*even);
        }
        if (!is_port_taken(even ? odd.error() : even.error())) break;
    }
    return std::unexpected(RelayError::NoPorts);
}

std::expected<std::unique_ptr<RelaySocket>, std::error_code> RelayOpener::bind(
    RelayAddress& address, std::uint16_t port, Time now) {
    auto socket = net::open_udp({address.local, port}, options_);
    if (socket) return std::make_unique<RelaySocket>(std::move(*socket), address);
    address.ports.release(port, now);
    warn({address.local, port}, socket.error(), now);
    return std::unexpected(socket.error());
}

void RelayOpener::warn(const Endpoint& relay, std::error_code error, Time now) {
    if (failures_.admit(relay.ip, now))
        log::warn("relay port cannot be opened", {{"relay", relay}, {"error", error.message()}});
}

}  // namespace turnbuckle::server
