// IP addresses, endpoints and CIDR blocks as small, trivially copyable values.
//
// An IpAddress keeps its family: ::ffff:127.0.0.1 and 127.0.0.1 are different values here, because
// what a client wrote on the wire matters to the protocol. Where they must count as one (peer
// policy) turn::canonical() folds them, in one place. IPv6 zone identifiers are not kept: a relay
// speaks only to addresses that mean the same on every link.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "turnbuckle/base/bytes.hpp"

namespace turnbuckle {

enum class AddressFamily : std::uint8_t { IPv4 = 1, IPv6 = 2 };  // values as on the STUN wire

class IpAddress {
public:
    // 0.0.0.0
    constexpr IpAddress() noexcept = default;

    [[nodiscard]] static constexpr IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c,
                                                std::uint8_t d) noexcept {
        IpAddress ip;
        ip.bytes_ = {a, b, c, d};
        return ip;
    }
    // `bytes` has 4 or 16 elements.
    [[nodiscard]] static IpAddress from_bytes(ByteView bytes) noexcept;
    [[nodiscard]] static IpAddress any(AddressFamily family) noexcept;
    // Dotted quad or RFC 4291 text, without brackets, port or zone.
    [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

    [[nodiscard]] constexpr AddressFamily family() const noexcept { return family_; }
    [[nodiscard]] constexpr bool is_v4() const noexcept { return family_ == AddressFamily::IPv4; }
    [[nodiscard]] constexpr bool is_v6() const noexcept { return family_ == AddressFamily::IPv6; }
    // 4 or 16 bytes, network order.
    [[nodiscard]] constexpr ByteView bytes() const noexcept {
        return {bytes_.data(), is_v4() ? std::size_t{4} : std::size_t{16}};
    }
    [[nodiscard]] bool is_unspecified() const noexcept;
    [[nodiscard]] bool is_loopback() const noexcept;
    [[nodiscard]] std::string to_string() const;

    friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) noexcept = default;

private:
    AddressFamily family_ = AddressFamily::IPv4;
    std::array<std::uint8_t, 16> bytes_{};  // IPv4 in the first four, the rest zero
};

// A transport address without its transport: IP and UDP or TCP port.
struct Endpoint {
    IpAddress ip;
    std::uint16_t port = 0;

    // "192.0.2.1:3478" or "[2001:db8::1]:3478".
    [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;

    friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) noexcept = default;
};

// An address block. The host bits of `base` are zero.
class Cidr {
public:
    // `length` is at most 32 or 128; excess host bits are cleared.
    Cidr(IpAddress base, unsigned length) noexcept;
    // "10.0.0.0/8", "::1" (a single address). Refuses set host bits, so that a typo is seen.
    [[nodiscard]] static std::optional<Cidr> parse(std::string_view text);

    // False for an address of the other family.
    [[nodiscard]] bool contains(const IpAddress& ip) const noexcept;
    [[nodiscard]] const IpAddress& base() const noexcept { return base_; }
    [[nodiscard]] unsigned length() const noexcept { return length_; }
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const Cidr&, const Cidr&) noexcept = default;

private:
    IpAddress base_;
    unsigned length_;
};

// Clears all but the first `length` bits.
[[nodiscard]] IpAddress masked(const IpAddress& ip, unsigned length) noexcept;

// Mixes well enough for open addressing; not for secrets.
[[nodiscard]] std::size_t hash_value(const IpAddress& ip) noexcept;
[[nodiscard]] std::size_t hash_value(const Endpoint& endpoint) noexcept;

}  // namespace turnbuckle

template <>
struct std::hash<turnbuckle::IpAddress> {
    std::size_t operator()(const turnbuckle::IpAddress& ip) const noexcept {
        return turnbuckle::hash_value(ip);
    }
};

template <>
struct std::hash<turnbuckle::Endpoint> {
    std::size_t operator()(const turnbuckle::Endpoint& endpoint) const noexcept {
        return turnbuckle::hash_value(endpoint);
    }
};
