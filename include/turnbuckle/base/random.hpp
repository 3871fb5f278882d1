// Where unpredictable bytes come from: one of the six seams, so that a test can repeat a run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "turnbuckle/base/bytes.hpp"

namespace turnbuckle {

class Random {
public:
    virtual ~Random() = default;
    virtual void fill(MutableBytes out) = 0;

    // Uniform over [0, bound); bound > 0.
    [[nodiscard]] std::uint32_t below(std::uint32_t bound);
};

// OpenSSL's generator, drawn a block at a time, so that a 12-byte transaction id costs a copy.
// One per thread; not shared.
class SecureRandom final : public Random {
public:
    // Throws std::runtime_error if the system has no entropy to give.
    void fill(MutableBytes out) override;

private:
    std::array<std::uint8_t, 4096> block_{};
    std::size_t used_ = sizeof(block_);
};

}  // namespace turnbuckle
