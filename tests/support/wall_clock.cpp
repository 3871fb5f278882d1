#include "support/wall_clock.hpp"

#include <sys/time.h>
#include <time.h>

#include <optional>

namespace turnbuckle::test {

namespace {

std::optional<Duration> stopped_at;

Duration real_time() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

StoppedWallClock::StoppedWallClock() {
    stopped_at = real_time();
}

StoppedWallClock::~StoppedWallClock() {
    stopped_at.reset();
}

void StoppedWallClock::advance(Duration by) {
    *stopped_at += by;
}

}  // namespace turnbuckle::test

extern "C" int gettimeofday(timeval* out, void*) noexcept {
    using namespace turnbuckle;
    const Duration now = test::stopped_at ? *test::stopped_at : test::real_time();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
    const auto rest = std::chrono::floor<std::chrono::microseconds>(now - seconds);
    *out = {seconds.count(), rest.count()};
    return 0;
}
