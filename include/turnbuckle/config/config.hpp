// The configuration as plain values: what config::load_file() makes of the YAML file.
//
// A default-constructed Config is what an empty file means. Secrets are resolved already: files
// and environment variables are read once, while loading. Every limit of 0 means no limit. Nothing
// here knows how it is used; conf/turnbuckle.yaml documents each key.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/log.hpp"
#include "turnbuckle/base/secret.hpp"
#include "turnbuckle/config/error.hpp"
#include "turnbuckle/turn/statistics.hpp"

namespace turnbuckle::config {

struct BitRate {
    std::uint64_t bits_per_second = 0;

    friend bool operator==(const BitRate&, const BitRate&) = default;
};

struct ByteSize {
    std::uint64_t bytes = 0;

    friend auto operator<=>(const ByteSize&, const ByteSize&) = default;
};

// A secret and where it came from, so that the dump can name the source and hide the value.
// Exactly one of `file`, `env` and `value` is set.
struct SecretSource {
    std::optional<std::string> file;
    std::optional<std::string> env;
    std::optional<Secret> value;
    Secret secret;  // what the source yields

    friend bool operator==(const SecretSource& a, const SecretSource& b) {
        return a.file == b.file && a.env == b.env &&
               constant_time_equal(as_bytes(a.secret.reveal()), as_bytes(b.secret.reveal()));
    }
};

// PEM files: a certificate with its chain, and its key.
struct CertificateFiles {
    std::string certificate;
    std::string private_key;
    // Where the two stand: what is wrong with the files is found by whoever opens them.
    Position certificate_at{};
    Position private_key_at{};

    friend bool operator==(const CertificateFiles& a, const CertificateFiles& b) {
        return a.certificate == b.certificate && a.private_key == b.private_key;
    }
};

// A web server that shares a listener's port: connections whose ClientHello asks for one of `names`
// or offers one of `protocols` are passed through to it.
struct WebBackend {
    IpAddress address = IpAddress::v4(127, 0, 0, 1);
    std::uint16_t port = 0;                                // required
    std::vector<std::string> names;                        // by SNI; in lower case
    std::vector<std::string> protocols{"h2", "http/1.1"};  // by ALPN

    friend bool operator==(const WebBackend&, const WebBackend&) = default;
};

struct Listener {
    turn::Transport transport = turn::Transport::Udp;
    IpAddress address;
    std::uint16_t port = 3478;  // 0: the kernel chooses
    // The short way to write one entry of `certificates`, which is where the loader moves it.
    std::optional<std::string> certificate{};
    std::optional<std::string> private_key{};
    std::vector<CertificateFiles> certificates{};  // the first is for clients without SNI
    std::vector<Cidr> trusted_proxies{};           // from these a PROXY header must come first
    std::optional<WebBackend> web{};

    friend bool operator==(const Listener&, const Listener&) = default;
};

struct RelayAddress {
    IpAddress address;
    std::optional<IpAddress> advertise;  // what clients are told, behind a 1:1 NAT

    friend bool operator==(const RelayAddress&, const RelayAddress&) = default;
};

struct PortRange {
    std::uint16_t min = 49152;
    std::uint16_t max = 65535;

    friend bool operator==(const PortRange&, const PortRange&) = default;
};

struct AllocationLifetime {
    std::chrono::seconds initial = std::chrono::minutes(10);  // key `default`
    std::chrono::seconds max = std::chrono::hours(1);

    friend bool operator==(const AllocationLifetime&, const AllocationLifetime&) = default;
};

struct Peers {
    std::vector<Cidr> allow;
    std::vector<Cidr> deny;

    friend bool operator==(const Peers&, const Peers&) = default;
};

struct Relay {
    std::vector<RelayAddress> addresses;  // empty: whatever address a client reaches us at
    PortRange ports;
    AllocationLifetime lifetime;
    bool legacy_channels = false;  // bind the numbers that only RFC 5766 allowed
    Peers peers;

    friend bool operator==(const Relay&, const Relay&) = default;
};

// MD5 or SHA-256 over user:realm:password (RFC 8489 section 18.5): 16 or 32 bytes.
struct UserKey {
    Secret bytes;

    friend bool operator==(const UserKey& a, const UserKey& b) {
        return constant_time_equal(as_bytes(a.bytes.reveal()), as_bytes(b.bytes.reveal()));
    }
};

// Has either a password or a key.
struct User {
    std::string name;
    std::optional<SecretSource> password;
    std::optional<UserKey> key;

    friend bool operator==(const User&, const User&) = default;
};

struct Auth {
    std::vector<SecretSource> secrets;  // of time-limited credentials; several while rotating
    std::vector<User> users;
    std::chrono::seconds nonce_lifetime = std::chrono::hours(1);
    std::string rest_separator = ":";

    friend bool operator==(const Auth&, const Auth&) = default;
};

struct UserLimits {
    std::uint32_t allocations = 16;
    BitRate bandwidth;

    friend bool operator==(const UserLimits&, const UserLimits&) = default;
};

struct TotalLimits {
    std::uint32_t allocations = 0;
    BitRate bandwidth;

    friend bool operator==(const TotalLimits&, const TotalLimits&) = default;
};

struct AllocationLimits {
    std::uint32_t permissions = 256;
    std::uint32_t channels = 256;
    std::uint32_t connections = 64;  // to peers, of a TCP allocation (RFC 6062)

    friend bool operator==(const AllocationLimits&, const AllocationLimits&) = default;
};

// Per source prefix, /24 of IPv4, /56 of IPv6, where nothing else is said.
struct UnauthenticatedLimits {
    std::uint32_t answers_per_second = 20;
    std::uint32_t burst = 60;
    std::uint32_t connections = 256;  // with half-open DTLS handshakes
    std::uint32_t total_connections = 4096;

    friend bool operator==(const UnauthenticatedLimits&, const UnauthenticatedLimits&) = default;
};

// What may wait in a client's TCP or TLS connection that it reads too slowly.
struct ConnectionLimits {
    ByteSize queue{1024 * 1024};
    std::chrono::seconds queue_time = std::chrono::seconds(2);  // whole frames, by their age

    friend bool operator==(const ConnectionLimits&, const ConnectionLimits&) = default;
};

struct Limits {
    UserLimits user;
    TotalLimits total;
    AllocationLimits allocation;
    UnauthenticatedLimits unauthenticated;
    ConnectionLimits connection;

    friend bool operator==(const Limits&, const Limits&) = default;
};

struct Admin {
    bool enabled = true;
    IpAddress address = IpAddress::v4(127, 0, 0, 1);
    std::uint16_t port = 8080;  // 0: the kernel chooses
    std::optional<SecretSource> token;

    friend bool operator==(const Admin&, const Admin&) = default;
};

struct Log {
    log::Level level = log::Level::Info;
    log::Format format = log::Format::Text;

    friend bool operator==(const Log&, const Log&) = default;
};

enum class OffloadMode : std::uint8_t { Off, Auto, Require };

struct Offload {
    OffloadMode mode = OffloadMode::Off;
    std::vector<std::string> interfaces;

    friend bool operator==(const Offload&, const Offload&) = default;
};

struct Config {
    std::string realm = "turnbuckle";
    std::string software;                  // the SOFTWARE attribute; empty: not sent
    std::optional<std::uint32_t> workers;  // nothing: one per CPU that the process may use
    std::chrono::seconds drain_timeout = std::chrono::seconds(30);
    std::vector<Listener> listeners = {
        {.transport = turn::Transport::Udp, .address = IpAddress::any(AddressFamily::IPv4)},
        {.transport = turn::Transport::Udp, .address = IpAddress::any(AddressFamily::IPv6)},
        {.transport = turn::Transport::Tcp, .address = IpAddress::any(AddressFamily::IPv4)},
        {.transport = turn::Transport::Tcp, .address = IpAddress::any(AddressFamily::IPv6)}};
    Relay relay;
    Auth auth;
    Limits limits;
    Admin admin;
    Log log;
    Offload offload;

    friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace turnbuckle::config
