// A condition that a fuzzer holds to be true for every input: aborts, which is what libFuzzer
// reports.
#pragma once

#include <cstdlib>

namespace turnbuckle::fuzz {

inline void check(bool holds) {
    if (!holds) std::abort();
}

}  // namespace turnbuckle::fuzz
