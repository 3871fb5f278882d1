#include "turnbuckle/stun/stream_framer.hpp"

#include <algorithm>
#include <utility>

#include "turnbuckle/stun/channel_data.hpp"
#include "turnbuckle/stun/classify.hpp"

namespace turnbuckle::stun {

std::expected<std::optional<std::size_t>, FrameError> StreamFramer::frame_size() const noexcept {
    const ByteView head{buffer_.get() + begin_, end_ - begin_};
    if (head.empty()) return std::nullopt;
    switch (classify_stream(head)) {
        case PacketKind::ChannelData:
            if (head.size() < kChannelHeaderSize) return std::nullopt;
            return channel_stream_size(load_be16(head.data() + 2));
        case PacketKind::Stun: {
            // Each field is judged as soon as it is there: a stream that is not STUN must not make
            // the server wait, and buffer, for a length that it made up.
            if (head.size() < 4) return std::nullopt;
            const std::size_t length = load_be16(head.data() + 2);
            if (length % 4 != 0) return std::unexpected(FrameError::UnalignedLength);
            if (head.size() < 8) return std::nullopt;
            if (load_be32(head.data() + 4) != kMagicCookie) {
                return std::unexpected(FrameError::BadCookie);
            }
            return kHeaderSize + length;
        }
        default:
            return std::unexpected(FrameError::UnknownProtocol);
    }
}

std::expected<std::optional<ByteView>, FrameError> StreamFramer::next() noexcept {
    const auto size = frame_size();
    if (!size) return std::unexpected(size.error());
    if (!*size || **size > end_ - begin_) return std::nullopt;
    const ByteView frame{buffer_.get() + begin_, **size};
    begin_ += frame.size();
    return frame;
}

MutableBytes StreamFramer::space() {
    const auto size = frame_size();
    const std::size_t wanted = size && *size ? **size : 0;
    const std::size_t needed = std::max({kInitialCapacity, wanted, buffered() + 1});
    if (needed > capacity_ || (buffered() == 0 && capacity_ > kInitialCapacity)) {
        move_to(needed);
    } else if (begin_ != 0 && (begin_ == end_ || capacity_ - begin_ < needed)) {
        std::copy(buffer_.get() + begin_, buffer_.get() + end_, buffer_.get());
        end_ -= begin_;
        begin_ = 0;
    }
    return {buffer_.get() + end_, capacity_ - end_};
}

void StreamFramer::release() noexcept {
    if (buffered() != 0) return;
    buffer_.reset();
    capacity_ = begin_ = end_ = 0;
}

void StreamFramer::move_to(std::size_t capacity) {
    auto larger = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
    std::copy(buffer_.get() + begin_, buffer_.get() + end_, larger.get());
    buffer_ = std::move(larger);
    capacity_ = capacity;
    end_ -= begin_;
    begin_ = 0;
}

}  // namespace turnbuckle::stun
