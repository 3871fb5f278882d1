// A STUN refusal as a value: made where a check fails, turned into a response in one place.
#pragma once

#include <cstdint>
#include <string_view>

#include "turnbuckle/stun/types.hpp"

namespace turnbuckle::turn {

struct Refusal {
    stun::ErrorCode code{};
    std::string_view reason;  // a literal; for people who read a trace
    // 401 and 438 carry REALM and NONCE (RFC 8489 section 9.2.4).
    bool with_challenge = false;
};

}  // namespace turnbuckle::turn
