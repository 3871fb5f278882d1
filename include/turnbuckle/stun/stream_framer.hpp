// Cuts a TCP or TLS byte stream into STUN messages and ChannelData. RFC 8489 section 6.2.2, RFC
// 8656 section 12.5.
//
// One per connection, on its thread; owns one buffer that grows with the frame that is arriving, up
// to the longest frame there can be, and shrinks again afterwards; an idle connection's release()
// leaves none. Use: read into space(), commit(n), then next() until it gives nothing. Frames are
// views into the buffer, valid until the next space() or release(). A stream that breaks the rules
// has no next frame boundary: the error stays, close it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/stun/types.hpp"

namespace turnbuckle::stun {

enum class FrameError : std::uint8_t {
    UnknownProtocol,  // the first byte is neither STUN's nor a channel's
    UnalignedLength,  // a STUN Length that is not a multiple of 4
    BadCookie,        // STUN without the cookie: RFC 3489 had no messages on streams
};

class StreamFramer {
public:
    // What one read takes at most while no long frame is arriving.
    static constexpr std::size_t kInitialCapacity = 16384;
    // The longest ChannelData (65535 bytes, padded) is shorter than the longest message.
    static constexpr std::size_t kMaxFrameSize = kMaxMessageSize;

    // Where to read into, never empty. Ends the life of frames handed out. Call it only after
    // next() gave nothing: what is left then is less than a frame, and so is bounded.
    [[nodiscard]] MutableBytes space();
    // What is left of the last space(): filling it leaves frames handed out where they are. May be
    // empty.
    [[nodiscard]] MutableBytes tail() noexcept { return {buffer_.get() + end_, capacity_ - end_}; }
    // `n` bytes of the last space() or tail() have been filled.
    void commit(std::size_t n) noexcept { end_ += n; }
    // The next whole frame (ChannelData with its padding), or nothing until more has been read.
    [[nodiscard]] std::expected<std::optional<ByteView>, FrameError> next() noexcept;

    // Bytes that are part of a frame not yet complete or not yet taken.
    [[nodiscard]] std::size_t buffered() const noexcept { return end_ - begin_; }
    [[nodiscard]] ByteView unread() const noexcept { return {buffer_.get() + begin_, buffered()}; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

    // Gives the buffer back unless a part of a frame is in it. Ends the life of frames handed out.
    void release() noexcept;

private:
    // Size of the frame at begin_: nothing while its header is not whole.
    [[nodiscard]] std::expected<std::optional<std::size_t>, FrameError> frame_size() const noexcept;
    void move_to(std::size_t capacity);

    std::unique_ptr<std::uint8_t[]> buffer_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;  // [begin_, end_) is filled and not yet handed out
    std::size_t end_ = 0;
};

}  // namespace turnbuckle::stun
