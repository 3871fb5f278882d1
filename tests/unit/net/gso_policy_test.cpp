#include "turnbuckle/net/gso_policy.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace turnbuckle::net {
namespace {

const Endpoint kA{IpAddress::v4(192, 0, 2, 1), 5000};
const Endpoint kOtherPort{IpAddress::v4(192, 0, 2, 1), 5001};
const Endpoint kSix{*IpAddress::parse("2001:db8::1"), 5000};
const IpAddress kFrom = IpAddress::v4(10, 0, 0, 1);
const IpAddress kOtherFrom = IpAddress::v4(10, 0, 0, 2);

constexpr bool kJoin = true, kNo = false;
constexpr bool kFlush = true, kKeep = false;

// One datagram in the order of sending, and what must be decided about it. One that may not join
// starts a new message, as in the sender; `flush` is then the decision about that.
struct Row {
    std::size_t length;
    const Endpoint* destination;
    bool join;
    bool flush;
    const IpAddress* source = &kFrom;
    bool gso_allowed = true;
};

void check(const std::vector<Row>& rows) {
    GsoBatch batch;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        SCOPED_TRACE(i);
        const Row& row = rows[i];
        const GsoCandidate next{row.length, *row.destination, *row.source, row.gso_allowed};
        GsoDecision decision = decide_gso(batch, next);
        EXPECT_EQ(decision.join, row.join);
        if (!decision.join) {
            batch = {};
            decision = decide_gso(batch, next);
            EXPECT_TRUE(decision.join) << "anything may join an empty message";
        }
        EXPECT_EQ(decision.flush_after, row.flush);
        append_gso(batch, next);
        if (decision.flush_after) batch = {};
    }
}

TEST(GsoPolicy, joins_equal_sizes_to_one_destination) {
    check({{1200, &kA, kJoin, kKeep}, {1200, &kA, kJoin, kKeep}, {1200, &kA, kJoin, kKeep}});
}

TEST(GsoPolicy, ends_with_a_shorter_tail) {
    check({{1200, &kA, kJoin, kKeep},
           {1200, &kA, kJoin, kKeep},
           {40, &kA, kJoin, kFlush},
           {40, &kA, kJoin, kKeep}});
}

TEST(GsoPolicy, does_not_join_a_larger_one) {
    check({{160, &kA, kJoin, kKeep}, {161, &kA, kNo, kKeep}, {161, &kA, kJoin, kKeep}});
}

TEST(GsoPolicy, does_not_join_across_destinations) {
    check({{160, &kA, kJoin, kKeep},
           {160, &kOtherPort, kNo, kKeep},
           {160, &kA, kNo, kKeep},
           {160, &kSix, kNo, kKeep}});
}

TEST(GsoPolicy, does_not_join_across_sources) {
    check({{160, &kA, kJoin, kKeep}, {160, &kA, kNo, kKeep, &kOtherFrom}});
}

TEST(GsoPolicy, sends_alone_what_the_socket_may_not_join) {
    check({{160, &kA, kJoin, kFlush, &kFrom, false},
           {160, &kA, kJoin, kKeep},
           {160, &kA, kNo, kFlush, &kFrom, false}});
}

TEST(GsoPolicy, sends_an_empty_datagram_alone) {
    check({{160, &kA, kJoin, kKeep}, {0, &kA, kNo, kFlush}, {0, &kA, kJoin, kFlush}});
}

TEST(GsoPolicy, bounds_the_size_by_an_ethernet_frame) {
    check({{1472, &kA, kJoin, kKeep}, {1472, &kA, kJoin, kKeep}});
    check({{1473, &kA, kJoin, kFlush}, {1473, &kA, kJoin, kFlush}});
    check({{1452, &kSix, kJoin, kKeep}, {1452, &kSix, kJoin, kKeep}});
    check({{1453, &kSix, kJoin, kFlush}, {1453, &kSix, kJoin, kFlush}});
}

TEST(GsoPolicy, bounds_the_number_of_segments) {
    std::vector<Row> rows(63, Row{100, &kA, kJoin, kKeep});
    rows.push_back({100, &kA, kJoin, kFlush});
    rows.push_back({100, &kA, kJoin, kKeep});
    check(rows);
}

TEST(GsoPolicy, bounds_the_bytes_of_a_message) {
    // 54 * 1200 = 64,800; another one would pass 65,507, what is left may still be filled.
    std::vector<Row> rows(54, Row{1200, &kA, kJoin, kKeep});
    rows.push_back({1200, &kA, kNo, kKeep});
    check(rows);
    rows.back() = {707, &kA, kJoin, kFlush};
    check(rows);
    rows.back() = {708, &kA, kNo, kKeep};
    check(rows);
}

}  // namespace
}  // namespace turnbuckle::net
