#include "turnbuckle/base/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

namespace turnbuckle {

namespace {

std::optional<unsigned> parse_number(std::string_view text, unsigned max) {
    unsigned value = 0;
    const char* end = text.data() + text.size();
    auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stop != end || value > max) return std::nullopt;
    return value;
}

std::uint64_t mix(std::uint64_t h) noexcept {
    h ^= h >> 32;
    h *= 0xe9846af9b1a615dULL;
    h ^= h >> 32;
    h *= 0xe9846af9b1a615dULL;
    h ^= h >> 28;
    return h;
}

}  // namespace

IpAddress IpAddress::from_bytes(ByteView bytes) noexcept {
    IpAddress ip;
    ip.family_ = bytes.size() == 4 ? AddressFamily::IPv4 : AddressFamily::IPv6;
    std::copy_n(bytes.begin(), std::min<std::size_t>(bytes.size(), 16), ip.bytes_.begin());
    return ip;
}

IpAddress IpAddress::any(AddressFamily family) noexcept {
    IpAddress ip;
    ip.family_ = family;
    return ip;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    const std::string terminated(text);
    IpAddress ip;
    if (inet_pton(AF_INET, terminated.c_str(), ip.bytes_.data()) == 1) return ip;
    if (inet_pton(AF_INET6, terminated.c_str(), ip.bytes_.data()) == 1) {
        ip.family_ = AddressFamily::IPv6;
        return ip;
    }
    return std::nullopt;
}

bool IpAddress::is_unspecified() const noexcept {
    return std::ranges::all_of(bytes_, [](std::uint8_t b) { return b == 0; });
}

bool IpAddress::is_loopback() const noexcept {
    if (is_v4()) return bytes_[0] == 127;
    return bytes_[15] == 1 &&
           std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t b) { return b == 0; });
}

std::string IpAddress::to_string() const {
    char text[INET6_ADDRSTRLEN];
    inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
    return text;
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto port = parse_number(text.substr(colon + 1), 65535);
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    const auto ip = IpAddress::parse(host);
    if (!port || !ip || ip->is_v6() != bracketed) return std::nullopt;
    return Endpoint{*ip, static_cast<std::uint16_t>(*port)};
}

std::string Endpoint::to_string() const {
    return fmt::format(fmt::runtime(ip.is_v4() ? "{}:{}" : "[{}]:{}"), ip.to_string(), port);
}

IpAddress masked(const IpAddress& ip, unsigned length) noexcept {
    std::array<std::uint8_t, 16> bytes{};
    std::ranges::copy(ip.bytes(), bytes.begin());
    const std::size_t size = ip.bytes().size();
    for (std::size_t i = 0; i < size; ++i) {
        const unsigned first_bit = static_cast<unsigned>(i) * 8;
        if (first_bit >= length) {
            bytes[i] = 0;
        } else if (length - first_bit < 8) {
            bytes[i] &= static_cast<std::uint8_t>(0xff00u >> (length - first_bit));
        }
    }
    return IpAddress::from_bytes({bytes.data(), size});
}

Cidr::Cidr(IpAddress base, unsigned length) noexcept
    : base_(masked(base, length)), length_(std::min(length, base.is_v4() ? 32u : 128u)) {}

std::optional<Cidr> Cidr::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto ip = IpAddress::parse(text.substr(0, slash));
    if (!ip) return std::nullopt;
    const unsigned max = ip->is_v4() ? 32 : 128;
    if (slash == std::string_view::npos) return Cidr(*ip, max);
    const auto length = parse_number(text.substr(slash + 1), max);
    if (!length || masked(*ip, *length) != *ip) return std::nullopt;
    return Cidr(*ip, *length);
}

bool Cidr::contains(const IpAddress& ip) const noexcept {
    return ip.family() == base_.family() && masked(ip, length_) == base_;
}

std::string Cidr::to_string() const {
    return fmt::format("{}/{}", base_.to_string(), length_);
}

std::size_t hash_value(const IpAddress& ip) noexcept {
    const std::uint8_t* p = ip.bytes().data();
    if (ip.is_v4()) return mix(load_be32(p));
    return mix(load_be64(p) ^ mix(load_be64(p + 8) + 1));
}

std::size_t hash_value(const Endpoint& endpoint) noexcept {
    return mix(hash_value(endpoint.ip) + endpoint.port);
}

}  // namespace turnbuckle
