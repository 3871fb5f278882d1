#include "turnbuckle/admin/metrics.hpp"

#include <iterator>
#include <utility>

#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "turnbuckle/admin/metric_families.hpp"
#include "turnbuckle/base/log.hpp"

namespace turnbuckle::admin {

namespace {

// What the source's functions tell, as prometheus-cpp asks for it.
class LiveMetrics final : public prometheus::Collectable {
public:
    explicit LiveMetrics(const MetricsSource& source) : source_(source) {}

    Families Collect() const override {
        const auto workers = source_.workers ? source_.workers() : std::vector<WorkerView>{};
        const auto ports = source_.relay_ports ? source_.relay_ports() : std::vector<RelayPorts>{};
        Families families;
        append_protocol_families(families, workers);
        append_relay_port_families(families, ports);
        append_stream_families(families, workers);
        append_dtls_families(families, workers);
        append_certificate_families(
            families, source_.certificates ? source_.certificates() : CertificateView{});
        append_worker_families(families, workers);
        FamilyBuilder(families, prometheus::MetricType::Counter,
                      "turnbuckle_log_lines_dropped_total",
                      "Log lines lost because the output could not keep up.")
            .sample(static_cast<double>(log::dropped()));
        append_process_families(families);
        return families;
    }

private:
    const MetricsSource& source_;
};

}  // namespace

Metrics::Metrics(MetricsSource source)
    : source_(std::move(source)), registry_(std::make_unique<prometheus::Registry>()) {
    prometheus::BuildGauge()
        .Name("turnbuckle_build_info")
        .Help("Always 1; the labels tell what is running.")
        .Register(*registry_)
        .Add({{"version", source_.version}})
        .Set(1);
}

Metrics::~Metrics() = default;

prometheus::Registry& Metrics::registry() noexcept {
    return *registry_;
}

std::string Metrics::render() const {
    Families families = registry_->Collect();
    std::ranges::move(LiveMetrics(source_).Collect(), std::back_inserter(families));
    return prometheus::TextSerializer().Serialize(families);
}

HttpHandler Metrics::handler() const {
    return {.path = "/metrics",
            .help = "metrics in Prometheus' text format",
            .respond = [this](const HttpRequest&) {
                return HttpResponse{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                                    .body = render()};
            }};
}

}  // namespace turnbuckle::admin
