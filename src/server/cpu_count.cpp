#include "turnbuckle/server/cpu_count.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <string>

namespace turnbuckle::server {

unsigned cpus_of_quota(std::string_view cpu_max, unsigned fallback) {
    std::uint64_t quota = 0;
    std::uint64_t period = 0;
    const char* end = cpu_max.data() + cpu_max.size();
    const auto first = std::from_chars(cpu_max.data(), end, quota);
    if (first.ec != std::errc{} || first.ptr == end) return fallback;
    const auto second = std::from_chars(first.ptr + 1, end, period);
    if (second.ec != std::errc{} || period == 0) return fallback;
    const std::uint64_t cpus = (quota + period - 1) / period;
    return static_cast<unsigned>(std::clamp<std::uint64_t>(cpus, 1, fallback));
}

unsigned usable_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    const int allowed = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    const auto cpus = static_cast<unsigned>(std::max(allowed, 1));

    // "0::/system.slice/x" names the group below the mount point; inside a container it is "0::/".
    std::ifstream own_group("/proc/self/cgroup");
    std::string line;
    while (std::getline(own_group, line)) {
        if (!line.starts_with("0::")) continue;
        std::ifstream limit("/sys/fs/cgroup" + line.substr(3) + "/cpu.max");
        std::string cpu_max;
        if (std::getline(limit, cpu_max)) return cpus_of_quota(cpu_max, cpus);
    }
    return cpus;
}

}  // namespace turnbuckle::server
