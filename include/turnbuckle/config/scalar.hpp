// How each type of single value is written in the file: one codec per type.
//
// Scalar<T>::parse() refuses with what it expected, as a noun ("an IP address"); the reader adds
// what it found. Scalar<T>::format() writes what parse() reads back to the same value, except that
// secrets become kHidden. An enumeration needs only its table of names, kNames<Enum>.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <expected>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "turnbuckle/config/config.hpp"

namespace turnbuckle::config {

inline constexpr std::string_view kHidden = "***";

template <class T>
using Parsed = std::expected<T, std::string>;

template <class T>
struct Scalar;

template <class T>
concept HasScalar = requires(std::string_view text, const T& value) {
    { Scalar<T>::parse(text) } -> std::same_as<Parsed<T>>;
    { Scalar<T>::format(value) } -> std::same_as<std::string>;
};

// A value that no message may repeat.
template <class T>
inline constexpr bool kIsSecret = std::same_as<T, Secret> || std::same_as<T, UserKey>;

template <>
struct Scalar<bool> {
    static Parsed<bool> parse(std::string_view text);
    static std::string format(bool value);
};

template <>
struct Scalar<std::string> {
    static Parsed<std::string> parse(std::string_view text) { return std::string(text); }
    static std::string format(const std::string& value) { return value; }
};

template <std::unsigned_integral T>
struct Scalar<T> {
    static Parsed<T> parse(std::string_view text) {
        T value{};
        const char* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, value);
        if (error == std::errc{} && stop == end) return value;
        return std::unexpected(
            fmt::format("a whole number from 0 to {}", std::numeric_limits<T>::max()));
    }
    static std::string format(T value) { return std::to_string(value); }
};

// The number of workers: nothing is "auto".
template <>
struct Scalar<std::optional<std::uint32_t>> {
    static Parsed<std::optional<std::uint32_t>> parse(std::string_view text);
    static std::string format(const std::optional<std::uint32_t>& value);
};

template <>
struct Scalar<std::chrono::seconds> {
    static Parsed<std::chrono::seconds> parse(std::string_view text);
    static std::string format(std::chrono::seconds value);
};

template <>
struct Scalar<BitRate> {
    static Parsed<BitRate> parse(std::string_view text);
    static std::string format(BitRate value);
};

template <>
struct Scalar<ByteSize> {
    static Parsed<ByteSize> parse(std::string_view text);
    static std::string format(ByteSize value);
};

template <>
struct Scalar<IpAddress> {
    static Parsed<IpAddress> parse(std::string_view text);
    static std::string format(const IpAddress& value) { return value.to_string(); }
};

template <>
struct Scalar<Cidr> {
    static Parsed<Cidr> parse(std::string_view text);
    static std::string format(const Cidr& value) { return value.to_string(); }
};

template <>
struct Scalar<Secret> {
    static Parsed<Secret> parse(std::string_view text);
    static std::string format(const Secret&) { return std::string(kHidden); }
};

template <>
struct Scalar<UserKey> {
    static Parsed<UserKey> parse(std::string_view text);
    static std::string format(const UserKey&) { return std::string(kHidden); }
};

template <class Enum>
struct Named {
    std::string_view name;
    Enum value;
};

template <class Enum>
inline constexpr std::array<Named<Enum>, 0> kNames{};

template <>
inline constexpr std::array<Named<turn::Transport>, 4> kNames<turn::Transport>{
    {{"udp", turn::Transport::Udp},
     {"tcp", turn::Transport::Tcp},
     {"tls", turn::Transport::Tls},
     {"dtls", turn::Transport::Dtls}}};

template <>
inline constexpr std::array<Named<log::Level>, 6> kNames<log::Level>{{{"trace", log::Level::Trace},
                                                                      {"debug", log::Level::Debug},
                                                                      {"info", log::Level::Info},
                                                                      {"warn", log::Level::Warn},
                                                                      {"error", log::Level::Error},
                                                                      {"off", log::Level::Off}}};

template <>
inline constexpr std::array<Named<log::Format>, 2> kNames<log::Format>{
    {{"text", log::Format::Text}, {"json", log::Format::Json}}};

template <>
inline constexpr std::array<Named<OffloadMode>, 3> kNames<OffloadMode>{
    {{"off", OffloadMode::Off}, {"auto", OffloadMode::Auto}, {"require", OffloadMode::Require}}};

template <class Enum>
requires std::is_enum_v<Enum>
struct Scalar<Enum> {
    static Parsed<Enum> parse(std::string_view text) {
        const auto named = std::ranges::find(kNames<Enum>, text, &Named<Enum>::name);
        if (named != kNames<Enum>.end()) return named->value;
        std::string expected = "one of";
        std::string_view separator = " ";
        for (const Named<Enum>& known : kNames<Enum>) {
            expected.append(std::exchange(separator, ", ")).append(known.name);
        }
        return std::unexpected(std::move(expected));
    }
    static std::string format(Enum value) {
        return std::string(std::ranges::find(kNames<Enum>, value, &Named<Enum>::value)->name);
    }
};

}  // namespace turnbuckle::config
