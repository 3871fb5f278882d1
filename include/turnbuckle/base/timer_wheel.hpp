// One timer wheel per worker: deadlines of many sessions at O(1) each, without a timer object each.
//
// A deadline is a (time, token) pair; tokens are the owner's, opaque here. There is no cancel: the
// owner re-checks its own deadline when a token fires and schedules again if it was moved on. So a
// session has at most one entry however often it is refreshed. One thread; time is passed in.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "turnbuckle/base/time.hpp"

namespace turnbuckle {

class TimerWheel {
public:
    using Token = std::uint64_t;

    // Fires are late by at most `kTick`, never early.
    static constexpr Duration kTick = std::chrono::milliseconds(250);

    explicit TimerWheel(Time now) : start_(now) {}

    void schedule(Time deadline, Token token);

    // Appends every token whose deadline has come to `fired`.
    void advance(Time now, std::vector<Token>& fired);

    // When `advance` should be called next; nothing if the wheel is empty. It is the next tick, not
    // the next deadline: asked for before every wait, it must not search.
    [[nodiscard]] std::optional<Time> next() const noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    static constexpr std::size_t kSlots = 1024;  // one turn is 256 s; longer deadlines go round

    struct Entry {
        std::uint64_t tick;
        Token token;
    };

    [[nodiscard]] std::uint64_t tick_at_or_after(Time t) const noexcept;

    Time start_;
    std::uint64_t current_ = 0;  // ticks up to and including this one have fired
    std::size_t size_ = 0;
    std::array<std::vector<Entry>, kSlots> slots_;
};

}  // namespace turnbuckle
