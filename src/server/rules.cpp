#include "turnbuckle/server/rules.hpp"

#include <memory>
#include <utility>

#include "turnbuckle/auth/credential_chain.hpp"
#include "turnbuckle/auth/rest_secrets.hpp"
#include "turnbuckle/auth/static_users.hpp"
#include "turnbuckle/server/cpu_count.hpp"

namespace turnbuckle::server {

namespace {

auth::StaticUser static_user(const config::User& user) {
    if (user.password) return {user.name, user.password->secret};
    constexpr std::size_t kMd5Size = 16;
    if (user.key->bytes.reveal().size() == kMd5Size)
        return {user.name, auth::Md5Key{user.key->bytes}};
    return {user.name, auth::Sha256Key{user.key->bytes}};
}

std::shared_ptr<auth::CredentialSource> credentials_of(const config::Config& config) {
    std::vector<std::shared_ptr<auth::CredentialSource>> sources;
    if (!config.auth.users.empty()) {
        std::vector<auth::StaticUser> users;
        for (const auto& user : config.auth.users)
            users.push_back(static_user(user));
        sources.push_back(std::make_shared<auth::StaticUsers>(users, config.realm));
    }
    if (!config.auth.secrets.empty()) {
        std::vector<Secret> secrets;
        for (const auto& source : config.auth.secrets)
            secrets.push_back(source.secret);
        sources.push_back(
            std::make_shared<auth::RestSecrets>(std::move(secrets), config.auth.rest_separator));
    }
    return std::make_shared<auth::CredentialChain>(std::move(sources));
}

// A limit of 0 in the configuration is no limit.
std::size_t limit_or_none(std::size_t limit) {
    return limit == 0 ? SIZE_MAX : limit;
}

}  // namespace

unsigned worker_count_of(const config::Config& config) {
    return config.workers.value_or(usable_cpus());
}

Rules rules_of(const config::Config& config, unsigned worker_count) {
    auto engine = std::make_shared<turn::EngineConfig>();
    engine->realm = config.realm;
    engine->software = config.software;
    engine->default_lifetime = config.relay.lifetime.initial;
    engine->max_lifetime = config.relay.lifetime.max;
    engine->max_permissions = limit_or_none(config.limits.allocation.permissions);
    engine->max_channels = limit_or_none(config.limits.allocation.channels);
    engine->max_connections = limit_or_none(config.limits.allocation.connections);
    engine->legacy_channels = config.relay.legacy_channels;
    // Forged sources come in on every worker, so the rate is shared out. The burst is not: a client
    // whose flows all meet at one worker is to have it whole.
    const auto& unauthenticated = config.limits.unauthenticated;
    engine->answers = {(unauthenticated.answers_per_second + worker_count - 1) / worker_count,
                       unauthenticated.burst};
    engine->peers = turn::PeerPolicy(config.relay.peers.allow, config.relay.peers.deny);
    const auto& queue = config.limits.connection;
    return Rules{std::move(engine), credentials_of(config),
                 FrameQueueLimits{limit_or_none(queue.queue.bytes), queue.queue_time}};
}

turn::QuotaLimits quota_limits_of(const config::Config& config) {
    return {config.limits.user.allocations, config.limits.total.allocations};
}

ConnectionLimits::Limits connection_limits_of(const config::Config& config) {
    const auto& unauthenticated = config.limits.unauthenticated;
    return {limit_or_none(unauthenticated.connections),
            limit_or_none(unauthenticated.total_connections)};
}

std::vector<RelayAddresses::Configured> relay_addresses_of(const config::Config& config) {
    std::vector<RelayAddresses::Configured> result;
    for (const auto& each : config.relay.addresses)
        result.push_back({each.address, each.advertise});
    return result;
}

namespace {

// Other certificates can be taken over; the first or none cannot.
std::vector<config::Listener> without_certificates(std::vector<config::Listener> listeners) {
    for (config::Listener& listener : listeners)
        if (!listener.certificates.empty()) listener.certificates.assign(1, {});
    return listeners;
}

}  // namespace

std::vector<std::string> needing_restart(const config::Config& running,
                                         const config::Config& wanted) {
    std::vector<std::string> keys;
    const auto compare = [&](const char* key, const auto& a, const auto& b) {
        if (!(a == b)) keys.emplace_back(key);
    };
    compare("workers", running.workers, wanted.workers);
    compare("listeners", without_certificates(running.listeners),
            without_certificates(wanted.listeners));
    compare("relay.addresses", running.relay.addresses, wanted.relay.addresses);
    compare("relay.ports", running.relay.ports, wanted.relay.ports);
    compare("auth.nonce_lifetime", running.auth.nonce_lifetime, wanted.auth.nonce_lifetime);
    compare("admin", running.admin, wanted.admin);
    compare("offload", running.offload, wanted.offload);
    return keys;
}

}  // namespace turnbuckle::server
