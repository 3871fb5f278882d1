// The data path makes no heap allocation: engine.hpp promises it, and a relay at a million packets
// a second depends on it.
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "turnbuckle/stun/channel_data.hpp"

#include "support/allocation_counter.hpp"
#include "support/engine_rig.hpp"
#include "support/stun_client.hpp"

namespace turnbuckle::turn {
namespace {

class DataPath : public testing::Test {
protected:
    void SetUp() override {
        if (!test::kCountsAllocations) GTEST_SKIP() << "the heap is the sanitizer's";
        client_.use_credential("alice", "secret");
        request({"allocate", "additional=ipv6"});
        request({"allocate", "additional=ipv6"});
        request({"channel_bind", "channel=0x4000", "peer=198.51.100.9:5000"});
        request({"create_permission", "peer=198.51.100.10", "peer=2001:db8:1::9"});
        request({"create_permission", "peer=203.0.113.1"});
        relay_v4_ = *rig_.host().handle_of(client_.relayed()[0]);
        relay_v6_ = *rig_.host().handle_of(client_.relayed()[1]);
    }

    void request(const std::vector<std::string>& words) {
        rig_.datagram(path_, client_.compose(words));
        for (const test::Event& event : rig_.take_events())
            if (event.kind == test::Event::Kind::Answer) (void)client_.read(event.bytes);
    }

    // What `work` does a thousand times must leave the heap alone.
    template <class Work>
    void expect_no_allocation(Work work) {
        work();  // a thread's first digest may set up its context
        const auto before = test::allocations_of_this_thread();
        for (int i = 0; i < 1000; ++i)
            work();
        EXPECT_EQ(test::allocations_of_this_thread(), before);
    }

    void expect_from_client(const std::vector<std::string>& words, RelayAction action) {
        const auto bytes = client_.compose(words);
        RelayDecision decision;
        expect_no_allocation(
            [&] { decision = rig_.engine().client_to_peer(path_, bytes, rig_.now()); });
        EXPECT_EQ(decision.action, action);
    }

    void expect_from_peer(RelayHandle relay, const char* peer, RelayAction action) {
        const Endpoint from = *Endpoint::parse(peer);
        RelayHeader header;
        RelayDecision decision;
        expect_no_allocation([&] {
            decision = rig_.engine().peer_to_client(relay, from, 1200, rig_.now(), header);
        });
        EXPECT_EQ(decision.action, action);
    }

    test::EngineRig rig_;
    ClientPath path_{LinkId{0},
                     {*Endpoint::parse("192.0.2.1:4000"),
                      test::FakeHost::listener(AddressFamily::IPv4), Transport::Udp}};
    test::StunClient client_{path_, 1};
    RelayHandle relay_v4_{};
    RelayHandle relay_v6_{};
};

TEST_F(DataPath, the_counter_counts) {
    const auto before = test::allocations_of_this_thread();
    const auto memory = std::make_unique<std::array<std::uint8_t, 100>>();
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(test::allocations_of_this_thread(), before + 1);
}

TEST_F(DataPath, channel_data_makes_no_heap_allocation) {
    expect_from_client({"channel_data", "channel=0x4000", "data=payload"}, RelayAction::ToPeer);
}

TEST_F(DataPath, send_indications_make_no_heap_allocation) {
    expect_from_client({"send", "peer=198.51.100.10:5000", "data=payload", "dont_fragment"},
                       RelayAction::ToPeer);
    expect_from_client({"send", "peer=[2001:db8:1::9]:5000", "data=payload", "fingerprint"},
                       RelayAction::ToPeer);
    expect_from_client({"send", "peer=203.0.113.1:50000", "data=payload"}, RelayAction::ToPeer);
}

TEST_F(DataPath, dropping_makes_no_heap_allocation) {
    expect_from_client({"channel_data", "channel=0x4001", "data=x"}, RelayAction::Drop);
    expect_from_client({"channel_data", "channel=0x4000", "data=x", "length=9"}, RelayAction::Drop);
    expect_from_client({"send", "peer=198.51.100.11:5000", "data=x"}, RelayAction::Drop);
    expect_from_client({"send", "peer=198.51.100.10:5000", "data=x", "attr=0x7f01"},
                       RelayAction::Drop);
    expect_from_client({"send", "peer=203.0.113.1:3478", "data=x"}, RelayAction::Drop);
    expect_from_client({"send", "data=x", "bad_fingerprint"}, RelayAction::Drop);
}

TEST_F(DataPath, data_indications_make_no_heap_allocation) {
    expect_from_peer(relay_v4_, "198.51.100.10:5000", RelayAction::ToClient);
    expect_from_peer(relay_v6_, "[2001:db8:1::9]:5000", RelayAction::ToClient);
}

TEST_F(DataPath, channel_data_to_the_client_makes_no_heap_allocation) {
    expect_from_peer(relay_v4_, "198.51.100.9:5000", RelayAction::ToClient);
}

TEST_F(DataPath, counting_what_a_tcp_peer_streams_makes_no_heap_allocation) {
    const ClientPath path{LinkId{1},
                          {*Endpoint::parse("192.0.2.1:4000"),
                           test::FakeHost::listener(AddressFamily::IPv4), Transport::Tcp}};
    test::StunClient client(path, 2);
    client.use_credential("alice", "secret");
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"allocate", "transport=6"},
          {"allocate", "transport=6"},
          {"connect", "peer=198.51.100.9:5000"}}) {
        rig_.datagram(path, client.compose(words));
        for (const test::Event& event : rig_.take_events())
            if (event.kind == test::Event::Kind::Answer) (void)client.read(event.bytes);
    }
    ASSERT_EQ(rig_.peers().all().size(), 1u);
    const PeerConnection connection = rig_.peers().all().front();
    expect_no_allocation(
        [&] { rig_.engine().on_peer_data(connection, Direction::PeerToClient, 1400); });
    const auto& traffic = rig_.statistics().relayed[Transport::Tcp][Direction::PeerToClient];
    EXPECT_EQ(traffic.packets.value(), 1001u);
    EXPECT_EQ(traffic.bytes.value(), 1'401'400u);
}

TEST_F(DataPath, datagrams_from_strangers_make_no_heap_allocation) {
    expect_from_peer(relay_v4_, "198.51.100.11:5000", RelayAction::Drop);
    expect_from_peer(relay_v4_, "203.0.113.1:3478", RelayAction::Drop);
    expect_from_peer(RelayHandle{4711}, "198.51.100.9:5000", RelayAction::Drop);
}

}  // namespace
}  // namespace turnbuckle::turn
