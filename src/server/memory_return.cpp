#include "turnbuckle/server/memory_return.hpp"

#include <malloc.h>

#include <algorithm>
#include <utility>

namespace turnbuckle::server {

bool MemoryReturn::follow(std::size_t connections, Time now) noexcept {
    most_ = std::max(most_, connections);
    if (connections < std::exchange(last_, connections)) fell_at_ = now;
    const bool worthwhile = most_ - connections >= kWorthwhile && connections <= most_ / 2;
    if (!worthwhile || now - fell_at_ < kSettling) return false;
    most_ = connections;
    malloc_trim(0);
    return true;
}

}  // namespace turnbuckle::server
