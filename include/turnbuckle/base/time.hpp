// The two clocks of the server, as types that cannot be mixed up.
//
// Time: the monotonic clock that every protocol lifetime is measured on. It is passed in, never
// read, by the layers up to `turn`, so that a test moves it by hand. WallTime: seconds since 1970,
// only for what people and other machines agree on (REST credentials, certificates, logs).
#pragma once

#include <chrono>

namespace turnbuckle {

using Duration = std::chrono::nanoseconds;
using Time = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using WallTime = std::chrono::sys_seconds;

[[nodiscard]] inline Time monotonic_now() noexcept {
    return std::chrono::steady_clock::now();
}

[[nodiscard]] inline WallTime wall_now() noexcept {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace turnbuckle
