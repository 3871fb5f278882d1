#include "turnbuckle/turn/answer_limiter.hpp"

#include <algorithm>
#include <chrono>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/turn/source_prefix.hpp"

namespace turnbuckle::turn {

namespace {

// Both halves of the product depend on every bit of both factors.
std::uint64_t multiply_fold(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a} * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

AnswerLimiter::AnswerLimiter(AnswerLimits limits, Random& random) : sets_(kEntries / kWays) {
    std::array<std::uint8_t, 16> bytes{};
    random.fill(bytes);
    key_ = {load_be64(bytes.data()), load_be64(bytes.data() + 8) | 1};
    set_limits(limits);
}

void AnswerLimiter::set_limits(AnswerLimits limits) noexcept {
    constexpr Duration kSecond = std::chrono::seconds(1);
    if (limits.answers_per_second == 0) {
        interval_ = Duration::zero();
        return;
    }
    interval_ = std::max(kSecond / limits.answers_per_second, Duration(1));
    // At one answer a second the longest burst is 136 years: no product here overflows.
    tolerance_ = interval_ * (std::max(limits.burst, 1u) - 1);
}

AnswerLimiter::Set& AnswerLimiter::set_of(std::uint64_t prefix) noexcept {
    const std::uint64_t once = multiply_fold(prefix ^ key_[0], key_[1]);
    return sets_[multiply_fold(once ^ key_[1], key_[0] | 1) % sets_.size()];
}

bool AnswerLimiter::allow(const IpAddress& source, Time now) noexcept {
    if (interval_ == Duration::zero()) return true;
    const std::uint64_t prefix = source_prefix(source);
    auto& ways = set_of(prefix).ways;
    auto bucket = std::ranges::find(ways, prefix, &Bucket::prefix);
    if (bucket == ways.end()) {
        bucket = std::ranges::min_element(ways, {}, &Bucket::full_at);
        *bucket = {prefix, now};
    }
    const Time full_at = std::max(bucket->full_at, now);
    if (full_at - now > tolerance_) return false;
    bucket->full_at = full_at + interval_;
    return true;
}

void AnswerLimiter::refund(const IpAddress& source, Time now) noexcept {
    const std::uint64_t prefix = source_prefix(source);
    auto& ways = set_of(prefix).ways;
    const auto bucket = std::ranges::find(ways, prefix, &Bucket::prefix);
    if (bucket != ways.end()) bucket->full_at = std::max(bucket->full_at - interval_, now);
}

}  // namespace turnbuckle::turn
