// The relay ports of one relay address: all workers draw from it at random, without a lock.
//
// RFC 8656 section 7.2 recommends a random choice (RFC 6056). A released port rests before it is
// given out again, so that what peers still send to the old allocation does not reach the next one.
// The RFC sets no time for that; 30 s is what it asks for holding a reservation. The rest is a
// courtesy and never a reason to refuse: when nothing else is free, the port that has rested
// longest is taken. Only a release and its end lock a mutex; in_use() is for each datagram.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "turnbuckle/base/random.hpp"
#include "turnbuckle/base/time.hpp"

namespace turnbuckle::net {

class RelayPortPool {
public:
    static constexpr Duration kDefaultQuarantine = std::chrono::seconds(30);

    // Both inclusive; 0 < min <= max.
    RelayPortPool(std::uint16_t min, std::uint16_t max, Duration quarantine = kDefaultQuarantine);
    RelayPortPool(const RelayPortPool&) = delete;
    RelayPortPool& operator=(const RelayPortPool&) = delete;

    // Nothing when all are in use. `random` is the calling worker's own.
    [[nodiscard]] std::optional<std::uint16_t> take_random(Random& random, Time now);

    // EVEN-PORT (RFC 8656 section 7.2): an even port N; with `reserve_next`, N + 1 is taken along
    // with it in one step, and is released on its own.
    [[nodiscard]] std::optional<std::uint16_t> take_even(Random& random, bool reserve_next,
                                                         Time now);

    // A port that is not in use is left alone. Also for a port that could not be bound because
    // another program has it: it rests, and others are tried meanwhile.
    void release(std::uint16_t port, Time now);

    // Whether an allocation or a reservation holds it. Any thread, no lock.
    [[nodiscard]] bool in_use(std::uint16_t port) const noexcept;

    [[nodiscard]] std::uint16_t min() const noexcept { return min_; }
    [[nodiscard]] std::uint16_t max() const noexcept { return max_; }
    [[nodiscard]] std::size_t size() const noexcept { return std::size_t{max_} - min_ + 1; }
    // The three add up to size() whenever no other thread is at work.
    [[nodiscard]] std::size_t used() const noexcept;
    [[nodiscard]] std::size_t quarantined(Time now);
    [[nodiscard]] std::size_t free_ports(Time now);

private:
    struct Resting {
        std::uint16_t port;
        Time until;
    };
    static constexpr std::size_t kWords = 65536 / 64;
    using Bitmap = std::array<std::atomic<std::uint64_t>, kWords>;

    // `want` is 1 (a port) or 3 (a port and the next one); `eligible` are the bits it may start at.
    [[nodiscard]] std::optional<std::uint16_t> take(Random& random, std::uint64_t want,
                                                    std::uint64_t eligible, Time now);
    [[nodiscard]] std::optional<std::uint16_t> try_take(Random& random, std::uint64_t want,
                                                        std::uint64_t eligible);
    [[nodiscard]] std::optional<std::uint16_t> claim_in_word(std::size_t word,
                                                             std::uint64_t candidates,
                                                             std::uint64_t want);
    void return_rested(Time now);
    bool return_oldest();
    void return_front();  // with mutex_ held

    std::uint16_t min_;
    std::uint16_t max_;
    Duration quarantine_;
    Bitmap claimed_{};  // in use, resting, or outside the range: not to be given out
    Bitmap in_use_{};
    std::atomic<std::size_t> used_{0};
    std::atomic<std::size_t> resting_count_{0};
    std::atomic<Time::rep> next_return_;  // nanoseconds; spares the lock while nothing is due
    std::mutex mutex_;
    std::deque<Resting> resting_;  // oldest first
};

}  // namespace turnbuckle::net
