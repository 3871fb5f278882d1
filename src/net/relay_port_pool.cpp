#include "turnbuckle/net/relay_port_pool.hpp"

#include <bit>
#include <cassert>
#include <limits>

namespace turnbuckle::net {

namespace {

constexpr std::uint64_t kOnePort = 1;
constexpr std::uint64_t kTwoPorts = 3;
constexpr std::uint64_t kAnyPort = ~std::uint64_t{0};
constexpr std::uint64_t kEvenPorts = 0x5555555555555555;  // a word starts at a multiple of 64
constexpr Time::rep kNever = std::numeric_limits<Time::rep>::max();
// Up to about half full, this many draws all but always hit a free port, so that the choice is
// uniform; beyond, the scan that follows bounds the time.
constexpr int kDraws = 8;

constexpr std::size_t word_of(std::size_t port) noexcept {
    return port / 64;
}
constexpr std::uint64_t bit_of(std::size_t port) noexcept {
    return std::uint64_t{1} << port % 64;
}

}  // namespace

RelayPortPool::RelayPortPool(std::uint16_t min, std::uint16_t max, Duration quarantine)
    : min_(min), max_(max), quarantine_(quarantine), next_return_(kNever) {
    assert(min > 0 && min <= max);
    for (std::size_t port = 0; port < 65536; ++port)
        if (port < min || port > max) claimed_[word_of(port)] |= bit_of(port);
}

std::optional<std::uint16_t> RelayPortPool::take_random(Random& random, Time now) {
    return take(random, kOnePort, kAnyPort, now);
}

std::optional<std::uint16_t> RelayPortPool::take_even(Random& random, bool reserve_next, Time now) {
    return take(random, reserve_next ? kTwoPorts : kOnePort, kEvenPorts, now);
}

std::optional<std::uint16_t> RelayPortPool::take(Random& random, std::uint64_t want,
                                                 std::uint64_t eligible, Time now) {
    return_rested(now);
    do {
        if (const auto port = try_take(random, want, eligible)) return port;
    } while (return_oldest());
    return std::nullopt;
}

std::optional<std::uint16_t> RelayPortPool::try_take(Random& random, std::uint64_t want,
                                                     std::uint64_t eligible) {
    std::size_t start = 0;
    for (int draw = 0; draw < kDraws; ++draw) {
        start = min_ + random.below(static_cast<std::uint32_t>(size()));
        if ((eligible & bit_of(start)) == 0) --start;
        if (const auto port = claim_in_word(word_of(start), bit_of(start), want)) return port;
    }
    const std::size_t first = word_of(min_);
    const std::size_t words = word_of(max_) - first + 1;
    // The word it starts in is looked at twice: from the drawn bit on, and last as a whole.
    for (std::size_t i = 0; i <= words; ++i) {
        const std::size_t word = first + (word_of(start) - first + i) % words;
        const std::uint64_t candidates = i == 0 ? eligible & ~(bit_of(start) - 1) : eligible;
        if (const auto port = claim_in_word(word, candidates, want)) return port;
    }
    return std::nullopt;
}

std::optional<std::uint16_t> RelayPortPool::claim_in_word(std::size_t word,
                                                          std::uint64_t candidates,
                                                          std::uint64_t want) {
    std::uint64_t claimed = claimed_[word].load(std::memory_order_relaxed);
    for (;;) {
        const std::uint64_t available = want == kTwoPorts ? ~claimed & (~claimed >> 1) : ~claimed;
        const std::uint64_t starts = available & candidates;
        if (starts == 0) return std::nullopt;
        const int bit = std::countr_zero(starts);
        const std::uint64_t taken = want << bit;
        if (!claimed_[word].compare_exchange_weak(
                claimed, claimed | taken, std::memory_order_acq_rel, std::memory_order_relaxed))
            continue;
        in_use_[word].fetch_or(taken, std::memory_order_release);
        used_.fetch_add(static_cast<std::size_t>(std::popcount(taken)), std::memory_order_relaxed);
        return static_cast<std::uint16_t>(word * 64 + static_cast<std::size_t>(bit));
    }
}

void RelayPortPool::release(std::uint16_t port, Time now) {
    const std::uint64_t before =
        in_use_[word_of(port)].fetch_and(~bit_of(port), std::memory_order_acq_rel);
    if ((before & bit_of(port)) == 0) return;

    const std::scoped_lock lock(mutex_);
    resting_.push_back({port, now + quarantine_});
    resting_count_.fetch_add(1, std::memory_order_relaxed);
    used_.fetch_sub(1, std::memory_order_relaxed);
    next_return_.store(resting_.front().until.time_since_epoch().count(),
                       std::memory_order_relaxed);
}

bool RelayPortPool::in_use(std::uint16_t port) const noexcept {
    return (in_use_[word_of(port)].load(std::memory_order_acquire) & bit_of(port)) != 0;
}

std::size_t RelayPortPool::used() const noexcept {
    return used_.load(std::memory_order_relaxed);
}

std::size_t RelayPortPool::quarantined(Time now) {
    return_rested(now);
    return resting_count_.load(std::memory_order_relaxed);
}

std::size_t RelayPortPool::free_ports(Time now) {
    const std::size_t taken = quarantined(now) + used();
    return taken < size() ? size() - taken : 0;
}

void RelayPortPool::return_rested(Time now) {
    if (now.time_since_epoch().count() < next_return_.load(std::memory_order_relaxed)) return;
    const std::scoped_lock lock(mutex_);
    while (!resting_.empty() && resting_.front().until <= now)
        return_front();
}

bool RelayPortPool::return_oldest() {
    const std::scoped_lock lock(mutex_);
    if (resting_.empty()) return false;
    return_front();
    return true;
}

void RelayPortPool::return_front() {
    const std::uint16_t port = resting_.front().port;
    resting_.pop_front();
    resting_count_.fetch_sub(1, std::memory_order_relaxed);
    next_return_.store(
        resting_.empty() ? kNever : resting_.front().until.time_since_epoch().count(),
        std::memory_order_relaxed);
    claimed_[word_of(port)].fetch_and(~bit_of(port), std::memory_order_release);
}

}  // namespace turnbuckle::net
