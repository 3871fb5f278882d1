// How many workers this machine, or this container, is good for.
#pragma once

#include <string_view>

namespace turnbuckle::server {

// The CPUs that the process may run on, or fewer if its cgroup grants it less time (cgroup v2
// cpu.max, rounded up). At least 1.
[[nodiscard]] unsigned usable_cpus();

// The CPUs' worth of a cpu.max file ("max 100000", "150000 100000"); `fallback` for no limit and
// for what cannot be read.
[[nodiscard]] unsigned cpus_of_quota(std::string_view cpu_max, unsigned fallback);

}  // namespace turnbuckle::server
