// The page /metrics, in Prometheus' text format 0.0.4.
//
// The workers' counters are read live at each scrape, through views that the application provides;
// nothing is copied in between. Every series exists from the start, at zero, so that rates work.
// Labels are bounded by enumerations, by the number of workers and by the configured relay
// addresses and certificates; nothing is labelled by user or client. render() may be called on any
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "turnbuckle/admin/http_handler.hpp"
#include "turnbuckle/base/time.hpp"
#include "turnbuckle/net/statistics.hpp"
#include "turnbuckle/turn/statistics.hpp"

namespace prometheus {
class Registry;
}

namespace turnbuckle::admin {

// One worker's counters; both outlive every scrape.
struct WorkerView {
    const turn::Statistics* protocol = nullptr;
    const net::Statistics* io = nullptr;
};

struct RelayPorts {
    std::string address;  // as configured, so the label is bounded
    std::uint64_t used = 0;
    std::uint64_t free = 0;
    std::uint64_t quarantined = 0;
};

struct CertificateView {
    struct InForce {
        std::string file;  // as configured, so the label is bounded
        WallTime not_after{};
    };
    std::vector<InForce> in_force = {};
    std::uint64_t renewals = 0;
    std::uint64_t failures = 0;
};

// Called at each scrape on the admin thread; an empty function provides nothing.
struct MetricsSource {
    std::string version;
    std::function<std::vector<WorkerView>()> workers = {};
    std::function<std::vector<RelayPorts>()> relay_ports = {};
    std::function<CertificateView()> certificates = {};
};

class Metrics {
public:
    explicit Metrics(MetricsSource source);
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;
    ~Metrics();

    // For the few metrics that no worker counts (reloads, certificate expiry); thread safe.
    [[nodiscard]] prometheus::Registry& registry() noexcept;

    [[nodiscard]] std::string render() const;

    // Serves render() at /metrics; this object outlives the server.
    [[nodiscard]] HttpHandler handler() const;

private:
    MetricsSource source_;
    std::unique_ptr<prometheus::Registry> registry_;
};

}  // namespace turnbuckle::admin
