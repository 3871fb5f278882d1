// What a turn::LinkId means to a worker: the engine only hands it back.
#pragma once

#include <cstdint>

#include "turnbuckle/turn/client_path.hpp"

namespace turnbuckle::server {

enum class LinkKind : std::uint8_t {
    Udp,      // a listening UDP socket, by its index
    Stream,   // a TCP or TLS connection, by its index in Streams
    Dtls,     // a DTLS session, by its index in DtlsLinks
    Proxied,  // a flow that a proxy forwards over UDP, by its index in ProxiedFlows
};

inline constexpr unsigned kLinkIndexBits = 30;

[[nodiscard]] constexpr turn::LinkId link_of(LinkKind kind, std::uint32_t index) noexcept {
    return turn::LinkId{std::uint32_t{static_cast<std::uint8_t>(kind)} << kLinkIndexBits | index};
}
[[nodiscard]] constexpr LinkKind kind_of(turn::LinkId link) noexcept {
    return static_cast<LinkKind>(static_cast<std::uint32_t>(link) >> kLinkIndexBits);
}
[[nodiscard]] constexpr std::uint32_t index_of(turn::LinkId link) noexcept {
    return static_cast<std::uint32_t>(link) & ((std::uint32_t{1} << kLinkIndexBits) - 1);
}

}  // namespace turnbuckle::server
