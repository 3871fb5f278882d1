// The metrics of clients' DTLS associations, and of those that proxies forward over UDP.
#include "turnbuckle/admin/metric_families.hpp"

namespace turnbuckle::admin {

using net::Statistics;
using prometheus::MetricType;

namespace {

template <class Value>
double sum_of(std::span<const WorkerView> workers, Value value) {
    double sum = 0;
    for (const WorkerView& worker : workers)
        sum += static_cast<double>(value(*worker.io).value());
    return sum;
}

}  // namespace

void append_dtls_families(Families& families, std::span<const WorkerView> workers) {
    FamilyBuilder(families, MetricType::Gauge, "turnbuckle_dtls_associations",
                  "DTLS associations of clients, half-open ones included.")
        .sample(sum_of(
            workers, [](const Statistics& s) -> auto& { return s.dtls.open; }));
    FamilyBuilder(families, MetricType::Counter, "turnbuckle_dtls_cookies_sent_total",
                  "ClientHellos without a good cookie that were answered with one.")
        .sample(sum_of(
            workers, [](const Statistics& s) -> auto& { return s.dtls.cookies_sent; }));
    FamilyBuilder(families, MetricType::Counter, "turnbuckle_dtls_handshakes_total",
                  "DTLS handshakes completed.")
        .sample(sum_of(
            workers, [](const Statistics& s) -> auto& { return s.dtls.handshakes; }));
    FamilyBuilder refused(families, MetricType::Counter, "turnbuckle_dtls_refused_total",
                          "DTLS associations refused in spite of a good cookie, by reason.");
    for (const auto reason : {net::ConnectionRefusal::SourcePrefix, net::ConnectionRefusal::Total})
        refused.sample(
            {{"reason", name_of(reason)}},
            sum_of(
                workers, [&](const Statistics& s) -> auto& { return s.dtls.refused[reason]; }));
    FamilyBuilder closed(families, MetricType::Counter, "turnbuckle_dtls_closed_total",
                         "DTLS associations closed, by reason.");
    for (const auto reason : {net::ConnectionEnd::ClosedByClient,
                              net::ConnectionEnd::Unauthenticated, net::ConnectionEnd::TlsFailed,
                              net::ConnectionEnd::PushedOut, net::ConnectionEnd::Stopped})
        closed.sample(
            {{"reason", name_of(reason)}},
            sum_of(
                workers, [&](const Statistics& s) -> auto& { return s.dtls.closed[reason]; }));
    FamilyBuilder(families, MetricType::Gauge, "turnbuckle_proxied_flows",
                  "Clients that trusted proxies forward over UDP.")
        .sample(sum_of(
            workers, [](const Statistics& s) -> auto& { return s.proxied_flows; }));
}

}  // namespace turnbuckle::admin
