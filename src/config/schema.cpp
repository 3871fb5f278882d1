#include "turnbuckle/config/schema.hpp"

#include <algorithm>
#include <functional>

#include "turnbuckle/config/secret_source.hpp"
#include "turnbuckle/stun/attribute.hpp"
#include "turnbuckle/stun/opaque_string.hpp"
#include "turnbuckle/stun/text_attributes.hpp"

namespace turnbuckle::config {

namespace {

// A worker's index has eight bits in what crosses between workers.
constexpr std::uint32_t kMaxWorkers = 256;

// RFC 8489 sections 14.9 and 14.14: fewer than 128 characters.
constexpr std::ptrdiff_t kMaxCharacters = 127;

std::ptrdiff_t count_characters(std::string_view utf8) {
    return std::ranges::count_if(
        utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

bool is_opaque_string(std::string_view text) {
    const auto enforced = stun::enforce_opaque_string(text);
    return enforced && *enforced == text;
}

char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_host_name_character(char c) {
    const char lower = to_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
}

bool is_wildcard_or_multicast(const IpAddress& ip) {
    const std::uint8_t first = ip.bytes()[0];
    return ip.is_unspecified() || (ip.is_v4() ? first >= 224 : first == 0xff);
}

}  // namespace

Complaint check_workers(const std::optional<std::uint32_t>& workers) {
    if (!workers || (*workers >= 1 && *workers <= kMaxWorkers)) return std::nullopt;
    return fmt::format("must be auto or from 1 to {}", kMaxWorkers);
}

Complaint check_realm(const std::string& realm) {
    if (realm.empty()) return "must not be empty";
    // Clients repeat the realm and hash it: it must look the same to all of them.
    if (!is_opaque_string(realm)) return "must be UTF-8 as OpaqueString (RFC 8265) leaves it";
    if (realm.find_first_of("\"\\") != std::string::npos) {
        return "must not have a quotation mark or backslash";
    }
    if (count_characters(realm) > kMaxCharacters) {
        return fmt::format("must have at most {} characters", kMaxCharacters);
    }
    return std::nullopt;
}

Complaint check_software(const std::string& software) {
    if (!stun::is_valid_utf8(as_bytes(software))) return "must be UTF-8";
    if (count_characters(software) > kMaxCharacters) {
        return fmt::format("must have at most {} characters", kMaxCharacters);
    }
    return std::nullopt;
}

Complaint check_user_name(const std::string& name) {
    if (name.empty()) return "must not be empty";
    const auto enforced = stun::enforce_opaque_string(name);
    if (!enforced) return "has characters that OpaqueString (RFC 8265) forbids";
    if (enforced->size() > stun::kMaxTextSent) {
        return fmt::format("must have at most {} bytes", stun::kMaxTextSent);
    }
    return std::nullopt;
}

Complaint check_separator(const std::string& separator) {
    if (separator.empty()) return "must not be empty";
    const bool has_digit =
        std::ranges::any_of(separator, [](char c) { return c >= '0' && c <= '9'; });
    if (has_digit) return "must not have digits, which the expiry before it is made of";
    return std::nullopt;
}

Complaint check_web_names(const std::vector<std::string>& names) {
    const bool all_are_names = std::ranges::all_of(names, [](const std::string& name) {
        return !name.empty() && !name.ends_with('.') &&
               std::ranges::all_of(name, is_host_name_character);
    });
    if (all_are_names) return std::nullopt;
    return "must be a list of host names without a dot at their end";
}

Complaint check_web_protocols(const std::vector<std::string>& protocols) {
    for (const std::string& protocol : protocols) {
        if (protocol.empty() || protocol.size() > 255) return "must have 1 to 255 bytes each";
        // RFC 7443
        if (protocol == "stun.turn" || protocol == "stun.nat-discovery") {
            return fmt::format("must not have {}, which is this server's own", protocol);
        }
    }
    return std::nullopt;
}

namespace {

// The list of processes shows command lines to everyone.
bool refuse_on_command_line(const Node& node, std::string_view key, ErrorList& errors) {
    const Node* value = node.find(key);
    if (!value || !value->at.on_command_line()) return false;
    errors.add(value->at,
               "a secret does not belong on the command line, where every user of this "
               "host sees it: name a 'file' or an 'env'");
    return true;
}

}  // namespace

void Schema<SecretSource>::finish(SecretSource& source, const Node& node, ErrorList& errors) {
    const int given = source.file.has_value() + source.env.has_value() + source.value.has_value();
    if (given != 1) {
        errors.add(node.at, given == 0 ? "needs a 'file', 'env' or 'value'"
                                       : "must have only one of 'file', 'env' and 'value'");
        return;
    }
    if (refuse_on_command_line(node, "value", errors)) return;
    auto secret = resolve(source);
    if (secret) {
        source.secret = *std::move(secret);
    } else {
        errors.add(node.position_of({"file", "env", "value"}), std::move(secret.error()));
    }
}

void Schema<CertificateFiles>::finish(CertificateFiles& files, const Node& node,
                                      ErrorList& errors) {
    if (files.certificate.empty()) errors.add(node.at, "needs a 'certificate'");
    if (files.private_key.empty()) errors.add(node.at, "needs a 'private_key'");
    files.certificate_at = node.position_of({"certificate"});
    files.private_key_at = node.position_of({"private_key"});
}

void Schema<WebBackend>::finish(WebBackend& web, const Node& node, ErrorList& errors) {
    for (std::string& name : web.names)
        std::ranges::transform(name, name.begin(), to_lower);
    if (!node.find("port")) {
        errors.add(node.at, "needs a 'port'");
    } else if (is_wildcard_or_multicast(web.address)) {
        errors.add(node.position_of({"address"}), "'address' must be one to connect to");
    } else if (web.names.empty() && web.protocols.empty()) {
        errors.add(node.at, "needs 'names' or 'protocols', or no connection is ever passed on");
    }
}

namespace {

// The short form becomes the list's only entry.
void move_pair_into_list(Listener& listener, const Node& node, ErrorList& errors) {
    CertificateFiles pair{.certificate = listener.certificate.value_or(""),
                          .private_key = listener.private_key.value_or("")};
    listener.certificate.reset();
    listener.private_key.reset();
    if (pair == CertificateFiles{}) return;
    if (!listener.certificates.empty()) {
        errors.add(node.position_of({"certificate", "private_key"}),
                   "must have either 'certificate' and 'private_key' or 'certificates'");
        return;
    }
    Schema<CertificateFiles>::finish(pair, node, errors);
    listener.certificates.push_back(std::move(pair));
}

}  // namespace

void Schema<Listener>::finish(Listener& listener, const Node& node, ErrorList& errors) {
    using turn::Transport;
    const bool encrypted =
        listener.transport == Transport::Tls || listener.transport == Transport::Dtls;
    const bool stream =
        listener.transport == Transport::Tls || listener.transport == Transport::Tcp;
    constexpr std::uint16_t kTlsPort = 5349;  // RFC 8489 section 8.1
    if (encrypted && !node.find("port")) listener.port = kTlsPort;
    const std::string transport = Scalar<Transport>::format(listener.transport);
    move_pair_into_list(listener, node, errors);
    if (encrypted && listener.certificates.empty()) {
        errors.add(node.at, fmt::format("a {} listener needs a 'certificate' and a 'private_key'",
                                        transport));
    }
    if (listener.transport == Transport::Dtls && !listener.trusted_proxies.empty()) {
        errors.add(node.position_of({"trusted_proxies"}),
                   "a dtls listener has no 'trusted_proxies'");
    }
    if (!listener.web) return;
    if (!stream) {
        errors.add(node.position_of({"web"}), fmt::format("a {} listener has no 'web'", transport));
    } else if (listener.certificates.empty()) {
        errors.add(node.position_of({"web"}),
                   "'web' needs a listener with a 'certificate': only TLS is passed on");
    }
}

void Schema<RelayAddress>::finish(RelayAddress& relay, const Node& node, ErrorList& errors) {
    if (!node.find("address")) {
        errors.add(node.at, "needs an 'address'");
    } else if (is_wildcard_or_multicast(relay.address)) {
        errors.add(node.position_of({"address"}),
                   "'address' must be one that this host has, not a wildcard or multicast address");
    } else if (relay.advertise && is_wildcard_or_multicast(*relay.advertise)) {
        errors.add(node.position_of({"advertise"}),
                   "'advertise' must be an address that peers can send to");
    } else if (relay.advertise && relay.advertise->family() != relay.address.family()) {
        errors.add(node.position_of({"advertise"}),
                   "'advertise' must be of the same family as 'address'");
    }
}

void Schema<PortRange>::finish(PortRange& ports, const Node& node, ErrorList& errors) {
    if (ports.min <= ports.max) return;
    errors.add(node.position_of({"min", "max"}),
               fmt::format("'min' {} is above 'max' {}", ports.min, ports.max));
}

void Schema<AllocationLifetime>::finish(AllocationLifetime& lifetime, const Node& node,
                                        ErrorList& errors) {
    if (lifetime.initial <= lifetime.max) return;
    using Text = Scalar<std::chrono::seconds>;
    errors.add(node.position_of({"default", "max"}),
               fmt::format("'default' {} is above 'max' {}", Text::format(lifetime.initial),
                           Text::format(lifetime.max)));
}

void Schema<User>::finish(User& user, const Node& node, ErrorList& errors) {
    if (refuse_on_command_line(node, "key", errors)) return;
    if (!node.find("name")) {
        errors.add(node.at, "needs a 'name'");
    } else if (!user.password && !user.key) {
        errors.add(node.at, fmt::format("user {} needs a 'password' or a 'key'", show(user.name)));
    } else if (user.password && user.key) {
        errors.add(node.at,
                   fmt::format("user {} has both a 'password' and a 'key'", show(user.name)));
    } else if (user.password && !stun::enforce_opaque_string(user.password->secret.reveal())) {
        errors.add(node.position_of({"password"}),
                   fmt::format("the password of user {} has characters that OpaqueString "
                               "(RFC 8265) forbids",
                               show(user.name)));
    }
}

void Schema<UnauthenticatedLimits>::finish(UnauthenticatedLimits& limits, const Node& node,
                                           ErrorList& errors) {
    if (limits.answers_per_second == 0 || limits.burst >= 1) return;
    errors.add(node.position_of({"burst"}),
               "'burst' must be at least 1, or nothing is ever answered; for no limit set "
               "'answers_per_second' to 0");
}

void Schema<Admin>::finish(Admin& admin, const Node& node, ErrorList& errors) {
    if (!admin.enabled || admin.address.is_loopback() || admin.token) return;
    errors.add(node.position_of({"address"}),
               "an admin plane that others can reach needs a 'token'");
}

std::string identity(const Listener& listener) {
    if (listener.port == 0) return {};
    const bool datagrams =
        listener.transport == turn::Transport::Udp || listener.transport == turn::Transport::Dtls;
    return fmt::format("{} {}", datagrams ? "UDP" : "TCP",
                       Endpoint{listener.address, listener.port}.to_string());
}

std::string identity(const CertificateFiles& files) {
    return files.certificate;
}

std::string identity(const RelayAddress& relay) {
    return relay.address.to_string();
}

std::string identity(const SecretSource& source) {
    if (source.file) return fmt::format("file {}", *source.file);
    if (source.env) return fmt::format("env {}", *source.env);
    // Not the secret itself, which a message would show.
    return fmt::format("value #{:x}", std::hash<std::string_view>()(source.secret.reveal()));
}

std::string identity(const User& user) {
    return stun::enforce_opaque_string(user.name).value_or(user.name);
}

std::string identity(const Cidr& block) {
    return block.to_string();
}

std::string identity(const std::string& text) {
    return text;
}

}  // namespace turnbuckle::config
