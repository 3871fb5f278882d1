#include "turnbuckle/app/snippet.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "turnbuckle/auth/credential_minter.hpp"
#include "turnbuckle/net/local_addresses.hpp"

namespace turnbuckle::app {

namespace {

constexpr std::chrono::hours kSnippetLifetime{24};

// The address that a client would use for one that stands for all.
IpAddress reachable_address(const config::Config& config, AddressFamily family) {
    for (const auto& relay : config.relay.addresses)
        if (relay.advertise && relay.advertise->family() == family) return *relay.advertise;
    if (const auto outward = net::default_route_address(family)) return *outward;
    return family == AddressFamily::IPv4 ? IpAddress::v4(127, 0, 0, 1) : *IpAddress::parse("::1");
}

}  // namespace

std::vector<std::string> turn_uris(const config::Config& config,
                                   std::span<const server::Listening> listening) {
    std::vector<std::string> uris;
    const auto add = [&](std::string_view scheme, const Endpoint& endpoint,
                         std::string_view transport) {
        auto uri = fmt::format("{}:{}?transport={}", scheme, endpoint.to_string(), transport);
        if (std::ranges::find(uris, uri) == uris.end()) uris.push_back(std::move(uri));
    };
    for (const auto& each : listening) {
        Endpoint endpoint = each.endpoint;
        const bool wildcard = endpoint.ip.is_unspecified();
        if (wildcard) endpoint.ip = reachable_address(config, endpoint.ip.family());
        // A host that IPv6 does not lead out of has nothing to offer there.
        if (wildcard && endpoint.ip.is_v6() && endpoint.ip.is_loopback()) continue;
        const bool stream = is_stream(each.transport);
        const std::string_view transport = stream ? "tcp" : "udp";
        const bool plain = each.transport == (stream ? turn::Transport::Tcp : turn::Transport::Udp);
        if (plain) add("turn", endpoint, transport);
        if (each.encrypts) add("turns", endpoint, transport);
    }
    return uris;
}

std::string ice_servers_snippet(const config::Config& config,
                                std::span<const server::Listening> listening, WallTime now) {
    if (config.auth.secrets.empty()) return {};
    const auto minted = auth::mint_credential(config.auth.secrets.front().secret, "browser",
                                              kSnippetLifetime, now, config.auth.rest_separator);
    return auth::ice_servers_json(turn_uris(config, listening), minted.username,
                                  minted.password.reveal());
}

}  // namespace turnbuckle::app
