#include "turnbuckle/base/random.hpp"

#include <algorithm>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/rand.h>

namespace turnbuckle {

std::uint32_t Random::below(std::uint32_t bound) {
    // Rejection keeps it uniform: draw again above the largest multiple of bound.
    const std::uint32_t limit = UINT32_MAX - UINT32_MAX % bound;
    std::array<std::uint8_t, 4> bytes{};
    std::uint32_t value = 0;
    do {
        fill(bytes);
        value = load_be32(bytes.data());
    } while (value >= limit);
    return value % bound;
}

void SecureRandom::fill(MutableBytes out) {
    while (!out.empty()) {
        if (used_ == block_.size()) {
            if (RAND_bytes(block_.data(), static_cast<int>(block_.size())) != 1)
                throw std::runtime_error("the system's random generator failed");
            used_ = 0;
        }
        const std::size_t n = std::min(out.size(), block_.size() - used_);
        const auto from = block_.begin() + static_cast<std::ptrdiff_t>(used_);
        std::copy_n(from, n, out.begin());
        OPENSSL_cleanse(&*from, n);  // what was handed out cannot be read here afterwards
        used_ += n;
        out = out.subspan(n);
    }
}

}  // namespace turnbuckle
