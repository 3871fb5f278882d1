#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "turnbuckle/admin/metric_families.hpp"

namespace turnbuckle::admin {

namespace {

using prometheus::MetricType;

double cpu_seconds() {
    timespec used{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

struct MemoryBytes {
    double virtual_size = 0;
    double resident = 0;
};

MemoryBytes memory() {
    std::ifstream statm("/proc/self/statm");
    double pages = 0;
    double resident_pages = 0;
    statm >> pages >> resident_pages;
    const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
    return {pages * page, resident_pages * page};
}

double open_descriptors() {
    std::error_code failed;
    const std::filesystem::directory_iterator all("/proc/self/fd", failed);
    if (failed) return 0;
    // One of them is the directory itself.
    return static_cast<double>(std::distance(begin(all), end(all)) - 1);
}

double descriptor_limit() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<double>(limit.rlim_cur);
}

double boot_time() {
    std::ifstream stat("/proc/stat");
    for (std::string word; stat >> word;) {
        double seconds = 0;
        if (word == "btime" && stat >> seconds) return seconds;
    }
    return 0;
}

// Seconds since 1970; it never changes, so it is read once.
double start_time() {
    std::ifstream stat("/proc/self/stat");
    std::string line;
    std::getline(stat, line);
    // The second field is the program's name in parentheses and may itself contain spaces.
    const std::size_t name_end = line.rfind(')');
    if (name_end == std::string::npos) return 0;
    std::istringstream fields(line.substr(name_end + 1));
    std::string field;
    constexpr int kStartTimeAfterName = 20;  // field 22 of proc(5)
    for (int i = 0; i < kStartTimeAfterName; ++i)
        fields >> field;
    const double ticks = std::strtod(field.c_str(), nullptr);
    return boot_time() + ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

void append_process_families(Families& families) {
    static const double started = start_time();
    const MemoryBytes bytes = memory();
    const auto append = [&](MetricType type, std::string_view name, std::string_view help,
                            double value) {
        FamilyBuilder(families, type, name, help).sample(value);
    };
    append(MetricType::Counter, "process_cpu_seconds_total", "User and system CPU time spent.",
           cpu_seconds());
    append(MetricType::Gauge, "process_resident_memory_bytes", "Resident memory.", bytes.resident);
    append(MetricType::Gauge, "process_virtual_memory_bytes", "Virtual memory.",
           bytes.virtual_size);
    append(MetricType::Gauge, "process_open_fds", "Open file descriptors.", open_descriptors());
    append(MetricType::Gauge, "process_max_fds", "Limit of open file descriptors.",
           descriptor_limit());
    append(MetricType::Gauge, "process_start_time_seconds", "When the process started, since 1970.",
           started);
}

}  // namespace turnbuckle::admin
