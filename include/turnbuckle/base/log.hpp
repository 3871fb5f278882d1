// The log: one line per event, as text or as a JSON object, written to standard error by one
// background thread.
//
//     log::info("allocation ended", {{"user", user}, {"client", client}, {"bytes", n}});
//
// Callable from any thread at any time; before start() and after stop() lines go nowhere. A caller
// never waits for the output: the queue is bounded, and when it is full the oldest line is dropped
// and counted. Below the current level a call costs one relaxed load; what the fields refer to must
// live only until the call returns. Values are escaped, so nothing that a client sends can forge a
// line or a field; a Secret is not accepted.
#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "turnbuckle/base/address.hpp"

namespace turnbuckle::log {

enum class Level : std::uint8_t { Trace, Debug, Info, Warn, Error, Off };
enum class Format : std::uint8_t { Text, Json };

// "trace" ... "error", "off"; "text", "json": as the configuration and the lines spell them.
[[nodiscard]] std::string_view name_of(Level level) noexcept;
[[nodiscard]] std::optional<Level> parse_level(std::string_view name) noexcept;
[[nodiscard]] std::optional<Format> parse_format(std::string_view name) noexcept;

// One field's value: refers to text and addresses instead of copying them.
class Value {
public:
    template <class T>
    requires std::convertible_to<const T&, std::string_view> Value(const T& text)
        : held_(std::string_view(text)) {}
    template <std::integral T>
    Value(T number) {
        if constexpr (std::same_as<T, bool>) {
            held_ = number;
        } else if constexpr (std::signed_integral<T>) {
            held_ = std::int64_t{number};
        } else {
            held_ = std::uint64_t{number};
        }
    }
    Value(double number) : held_(number) {}
    Value(const Endpoint& endpoint) : held_(&endpoint) {}
    Value(const IpAddress& ip) : held_(&ip) {}

    using Held = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool,
                              const Endpoint*, const IpAddress*>;
    [[nodiscard]] const Held& held() const noexcept { return held_; }

private:
    Held held_;
};

struct Field {
    std::string_view key;  // snake_case, from the source code, never from input
    Value value;
};
using Fields = std::initializer_list<Field>;

struct Options {
    Level level = Level::Info;
    Format format = Format::Text;
    std::size_t queue_lines = 4096;
    // Where whole lines go, newline included; runs on the log's thread. Empty: standard error.
    std::function<void(std::string_view line)> output = {};
};

// Starts the background thread; throws std::system_error if there can be none. Replaces the output
// of an earlier start().
void start(Options options);
// Writes out what is queued, ends the thread. Harmless when not started.
void stop();

void set_level(Level level) noexcept;
[[nodiscard]] Level level() noexcept;
void set_format(Format format) noexcept;
// Lines lost because the output could not keep up, since the process started.
[[nodiscard]] std::uint64_t dropped() noexcept;

namespace detail {
extern std::atomic<Level> threshold;
}

[[nodiscard]] inline bool enabled(Level at) noexcept {
    return at >= detail::threshold.load(std::memory_order_relaxed);
}

// Unconditionally; never throws, a line that cannot be built is given up and counted as dropped.
void write(Level level, std::string_view message, std::span<const Field> fields) noexcept;

inline void at(Level level, std::string_view message, Fields fields = {}) noexcept {
    if (enabled(level)) write(level, message, {fields.begin(), fields.size()});
}
inline void trace(std::string_view message, Fields fields = {}) noexcept {
    at(Level::Trace, message, fields);
}
inline void debug(std::string_view message, Fields fields = {}) noexcept {
    at(Level::Debug, message, fields);
}
inline void info(std::string_view message, Fields fields = {}) noexcept {
    at(Level::Info, message, fields);
}
inline void warn(std::string_view message, Fields fields = {}) noexcept {
    at(Level::Warn, message, fields);
}
inline void error(std::string_view message, Fields fields = {}) noexcept {
    at(Level::Error, message, fields);
}

using LineTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

// The line itself, without a newline.
[[nodiscard]] std::string render(Format format, LineTime time, Level level,
                                 std::string_view message, std::span<const Field> fields);

// For tests: while it lives, lines are kept here instead of going to the output. At most one.
class Capture {
public:
    explicit Capture(Level level = Level::Trace, Format format = Format::Text);
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    ~Capture();

    [[nodiscard]] std::vector<std::string> lines() const;
    // Whether some line contains `part`.
    [[nodiscard]] bool contains(std::string_view part) const;

private:
    friend void write(Level, std::string_view, std::span<const Field>) noexcept;

    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
    Level earlier_level_;
    Format earlier_format_;
};

}  // namespace turnbuckle::log
