#include "turnbuckle/admin/metric_families.hpp"

#include <fmt/format.h>

namespace turnbuckle::admin {

using prometheus::MetricType;

FamilyBuilder::FamilyBuilder(Families& families, MetricType type, std::string_view name,
                             std::string_view help)
    : families_(families), index_(families.size()) {
    prometheus::MetricFamily& family = families_.emplace_back();
    family.name = name;
    family.help = help;
    family.type = type;
}

prometheus::ClientMetric& FamilyBuilder::add(Labels labels) {
    prometheus::ClientMetric& metric = families_[index_].metric.emplace_back();
    for (const auto& [name, value] : labels) {
        metric.label.push_back({std::string(name), std::string(value)});
    }
    return metric;
}

FamilyBuilder& FamilyBuilder::sample(Labels labels, double value) {
    prometheus::ClientMetric& metric = add(labels);
    if (families_[index_].type == MetricType::Counter) {
        metric.counter.value = value;
    } else {
        metric.gauge.value = value;
    }
    return *this;
}

void append_relay_port_families(Families& families, std::span<const RelayPorts> ports) {
    FamilyBuilder family(families, MetricType::Gauge, "turnbuckle_relay_ports",
                         "Ports of each relay address, by state.");
    for (const RelayPorts& address : ports) {
        const auto add = [&](std::string_view state, std::uint64_t count) {
            family.sample({{"address", address.address}, {"state", state}},
                          static_cast<double>(count));
        };
        add("used", address.used);
        add("free", address.free);
        add("quarantined", address.quarantined);
    }
}

void append_certificate_families(Families& families, const CertificateView& certificates) {
    FamilyBuilder expiry(families, MetricType::Gauge,
                         "turnbuckle_certificate_not_after_timestamp_seconds",
                         "When each certificate in force expires, since 1970.");
    for (const auto& each : certificates.in_force)
        expiry.sample({{"certificate", each.file}},
                      static_cast<double>(each.not_after.time_since_epoch().count()));
    FamilyBuilder(families, MetricType::Counter, "turnbuckle_certificate_reloads_total",
                  "Times that changed certificates were read again, by result.")
        .sample({{"result", "success"}}, static_cast<double>(certificates.renewals))
        .sample({{"result", "failure"}}, static_cast<double>(certificates.failures));
}

namespace {

struct IoCounter {
    std::string_view name;
    std::string_view help;
    Counter net::Statistics::*counter;
    double scale = 1;
};

struct IoGauge {
    std::string_view name;
    std::string_view help;
    Gauge net::Statistics::*gauge;
};

constexpr std::array kIoCounters{
    IoCounter{"turnbuckle_worker_busy_seconds_total", "Time a worker did not spend waiting.",
              &net::Statistics::busy_nanoseconds, 1e-9},
    IoCounter{"turnbuckle_worker_wakeups_total", "Times a worker was woken.",
              &net::Statistics::wakeups},
    IoCounter{"turnbuckle_socket_receive_calls_total", "System calls made to receive.",
              &net::Statistics::receive_calls},
    IoCounter{"turnbuckle_socket_received_datagrams_total", "Datagrams received.",
              &net::Statistics::received_datagrams},
    IoCounter{"turnbuckle_socket_received_bytes_total", "Bytes received in datagrams.",
              &net::Statistics::received_bytes},
    IoCounter{"turnbuckle_socket_send_calls_total", "System calls made to send.",
              &net::Statistics::send_calls},
    IoCounter{"turnbuckle_socket_sent_datagrams_total", "Datagrams sent.",
              &net::Statistics::sent_datagrams},
    IoCounter{"turnbuckle_socket_sent_bytes_total", "Bytes sent in datagrams.",
              &net::Statistics::sent_bytes},
    IoCounter{"turnbuckle_socket_kernel_drops_total",
              "Datagrams lost because a receive buffer was full.", &net::Statistics::kernel_drops},
    IoCounter{"turnbuckle_socket_receive_errors_total",
              "Errors that sockets reported for datagrams sent earlier.",
              &net::Statistics::receive_errors},
    IoCounter{"turnbuckle_socket_gso_disabled_total",
              "Sockets whose device refused segmentation offload.", &net::Statistics::gso_disabled},
};

constexpr std::array kIoGauges{
    IoGauge{"turnbuckle_socket_receive_buffer_bytes",
            "Smallest receive buffer that the kernel granted to a listener.",
            &net::Statistics::receive_buffer_bytes},
    IoGauge{"turnbuckle_socket_send_buffer_bytes",
            "Smallest send buffer that the kernel granted to a listener.",
            &net::Statistics::send_buffer_bytes},
};

}  // namespace

void append_worker_families(Families& families, std::span<const WorkerView> workers) {
    for (const IoCounter& row : kIoCounters) {
        FamilyBuilder family(families, MetricType::Counter, row.name, row.help);
        for (std::size_t i = 0; i < workers.size(); ++i) {
            const std::uint64_t value = (workers[i].io->*row.counter).value();
            family.sample({{"worker", fmt::to_string(i)}}, static_cast<double>(value) * row.scale);
        }
    }
    for (const IoGauge& row : kIoGauges) {
        FamilyBuilder family(families, MetricType::Gauge, row.name, row.help);
        for (std::size_t i = 0; i < workers.size(); ++i) {
            const std::int64_t value = (workers[i].io->*row.gauge).value();
            family.sample({{"worker", fmt::to_string(i)}}, static_cast<double>(value));
        }
    }
}

}  // namespace turnbuckle::admin
