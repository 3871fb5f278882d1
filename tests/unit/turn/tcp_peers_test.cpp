// RFC 6062 where a script of one engine does not reach: two workers, and limits of thousands.
#include "turnbuckle/turn/tcp_peers.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "turnbuckle/turn/core.hpp"

#include "support/engine_rig.hpp"
#include "support/stun_client.hpp"

namespace turnbuckle::turn {
namespace {

using test::EngineRig;
using test::Event;
using Words = std::vector<std::string>;

EngineRig::Options worker(std::uint8_t index) {
    return {.config = EngineRig::default_config(),
            .quota = {},
            .seed = index + 1u,
            .worker = index,
            .workers = 2};
}

ClientPath over_tcp(std::uint32_t link, std::uint16_t port) {
    return {LinkId{link},
            {{*IpAddress::parse("192.0.2.1"), port},
             test::FakeHost::listener(AddressFamily::IPv4),
             Transport::Tcp}};
}

class TcpPeers : public testing::Test {
protected:
    // Everything that comes of it, after the client has read what is for it.
    static std::vector<Event> exchange(EngineRig& rig, test::StunClient& client, ByteView bytes) {
        rig.datagram(client.path(), bytes);
        auto events = rig.take_events();
        for (const Event& event : events)
            if (event.kind == Event::Kind::Answer) (void)client.read(event.bytes);
        return events;
    }
    static std::vector<Event> exchange(EngineRig& rig, test::StunClient& client,
                                       const Words& words) {
        return exchange(rig, client, client.compose(words));
    }
    static bool has(const std::vector<Event>& events, Event::Kind kind) {
        return std::ranges::find(events, kind, &Event::kind) != events.end();
    }
    static unsigned code_of(const std::vector<Event>& events) {
        for (const Event& event : events)
            if (event.kind == Event::Kind::Answer)
                if (const auto error =
                        stun::MessageView::parse(event.bytes)->get<stun::ErrorCodeAttribute>())
                    return static_cast<unsigned>(error->code);
        return 0;
    }
};

TEST_F(TcpPeers, a_bind_that_arrives_on_another_worker_is_served_by_the_owner_with_the_same_bytes) {
    EngineRig first(worker(0));
    EngineRig owner(worker(1));
    test::StunClient control(over_tcp(0, 4000), 1);
    test::StunClient data(over_tcp(1, 4001), 2);
    control.use_credential("alice", "secret");
    data.use_credential("alice", "secret");
    (void)exchange(owner, control, Words{"allocate", "transport=6"});
    (void)exchange(owner, control, Words{"allocate", "transport=6"});
    (void)exchange(owner, control, Words{"connect", "peer=198.51.100.9:5000"});
    ASSERT_EQ(worker_of(control.connection()), 1);

    const auto request = data.compose(
        Words{"connection_bind", "connection=" + std::to_string(control.connection())});
    ASSERT_TRUE(has(exchange(first, data, request), Event::Kind::HandOver));
    // The owner challenges it, and the client answers on the stream that has moved.
    EXPECT_EQ(code_of(exchange(owner, data, request)), 401u);
    const auto events =
        exchange(owner, data,
                 Words{"connection_bind", "connection=" + std::to_string(control.connection())});
    EXPECT_TRUE(has(events, Event::Kind::Bind));
    first.finish();
    owner.finish();
}

TEST_F(TcpPeers, connects_that_wait_leave_room_for_everybody_elses_requests) {
    auto options = worker(0);
    options.config.max_connections = kMaxPending + 1;
    EngineRig rig(std::move(options));
    test::StunClient alice(over_tcp(0, 4000), 1);
    test::StunClient bob(over_tcp(1, 4001), 2);
    alice.use_credential("alice", "secret");
    bob.use_credential("bob", "hunter2");
    (void)exchange(rig, alice, Words{"allocate", "transport=6"});
    (void)exchange(rig, alice, Words{"allocate", "transport=6"});
    rig.set_peers(EngineRig::Promptness::WhenTold);
    for (std::size_t i = 0; i < kMaxPending; ++i)
        (void)exchange(rig, alice,
                       Words{"connect", "peer=198.51.100.9:" + std::to_string(1000 + i)});
    ASSERT_EQ(rig.peers().connecting(), kMaxPending);
    (void)exchange(rig, bob, Words{"allocate"});
    EXPECT_EQ(code_of(exchange(rig, bob, Words{"allocate"})), 0u);
    EXPECT_EQ(rig.engine().allocations(), 2u);
    rig.finish();
}

TEST_F(TcpPeers, a_stream_is_told_when_too_many_requests_wait) {
    EngineRig rig(worker(0));
    test::StunClient client(over_tcp(0, 4000), 1);
    client.use_credential("alice", "secret");
    (void)exchange(rig, client, Words{"allocate"});
    rig.set_store(EngineRig::Promptness::WhenTold);
    for (std::size_t i = 0; i < kMaxPending; ++i)
        (void)exchange(rig, client, Words{"allocate"});
    // It would wait for 39.5 s otherwise, for it does not retransmit.
    EXPECT_EQ(code_of(exchange(rig, client, Words{"allocate"})), 500u);
    rig.disconnect(client.path());
    EXPECT_EQ(rig.statistics().pending_requests.value(), 0);
    rig.finish();
}

TEST_F(TcpPeers, connection_ids_are_random_and_distinct) {
    EngineRig rig(worker(1));
    test::StunClient client(over_tcp(0, 4000), 1);
    client.use_credential("alice", "secret");
    (void)exchange(rig, client, Words{"allocate", "transport=6"});
    (void)exchange(rig, client, Words{"allocate", "transport=6"});
    std::vector<std::uint32_t> ids;
    for (int i = 0; i < 64; ++i) {
        (void)exchange(rig, client,
                       Words{"connect", "peer=198.51.100.9:" + std::to_string(1000 + i)});
        ids.push_back(client.connection());
    }
    std::ranges::sort(ids);
    EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end());
    EXPECT_GT(ids.back() - ids.front(), 0x100000u);  // not counted up
    EXPECT_EQ(ids.front() >> 24, 1u);
    EXPECT_EQ(ids.back() >> 24, 1u);
    rig.finish();
}

TEST_F(TcpPeers, what_is_told_of_connections_that_are_gone_is_ignored) {
    EngineRig rig(worker(0));
    Effects effects;
    rig.engine().on_peer_data(PeerConnection{7}, Direction::ClientToPeer, 100);
    rig.engine().on_peer_closed(PeerConnection{7}, rig.now(), effects);
    EXPECT_TRUE(effects.list().empty());
    EXPECT_EQ(rig.statistics().relayed[Transport::Tcp][Direction::ClientToPeer].packets.value(),
              0u);
}

TEST_F(TcpPeers, the_late_end_of_a_link_does_not_end_what_the_same_addresses_do_over_the_next) {
    EngineRig rig(worker(0));
    test::StunClient client(over_tcp(5, 4000), 1);
    client.use_credential("alice", "secret");
    (void)exchange(rig, client, Words{"allocate"});
    (void)exchange(rig, client, Words{"allocate"});
    rig.disconnect(over_tcp(4, 4000));
    EXPECT_TRUE(rig.engine().serves(client.path().tuple));
    rig.disconnect(over_tcp(5, 4000));
    EXPECT_FALSE(rig.engine().serves(client.path().tuple));
}

TEST_F(TcpPeers, the_engine_knows_whom_it_serves) {
    EngineRig rig(worker(0));
    test::StunClient client(over_tcp(0, 4000), 1);
    client.use_credential("alice", "secret");
    (void)exchange(rig, client, Words{"allocate"});
    EXPECT_FALSE(rig.engine().serves(client.path().tuple));
    (void)exchange(rig, client, Words{"allocate"});
    EXPECT_TRUE(rig.engine().serves(client.path().tuple));
    rig.disconnect(client.path());
    EXPECT_FALSE(rig.engine().serves(client.path().tuple));
}

}  // namespace
}  // namespace turnbuckle::turn
