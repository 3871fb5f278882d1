#include "turnbuckle/server/connection_limits.hpp"

#include "turnbuckle/turn/source_prefix.hpp"

namespace turnbuckle::server {

std::expected<ConnectionLimits::Ticket, ConnectionLimits::Refusal> ConnectionLimits::admit(
    const IpAddress& source) {
    const std::uint64_t prefix = turn::source_prefix(source);
    const std::lock_guard lock(mutex_);
    // The prefix first: for one that has all it may have, nobody needs to make room.
    const auto at = by_prefix_.find(prefix);
    const std::size_t held = at == by_prefix_.end() ? 0 : at->second;
    if (held >= limits_.per_prefix) return std::unexpected(Refusal::Prefix);
    if (open_ >= limits_.total) return std::unexpected(Refusal::Total);
    by_prefix_[prefix] = held + 1;
    ++open_;
    return Ticket(*this, prefix);
}

void ConnectionLimits::give_back(std::uint64_t prefix) noexcept {
    const std::lock_guard lock(mutex_);
    --open_;
    const auto at = by_prefix_.find(prefix);
    if (--at->second == 0) by_prefix_.erase(at);
}

void ConnectionLimits::set_limits(Limits limits) noexcept {
    const std::lock_guard lock(mutex_);
    limits_ = limits;
}

std::size_t ConnectionLimits::held_beside(const IpAddress& source) const noexcept {
    const std::uint64_t prefix = turn::source_prefix(source);
    const std::lock_guard lock(mutex_);
    const auto at = by_prefix_.find(prefix);
    return at == by_prefix_.end() ? 0 : at->second;
}

std::size_t ConnectionLimits::open() const noexcept {
    const std::lock_guard lock(mutex_);
    return open_;
}

}  // namespace turnbuckle::server
