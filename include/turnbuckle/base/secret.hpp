// Secrets: bytes that are wiped when they go, never printed, and compared in constant time.
//
// A Secret has no formatter and no stream operator on purpose: a log line that tries to print one
// does not compile. Where the bytes are needed (a digest), `reveal()` says so in the code.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "turnbuckle/base/bytes.hpp"

namespace turnbuckle {

class Secret {
public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    Secret(const Secret&) = default;
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret other) noexcept;
    ~Secret();

    [[nodiscard]] std::string_view reveal() const noexcept { return value_; }
    [[nodiscard]] bool empty() const noexcept { return value_.empty(); }

private:
    std::string value_;
};

// Time depends on the lengths only.
[[nodiscard]] bool constant_time_equal(ByteView a, ByteView b) noexcept;

}  // namespace turnbuckle
