// Names what a worker's poller watches: a kind and an index into that kind's table.
//
// An event may be about something that was closed earlier in the same round and whose index is
// another's by now: whoever is told that it is readable reads, finds nothing, and goes on.
#pragma once

#include <cstdint>

namespace turnbuckle::server {

enum class Watch : std::uint8_t {
    Relay,           // a UDP relay socket; the index is its turn::RelayHandle
    UdpListener,     // one of the worker's listening UDP sockets
    StreamListener,  // one of the worker's listening TCP sockets
    Stream,          // a client's TCP connection
    TcpRelay,        // where peers connect to (RFC 6062); the index is its turn::RelayHandle
    PeerConnection,  // a TCP connection to a peer; the index is its turn::PeerConnection
    DataConnection,  // a client's connection that is bound to a peer's, and has the same index
    Passage,         // a connection that is passed through to a web server
    PassageBackend,  // its other end
};

[[nodiscard]] constexpr std::uint64_t token_of(Watch watch, std::uint32_t index) noexcept {
    return std::uint64_t{static_cast<std::uint8_t>(watch)} << 32 | index;
}
[[nodiscard]] constexpr Watch watch_of(std::uint64_t token) noexcept {
    return static_cast<Watch>(token >> 32);
}
[[nodiscard]] constexpr std::uint32_t index_of(std::uint64_t token) noexcept {
    return static_cast<std::uint32_t>(token);
}

}  // namespace turnbuckle::server
