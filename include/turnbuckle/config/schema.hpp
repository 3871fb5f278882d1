// The format of the configuration file: one table of keys per mapping.
//
// Reading, unknown-key detection, the dump and the list of documented keys all walk these tables,
// so a key stands here and nowhere else. A key has a name, the member that holds its value and a
// condition on that value alone; what concerns several keys is said in Schema<T>::finish(), which
// runs only if the mapping's own values are good. The nesting of the file is that of the structs.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "turnbuckle/config/config.hpp"
#include "turnbuckle/config/document.hpp"
#include "turnbuckle/config/error.hpp"
#include "turnbuckle/config/scalar.hpp"

namespace turnbuckle::config {

// What is wrong with a value ("must be at least 1"), if anything.
using Complaint = std::optional<std::string>;

struct Anything {
    template <class T>
    Complaint operator()(const T&) const {
        return std::nullopt;
    }
};

template <class T>
struct Between {
    T min;
    T max;

    Complaint operator()(const T& value) const {
        if (value >= min && value <= max) return std::nullopt;
        return fmt::format("must be from {} to {}", Scalar<T>::format(min), Scalar<T>::format(max));
    }
};

template <class T>
struct AtLeast {
    T min;

    Complaint operator()(const T& value) const {
        if (value >= min) return std::nullopt;
        return fmt::format("must be at least {}", Scalar<T>::format(min));
    }
};

Complaint check_workers(const std::optional<std::uint32_t>& workers);
Complaint check_realm(const std::string& realm);
Complaint check_software(const std::string& software);
Complaint check_user_name(const std::string& name);
Complaint check_separator(const std::string& separator);
Complaint check_web_names(const std::vector<std::string>& names);
Complaint check_web_protocols(const std::vector<std::string>& protocols);

template <class Owner, class Value, class Check>
struct Key {
    std::string_view name;
    Value Owner::*member;
    Check check;
};

template <class Owner, class Value>
constexpr auto key(std::string_view name, Value Owner::*member) {
    return Key<Owner, Value, Anything>{name, member, {}};
}

template <class Owner, class Value, class Check>
constexpr auto key(std::string_view name, Value Owner::*member, Check check) {
    return Key<Owner, Value, Check>{name, member, check};
}

template <class T>
struct Schema;

template <class T>
concept HasSchema = requires {
    Schema<T>::kKeys;
};

template <class T>
concept HasFinish = requires(T& value, const Node& node, ErrorList& errors) {
    Schema<T>::finish(value, node, errors);
};

template <>
struct Schema<SecretSource> {
    static constexpr std::tuple kKeys{key("file", &SecretSource::file),
                                      key("env", &SecretSource::env),
                                      key("value", &SecretSource::value)};
    // Reads the secret from where it is.
    static void finish(SecretSource& source, const Node& node, ErrorList& errors);
};

template <>
struct Schema<CertificateFiles> {
    static constexpr std::tuple kKeys{key("certificate", &CertificateFiles::certificate),
                                      key("private_key", &CertificateFiles::private_key)};
    static void finish(CertificateFiles& files, const Node& node, ErrorList& errors);
};

template <>
struct Schema<WebBackend> {
    static constexpr std::tuple kKeys{
        key("address", &WebBackend::address),
        key("port", &WebBackend::port, AtLeast<std::uint16_t>{1}),
        key("names", &WebBackend::names, check_web_names),
        key("protocols", &WebBackend::protocols, check_web_protocols)};
    static void finish(WebBackend& web, const Node& node, ErrorList& errors);
};

template <>
struct Schema<Listener> {
    static constexpr std::tuple kKeys{key("transport", &Listener::transport),
                                      key("address", &Listener::address),
                                      key("port", &Listener::port),
                                      key("certificate", &Listener::certificate),
                                      key("private_key", &Listener::private_key),
                                      key("certificates", &Listener::certificates),
                                      key("trusted_proxies", &Listener::trusted_proxies),
                                      key("web", &Listener::web)};
    static void finish(Listener& listener, const Node& node, ErrorList& errors);
};

template <>
struct Schema<RelayAddress> {
    static constexpr std::tuple kKeys{key("address", &RelayAddress::address),
                                      key("advertise", &RelayAddress::advertise)};
    static void finish(RelayAddress& relay, const Node& node, ErrorList& errors);
};

template <>
struct Schema<PortRange> {
    static constexpr AtLeast<std::uint16_t> kNotZero{1};
    static constexpr std::tuple kKeys{key("min", &PortRange::min, kNotZero),
                                      key("max", &PortRange::max, kNotZero)};
    static void finish(PortRange& ports, const Node& node, ErrorList& errors);
};

template <>
struct Schema<AllocationLifetime> {
    static constexpr AtLeast<std::chrono::seconds> kNotZero{std::chrono::seconds(1)};
    static constexpr std::tuple kKeys{key("default", &AllocationLifetime::initial, kNotZero),
                                      key("max", &AllocationLifetime::max, kNotZero)};
    static void finish(AllocationLifetime& lifetime, const Node& node, ErrorList& errors);
};

template <>
struct Schema<Peers> {
    static constexpr std::tuple kKeys{key("allow", &Peers::allow), key("deny", &Peers::deny)};
};

template <>
struct Schema<Relay> {
    static constexpr std::tuple kKeys{
        key("addresses", &Relay::addresses), key("ports", &Relay::ports),
        key("lifetime", &Relay::lifetime), key("legacy_channels", &Relay::legacy_channels),
        key("peers", &Relay::peers)};
};

template <>
struct Schema<User> {
    static constexpr std::tuple kKeys{key("name", &User::name, check_user_name),
                                      key("password", &User::password), key("key", &User::key)};
    static void finish(User& user, const Node& node, ErrorList& errors);
};

template <>
struct Schema<Auth> {
    static constexpr std::tuple kKeys{
        key("secrets", &Auth::secrets), key("users", &Auth::users),
        key("nonce_lifetime", &Auth::nonce_lifetime,
            AtLeast<std::chrono::seconds>{std::chrono::seconds(1)}),
        key("rest_separator", &Auth::rest_separator, check_separator)};
};

template <>
struct Schema<UserLimits> {
    static constexpr std::tuple kKeys{key("allocations", &UserLimits::allocations),
                                      key("bandwidth", &UserLimits::bandwidth)};
};

template <>
struct Schema<TotalLimits> {
    static constexpr std::tuple kKeys{key("allocations", &TotalLimits::allocations),
                                      key("bandwidth", &TotalLimits::bandwidth)};
};

template <>
struct Schema<AllocationLimits> {
    static constexpr std::tuple kKeys{key("permissions", &AllocationLimits::permissions),
                                      key("channels", &AllocationLimits::channels),
                                      key("connections", &AllocationLimits::connections)};
};

template <>
struct Schema<UnauthenticatedLimits> {
    static constexpr std::tuple kKeys{
        key("answers_per_second", &UnauthenticatedLimits::answers_per_second),
        key("burst", &UnauthenticatedLimits::burst),
        key("connections", &UnauthenticatedLimits::connections),
        key("total_connections", &UnauthenticatedLimits::total_connections)};
    static void finish(UnauthenticatedLimits& limits, const Node& node, ErrorList& errors);
};

template <>
struct Schema<ConnectionLimits> {
    // The largest STUN message and ChannelData frame must fit, twice.
    static constexpr std::tuple kKeys{
        key("queue", &ConnectionLimits::queue,
            Between<ByteSize>{{128 * 1024}, {1024 * 1024 * 1024}}),
        key("queue_time", &ConnectionLimits::queue_time,
            Between<std::chrono::seconds>{std::chrono::seconds(1), std::chrono::minutes(1)})};
};

template <>
struct Schema<Limits> {
    static constexpr std::tuple kKeys{key("user", &Limits::user), key("total", &Limits::total),
                                      key("allocation", &Limits::allocation),
                                      key("unauthenticated", &Limits::unauthenticated),
                                      key("connection", &Limits::connection)};
};

template <>
struct Schema<Admin> {
    static constexpr std::tuple kKeys{key("enabled", &Admin::enabled),
                                      key("address", &Admin::address), key("port", &Admin::port),
                                      key("token", &Admin::token)};
    static void finish(Admin& admin, const Node& node, ErrorList& errors);
};

template <>
struct Schema<Log> {
    static constexpr std::tuple kKeys{key("level", &Log::level), key("format", &Log::format)};
};

template <>
struct Schema<Offload> {
    static constexpr std::tuple kKeys{key("mode", &Offload::mode),
                                      key("interfaces", &Offload::interfaces)};
};

template <>
struct Schema<Config> {
    static constexpr std::tuple kKeys{key("realm", &Config::realm, check_realm),
                                      key("software", &Config::software, check_software),
                                      key("workers", &Config::workers, check_workers),
                                      key("drain_timeout", &Config::drain_timeout),
                                      key("listeners", &Config::listeners),
                                      key("relay", &Config::relay),
                                      key("auth", &Config::auth),
                                      key("limits", &Config::limits),
                                      key("admin", &Config::admin),
                                      key("log", &Config::log),
                                      key("offload", &Config::offload)};
};

// What two entries of one list must not share, in words; empty for an entry that may repeat.
[[nodiscard]] std::string identity(const Listener& listener);
[[nodiscard]] std::string identity(const CertificateFiles& files);
[[nodiscard]] std::string identity(const RelayAddress& relay);
[[nodiscard]] std::string identity(const SecretSource& source);
[[nodiscard]] std::string identity(const User& user);
[[nodiscard]] std::string identity(const Cidr& block);
[[nodiscard]] std::string identity(const std::string& text);

}  // namespace turnbuckle::config
