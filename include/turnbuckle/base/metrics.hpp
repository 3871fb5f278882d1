// Counters that one thread writes and any thread may read, without a lock or a locked instruction.
//
// Each belongs to exactly one writer (a worker); the admin thread sums over the workers when it is
// asked. Reads are monotonic but not a snapshot across counters, which is all that metrics need.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace turnbuckle {

class Counter {
public:
    void add(std::uint64_t n = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t value() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

class Gauge {
public:
    void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
    void add(std::int64_t n) noexcept { set(value() + n); }
    [[nodiscard]] std::int64_t value() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::int64_t> value_{0};
};

// Counts observations by upper bound (inclusive), as Prometheus histograms do, and their sum.
// The unit is the caller's; `bounds` is sorted and outlives the histogram (a constexpr array).
template <std::size_t N>
class Histogram {
public:
    explicit constexpr Histogram(const std::array<double, N>& bounds) noexcept : bounds_(bounds) {}

    void observe(double value) noexcept {
        const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), value);
        counts_[static_cast<std::size_t>(at - bounds_.begin())].add();
        sum_.store(sum_.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
    }
    [[nodiscard]] const std::array<double, N>& bounds() const noexcept { return bounds_; }
    // Not cumulative; element N is what lies above the last bound.
    [[nodiscard]] std::uint64_t count(std::size_t bucket) const noexcept {
        return counts_[bucket].value();
    }
    [[nodiscard]] double sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

private:
    const std::array<double, N>& bounds_;
    std::array<Counter, N + 1> counts_;
    std::atomic<double> sum_{0};
};

}  // namespace turnbuckle
