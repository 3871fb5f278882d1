#include "support/fake_host.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace turnbuckle::test {

namespace {

IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}

}  // namespace

FakeHost::FakeHost() = default;

IpAddress FakeHost::relay_address(AddressFamily family) {
    return family == AddressFamily::IPv4 ? ip("203.0.113.1") : ip("2001:db8:2::1");
}

Endpoint FakeHost::listener(AddressFamily family) {
    return {relay_address(family), 3478};
}

turn::OpenedRelay FakeHost::adopt(const Endpoint& relayed, turn::RelayProtocol protocol) {
    auto free = std::ranges::find(relays_, std::optional<Relay>());
    if (free == relays_.end()) free = relays_.insert(relays_.end(), std::nullopt);
    *free = Relay{relayed, protocol};
    return {turn::RelayHandle{static_cast<std::uint32_t>(free - relays_.begin())}, relayed};
}

FakeHost::Opened FakeHost::open_one(AddressFamily family, const turn::OpenRelay& request) {
    switch (supply_[index(family)]) {
        case Supply::Full:
            return std::unexpected(turn::RelayError::NoPorts);
        case Supply::Lacking:
            return std::unexpected(turn::RelayError::FamilyNotSupported);
        case Supply::Ready:
            break;
    }
    std::uint16_t& port = next_port_[static_cast<std::size_t>(request.protocol)][index(family)];
    if (request.even_port && port % 2 != 0) ++port;
    const Endpoint relayed{relay_address(family), port++};
    if (request.reserve_next) ++port;
    return adopt(relayed, request.protocol);
}

turn::RelayResult FakeHost::open(turn::OpenRelay& request) {
    if (request.reservation) {
        const auto at = reservations_.find(*request.reservation);
        if (at == reservations_.end())
            return {std::unexpected(turn::RelayError::NoSuchReservation), {}, {}};
        const Endpoint relayed = at->second.relayed;
        reservations_.erase(at);
        return {adopt(relayed, turn::RelayProtocol::Udp), {}, {}};
    }
    turn::RelayResult result{open_one(request.family, request), {}, {}};
    if (request.additional_family)
        result.additional = open_one(*request.additional_family, request);
    if (request.reserve_next && result.relay) {
        turn::ReservationTokenBytes token{};
        token.back() = ++last_token_;
        Endpoint next = result.relay->relayed;
        ++next.port;
        reservations_[token] = {next, std::move(*request.reserve_next)};
        result.reservation = token;
    }
    return result;
}

void FakeHost::close(turn::RelayHandle handle) {
    const auto at = static_cast<std::size_t>(handle);
    if (at >= relays_.size() || !relays_[at])
        throw std::logic_error("a relay is closed that is not open");
    relays_[at].reset();
}

const Endpoint* FakeHost::endpoint_of(turn::RelayHandle handle) const {
    const auto at = static_cast<std::size_t>(handle);
    return at < relays_.size() && relays_[at] ? &relays_[at]->relayed : nullptr;
}

turn::RelayProtocol FakeHost::protocol_of(turn::RelayHandle handle) const {
    return relays_.at(static_cast<std::size_t>(handle)).value().protocol;
}

std::optional<turn::RelayHandle> FakeHost::handle_of(const Endpoint& relayed,
                                                     turn::RelayProtocol protocol) const {
    const auto at = std::ranges::find(relays_, std::optional(Relay{relayed, protocol}));
    if (at == relays_.end()) return std::nullopt;
    return turn::RelayHandle{static_cast<std::uint32_t>(at - relays_.begin())};
}

std::vector<turn::RelayHandle> FakeHost::open_relays() const {
    std::vector<turn::RelayHandle> open;
    for (std::size_t i = 0; i < relays_.size(); ++i)
        if (relays_[i]) open.push_back(turn::RelayHandle{static_cast<std::uint32_t>(i)});
    return open;
}

turn::Ownership FakeHost::of(const Endpoint& endpoint,
                             turn::RelayProtocol protocol) const noexcept {
    if (handle_of(endpoint, protocol)) return turn::Ownership::Relayed;
    if (!is_own(endpoint.ip)) return turn::Ownership::Foreign;
    return endpoint == listener(endpoint.ip.family()) ? turn::Ownership::Service
                                                      : turn::Ownership::OtherOwn;
}

bool FakeHost::is_relay_address(const IpAddress& address) const noexcept {
    return address == relay_address(address.family());
}

bool FakeHost::is_own(const IpAddress& address) const noexcept {
    static const std::array kOther{ip("203.0.113.2"), ip("2001:db8:2::2")};
    return is_relay_address(address) || address.is_loopback() ||
           std::ranges::find(kOther, address) != kOther.end();
}

}  // namespace turnbuckle::test
