// Clients that a trusted proxy forwards over UDP, one worker's: who is behind which of the proxy's
// ports (the PROXY protocol, version 2).
//
// On the worker's thread. A proxy puts a header before each datagram or only before the first of a
// flow, which is one of its ports to one of our addresses; the last header counts. The client's
// address is then the one that the proxy tells, and answers go back to the proxy's port, without a
// header. Without a header and without a flow a proxy's datagram is dropped: the specification
// (section 2) forbids to guess whether there is one, and served as the proxy's own it would give
// all clients behind it one five-tuple. A LOCAL header makes the proxy itself the client: that is
// how it asks whether we live. Bounded: idle flows without an allocation go, at the latest when
// there is no room.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "turnbuckle/base/log_limiter.hpp"
#include "turnbuckle/net/proxy_protocol.hpp"
#include "turnbuckle/net/statistics.hpp"
#include "turnbuckle/net/udp_receiver.hpp"
#include "turnbuckle/server/datagram_output.hpp"
#include "turnbuckle/turn/engine.hpp"

namespace turnbuckle::server {

// The worker, as its proxied flows see it.
class FlowOwner {
public:
    virtual ~FlowOwner() = default;

    // The proxy's port is another client's now, or nobody's.
    virtual void on_flow_ended(const turn::ClientPath& from, Time now) = 0;
};

class ProxiedFlows {
public:
    struct Parts {
        turn::Engine& engine;
        std::vector<UdpListener>& listeners;
        turn::Statistics& statistics;
        net::Statistics& io_statistics;
        FlowOwner& owner;
    };

    // What a proxy forwarded: a client's datagram, with the client's path.
    struct Forwarded {
        turn::ClientPath from;
        ByteView datagram;
    };

    static constexpr std::size_t kMaxFlows = 16384;
    // Longer than proxies and NATs keep a flow, so that none goes on without a header that we have
    // forgotten.
    static constexpr Duration kIdleLifetime = std::chrono::minutes(10);

    explicit ProxiedFlows(Parts parts) noexcept : parts_(parts) {}

    // Whether this listener takes `source` for a proxy.
    [[nodiscard]] bool trusts(std::uint32_t listener, const IpAddress& source) const noexcept;

    // A datagram of a trusted proxy. Nothing if it is dropped, which is counted, or a header alone.
    [[nodiscard]] std::optional<Forwarded> receive(std::uint32_t listener,
                                                   const net::Datagram& datagram, Time now);

    // The way to the client of a flow.
    [[nodiscard]] const DatagramRoute* route(std::uint32_t index) const noexcept;

    // Forgets what is idle; about once a second.
    void keep_house(Time now);

    [[nodiscard]] std::size_t size() const noexcept { return by_route_.size(); }

private:
    struct Flow {
        DatagramRoute route;
        turn::ClientPath path;
        Time last_seen{};
        bool used = false;
    };

    std::optional<Forwarded> refuse(const DatagramRoute& route, std::string_view reason, Time now);
    [[nodiscard]] std::uint32_t establish(const DatagramRoute& route, const turn::FiveTuple& tuple,
                                          Time now);
    [[nodiscard]] std::uint32_t free_index(Time now);
    [[nodiscard]] bool is_in_use(const Flow& flow) const noexcept;
    void end(std::uint32_t index, Time now);

    Parts parts_;
    std::vector<Flow> flows_;
    std::vector<std::uint32_t> free_;
    boost::unordered_flat_map<DatagramRoute, std::uint32_t, std::hash<DatagramRoute>> by_route_;
    boost::unordered_flat_map<turn::FiveTuple, std::uint32_t, std::hash<turn::FiveTuple>>
        by_client_;
    std::size_t audited_ = 0;
    std::size_t hand_ = 0;  // where the search for room goes on
    LogLimiter refusals_;
};

}  // namespace turnbuckle::server
