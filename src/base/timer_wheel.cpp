#include "turnbuckle/base/timer_wheel.hpp"

#include <algorithm>

namespace turnbuckle {

std::uint64_t TimerWheel::tick_at_or_after(Time t) const noexcept {
    if (t <= start_) return 0;
    return static_cast<std::uint64_t>((t - start_ + kTick - Duration(1)) / kTick);
}

void TimerWheel::schedule(Time deadline, Token token) {
    const std::uint64_t tick = std::max(tick_at_or_after(deadline), current_ + 1);
    slots_[tick % kSlots].push_back({tick, token});
    ++size_;
}

void TimerWheel::advance(Time now, std::vector<Token>& fired) {
    const std::uint64_t target =
        now <= start_ ? 0 : static_cast<std::uint64_t>((now - start_) / kTick);
    if (target <= current_) return;
    // After a pause of more than one turn each slot needs to be seen once only.
    const std::uint64_t steps = std::min<std::uint64_t>(target - current_, kSlots);
    for (std::uint64_t step = 1; step <= steps; ++step) {
        auto& slot = slots_[(current_ + step) % kSlots];
        const auto due = std::partition(slot.begin(), slot.end(),
                                        [&](const Entry& e) { return e.tick > target; });
        for (auto e = due; e != slot.end(); ++e)
            fired.push_back(e->token);
        size_ -= static_cast<std::size_t>(slot.end() - due);
        slot.erase(due, slot.end());
    }
    current_ = target;
}

std::optional<Time> TimerWheel::next() const noexcept {
    if (size_ == 0) return std::nullopt;
    return start_ + kTick * static_cast<std::int64_t>(current_ + 1);
}

}  // namespace turnbuckle
