#include "turnbuckle/stun/stream_framer.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "turnbuckle/stun/channel_data.hpp"
#include "turnbuckle/stun/classify.hpp"
#include "turnbuckle/stun/message_view.hpp"

#include "unit/stun/vectors.hpp"

namespace turnbuckle::stun {
namespace {

using namespace vectors;
using Bytes = std::vector<std::uint8_t>;

Bytes channel_frame(std::uint16_t channel, std::size_t length) {
    Bytes frame(channel_stream_size(length), 0);
    write_channel_header(frame.data(), channel, static_cast<std::uint16_t>(length));
    for (std::size_t i = 0; i < length; ++i)
        frame[4 + i] = static_cast<std::uint8_t>(i);
    return frame;
}

struct Received {
    std::vector<Bytes> frames;
    std::optional<FrameError> error;
};

// Feeds `bytes` in the reads that `next_read(left)` asks for, as a socket would give them.
template <class NextRead>
Received feed(StreamFramer& framer, ByteView bytes, NextRead next_read) {
    Received received;
    while (!bytes.empty() && !received.error) {
        const MutableBytes space = framer.space();
        EXPECT_FALSE(space.empty());
        const std::size_t n =
            std::min<std::size_t>({next_read(bytes.size()), space.size(), bytes.size()});
        std::ranges::copy(bytes.first(n), space.begin());
        framer.commit(n);
        bytes = bytes.subspan(n);
        for (;;) {
            const auto frame = framer.next();
            if (!frame) {
                received.error = frame.error();
                break;
            }
            if (!*frame) break;
            received.frames.emplace_back((*frame)->begin(), (*frame)->end());
        }
    }
    return received;
}

std::vector<Bytes> sample_frames() {
    return {vector_bytes(kRfc5769Request),      channel_frame(0x4000, 0), channel_frame(0x4001, 1),
            vector_bytes(kRfc5769Ipv4Response), channel_frame(0x4fff, 3), channel_frame(0x4002, 4)};
}

Bytes joined(const std::vector<Bytes>& frames) {
    Bytes all;
    for (const Bytes& frame : frames)
        all.insert(all.end(), frame.begin(), frame.end());
    return all;
}

TEST(StreamFramer, TakesCoalescedFramesApart) {
    StreamFramer framer;
    const auto frames = sample_frames();
    const Received received = feed(framer, joined(frames), [](std::size_t left) { return left; });
    EXPECT_EQ(received.frames, frames);
    EXPECT_FALSE(received.error);
    EXPECT_EQ(framer.buffered(), 0U);
}

TEST(StreamFramer, PutsFramesTogetherFromSingleBytes) {
    StreamFramer framer;
    const auto frames = sample_frames();
    const Received received = feed(framer, joined(frames), [](std::size_t) { return 1U; });
    EXPECT_EQ(received.frames, frames);
}

TEST(StreamFramer, GivesTheSameFramesForASplitAtEveryByte) {
    const auto frames = sample_frames();
    const Bytes all = joined(frames);
    for (std::size_t cut = 1; cut < all.size(); ++cut) {
        StreamFramer framer;
        const Received received =
            feed(framer, all, [&](std::size_t left) { return left == all.size() ? cut : left; });
        ASSERT_EQ(received.frames, frames) << cut;
    }
}

TEST(StreamFramer, GivesTheSameFramesForReadsOfAnySize) {
    std::vector<Bytes> frames;
    for (std::size_t i = 0; i < 300; ++i)
        frames.push_back(channel_frame(0x4000, i * 7 % 1500));
    for (const std::size_t size : {3U, 7U, 64U, 1000U, 1460U, 4096U}) {
        StreamFramer framer;
        const Received received =
            feed(framer, joined(frames), [size](std::size_t) { return size; });
        ASSERT_EQ(received.frames, frames) << size;
        EXPECT_EQ(framer.capacity(), StreamFramer::kInitialCapacity);
    }
}

TEST(StreamFramer, ChannelDataKeepsItsPaddingAndTheNextFrameIsFound) {
    StreamFramer framer;
    Bytes bytes = channel_frame(0x4000, 5);
    bytes[9] = bytes[10] = bytes[11] = 0xff;
    const Bytes again = channel_frame(0x4000, 2);
    bytes.insert(bytes.end(), again.begin(), again.end());
    const Received received = feed(framer, bytes, [](std::size_t left) { return left; });
    ASSERT_EQ(received.frames.size(), 2U);
    EXPECT_EQ(received.frames[0].size(), 12U);
    EXPECT_EQ(parse_channel_data(received.frames[0])->data.size(), 5U);
}

TEST(StreamFramer, GrowsForTheLongestFramesAndShrinksAfterwards) {
    StreamFramer framer;
    std::vector<Bytes> frames{channel_frame(0x4000, 65535)};
    Bytes message(kMaxMessageSize, 0);
    store_be16(message.data() + 2, 65532);
    store_be32(message.data() + 4, kMagicCookie);
    frames.push_back(message);
    frames.push_back(channel_frame(0x4000, 10));
    const Received received = feed(framer, joined(frames), [](std::size_t left) { return left; });
    EXPECT_EQ(received.frames, frames);
    EXPECT_LE(framer.capacity(), StreamFramer::kMaxFrameSize);
    static_cast<void>(framer.space());
    EXPECT_EQ(framer.capacity(), StreamFramer::kInitialCapacity);
}

TEST(StreamFramer, TheTailLeavesFramesWhereTheyAre) {
    StreamFramer framer;
    const Bytes first = channel_frame(0x4000, 100);
    const Bytes second = channel_frame(0x4001, 200);
    std::ranges::copy(first, framer.space().begin());
    framer.commit(first.size());
    const auto frame = framer.next();
    ASSERT_TRUE(frame && *frame);
    std::ranges::copy(second, framer.tail().begin());
    framer.commit(second.size());
    const auto next = framer.next();
    ASSERT_TRUE(next && *next);
    EXPECT_EQ(Bytes((*frame)->begin(), (*frame)->end()), first);
    EXPECT_EQ(Bytes((*next)->begin(), (*next)->end()), second);
    EXPECT_EQ(framer.tail().size(), framer.capacity() - first.size() - second.size());
}

TEST(StreamFramer, ReleasesItsBufferOnlyWhenNoFrameIsArriving) {
    StreamFramer framer;
    const Bytes frame = channel_frame(0x4000, 100);
    feed(framer, ByteView{frame}.first(50), [](std::size_t left) { return left; });
    framer.release();
    EXPECT_EQ(framer.unread().size(), 50U);
    feed(framer, ByteView{frame}.subspan(50), [](std::size_t left) { return left; });
    EXPECT_EQ(framer.buffered(), 0U);
    framer.release();
    EXPECT_EQ(framer.capacity(), 0U);
    EXPECT_EQ(feed(framer, frame, [](std::size_t left) { return left; }).frames.size(), 1U);
}

TEST(StreamFramer, OffersTheRestOfALongFrameInOneRead) {
    StreamFramer framer;
    const Bytes frame = channel_frame(0x4000, 20000);
    feed(framer, ByteView{frame}.first(100), [](std::size_t left) { return left; });
    EXPECT_EQ(framer.space().size(), frame.size() - 100);
}

TEST(StreamFramer, DoesNotReserveForALengthBeforeTheCookieIsSeen) {
    StreamFramer framer;
    Bytes bytes(7, 0);
    store_be16(bytes.data() + 2, 65532);
    feed(framer, bytes, [](std::size_t left) { return left; });
    static_cast<void>(framer.space());
    EXPECT_EQ(framer.capacity(), StreamFramer::kInitialCapacity);
}

TEST(StreamFramer, RefusesEachByteThatOpensNoFrame) {
    for (unsigned first = 0; first < 256; ++first) {
        StreamFramer framer;
        const Bytes bytes{static_cast<std::uint8_t>(first)};
        const Received received = feed(framer, bytes, [](std::size_t left) { return left; });
        const PacketKind kind = classify_stream(bytes);
        if (kind == PacketKind::Stun || kind == PacketKind::ChannelData) {
            EXPECT_FALSE(received.error) << first;
        } else {
            EXPECT_EQ(received.error, FrameError::UnknownProtocol) << first;
        }
    }
}

TEST(StreamFramer, RefusesAnUnalignedLengthAndAWrongCookieAsSoonAsTheyAreSeen) {
    StreamFramer unaligned;
    EXPECT_EQ(feed(unaligned, Bytes{0, 1, 0, 3}, [](std::size_t left) { return left; }).error,
              FrameError::UnalignedLength);
    StreamFramer no_cookie;
    EXPECT_EQ(feed(no_cookie, Bytes{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x43},
                   [](std::size_t left) { return left; })
                  .error,
              FrameError::BadCookie);
}

TEST(StreamFramer, AfterJunkTheErrorStaysThoughGoodFramesFollow) {
    StreamFramer framer;
    Bytes bytes = vector_bytes(kRfc5769Request);
    bytes.push_back(0xff);
    const Bytes good = channel_frame(0x4000, 4);
    bytes.insert(bytes.end(), good.begin(), good.end());
    const Received received = feed(framer, bytes, [](std::size_t left) { return left; });
    EXPECT_EQ(received.frames.size(), 1U);
    EXPECT_EQ(received.error, FrameError::UnknownProtocol);
    EXPECT_EQ(framer.next().error(), FrameError::UnknownProtocol);
    const Received more = feed(framer, good, [](std::size_t left) { return left; });
    EXPECT_TRUE(more.frames.empty());
    EXPECT_EQ(more.error, FrameError::UnknownProtocol);
}

}  // namespace
}  // namespace turnbuckle::stun
