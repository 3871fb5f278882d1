// Builds prometheus-cpp's metric families from counters that are read once, at scrape time.
//
// Each function appends the families of one topic. They hold no state and may run on any thread;
// names follow Prometheus' conventions (base units, _total for counters).
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

#include "turnbuckle/admin/metrics.hpp"
#include "turnbuckle/base/metrics.hpp"

namespace turnbuckle::admin {

using Families = std::vector<prometheus::MetricFamily>;

template <class Enum>
constexpr std::array<Enum, turn::kCount<Enum>> all_of() {
    std::array<Enum, turn::kCount<Enum>> values{};
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<Enum>(i);
    return values;
}

// Appends samples to one family.
class FamilyBuilder {
public:
    using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    FamilyBuilder(Families& families, prometheus::MetricType type, std::string_view name,
                  std::string_view help);

    // Into the family's own type, which is a counter or a gauge.
    FamilyBuilder& sample(Labels labels, double value);
    FamilyBuilder& sample(double value) { return sample({}, value); }
    // Sums one histogram over several writers; `histograms` may be empty.
    template <std::size_t N>
    FamilyBuilder& histogram(const std::array<double, N>& bounds,
                             std::span<const Histogram<N>* const> histograms);

private:
    prometheus::ClientMetric& add(Labels labels);

    Families& families_;
    std::size_t index_;
};

template <std::size_t N>
FamilyBuilder& FamilyBuilder::histogram(const std::array<double, N>& bounds,
                                        std::span<const Histogram<N>* const> histograms) {
    auto& out = add({}).histogram;
    for (std::size_t bucket = 0; bucket <= N; ++bucket) {
        for (const auto* histogram : histograms)
            out.sample_count += histogram->count(bucket);
        // The serializer adds the bucket +Inf itself, from the count.
        if (bucket < N) out.bucket.push_back({out.sample_count, bounds[bucket]});
    }
    for (const auto* histogram : histograms)
        out.sample_sum += histogram->sum();
    return *this;
}

// Allocations, requests, relayed traffic, drops: summed over the workers.
void append_protocol_families(Families& families, std::span<const WorkerView> workers);
// Connections of clients over TCP and TLS: summed over the workers.
void append_stream_families(Families& families, std::span<const WorkerView> workers);
void append_dtls_families(Families& families, std::span<const WorkerView> workers);
// Socket calls and load, by worker, so that uneven load shows.
void append_worker_families(Families& families, std::span<const WorkerView> workers);
void append_relay_port_families(Families& families, std::span<const RelayPorts> ports);
// Expiry and renewals of the certificates.
void append_certificate_families(Families& families, const CertificateView& certificates);
// What Prometheus' client libraries tell about every process, from /proc.
void append_process_families(Families& families);

}  // namespace turnbuckle::admin
