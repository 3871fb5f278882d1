#include <fmt/format.h>

#include "turnbuckle/admin/metric_families.hpp"

namespace turnbuckle::admin {

namespace {

using prometheus::MetricType;
using turn::DropReason;
using turn::RequestMethod;
using turn::Statistics;
using turn::Transport;

// Adds one counter or gauge up over the workers; `pick` finds it in a worker's statistics.
class Sum {
public:
    explicit Sum(std::span<const WorkerView> workers) : workers_(workers) {}

    template <class Pick>
    double operator()(Pick pick) const {
        double sum = 0;
        for (const WorkerView& worker : workers_) {
            sum += static_cast<double>(pick(*worker.protocol).value());
        }
        return sum;
    }

    template <std::size_t N>
    std::vector<const Histogram<N>*> each(Histogram<N> Statistics::*histogram) const {
        std::vector<const Histogram<N>*> found;
        for (const WorkerView& worker : workers_)
            found.push_back(&(worker.protocol->*histogram));
        return found;
    }

private:
    std::span<const WorkerView> workers_;
};

void append_allocations(Families& families, const Sum& sum) {
    FamilyBuilder live(families, MetricType::Gauge, "turnbuckle_allocations",
                       "Allocations that exist, by the client's transport and the family of the "
                       "relayed address.");
    for (const Transport transport : all_of<Transport>()) {
        for (const std::size_t family : {0U, 1U}) {
            live.sample(
                {{"transport", name_of(transport)}, {"family", family == 0 ? "ipv4" : "ipv6"}},
                sum([&](const Statistics& s) -> auto& {
                    return s.allocations[transport][family];
                }));
        }
    }
    FamilyBuilder created(families, MetricType::Counter, "turnbuckle_allocations_created_total",
                          "Allocations created.");
    for (const Transport transport : all_of<Transport>()) {
        created.sample({{"transport", name_of(transport)}}, sum([&](const Statistics& s) -> auto& {
                           return s.allocations_created[transport];
                       }));
    }
    FamilyBuilder ended(families, MetricType::Counter, "turnbuckle_allocations_ended_total",
                        "Allocations ended, by reason.");
    for (const auto reason : all_of<turn::EndReason>()) {
        ended.sample({{"reason", name_of(reason)}}, sum([&](const Statistics& s) -> auto& {
                         return s.allocations_ended[reason];
                     }));
    }
    FamilyBuilder(families, MetricType::Histogram, "turnbuckle_session_duration_seconds",
                  "How long the allocations that ended had lived.")
        .histogram<turn::kSessionSecondsBounds.size()>(turn::kSessionSecondsBounds,
                                                       sum.each(&Statistics::session_seconds));
}

void append_traffic(Families& families, const Sum& sum) {
    const auto append = [&](std::string_view name, std::string_view help,
                            Counter turn::Traffic::*counter) {
        FamilyBuilder family(families, MetricType::Counter, name, help);
        for (const Transport transport : all_of<Transport>()) {
            for (const auto direction : all_of<turn::Direction>()) {
                family.sample(
                    {{"transport", name_of(transport)}, {"direction", name_of(direction)}},
                    sum([&](const Statistics& s) -> auto& {
                        return s.relayed[transport][direction].*counter;
                    }));
            }
        }
    };
    append("turnbuckle_relayed_packets_total", "Packets relayed.", &turn::Traffic::packets);
    append("turnbuckle_relayed_bytes_total", "Application data relayed.", &turn::Traffic::bytes);
}

void append_requests(Families& families, const Sum& sum) {
    FamilyBuilder requests(families, MetricType::Counter, "turnbuckle_requests_total",
                           "Requests answered, by method and code.");
    for (const RequestMethod method : all_of<RequestMethod>()) {
        for (std::size_t i = 0; i < turn::kCountedCodes.size(); ++i) {
            const std::uint16_t code = turn::kCountedCodes[i];
            requests.sample(
                {{"method", name_of(method)},
                 {"code", code == 0 ? std::string("success") : fmt::to_string(code)}},
                sum([&](const Statistics& s) -> auto& { return s.responses[method][i]; }));
        }
    }
    FamilyBuilder(families, MetricType::Histogram, "turnbuckle_request_duration_seconds",
                  "From reading a request to handing over its answer.")
        .histogram<turn::kRequestSecondsBounds.size()>(turn::kRequestSecondsBounds,
                                                       sum.each(&Statistics::request_seconds));
    FamilyBuilder(families, MetricType::Gauge, "turnbuckle_pending_requests",
                  "Requests that wait for a credential, a relay or a TCP peer.")
        .sample(sum([](const Statistics& s) -> auto& { return s.pending_requests; }));
    FamilyBuilder(families, MetricType::Gauge, "turnbuckle_tcp_peers",
                  "Connections with TCP peers, bound or waiting to be (RFC 6062).")
        .sample(sum([](const Statistics& s) -> auto& { return s.tcp_peers; }));
    FamilyBuilder failures(families, MetricType::Counter,
                           "turnbuckle_authentication_failures_total",
                           "Requests whose authentication failed, by reason.");
    for (const auto reason : all_of<turn::AuthFailure>()) {
        failures.sample({{"reason", name_of(reason)}},
                        sum([&](const Statistics& s) -> auto& { return s.auth_failures[reason]; }));
    }
}

void append_drops(Families& families, const Sum& sum) {
    FamilyBuilder family(families, MetricType::Counter, "turnbuckle_dropped_packets_total",
                         "Packets that went no further, by reason.");
    for (const DropReason reason : all_of<DropReason>()) {
        if (reason == DropReason::None) continue;
        family.sample({{"reason", name_of(reason)}}, sum([&](const Statistics& s) -> auto& {
                          return s.drops[static_cast<std::size_t>(reason)];
                      }));
    }
}

}  // namespace

void append_protocol_families(Families& families, std::span<const WorkerView> workers) {
    const Sum sum(workers);
    append_allocations(families, sum);
    append_traffic(families, sum);
    append_requests(families, sum);
    append_drops(families, sum);
}

}  // namespace turnbuckle::admin
