// Which protocol a packet or the head of a stream is, by its first byte.
//
// RFC 7983 section 7 as updated by RFC 9443, RFC 8656 section 12: 0-3 STUN, 20-63 DTLS, 64-79 TURN
// channels (0x4000-0x4FFF). Up to 127 counts as a channel too: RFC 5766 went up to 0x7FFF, and the
// QUIC that RFC 9443 puts there never comes to a TURN server. All else is Other.
#pragma once

#include <cstdint>

#include "turnbuckle/base/bytes.hpp"

namespace turnbuckle::stun {

enum class PacketKind : std::uint8_t { Stun, Dtls, Tls, ChannelData, Other };

// A datagram. Never Tls: the handshake byte 0x16 is DTLS's too, and only DTLS runs over UDP.
[[nodiscard]] constexpr PacketKind classify(ByteView datagram) noexcept {
    if (datagram.empty()) return PacketKind::Other;
    const std::uint8_t first = datagram.front();
    if (first <= 3) return PacketKind::Stun;
    if (first >= 64 && first <= 127) return PacketKind::ChannelData;
    if (first >= 20 && first <= 63) return PacketKind::Dtls;
    return PacketKind::Other;
}

// The head of a TCP stream. Never Dtls: a client's first TLS record is a handshake (0x16), and
// nothing else in DTLS's range opens a stream.
[[nodiscard]] constexpr PacketKind classify_stream(ByteView head) noexcept {
    if (!head.empty() && head.front() == 0x16) return PacketKind::Tls;
    const PacketKind kind = classify(head);
    return kind == PacketKind::Dtls ? PacketKind::Other : kind;
}

}  // namespace turnbuckle::stun
