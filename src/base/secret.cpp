#include "turnbuckle/base/secret.hpp"

#include <openssl/crypto.h>

namespace turnbuckle {

// A moved-from short string would keep its bytes inside the old object, so a move swaps instead.
Secret::Secret(Secret&& other) noexcept {
    value_.swap(other.value_);
}

Secret& Secret::operator=(Secret other) noexcept {
    value_.swap(other.value_);
    return *this;
}

Secret::~Secret() {
    OPENSSL_cleanse(value_.data(), value_.size());
}

bool constant_time_equal(ByteView a, ByteView b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace turnbuckle
