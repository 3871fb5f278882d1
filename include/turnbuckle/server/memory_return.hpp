// Gives memory back to the system when many connections have gone.
//
// What a worker frees stays with the C library's heap of that thread, because of the little that is
// in use above it: after a flood of half-open handshakes that is hundreds of megabytes. On the main
// thread; a worker that allocates meanwhile waits some milliseconds, and relaying does not
// allocate.
#pragma once

#include <cstddef>

#include "turnbuckle/base/time.hpp"

namespace turnbuckle::server {

class MemoryReturn {
public:
    static constexpr std::size_t kWorthwhile = 1000;
    static constexpr Duration kSettling = std::chrono::seconds(5);

    // To be told now and then how many connections there are. Returns true if it was done: when
    // that many have gone, half of all that there were at most are left, and none has gone for a
    // while.
    bool follow(std::size_t connections, Time now) noexcept;

private:
    std::size_t most_ = 0;  // since it was done last
    std::size_t last_ = 0;
    Time fell_at_{};
};

}  // namespace turnbuckle::server
