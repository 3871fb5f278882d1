#include "turnbuckle/server/relay_addresses.hpp"

#include <algorithm>

#include "turnbuckle/net/local_addresses.hpp"

namespace turnbuckle::server {

RelayAddresses::RelayAddresses(std::span<const Configured> configured, std::uint16_t min_port,
                               std::uint16_t max_port)
    : min_port_(min_port), max_port_(max_port), automatic_(configured.empty()) {
    for (const Configured& each : configured) {
        (void)add(each.address, each.advertise.value_or(each.address));
        if (each.advertise) translates_ = true;
    }
    refresh_own_addresses();
}

RelayAddress* RelayAddresses::add(const IpAddress& local, const IpAddress& advertised) {
    const std::lock_guard lock(mutex_);
    if (auto* known = find([&](const RelayAddress& a) { return a.local == local; })) return known;
    const std::size_t count = count_.load(std::memory_order_relaxed);
    if (count == kMaxAddresses) return nullptr;
    addresses_[count] = std::make_unique<RelayAddress>(local, advertised, min_port_, max_port_);
    count_.store(count + 1, std::memory_order_release);
    return addresses_[count].get();
}

RelayAddress* RelayAddresses::find_or_add(const IpAddress& local) {
    if (auto* known = find([&](const RelayAddress& a) { return a.local == local; })) return known;
    return add(local, local);
}

RelayAddress* RelayAddresses::choose(AddressFamily family, const IpAddress& reached,
                                     Random& random) {
    if (automatic_) {
        if (reached.family() == family) return find_or_add(reached);
        const auto outward = net::default_route_address(family);
        // A host without a route outside still relays among its own: loopback, for tests.
        if (!outward && reached.is_loopback())
            return find_or_add(family == AddressFamily::IPv4 ? IpAddress::v4(127, 0, 0, 1)
                                                             : *IpAddress::parse("::1"));
        return outward ? find_or_add(*outward) : nullptr;
    }
    std::array<RelayAddress*, kMaxAddresses> fitting{};
    std::uint32_t count = 0;
    for (RelayAddress* each : all())
        if (each->local.family() == family) fitting[count++] = each;
    return count == 0 ? nullptr : fitting[count == 1 ? 0 : random.below(count)];
}

void RelayAddresses::add_service(const Endpoint& listener) {
    services_.push_back(listener);
}

void RelayAddresses::refresh_own_addresses() {
    auto addresses = net::local_addresses();
    std::ranges::sort(addresses);
    const OwnSet* known = own_.load(std::memory_order_acquire);
    if (known != nullptr && known->addresses == addresses) return;
    const std::lock_guard lock(mutex_);
    own_sets_.push_back(std::make_unique<OwnSet>(OwnSet{std::move(addresses)}));
    own_.store(own_sets_.back().get(), std::memory_order_release);
}

Endpoint RelayAddresses::to_local(const Endpoint& advertised) const noexcept {
    if (!translates_) return advertised;
    const auto* relay = find([&](const RelayAddress& a) { return a.advertised == advertised.ip; });
    return relay == nullptr ? advertised : Endpoint{relay->local, advertised.port};
}

Endpoint RelayAddresses::to_advertised(const Endpoint& local,
                                       turn::RelayProtocol protocol) const noexcept {
    if (!translates_) return local;
    const auto* relay = find([&](const RelayAddress& a) { return a.local == local.ip; });
    return relay == nullptr || !relay->pool(protocol).in_use(local.port)
               ? local
               : Endpoint{relay->advertised, local.port};
}

turn::Ownership RelayAddresses::of(const Endpoint& endpoint,
                                   turn::RelayProtocol protocol) const noexcept {
    const auto* relay = find([&](const RelayAddress& a) {
        return a.advertised == endpoint.ip && a.pool(protocol).in_use(endpoint.port);
    });
    if (relay != nullptr) return turn::Ownership::Relayed;
    if (!is_own(endpoint.ip)) return turn::Ownership::Foreign;
    const bool service = std::ranges::any_of(services_, [&](const Endpoint& each) {
        return each.port == endpoint.port &&
               (each.ip == endpoint.ip ||
                (each.ip.is_unspecified() && each.ip.family() == endpoint.ip.family()));
    });
    return service ? turn::Ownership::Service : turn::Ownership::OtherOwn;
}

bool RelayAddresses::is_relay_address(const IpAddress& ip) const noexcept {
    return find([&](const RelayAddress& a) { return a.advertised == ip; }) != nullptr;
}

bool RelayAddresses::is_own(const IpAddress& ip) const noexcept {
    // All of 127/8 is this host, whatever the interfaces say.
    if (ip.is_loopback() || is_relay_address(ip)) return true;
    const auto& own = own_.load(std::memory_order_acquire)->addresses;
    return std::ranges::binary_search(own, ip);
}

std::vector<RelayAddress*> RelayAddresses::all() const {
    std::vector<RelayAddress*> result;
    (void)find([&](RelayAddress& each) {
        result.push_back(&each);
        return false;
    });
    return result;
}

}  // namespace turnbuckle::server
