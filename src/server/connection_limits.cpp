#include "turnbuckle/server/connection_limits.hpp"

#include "turnbuckle/turn/source_prefix.hpp"

namespace turnbuckle::server {

std::expected<ConnectionLimits::Ticket, ConnectionLimits::Refusal> ConnectionLimits::admit(
    const IpAddress& source) {
    const std::uint64_t prefix = turn::source_prefix(source);
    const std::lock_guard lock(mutex_);
    if (open_ >= limits_.total) return std::unexpected(Refusal::Total);
    std::size_t& of_prefix = by_prefix_[prefix];
    if (of_prefix >= limits_.per_prefix) return std::unexpected(Refusal::Prefix);
    ++of_prefix;
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

std::size_t ConnectionLimits::open() const noexcept {
    const std::lock_guard lock(mutex_);
    return open_;
}

}  // namespace turnbuckle::server
