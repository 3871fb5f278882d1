#include "turnbuckle/net/span_bio.hpp"

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>

namespace turnbuckle::net {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using Bytes = std::vector<std::uint8_t>;

Bytes read_some(BIO* bio, int length) {
    Bytes out(static_cast<std::size_t>(length));
    const int n = BIO_read(bio, out.data(), length);
    out.resize(static_cast<std::size_t>(std::max(n, 0)));
    return out;
}

TEST(StreamSpan, is_read_in_parts_and_tells_what_is_left) {
    const BioPointer bio = make_stream_bio();
    const Bytes input{1, 2, 3, 4, 5};
    Bytes output;
    const StreamSpan span(bio.get(), input, output);
    EXPECT_THAT(read_some(bio.get(), 2), ElementsAre(1, 2));
    EXPECT_EQ(BIO_pending(bio.get()), 3);
    EXPECT_EQ(span.left().data(), input.data() + 2);
    EXPECT_THAT(read_some(bio.get(), 9), ElementsAre(3, 4, 5));
    EXPECT_THAT(span.left(), SizeIs(0));
}

TEST(StreamSpan, without_input_asks_to_be_read_again_and_is_not_at_its_end) {
    const BioPointer bio = make_stream_bio();
    Bytes output;
    const StreamSpan span(bio.get(), {}, output);
    EXPECT_THAT(read_some(bio.get(), 9), SizeIs(0));
    EXPECT_TRUE(BIO_should_read(bio.get()));
    EXPECT_FALSE(BIO_eof(bio.get()));
}

TEST(StreamSpan, appends_what_is_written) {
    const BioPointer bio = make_stream_bio();
    Bytes output{9};
    const StreamSpan span(bio.get(), {}, output);
    EXPECT_EQ(BIO_write(bio.get(), "ab", 2), 2);
    EXPECT_EQ(BIO_write(bio.get(), "c", 1), 1);
    EXPECT_EQ(BIO_flush(bio.get()), 1);
    EXPECT_THAT(output, ElementsAre(9, 'a', 'b', 'c'));
}

TEST(StreamSpan, leaves_nothing_behind) {
    const BioPointer bio = make_stream_bio();
    const Bytes input{1, 2, 3};
    Bytes output;
    { const StreamSpan span(bio.get(), input, output); }
    EXPECT_THAT(read_some(bio.get(), 9), SizeIs(0));
    EXPECT_TRUE(BIO_should_read(bio.get()));
    EXPECT_LE(BIO_write(bio.get(), "ab", 2), 0);
    EXPECT_FALSE(BIO_should_retry(bio.get()));
    EXPECT_EQ(BIO_pending(bio.get()), 0);
}

TEST(DatagramSpan, is_read_whole_and_once) {
    const BioPointer bio = make_datagram_bio();
    const Bytes input{1, 2, 3};
    DatagramBatch output;
    const DatagramSpan span(bio.get(), input, output, 1200);
    EXPECT_TRUE(span.unread());
    EXPECT_THAT(read_some(bio.get(), 9), ElementsAre(1, 2, 3));
    EXPECT_FALSE(span.unread());
    EXPECT_THAT(read_some(bio.get(), 9), SizeIs(0));
    EXPECT_TRUE(BIO_should_read(bio.get()));
}

TEST(DatagramSpan, is_cut_to_the_readers_buffer) {
    const BioPointer bio = make_datagram_bio();
    const Bytes input{1, 2, 3};
    DatagramBatch output;
    const DatagramSpan span(bio.get(), input, output, 1200);
    EXPECT_THAT(read_some(bio.get(), 2), ElementsAre(1, 2));
    EXPECT_FALSE(span.unread());
    EXPECT_THAT(read_some(bio.get(), 9), SizeIs(0));
}

TEST(DatagramSpan, can_be_looked_at_before_it_is_taken) {
    const BioPointer bio = make_datagram_bio();
    const Bytes input{1, 2, 3};
    DatagramBatch output;
    const DatagramSpan span(bio.get(), input, output, 1200);
    EXPECT_EQ(BIO_ctrl(bio.get(), BIO_CTRL_DGRAM_SET_PEEK_MODE, 1, nullptr), 1);
    EXPECT_THAT(read_some(bio.get(), 9), ElementsAre(1, 2, 3));
    EXPECT_TRUE(span.unread());
    EXPECT_EQ(BIO_ctrl(bio.get(), BIO_CTRL_DGRAM_SET_PEEK_MODE, 0, nullptr), 1);
    EXPECT_THAT(read_some(bio.get(), 9), ElementsAre(1, 2, 3));
    EXPECT_FALSE(span.unread());
}

TEST(DatagramSpan, keeps_written_datagrams_apart) {
    const BioPointer bio = make_datagram_bio();
    DatagramBatch output;
    const DatagramSpan span(bio.get(), {}, output, 1200);
    EXPECT_EQ(BIO_write(bio.get(), "ab", 2), 2);
    EXPECT_EQ(BIO_write(bio.get(), "cde", 3), 3);
    EXPECT_THAT(output.bytes, ElementsAre('a', 'b', 'c', 'd', 'e'));
    EXPECT_THAT(output.sizes, ElementsAre(2, 3));
    output.clear();
    EXPECT_THAT(output.bytes, SizeIs(0));
    EXPECT_THAT(output.sizes, SizeIs(0));
}

TEST(DatagramSpan, answers_what_a_session_asks_about_the_mtu) {
    const BioPointer bio = make_datagram_bio();
    DatagramBatch output;
    const DatagramSpan span(bio.get(), {}, output, 1234);
    EXPECT_EQ(BIO_ctrl(bio.get(), BIO_CTRL_DGRAM_QUERY_MTU, 0, nullptr), 1234);
    EXPECT_EQ(BIO_ctrl(bio.get(), BIO_CTRL_DGRAM_GET_MTU_OVERHEAD, 0, nullptr), 0);
    EXPECT_EQ(BIO_ctrl(bio.get(), BIO_CTRL_DGRAM_GET_RECV_TIMER_EXP, 0, nullptr), 0);
}

}  // namespace
}  // namespace turnbuckle::net
