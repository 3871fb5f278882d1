#include "turnbuckle/config/quantity.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

#include <fmt/format.h>

namespace turnbuckle::config {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

// The largest first.
constexpr std::array<Unit, 4> kDurationUnits{{{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}}};
constexpr std::array<Unit, 4> kRateUnits{
    {{"Gbit", 1'000'000'000}, {"Mbit", 1'000'000}, {"kbit", 1'000}, {"bit", 1}}};
constexpr std::array<Unit, 4> kSizeUnits{
    {{"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"B", 1}}};

std::optional<std::uint64_t> parse(std::string_view text, std::span<const Unit> units,
                                   std::uint64_t max) {
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{}) return std::nullopt;
    const auto unit = std::ranges::find(units, std::string_view(stop, end), &Unit::name);
    if (unit == units.end() || number > max / unit->factor) return std::nullopt;
    return number * unit->factor;
}

std::string format(std::uint64_t value, std::span<const Unit> units) {
    const auto fits = [value](const Unit& unit) {
        return value >= unit.factor && value % unit.factor == 0;
    };
    const auto unit = std::ranges::find_if(units, fits);
    const Unit& chosen = unit == units.end() ? units.back() : *unit;
    return fmt::format("{}{}", value / chosen.factor, chosen.name);
}

}  // namespace

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
    const auto seconds =
        parse(text, kDurationUnits, static_cast<std::uint64_t>(kMaxDuration.count()));
    if (!seconds) return std::nullopt;
    return std::chrono::seconds(*seconds);
}

std::optional<BitRate> parse_bit_rate(std::string_view text) {
    if (text == "0") return BitRate{};
    const auto bits = parse(text, kRateUnits, std::numeric_limits<std::uint64_t>::max());
    if (!bits) return std::nullopt;
    return BitRate{*bits};
}

std::optional<ByteSize> parse_byte_size(std::string_view text) {
    const auto bytes = parse(text, kSizeUnits, std::numeric_limits<std::uint64_t>::max());
    if (!bytes) return std::nullopt;
    return ByteSize{*bytes};
}

std::string format_duration(std::chrono::seconds value) {
    return format(static_cast<std::uint64_t>(value.count()), kDurationUnits);
}

std::string format_bit_rate(BitRate value) {
    return value.bits_per_second == 0 ? "0" : format(value.bits_per_second, kRateUnits);
}

std::string format_byte_size(ByteSize value) {
    return format(value.bytes, kSizeUnits);
}

}  // namespace turnbuckle::config
