// Keeps a flood of like events (failed logins, malformed packets) from becoming a flood of lines.
//
// The first few events of each second are admitted, to be logged one by one with their source; the
// rest are counted, together with how many source prefixes they came from, until a summary is due.
// Pure: time is passed in. One thread (each worker has its own). Memory is bounded: beyond
// `max_prefixes` the number of prefixes is a lower bound.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/time.hpp"

namespace turnbuckle {

class LogLimiter {
public:
    struct Limits {
        std::uint32_t per_second = 5;
        Duration interval = std::chrono::seconds(10);
        std::size_t max_prefixes = 1024;
    };

    struct Summary {
        std::uint64_t suppressed = 0;
        Duration over{};           // from the first suppressed event until the summary was taken
        std::size_t prefixes = 0;  // distinct /24 (IPv4) and /56 (IPv6) among them
        bool prefixes_capped = false;  // there may be more

        // "12345 more in 10 s from 17 prefixes"
        [[nodiscard]] std::string to_string() const;
    };

    LogLimiter() : LogLimiter(Limits{}) {}
    explicit LogLimiter(Limits limits) : limits_(limits) {}

    // True: log this event. False: it is counted for the summary.
    [[nodiscard]] bool admit(const IpAddress& source, Time now);

    // The summary, once an interval has passed since the first suppressed event. Asked for by the
    // owner's timer, or before each admit().
    [[nodiscard]] std::optional<Summary> take_summary(Time now);
    // The same without waiting: at shutdown.
    [[nodiscard]] std::optional<Summary> take_rest(Time now);

    // When take_summary() will have something to say; nothing if nothing is suppressed.
    [[nodiscard]] std::optional<Time> due() const noexcept;

private:
    void remember(const IpAddress& source);

    Limits limits_;
    std::optional<Time> second_began_;
    std::uint32_t admitted_ = 0;  // within that second
    std::optional<Time> suppressing_since_;
    std::uint64_t suppressed_ = 0;
    std::vector<IpAddress> prefixes_;  // sorted
    bool prefixes_capped_ = false;
};

}  // namespace turnbuckle
