// The addresses that allocations relay from, their ports, and all else that is this host's own.
//
// One for all workers. What the data path asks (turn::OwnAddresses) takes no lock: relay addresses
// are only ever added, and the set of the host's other addresses is replaced whole. Without
// configured relay addresses, one is added for each local address that clients reach the server at.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "turnbuckle/net/relay_port_pool.hpp"
#include "turnbuckle/turn/own_addresses.hpp"

namespace turnbuckle::server {

struct RelayAddress {
    RelayAddress(IpAddress bound, IpAddress shown, std::uint16_t min_port, std::uint16_t max_port)
        : local(bound),
          advertised(shown),
          ports(min_port, max_port),
          tcp_ports(min_port, max_port) {}

    [[nodiscard]] net::RelayPortPool& pool(turn::RelayProtocol protocol) noexcept {
        return protocol == turn::RelayProtocol::Tcp ? tcp_ports : ports;
    }
    [[nodiscard]] const net::RelayPortPool& pool(turn::RelayProtocol protocol) const noexcept {
        return protocol == turn::RelayProtocol::Tcp ? tcp_ports : ports;
    }

    IpAddress local;       // sockets are bound to it
    IpAddress advertised;  // what clients and peers see: the same, or the public side of a 1:1 NAT
    net::RelayPortPool ports;      // of UDP relays
    net::RelayPortPool tcp_ports;  // the same range, of TCP relays: a space of its own
};

class RelayAddresses final : public turn::OwnAddresses {
public:
    struct Configured {
        IpAddress address;
        std::optional<IpAddress> advertise;
    };

    // More than one host will ever have; beyond it, allocations at new local addresses get 508.
    static constexpr std::size_t kMaxAddresses = 64;

    RelayAddresses(std::span<const Configured> configured, std::uint16_t min_port,
                   std::uint16_t max_port);

    // The address to relay from, for a client that reached the server at `reached`; nothing if this
    // host has none of that family. Control path: may lock.
    [[nodiscard]] RelayAddress* choose(AddressFamily family, const IpAddress& reached,
                                       Random& random);

    // Endpoints that never are peers: the listeners and the admin plane. Before the workers start.
    void add_service(const Endpoint& listener);

    // Asks the kernel for the host's addresses anew; they come and go.
    void refresh_own_addresses();

    // The same relayed transport address, as the socket knows it and as peers do.
    [[nodiscard]] Endpoint to_local(const Endpoint& advertised) const noexcept;
    [[nodiscard]] Endpoint to_advertised(
        const Endpoint& local,
        turn::RelayProtocol protocol = turn::RelayProtocol::Udp) const noexcept;

    [[nodiscard]] turn::Ownership of(const Endpoint& endpoint,
                                     turn::RelayProtocol protocol) const noexcept override;
    [[nodiscard]] bool is_relay_address(const IpAddress& ip) const noexcept override;
    [[nodiscard]] bool is_own(const IpAddress& ip) const noexcept override;

    // For the metrics and the log; each lives as long as this object.
    [[nodiscard]] std::vector<RelayAddress*> all() const;

private:
    struct OwnSet {
        std::vector<IpAddress> addresses;  // sorted
    };

    [[nodiscard]] RelayAddress* find_or_add(const IpAddress& local);
    [[nodiscard]] RelayAddress* add(const IpAddress& local, const IpAddress& advertised);
    template <class Predicate>
    [[nodiscard]] RelayAddress* find(Predicate matches) const noexcept {
        const std::size_t count = count_.load(std::memory_order_acquire);
        for (std::size_t i = 0; i < count; ++i)
            if (matches(*addresses_[i])) return addresses_[i].get();
        return nullptr;
    }

    const std::uint16_t min_port_;
    const std::uint16_t max_port_;
    const bool automatic_;
    bool translates_ = false;  // some address is advertised as another
    std::mutex mutex_;         // for whoever adds
    std::array<std::unique_ptr<RelayAddress>, kMaxAddresses> addresses_;
    std::atomic<std::size_t> count_{0};
    std::vector<Endpoint> services_;
    std::atomic<const OwnSet*> own_{nullptr};
    // Every set there ever was: a worker may still be reading an old one. They change rarely.
    std::vector<std::unique_ptr<OwnSet>> own_sets_;
};

}  // namespace turnbuckle::server
