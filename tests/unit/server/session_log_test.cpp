#include "turnbuckle/server/session_log.hpp"

#include <gtest/gtest.h>

#include "turnbuckle/base/log.hpp"

namespace turnbuckle::server {
namespace {

using namespace std::chrono_literals;

const turn::FiveTuple kClient{{IpAddress::v4(192, 0, 2, 1), 4000},
                              {IpAddress::v4(198, 51, 100, 1), 3478},
                              turn::Transport::Udp};

TEST(SessionLog, OneLineSaysAllOfASessionThatEnded) {
    log::Capture capture(log::Level::Info);
    turn::SessionEnded session{.client = kClient,
                               .user = "alice",
                               .relayed = {Endpoint{IpAddress::v4(198, 51, 100, 1), 50000}},
                               .reason = turn::EndReason::Released,
                               .duration = 90s,
                               .relayed_data = {}};
    session.relayed_data[turn::Direction::ClientToPeer] = {3, 300};
    session.relayed_data[turn::Direction::PeerToClient] = {2, 20};
    SessionLog().ended(session);
    ASSERT_EQ(capture.lines().size(), 1u);
    for (const char* part :
         {"user=alice", "client=192.0.2.1:4000", "relayed=198.51.100.1:50000", "reason=released",
          "seconds=90", "bytes_to_peers=300", "packets_to_client=2"})
        EXPECT_TRUE(capture.contains(part)) << part << " in " << capture.lines().front();
}

TEST(SessionLog, AFloodOfFailuresBecomesAFewLinesAndASummary) {
    log::Capture capture(log::Level::Info);
    SessionLog session_log;
    const Time now{100s};
    for (int i = 0; i < 1000; ++i)
        session_log.authentication_failed({kClient, "mallory", turn::AuthFailure::WrongPassword},
                                          now);
    const auto single = capture.lines().size();
    EXPECT_GE(single, 1u);
    EXPECT_LE(single, 10u);
    EXPECT_TRUE(capture.contains("client=192.0.2.1:4000"));
    session_log.summarise(now + 60s);
    EXPECT_EQ(capture.lines().size(), single + 1);
    EXPECT_TRUE(capture.contains("summary="));
}

TEST(SessionLog, NothingIsLostWhenTheWorkerEnds) {
    log::Capture capture(log::Level::Info);
    SessionLog session_log;
    const Time now{100s};
    for (int i = 0; i < 100; ++i)
        session_log.peer_refused({kClient, "alice", IpAddress::v4(127, 0, 0, 1), "loopback"}, now);
    session_log.close(now);
    EXPECT_TRUE(capture.contains("summary="));
}

}  // namespace
}  // namespace turnbuckle::server
