#include "turnbuckle/server/frame_queue.hpp"

#include <deque>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace turnbuckle::server {
namespace {

using namespace std::chrono_literals;

using Bytes = std::vector<std::uint8_t>;

constexpr Time kStart{};

Bytes frame(std::uint8_t content, std::size_t length) {
    return Bytes(length, content);
}

bool push(FrameQueue& queue, const Bytes& payload, Time now = kStart,
          const FrameQueueLimits& limits = {}) {
    return queue.push({}, payload, 0, now, limits);
}

Bytes content(const FrameQueue& queue) {
    return {queue.bytes().begin(), queue.bytes().end()};
}

TEST(FrameQueue, QueuesHeaderPayloadAndZeroPaddingInThisOrder) {
    FrameQueue queue;
    const Bytes header{1, 2}, payload{3, 4, 5};
    ASSERT_TRUE(queue.push(header, payload, 3, kStart, {}));
    EXPECT_EQ(content(queue), (Bytes{1, 2, 3, 4, 5, 0, 0, 0}));
    queue.pop(8);
    EXPECT_TRUE(queue.empty());
}

TEST(FrameQueue, RefusesAWholeFrameForWhichThereIsNoRoom) {
    const FrameQueueLimits limits{.bytes = 100, .age = 1s};
    FrameQueue queue;
    ASSERT_TRUE(push(queue, frame(1, 60), kStart, limits));
    EXPECT_FALSE(push(queue, frame(2, 41), kStart, limits));
    EXPECT_EQ(content(queue), frame(1, 60));
    EXPECT_TRUE(push(queue, frame(3, 40), kStart, limits));
    queue.pop(50);
    EXPECT_TRUE(push(queue, frame(4, 50), kStart, limits)) << "what has left makes room";
}

TEST(FrameQueue, TakesAFrameLargerThanTheLimitWhenEmpty) {
    FrameQueue queue;
    EXPECT_TRUE(push(queue, frame(1, 200), kStart, {.bytes = 100, .age = 1s}));
}

TEST(FrameQueue, DropsWhatHasWaitedTooLong) {
    FrameQueue queue;
    ASSERT_TRUE(push(queue, frame(1, 10), kStart));
    ASSERT_TRUE(push(queue, frame(2, 10), kStart + 1s));
    ASSERT_TRUE(push(queue, frame(3, 10), kStart + 2s));
    EXPECT_EQ(queue.expire(kStart + 2s, 2s), 0U);
    EXPECT_EQ(queue.expire(kStart + 3001ms, 2s), 2U);
    EXPECT_EQ(content(queue), frame(3, 10));
    EXPECT_EQ(queue.expire(kStart + 5s, 2s), 1U);
    EXPECT_TRUE(queue.empty());
}

TEST(FrameQueue, FinishesAFrameThatHasBegunToLeave) {
    FrameQueue queue;
    ASSERT_TRUE(push(queue, frame(1, 10)));
    ASSERT_TRUE(push(queue, frame(2, 10)));
    ASSERT_TRUE(push(queue, frame(3, 10)));
    queue.pop(1);
    EXPECT_EQ(queue.expire(kStart + 1h, 1s), 2U);
    EXPECT_EQ(content(queue), frame(1, 9));
}

// Against a model that keeps the frames apart, with random operations.
TEST(FrameQueue, WhatLeavesIsAlwaysASequenceOfWholeFrames) {
    struct Waiting {
        Bytes bytes;
        Time queued;
        bool begun = false;
    };
    const FrameQueueLimits limits{.bytes = 500, .age = 50ms};
    std::mt19937 random(7);
    FrameQueue queue;
    std::deque<Waiting> model;
    Time now = kStart;
    std::size_t dropped = 0;
    for (int step = 0; step < 200'000; ++step) {
        now += std::chrono::milliseconds(random() % 10);
        const auto choice = random() % 8;
        if (choice < 4) {
            const Bytes bytes = frame(static_cast<std::uint8_t>(step), 1 + random() % 120);
            std::size_t size = 0;
            for (const auto& each : model)
                size += each.bytes.size();
            const bool fits = model.empty() || size + bytes.size() <= limits.bytes;
            ASSERT_EQ(push(queue, bytes, now, limits), fits);
            if (fits) model.push_back({bytes, now});
        } else if (choice < 7) {
            std::size_t count = queue.empty() ? 0 : random() % (queue.size() + 1);
            queue.pop(count);
            while (count > 0) {
                auto& first = model.front();
                const std::size_t gone = std::min(count, first.bytes.size());
                first.bytes.erase(first.bytes.begin(),
                                  first.bytes.begin() + static_cast<std::ptrdiff_t>(gone));
                first.begun = true;
                count -= gone;
                if (first.bytes.empty()) model.pop_front();
            }
        } else {
            std::size_t expected = 0;
            for (auto at = model.begin(); at != model.end();) {
                const bool old = !at->begun && at->queued + limits.age < now;
                expected += old ? 1 : 0;
                at = old ? model.erase(at) : at + 1;
            }
            ASSERT_EQ(queue.expire(now, limits.age), expected);
            dropped += expected;
        }
        if (!model.empty()) {
            const ByteView first = queue.first_frame();
            ASSERT_EQ(Bytes(first.begin(), first.end()), model.front().bytes);
        }
        Bytes all;
        for (const auto& each : model)
            all.insert(all.end(), each.bytes.begin(), each.bytes.end());
        ASSERT_EQ(content(queue), all);
    }
    EXPECT_GT(dropped, 1000U);
}

}  // namespace
}  // namespace turnbuckle::server
