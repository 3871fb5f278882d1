// The metrics of clients' TCP and TLS connections.
#include "turnbuckle/admin/metric_families.hpp"

namespace turnbuckle::admin {

using net::StreamStatistics;
using prometheus::MetricType;
using turn::Transport;

namespace {

struct StreamCounter {
    std::string_view name;
    std::string_view help;
    Counter StreamStatistics::*counter;
};

constexpr std::array kCounters{
    StreamCounter{"turnbuckle_connections_accepted_total", "TCP connections accepted.",
                  &StreamStatistics::accepted},
    StreamCounter{"turnbuckle_connections_handed_over_total",
                  "TCP connections that moved to the worker that has their peer's connection.",
                  &StreamStatistics::handed_over},
    StreamCounter{"turnbuckle_tls_handshakes_total", "TLS handshakes completed.",
                  &StreamStatistics::handshakes},
    StreamCounter{"turnbuckle_tls_handshakes_resumed_total",
                  "TLS handshakes that resumed an earlier session.",
                  &StreamStatistics::resumed_handshakes},
    StreamCounter{"turnbuckle_stream_read_calls_total", "System calls made to read streams.",
                  &StreamStatistics::read_calls},
    StreamCounter{"turnbuckle_stream_read_bytes_total", "Bytes read from streams.",
                  &StreamStatistics::read_bytes},
    StreamCounter{"turnbuckle_stream_write_calls_total", "System calls made to write streams.",
                  &StreamStatistics::write_calls},
    StreamCounter{"turnbuckle_stream_written_bytes_total", "Bytes written to streams.",
                  &StreamStatistics::written_bytes},
};

template <class Value>
double sum_of(std::span<const WorkerView> workers, Value value) {
    double sum = 0;
    for (const WorkerView& worker : workers)
        sum += static_cast<double>(value(worker.io->streams).value());
    return sum;
}

}  // namespace

void append_stream_families(Families& families, std::span<const WorkerView> workers) {
    FamilyBuilder open(families, MetricType::Gauge, "turnbuckle_connections",
                       "Open TCP connections of clients.");
    for (const Transport transport : {Transport::Tcp, Transport::Tls})
        open.sample(
            {{"transport", name_of(transport)}},
            sum_of(
                workers, [&](const StreamStatistics& s) -> auto& { return s.open[transport]; }));
    FamilyBuilder(families, MetricType::Gauge, "turnbuckle_web_passages",
                  "Connections that are passed through to a web server.")
        .sample(sum_of(
            workers, [](const StreamStatistics& s) -> auto& { return s.passages; }));
    for (const StreamCounter& row : kCounters)
        FamilyBuilder(families, MetricType::Counter, row.name, row.help)
            .sample(sum_of(
                workers, [&](const StreamStatistics& s) -> auto& { return s.*row.counter; }));
    FamilyBuilder refused(families, MetricType::Counter, "turnbuckle_connections_refused_total",
                          "TCP connections refused when they came, by reason.");
    for (const auto reason : all_of<net::ConnectionRefusal>())
        refused.sample(
            {{"reason", name_of(reason)}},
            sum_of(
                workers, [&](const StreamStatistics& s) -> auto& { return s.refused[reason]; }));
    FamilyBuilder closed(families, MetricType::Counter, "turnbuckle_connections_closed_total",
                         "TCP connections closed, by reason.");
    for (const auto reason : all_of<net::ConnectionEnd>())
        closed.sample(
            {{"reason", name_of(reason)}},
            sum_of(
                workers, [&](const StreamStatistics& s) -> auto& { return s.closed[reason]; }));
}

}  // namespace turnbuckle::admin
