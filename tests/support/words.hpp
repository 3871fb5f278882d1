// Words of a scenario as values. What does not read throws std::invalid_argument, which the player
// reports with its line.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/base/time.hpp"

namespace turnbuckle::test {

// What follows `key` ("lifetime=") in `word`; nothing if it starts with something else.
[[nodiscard]] inline std::optional<std::string_view> value_of(std::string_view word,
                                                              std::string_view key) {
    if (!word.starts_with(key)) return std::nullopt;
    return word.substr(key.size());
}

[[nodiscard]] std::uint64_t number_of(std::string_view text);  // 600, 0x4000
[[nodiscard]] Duration duration_of(std::string_view text);     // +299s, +250ms
[[nodiscard]] Endpoint endpoint_of(std::string_view text);     // port 0 if it has none
[[nodiscard]] std::vector<std::uint8_t> bytes_of_hex(std::string_view text);
[[nodiscard]] std::string hex_of(ByteView bytes);

}  // namespace turnbuckle::test
