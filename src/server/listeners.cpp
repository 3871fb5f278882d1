#include "turnbuckle/server/listeners.hpp"

#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "turnbuckle/net/tcp_socket.hpp"
#include "turnbuckle/net/udp_socket.hpp"

namespace turnbuckle::server {

namespace {

constexpr net::UdpSocketOptions kUdpOptions{.reuse_port = true, .gro = true, .drops = true};
constexpr net::TcpListenerOptions kTcpOptions{.reuse_port = true};

[[noreturn]] void cannot_listen(turn::Transport transport, const Endpoint& endpoint,
                                const std::error_code& error) {
    throw StartError(fmt::format("cannot listen on {} {}: {}", name_of(transport),
                                 endpoint.to_string(), error.message()));
}

std::expected<Endpoint, std::error_code> bind_alone(turn::Transport transport,
                                                    const Endpoint& wanted) {
    if (is_stream(transport)) {
        const auto listener = net::open_tcp_listener(wanted, {});
        if (!listener) return std::unexpected(listener.error());
        return listener->local();
    }
    const auto socket = net::open_udp(wanted, {});
    if (!socket) return std::unexpected(socket.error());
    return socket->local();
}

// Clients come from somewhere: a listener on ::1 says nothing of a host without IPv6.
bool family_is_missing(const std::error_code& error) {
    return error == std::errc::address_family_not_supported ||
           error == std::errc::address_not_available;
}

}  // namespace

std::vector<Listening> claim_listeners(const config::Config& config) {
    const bool defaults = config.listeners == config::Config{}.listeners;
    std::vector<Listening> result;
    for (std::size_t i = 0; i < config.listeners.size(); ++i) {
        const auto& listener = config.listeners[i];
        const auto bound = bind_alone(listener.transport, {listener.address, listener.port});
        if (bound) {
            result.push_back({listener.transport, *bound, !listener.certificates.empty(), i});
        } else if (!defaults || !listener.address.is_v6() || !family_is_missing(bound.error())) {
            cannot_listen(listener.transport, {listener.address, listener.port}, bound.error());
        }
    }
    return result;
}

WorkerListeners open_listeners(const std::vector<Listening>& listening,
                               const config::Config& config, const Certificates& certificates) {
    WorkerListeners result;
    for (const Listening& each : listening) {
        const auto& configured = config.listeners[each.configured];
        if (is_stream(each.transport)) {
            auto socket = net::open_tcp_listener(each.endpoint, kTcpOptions);
            if (!socket) cannot_listen(each.transport, each.endpoint, socket.error());
            StreamListener listener{std::move(*socket), each.transport,
                                    certificates.source(each.configured),
                                    configured.trusted_proxies, std::nullopt};
            if (configured.web)
                listener.web = WebBackend{{configured.web->address, configured.web->port}};
            result.streams.push_back(std::move(listener));
        } else {
            auto socket = net::open_udp(each.endpoint, kUdpOptions);
            if (!socket) cannot_listen(each.transport, each.endpoint, socket.error());
            result.udp.push_back({std::move(*socket), each.transport,
                                  certificates.source(each.configured),
                                  configured.trusted_proxies});
        }
    }
    return result;
}

}  // namespace turnbuckle::server
