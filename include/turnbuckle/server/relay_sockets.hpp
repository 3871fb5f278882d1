// Relay sockets: one worker's open ones, and those that are reserved for whoever brings the token.
//
// A RelaySocket owns its UDP socket and its port: destroying it closes the one and gives back the
// other; so does a TcpRelay with its listener and its TCP port. RelaySockets belongs to one worker.
// Reservations are shared: a token may come back on any five-tuple, and so to any worker (RFC 8656
// section 7.2); the socket simply changes hands.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "turnbuckle/net/tcp_socket.hpp"
#include "turnbuckle/net/udp_socket.hpp"
#include "turnbuckle/server/relay_addresses.hpp"
#include "turnbuckle/turn/effects.hpp"

namespace turnbuckle::server {

class RelaySocket {
public:
    RelaySocket(net::UdpSocket socket, RelayAddress& address) noexcept
        : socket_(std::move(socket)), address_(&address) {}
    RelaySocket(const RelaySocket&) = delete;
    RelaySocket& operator=(const RelaySocket&) = delete;
    ~RelaySocket() { address_->ports.release(socket_.local().port, monotonic_now()); }

    [[nodiscard]] net::UdpSocket& socket() noexcept { return socket_; }
    // The relayed transport address as clients and peers are told.
    [[nodiscard]] Endpoint relayed() const noexcept {
        return {address_->advertised, socket_.local().port};
    }

private:
    net::UdpSocket socket_;
    RelayAddress* address_;
};

// Where TCP peers connect to, and connect from (RFC 6062 section 5).
class TcpRelay {
public:
    TcpRelay(net::TcpListener listener, RelayAddress& address) noexcept
        : listener_(std::move(listener)), address_(&address) {}
    TcpRelay(const TcpRelay&) = delete;
    TcpRelay& operator=(const TcpRelay&) = delete;
    ~TcpRelay() { address_->tcp_ports.release(listener_.local().port, monotonic_now()); }

    [[nodiscard]] const net::TcpListener& listener() const noexcept { return listener_; }
    [[nodiscard]] Endpoint relayed() const noexcept {
        return {address_->advertised, listener_.local().port};
    }

private:
    net::TcpListener listener_;
    RelayAddress* address_;
};

class RelaySockets {
public:
    // The handles of both are of one kind: the engine knows what it asked for.
    [[nodiscard]] turn::RelayHandle add(std::unique_ptr<RelaySocket> socket);
    [[nodiscard]] turn::RelayHandle add(std::unique_ptr<TcpRelay> relay);
    [[nodiscard]] RelaySocket* find(turn::RelayHandle handle) noexcept;
    [[nodiscard]] TcpRelay* find_tcp(turn::RelayHandle handle) noexcept;
    void remove(turn::RelayHandle handle) noexcept;

private:
    struct Slot {
        std::unique_ptr<RelaySocket> udp;
        std::unique_ptr<TcpRelay> tcp;
    };
    [[nodiscard]] turn::RelayHandle add(Slot slot);

    std::vector<Slot> sockets_;
    std::vector<std::uint32_t> free_;
};

class Reservations {
public:
    // RFC 8656 section 7.2: held "for at least 30 seconds".
    static constexpr Duration kLifetime = std::chrono::seconds(30);

    // The quota ticket is held until the reservation is taken or expires.
    [[nodiscard]] turn::ReservationTokenBytes add(std::unique_ptr<RelaySocket> socket,
                                                  turn::QuotaTicket quota, Random& random,
                                                  Time now);
    // Nothing if there is no such reservation, or no longer.
    [[nodiscard]] std::unique_ptr<RelaySocket> take(const turn::ReservationTokenBytes& token,
                                                    Time now);
    void expire(Time now);

private:
    struct Reserved {
        std::unique_ptr<RelaySocket> socket;
        turn::QuotaTicket quota;
        Time expires;
    };

    std::mutex mutex_;
    boost::unordered_flat_map<std::uint64_t, Reserved> reserved_;  // by the token's bytes
};

}  // namespace turnbuckle::server
