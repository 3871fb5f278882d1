#include "turnbuckle/stun/attribute.hpp"

#include <unistr.h>

namespace turnbuckle::stun {

bool is_valid_utf8(ByteView text) noexcept {
    return u8_check(text.data(), text.size()) == nullptr;
}

}  // namespace turnbuckle::stun
