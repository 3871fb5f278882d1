#include "turnbuckle/base/log_limiter.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace turnbuckle {

namespace {

IpAddress prefix_of(const IpAddress& source) {
    return masked(source, source.is_v4() ? 24 : 56);
}

}  // namespace

std::string LogLimiter::Summary::to_string() const {
    return fmt::format("{} more in {} s from {}{} {}", suppressed,
                       std::chrono::round<std::chrono::seconds>(over).count(),
                       prefixes_capped ? "at least " : "", prefixes,
                       prefixes == 1 ? "prefix" : "prefixes");
}

bool LogLimiter::admit(const IpAddress& source, Time now) {
    if (!second_began_ || now - *second_began_ >= std::chrono::seconds(1)) {
        second_began_ = now;
        admitted_ = 0;
    }
    if (admitted_ < limits_.per_second) {
        ++admitted_;
        return true;
    }
    if (!suppressing_since_) suppressing_since_ = now;
    ++suppressed_;
    remember(source);
    return false;
}

void LogLimiter::remember(const IpAddress& source) {
    const IpAddress prefix = prefix_of(source);
    const auto at = std::lower_bound(prefixes_.begin(), prefixes_.end(), prefix);
    if (at != prefixes_.end() && *at == prefix) return;
    if (prefixes_.size() == limits_.max_prefixes) {
        prefixes_capped_ = true;
    } else {
        prefixes_.insert(at, prefix);
    }
}

std::optional<LogLimiter::Summary> LogLimiter::take_summary(Time now) {
    const auto when = due();
    if (!when || now < *when) return std::nullopt;
    return take_rest(now);
}

std::optional<LogLimiter::Summary> LogLimiter::take_rest(Time now) {
    if (!suppressing_since_) return std::nullopt;
    const Summary summary{.suppressed = std::exchange(suppressed_, 0),
                          .over = now - *suppressing_since_,
                          .prefixes = prefixes_.size(),
                          .prefixes_capped = std::exchange(prefixes_capped_, false)};
    suppressing_since_.reset();
    prefixes_.clear();
    return summary;
}

std::optional<Time> LogLimiter::due() const noexcept {
    if (!suppressing_since_) return std::nullopt;
    return *suppressing_since_ + limits_.interval;
}

}  // namespace turnbuckle
