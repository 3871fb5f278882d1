// The wall clock as a test wants it: OpenSSL's DTLS timers read gettimeofday(), which the test
// program that this is compiled into defines itself.
#pragma once

#include "turnbuckle/base/time.hpp"

namespace turnbuckle::test {

// From construction to destruction gettimeofday() stands still, but for what advance() adds. One at
// a time, in one thread.
class StoppedWallClock {
public:
    StoppedWallClock();
    StoppedWallClock(const StoppedWallClock&) = delete;
    StoppedWallClock& operator=(const StoppedWallClock&) = delete;
    ~StoppedWallClock();

    void advance(Duration by);
};

}  // namespace turnbuckle::test
