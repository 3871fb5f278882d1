// Random bytes that are the same in every run (splitmix64 from a seed), so that a failure repeats.
#pragma once

#include <cstdint>

#include "turnbuckle/base/random.hpp"

namespace turnbuckle::test {

class DeterministicRandom final : public Random {
public:
    explicit DeterministicRandom(std::uint64_t seed) : state_(seed) {}

    void fill(MutableBytes out) override {
        for (std::uint8_t& byte : out)
            byte = static_cast<std::uint8_t>(next() >> 32);
    }

private:
    std::uint64_t next() noexcept {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }

    std::uint64_t state_;
};

}  // namespace turnbuckle::test
