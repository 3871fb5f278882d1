#include "turnbuckle/server/frame_queue.hpp"

#include <algorithm>

namespace turnbuckle::server {

namespace {

// Moving what is left to the front costs less than the memory in front of it is worth.
bool is_worth_moving(std::size_t gone, std::size_t left) noexcept {
    return gone >= left;
}

}  // namespace

bool FrameQueue::push(ByteView header, ByteView payload, std::size_t padding, Time now,
                      const FrameQueueLimits& limits) {
    const std::size_t length = header.size() + payload.size() + padding;
    if (!empty() && size() + length > limits.bytes) return false;
    if (begin_ != 0 && is_worth_moving(begin_, size())) {
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
        frames_.erase(frames_.begin(), frames_.begin() + static_cast<std::ptrdiff_t>(first_frame_));
        base_ += begin_;
        begin_ = 0;
        first_frame_ = 0;
    }
    bytes_.insert(bytes_.end(), header.begin(), header.end());
    bytes_.insert(bytes_.end(), payload.begin(), payload.end());
    bytes_.resize(bytes_.size() + padding);
    frames_.push_back({base_ + bytes_.size(), now});
    return true;
}

void FrameQueue::pop(std::size_t count) noexcept {
    begin_ += count;
    while (first_frame_ < frames_.size() && frames_[first_frame_].end <= base_ + begin_)
        first_start_ = frames_[first_frame_++].end;
    drop_memory_if_empty();
}

std::size_t FrameQueue::expire(Time now, Duration age) noexcept {
    if (first_frame_ == frames_.size()) return 0;
    // A frame of which a part has left stays.
    const std::size_t first_whole = first_frame_ + (first_start_ < base_ + begin_ ? 1 : 0);
    std::size_t last = first_whole;
    while (last < frames_.size() && frames_[last].queued + age < now)
        ++last;
    if (last == first_whole) return 0;
    const std::size_t dropped = last - first_whole;
    const std::size_t from =
        first_whole == first_frame_ ? begin_ : frames_[first_whole - 1].end - base_;
    const std::size_t to = frames_[last - 1].end - base_;
    bytes_.erase(bytes_.begin() + static_cast<std::ptrdiff_t>(from),
                 bytes_.begin() + static_cast<std::ptrdiff_t>(to));
    frames_.erase(frames_.begin() + static_cast<std::ptrdiff_t>(first_whole),
                  frames_.begin() + static_cast<std::ptrdiff_t>(last));
    for (std::size_t i = first_whole; i < frames_.size(); ++i)
        frames_[i].end -= to - from;
    drop_memory_if_empty();
    return dropped;
}

void FrameQueue::drop_memory_if_empty() noexcept {
    if (!empty()) return;
    bytes_ = {};
    frames_ = {};
    begin_ = first_frame_ = first_start_ = base_ = 0;
}

}  // namespace turnbuckle::server
