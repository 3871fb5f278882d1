#include "turnbuckle/server/relay_sockets.hpp"

#include <utility>

namespace turnbuckle::server {

turn::RelayHandle RelaySockets::add(Slot slot) {
    std::uint32_t index = 0;
    if (free_.empty()) {
        index = static_cast<std::uint32_t>(sockets_.size());
        sockets_.push_back(std::move(slot));
    } else {
        index = free_.back();
        free_.pop_back();
        sockets_[index] = std::move(slot);
    }
    return turn::RelayHandle{index};
}

turn::RelayHandle RelaySockets::add(std::unique_ptr<RelaySocket> socket) {
    return add(Slot{std::move(socket), nullptr});
}

turn::RelayHandle RelaySockets::add(std::unique_ptr<TcpRelay> relay) {
    return add(Slot{nullptr, std::move(relay)});
}

RelaySocket* RelaySockets::find(turn::RelayHandle handle) noexcept {
    const auto index = static_cast<std::size_t>(handle);
    return index < sockets_.size() ? sockets_[index].udp.get() : nullptr;
}

TcpRelay* RelaySockets::find_tcp(turn::RelayHandle handle) noexcept {
    const auto index = static_cast<std::size_t>(handle);
    return index < sockets_.size() ? sockets_[index].tcp.get() : nullptr;
}

void RelaySockets::remove(turn::RelayHandle handle) noexcept {
    sockets_[static_cast<std::size_t>(handle)] = {};
    free_.push_back(static_cast<std::uint32_t>(handle));
}

turn::ReservationTokenBytes Reservations::add(std::unique_ptr<RelaySocket> socket,
                                              turn::QuotaTicket quota, Random& random, Time now) {
    const std::lock_guard lock(mutex_);
    for (;;) {
        turn::ReservationTokenBytes token{};
        random.fill(token);
        const bool added = reserved_
                               .try_emplace(load_be64(token.data()),
                                            Reserved{nullptr, turn::QuotaTicket{}, now + kLifetime})
                               .second;
        if (!added) continue;
        Reserved& reserved = reserved_.at(load_be64(token.data()));
        reserved.socket = std::move(socket);
        reserved.quota = std::move(quota);
        return token;
    }
}

std::unique_ptr<RelaySocket> Reservations::take(const turn::ReservationTokenBytes& token,
                                                Time now) {
    const std::lock_guard lock(mutex_);
    const auto at = reserved_.find(load_be64(token.data()));
    if (at == reserved_.end()) return nullptr;
    auto socket = now < at->second.expires ? std::move(at->second.socket) : nullptr;
    reserved_.erase(at);
    return socket;
}

void Reservations::expire(Time now) {
    const std::lock_guard lock(mutex_);
    erase_if(reserved_, [now](const auto& entry) { return entry.second.expires <= now; });
}

}  // namespace turnbuckle::server
