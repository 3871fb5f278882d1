// Durations, rates and sizes as people write them: "600s", "10m", "1h"; "5Mbit", "0"; "1MiB".
//
// A number and one unit, nothing between. Rates are powers of 1000, in bits per second; sizes are
// powers of 1024, in bytes. What
// format_* writes, parse_* reads back to the same value.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "turnbuckle/config/config.hpp"

namespace turnbuckle::config {

// No configured duration is longer; keeps every sum with a clock far from overflow.
inline constexpr std::chrono::seconds kMaxDuration = std::chrono::days(365);

[[nodiscard]] std::optional<std::chrono::seconds> parse_duration(std::string_view text);
[[nodiscard]] std::optional<BitRate> parse_bit_rate(std::string_view text);
[[nodiscard]] std::optional<ByteSize> parse_byte_size(std::string_view text);

// In the largest unit that divides the value.
[[nodiscard]] std::string format_duration(std::chrono::seconds value);
[[nodiscard]] std::string format_bit_rate(BitRate value);
[[nodiscard]] std::string format_byte_size(ByteSize value);

}  // namespace turnbuckle::config
