#include "turnbuckle/turn/source_prefix.hpp"

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/turn/peer_policy.hpp"

namespace turnbuckle::turn {

std::uint64_t source_prefix(const IpAddress& source) noexcept {
    const IpAddress ip = canonical(source);
    const std::uint8_t* bytes = ip.bytes().data();
    if (ip.is_v4()) return (std::uint64_t{load_be32(bytes)} << 32 & 0xffff'ff00'0000'0000) | 1;
    return (load_be64(bytes) & 0xffff'ffff'ffff'ff00) | 2;
}

}  // namespace turnbuckle::turn
