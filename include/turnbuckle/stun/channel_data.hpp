// ChannelData: the four-byte header of the data path. RFC 8656 sections 12.4 to 12.6.
//
// Non-owning and inline: this runs once per relayed packet. A datagram may be longer than Length
// says (padding is allowed over UDP, and what is behind it is ignored), never shorter. On a stream
// the message is padded to four bytes with what Length does not count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/stun/types.hpp"

namespace turnbuckle::stun {

struct ChannelData {
    std::uint16_t channel = 0;
    ByteView data;
};

enum class ChannelDataError : std::uint8_t {
    TooShort,    // less than a header
    BadChannel,  // not in 0x4000-0x7FFF; whether it can be bound is not judged here
    Truncated,   // Length reaches past the end
};

[[nodiscard]] constexpr std::expected<ChannelData, ChannelDataError> parse_channel_data(
    ByteView bytes) noexcept {
    if (bytes.size() < kChannelHeaderSize) return std::unexpected(ChannelDataError::TooShort);
    const std::uint16_t channel = load_be16(bytes.data());
    if (!is_channel(channel) && !is_legacy_channel(channel))
        return std::unexpected(ChannelDataError::BadChannel);
    const std::size_t length = load_be16(bytes.data() + 2);
    if (length > bytes.size() - kChannelHeaderSize) {
        return std::unexpected(ChannelDataError::Truncated);
    }
    return ChannelData{channel, bytes.subspan(kChannelHeaderSize, length)};
}

// Writes four bytes, usually into the headroom in front of the payload.
constexpr void write_channel_header(std::uint8_t* out, std::uint16_t channel,
                                    std::uint16_t length) noexcept {
    store_be16(out, channel);
    store_be16(out + 2, length);
}

// Bytes on a stream for `length` bytes of data: header, data, padding (to be sent as zero).
[[nodiscard]] constexpr std::size_t channel_stream_size(std::size_t length) noexcept {
    return kChannelHeaderSize + padded_to_4(length);
}

}  // namespace turnbuckle::stun
