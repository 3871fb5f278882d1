#include "turnbuckle/server/server.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "turnbuckle/base/log.hpp"
#include "turnbuckle/net/local_addresses.hpp"
#include "turnbuckle/net/udp_socket.hpp"
#include "turnbuckle/server/rules.hpp"
#include "turnbuckle/stun/integrity.hpp"

namespace turnbuckle::server {

namespace {

Secret fresh_key() {
    SecureRandom random;
    std::array<std::uint8_t, 32> key{};
    random.fill(key);
    return Secret(std::string(as_text(key)));
}

constexpr net::UdpSocketOptions kRelayOptions{.gro = true, .drops = true, .read_back = false};
}  // namespace

Server::Server(const config::Config& config)
    : config_(config),
      quota_(quota_limits_of(config)),
      nonces_(fresh_key(), config.auth.nonce_lifetime),
      relay_addresses_(relay_addresses_of(config), config.relay.ports.min, config.relay.ports.max),
      connection_limits_(connection_limits_of(config)),
      association_limits_(connection_limits_of(config)),
      certificates_(config.listeners) {
    stun::require_digests();
    for (const auto& relay : config.relay.addresses)
        if (!net::is_local(relay.address))
            throw StartError(fmt::format("relay.addresses: {} is not an address of this host",
                                         relay.address.to_string()));
    listening_ = claim_listeners(config);
    for (const Listening& each : listening_)
        relay_addresses_.add_service(each.endpoint);
    open_workers(rules_of(config, worker_count_of(config)));
}

Server::~Server() {
    stop();
}

void Server::open_workers(const Rules& rules) {
    const unsigned count = worker_count_of(config_);
    const SharedState shared{.relay_addresses = relay_addresses_,
                             .reservations = reservations_,
                             .quota = quota_,
                             .connection_limits = connection_limits_,
                             .association_limits = association_limits_,
                             .nonces = nonces_,
                             .dtls_cookie_key = fresh_key(),
                             .relay_socket_options = kRelayOptions,
                             .hand_over =
                                 [this](std::uint8_t worker, std::unique_ptr<Stream> stream) {
                                     workers_[worker]->adopt(std::move(stream));
                                 },
                             .workers = static_cast<std::uint16_t>(count)};
    for (unsigned i = 0; i < count; ++i)
        workers_.push_back(
            std::make_unique<Worker>(shared, static_cast<std::uint8_t>(i), rules,
                                     open_listeners(listening_, config_, certificates_)));
}

void Server::add_service(const Endpoint& endpoint) {
    relay_addresses_.add_service(endpoint);
}

void Server::log_start() const {
    const auto& io = workers_.front()->io_statistics();
    for (const Listening& each : listening_)
        log::info("listening", {{"transport", name_of(each.transport)},
                                {"address", each.endpoint},
                                {"workers", workers_.size()},
                                {"receive_buffer_bytes", io.receive_buffer_bytes.value()},
                                {"send_buffer_bytes", io.send_buffer_bytes.value()}});
    const net::UdpSocketOptions asked;
    if (io.receive_buffer_bytes.value() < asked.receive_buffer)
        log::warn(
            "the kernel granted a smaller receive buffer than asked for; raise "
            "net.core.rmem_max",
            {{"asked_bytes", asked.receive_buffer},
             {"granted_bytes", io.receive_buffer_bytes.value()}});
    for (const RelayAddress* relay : relay_addresses_.all())
        log::info("relaying", {{"address", relay->local},
                               {"advertised", relay->advertised},
                               {"min_port", relay->ports.min()},
                               {"max_port", relay->ports.max()}});
    if (config_.relay.addresses.empty())
        log::info("relaying from the address that each client reaches the server at");
    const turn::PeerPolicy policy(config_.relay.peers.allow, config_.relay.peers.deny);
    for (const auto reason : policy.opened())
        log::warn("relay.peers.allow opens what is closed by default", {{"range", why(reason)}});
}

void Server::start() {
    log_start();
    for (const auto& worker : workers_)
        worker->start();
}

void Server::drain(bool draining) {
    draining_ = draining;
    for (const auto& worker : workers_)
        worker->set_draining(draining);
    log::info(draining ? "draining" : "serving again", {{"allocations", allocations()}});
}

void Server::stop() {
    for (const auto& worker : workers_)
        worker->stop();
}

std::vector<std::string> Server::reload(const config::Config& config) {
    const Rules rules = rules_of(config, static_cast<unsigned>(workers_.size()));
    auto keys = needing_restart(config_, config);
    quota_.set_limits(quota_limits_of(config));
    connection_limits_.set_limits(connection_limits_of(config));
    association_limits_.set_limits(connection_limits_of(config));
    for (const auto& worker : workers_)
        worker->reconfigure(rules);
    relay_addresses_.refresh_own_addresses();
    certificates_.reload(config.listeners);
    return keys;
}

void Server::refresh_addresses() {
    relay_addresses_.refresh_own_addresses();
}

void Server::renew_certificates(Time now) {
    certificates_.poll(now);
}

void Server::return_memory(Time now) {
    std::int64_t connections = 0;
    for (const auto& worker : workers_) {
        const net::Statistics& io = worker->io_statistics();
        connections += io.dtls.open.value() + io.streams.open[turn::Transport::Tcp].value() +
                       io.streams.open[turn::Transport::Tls].value();
    }
    memory_.follow(static_cast<std::size_t>(std::max<std::int64_t>(connections, 0)), now);
}

std::size_t Server::allocations() const {
    return quota_.held();
}

std::vector<PortUse> Server::port_use() const {
    const Time now = monotonic_now();
    std::vector<PortUse> result;
    for (RelayAddress* relay : relay_addresses_.all())
        result.push_back({relay->advertised, relay->ports.used(), relay->ports.free_ports(now),
                          relay->ports.quarantined(now)});
    return result;
}

}  // namespace turnbuckle::server
