// The budget of answers to senders that have not proven their address: the server is to be of
// little use as a reflector (RFC 8489 section 16.1.2).
//
// One token bucket per source prefix, /24 or /56, so that an attacker cannot aim more answers at a
// network than the budget, whichever hosts of it are forged. One limiter per worker, on its thread:
// a prefix has its budget at each worker that the kernel's hash gives its flows to. Memory is fixed
// at construction and time is passed in. When a set of the table is full, the bucket that has the
// most left is forgotten: a flood from a million forged prefixes pushes out its own fresh buckets
// before a network that is being held back, and whoever is new finds a full bucket. What such a
// flood does get is a burst per prefix: small answers are the defence against that, not this table.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/random.hpp"
#include "turnbuckle/base/time.hpp"

namespace turnbuckle::turn {

struct AnswerLimits {
    std::uint32_t answers_per_second = 20;  // 0: no limit
    std::uint32_t burst = 60;               // at least 1 is granted
};

class AnswerLimiter {
public:
    static constexpr std::size_t kEntries = 8192;

    // `random` is only used here: the key that keeps collisions from being aimed at.
    AnswerLimiter(AnswerLimits limits, Random& random);

    // Whether an answer may go to `source` now; if so it is charged.
    [[nodiscard]] bool allow(const IpAddress& source, Time now) noexcept;

    // Gives back what allow() charged: the sender authenticated and so had proven its address.
    // Clients that share a prefix are thereby not held back by each other. Never above the burst.
    void refund(const IpAddress& source, Time now) noexcept;

    void set_limits(AnswerLimits limits) noexcept;

private:
    static constexpr std::size_t kWays = 4;

    // A bucket as the time when it will be full again (the generic cell rate algorithm): exact in
    // integers however often it is asked, and a set of four fills one cache line.
    struct Bucket {
        std::uint64_t prefix = 0;  // 0: unused
        Time full_at = Time::min();
    };
    struct alignas(64) Set {
        std::array<Bucket, kWays> ways;
    };

    [[nodiscard]] Set& set_of(std::uint64_t prefix) noexcept;

    std::vector<Set> sets_;
    std::array<std::uint64_t, 2> key_{};
    Duration interval_{};   // between two answers at the steady rate; 0: no limit
    Duration tolerance_{};  // how far ahead of now full_at may lie before one more answer
};

}  // namespace turnbuckle::turn
