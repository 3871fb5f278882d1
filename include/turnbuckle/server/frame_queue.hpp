// What waits to be written to one client's stream, in whole frames: bounded in bytes and in time.
//
// A client that reads too slowly loses frames, never parts of one, or the stream could not be read
// any further; what has begun to leave is finished. So a video key frame finds room, while a client
// that is gone holds little memory for a short time. Owned by its stream; an empty queue owns none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/base/time.hpp"

namespace turnbuckle::server {

struct FrameQueueLimits {
    std::size_t bytes = 1 << 20;
    Duration age = std::chrono::seconds(2);
};

class FrameQueue {
public:
    // Queues a frame, given in parts, with `padding` zero bytes behind it. False: there is no room,
    // and nothing of it was queued. An empty queue takes any frame.
    [[nodiscard]] bool push(ByteView header, ByteView payload, std::size_t padding, Time now,
                            const FrameQueueLimits& limits);

    // Everything there is, in order; valid until the next push() or pop().
    [[nodiscard]] ByteView bytes() const noexcept { return ByteView(bytes_).subspan(begin_); }
    // The part of bytes() that belongs to the first frame; the queue is not empty.
    [[nodiscard]] ByteView first_frame() const noexcept {
        return bytes().first(frames_[first_frame_].end - base_ - begin_);
    }
    // The first `count` of bytes() have left.
    void pop(std::size_t count) noexcept;
    // Drops the frames that have waited longer than `age` and returns how many.
    [[nodiscard]] std::size_t expire(Time now, Duration age) noexcept;

    [[nodiscard]] bool empty() const noexcept { return begin_ == bytes_.size(); }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() - begin_; }

private:
    struct Frame {
        std::size_t end;  // counted from the queue's first byte ever
        Time queued;
    };

    void drop_memory_if_empty() noexcept;

    std::vector<std::uint8_t> bytes_;
    std::size_t begin_ = 0;
    std::vector<Frame> frames_;
    std::size_t first_frame_ = 0;  // of those before it everything has left
    std::size_t first_start_ = 0;  // where that one begins, counted as its end is
    std::size_t base_ = 0;         // what bytes_[0] counts as
};

}  // namespace turnbuckle::server
