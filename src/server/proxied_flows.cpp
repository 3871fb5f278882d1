#include "turnbuckle/server/proxied_flows.hpp"

#include <algorithm>

#include "turnbuckle/base/log.hpp"
#include "turnbuckle/server/link_kind.hpp"

namespace turnbuckle::server {

namespace {

// Every so many house-keepings each flow has been looked at once.
constexpr std::size_t kAuditRounds = 60;

// How many flows are compared when one has to make room: the one of them that was idle longest
// goes.
constexpr std::size_t kCompared = 64;

}  // namespace

bool ProxiedFlows::trusts(std::uint32_t listener, const IpAddress& source) const noexcept {
    return std::ranges::any_of(parts_.listeners[listener].trusted_proxies,
                               [&](const Cidr& proxies) { return proxies.contains(source); });
}

std::optional<ProxiedFlows::Forwarded> ProxiedFlows::receive(std::uint32_t listener,
                                                             const net::Datagram& datagram,
                                                             Time now) {
    const DatagramRoute route{listener, datagram.source, datagram.destination};
    if (!net::has_proxy_v2_signature(datagram.data)) {
        const auto found = by_route_.find(route);
        if (found == by_route_.end()) return refuse(route, "no header", now);
        Flow& flow = flows_[found->second];
        flow.last_seen = now;
        return Forwarded{flow.path, datagram.data};
    }
    const auto header = net::parse_proxy_header(datagram.data);
    if (!header) return refuse(route, name_of(header.error()), now);
    if (!*header) return refuse(route, "truncated header", now);
    // The server's address stays this host's own: it decides where an allocation relays from.
    const Endpoint server{datagram.destination, parts_.listeners[listener].socket.local().port};
    const Endpoint client = (*header)->addresses ? (*header)->addresses->source : datagram.source;
    const std::uint32_t index = establish(route, {client, server, turn::Transport::Udp}, now);
    const ByteView rest = ByteView(datagram.data).subspan((*header)->length);
    if (rest.empty()) return std::nullopt;
    return Forwarded{flows_[index].path, rest};
}

std::optional<ProxiedFlows::Forwarded> ProxiedFlows::refuse(const DatagramRoute& route,
                                                            std::string_view reason, Time now) {
    parts_.statistics.drop(turn::DropReason::NoProxyHeader);
    if (refusals_.admit(route.destination.ip, now))
        log::warn("a trusted proxy sent no valid PROXY header",
                  {{"proxy", route.destination}, {"reason", reason}});
    return std::nullopt;
}

std::uint32_t ProxiedFlows::establish(const DatagramRoute& route, const turn::FiveTuple& tuple,
                                      Time now) {
    if (const auto same_port = by_route_.find(route); same_port != by_route_.end()) {
        const std::uint32_t index = same_port->second;
        if (flows_[index].path.tuple == tuple) {
            flows_[index].last_seen = now;
            return index;
        }
        // What is on its way to the client before must not reach this one.
        end(index, now);
    }
    if (const auto same_client = by_client_.find(tuple); same_client != by_client_.end()) {
        // The proxy forwards it from another port now.
        Flow& flow = flows_[same_client->second];
        by_route_.erase(flow.route);
        flow.route = route;
        flow.last_seen = now;
        by_route_[route] = same_client->second;
        return same_client->second;
    }
    const std::uint32_t index = free_index(now);
    flows_[index] = {route, {link_of(LinkKind::Proxied, index), tuple}, now, true};
    by_route_[route] = index;
    by_client_[tuple] = index;
    parts_.io_statistics.proxied_flows.add(1);
    return index;
}

std::uint32_t ProxiedFlows::free_index(Time now) {
    if (free_.empty() && flows_.size() < kMaxFlows) {
        flows_.emplace_back();
        return static_cast<std::uint32_t>(flows_.size() - 1);
    }
    if (free_.empty()) {
        // One with an allocation only if all that are compared have one.
        const auto rank = [&](std::size_t index) {
            return std::pair(is_in_use(flows_[index]), flows_[index].last_seen);
        };
        std::size_t victim = hand_;
        for (std::size_t i = 0; i < kCompared; ++i) {
            hand_ = (hand_ + 1) % flows_.size();
            if (rank(hand_) < rank(victim)) victim = hand_;
        }
        end(static_cast<std::uint32_t>(victim), now);
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    return index;
}

bool ProxiedFlows::is_in_use(const Flow& flow) const noexcept {
    turn::FiveTuple tuple = flow.path.tuple;
    if (parts_.engine.serves(tuple)) return true;
    tuple.transport = turn::Transport::Dtls;
    return parts_.engine.serves(tuple);
}

void ProxiedFlows::end(std::uint32_t index, Time now) {
    Flow& flow = flows_[index];
    by_route_.erase(flow.route);
    by_client_.erase(flow.path.tuple);
    const turn::ClientPath path = flow.path;
    flow = {};
    free_.push_back(index);
    parts_.io_statistics.proxied_flows.add(-1);
    parts_.owner.on_flow_ended(path, now);
}

const DatagramRoute* ProxiedFlows::route(std::uint32_t index) const noexcept {
    return index < flows_.size() && flows_[index].used ? &flows_[index].route : nullptr;
}

void ProxiedFlows::keep_house(Time now) {
    const std::size_t count = flows_.size() / kAuditRounds + 1;
    for (std::size_t i = 0; i < count && !flows_.empty(); ++i) {
        audited_ = (audited_ + 1) % flows_.size();
        const Flow& flow = flows_[audited_];
        if (!flow.used || now - flow.last_seen < kIdleLifetime || is_in_use(flow)) continue;
        end(static_cast<std::uint32_t>(audited_), now);
    }
    if (const auto summary = refusals_.take_summary(now))
        log::warn("PROXY headers refused", {{"summary", summary->to_string()}});
}

}  // namespace turnbuckle::server
