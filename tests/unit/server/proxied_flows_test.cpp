// Datagrams as a receiver would hand them over, virtual time, and a whole engine behind.
#include "turnbuckle/server/proxied_flows.hpp"

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "turnbuckle/net/udp_socket.hpp"
#include "turnbuckle/server/link_kind.hpp"

#include "support/engine_rig.hpp"
#include "support/stun_client.hpp"

namespace turnbuckle::server {
namespace {

using namespace std::chrono_literals;
using Bytes = std::vector<std::uint8_t>;

const Endpoint kProxy{IpAddress::v4(127, 0, 1, 1), 7000};
const Endpoint kProxyElsewhere{IpAddress::v4(127, 0, 1, 1), 7001};
const Endpoint kAlice{IpAddress::v4(192, 0, 2, 1), 40000};
const Endpoint kBob{IpAddress::v4(192, 0, 2, 2), 40000};
const IpAddress kServer = IpAddress::v4(127, 0, 0, 1);

Bytes text(std::string_view words) {
    const ByteView view = as_bytes(words);
    return {view.begin(), view.end()};
}

Bytes headed(const Endpoint& client, std::string_view words) {
    std::array<std::uint8_t, net::kMaxWrittenProxyHeader> header{};
    const std::size_t length = net::write_proxy_v2(header, client, {IpAddress::v4(9, 9, 9, 9), 443},
                                                   net::ProxyTransport::Datagram);
    Bytes bytes(header.begin(), header.begin() + static_cast<std::ptrdiff_t>(length));
    const Bytes behind = text(words);
    bytes.insert(bytes.end(), behind.begin(), behind.end());
    return bytes;
}

class Rig final : private FlowOwner {
public:
    // What the server gets to see of it, or nothing.
    std::optional<Bytes> receive(Bytes bytes, const Endpoint& proxy = kProxy) {
        const net::Datagram datagram{bytes, proxy, kServer};
        const auto forwarded = flows.receive(0, datagram, now);
        if (!forwarded) return std::nullopt;
        from = forwarded->from;
        return Bytes(forwarded->datagram.begin(), forwarded->datagram.end());
    }

    [[nodiscard]] std::uint64_t drops() const {
        return statistics.drops[static_cast<std::size_t>(turn::DropReason::NoProxyHeader)].value();
    }
    [[nodiscard]] std::uint16_t port() const { return listeners_[0].socket.local().port; }

    void allocate() { allocate(from); }
    void allocate(const turn::ClientPath& path) {
        test::StunClient stun(path, 1);
        stun.use_credential("alice", "secret");
        for (int i = 0; i < 2; ++i) {
            engine.datagram(path, stun.compose(std::vector<std::string>{"allocate"}));
            for (const test::Event& event : engine.take_events())
                if (event.kind == test::Event::Kind::Answer)
                    static_cast<void>(stun.read(event.bytes));
        }
        ASSERT_TRUE(engine.engine().serves(path.tuple));
    }

    void pass(Duration time) {
        for (Duration passed{}; passed < time; passed += 1s) {
            now += 1s;
            engine.advance(1s);
            flows.keep_house(now);
        }
    }

    Time now = Time{} + 1h;
    turn::Statistics statistics;
    net::Statistics io;
    test::EngineRig engine;
    turn::ClientPath from;
    std::vector<turn::ClientPath> ended;

private:
    static std::vector<UdpListener> one_listener() {
        std::vector<UdpListener> listeners;
        listeners.push_back({net::open_udp({kServer, 0}).value(),
                             turn::Transport::Udp,
                             {},
                             {*Cidr::parse("127.0.1.0/24"), *Cidr::parse("2001:db8::/32")}});
        return listeners;
    }

    void on_flow_ended(const turn::ClientPath& path, Time) override {
        ended.push_back(path);
        engine.disconnect(path);
    }

    std::vector<UdpListener> listeners_ = one_listener();

public:
    ProxiedFlows flows{ProxiedFlows::Parts{engine.engine(), listeners_, statistics, io, *this}};
};

TEST(ProxiedFlows, TrustOnlyTheConfiguredProxies) {
    const Rig rig;
    EXPECT_TRUE(rig.flows.trusts(0, IpAddress::v4(127, 0, 1, 200)));
    EXPECT_TRUE(rig.flows.trusts(0, *IpAddress::parse("2001:db8::1")));
    EXPECT_FALSE(rig.flows.trusts(0, IpAddress::v4(127, 0, 0, 1)));
}

TEST(ProxiedFlows, NameTheClientBehindTheHeaderAndTheProxysPortAsTheWayBack) {
    Rig rig;
    EXPECT_EQ(rig.receive(headed(kAlice, "hello")), text("hello"));
    EXPECT_EQ(rig.from.tuple.client, kAlice);
    EXPECT_EQ(rig.from.tuple.server, (Endpoint{kServer, rig.port()}));
    EXPECT_EQ(rig.from.tuple.transport, turn::Transport::Udp);
    ASSERT_EQ(kind_of(rig.from.link), LinkKind::Proxied);
    EXPECT_EQ(*rig.flows.route(index_of(rig.from.link)), (DatagramRoute{0, kProxy, kServer}));
    EXPECT_EQ(rig.io.proxied_flows.value(), 1);
}

TEST(ProxiedFlows, GoOnWithAndWithoutHeaders) {
    Rig rig;
    rig.receive(headed(kAlice, "first"));
    const turn::LinkId link = rig.from.link;
    EXPECT_EQ(rig.receive(text("second")), text("second"));
    EXPECT_EQ(rig.from.link, link);
    EXPECT_EQ(rig.from.tuple.client, kAlice);
    EXPECT_EQ(rig.receive(headed(kAlice, "third")), text("third"));
    EXPECT_EQ(rig.from.link, link);
    EXPECT_EQ(rig.flows.size(), 1U);
    EXPECT_EQ(rig.drops(), 0U);
}

TEST(ProxiedFlows, MayBeginWithAHeaderAlone) {
    Rig rig;
    EXPECT_EQ(rig.receive(headed(kAlice, "")), std::nullopt);
    EXPECT_EQ(rig.receive(text("hello")), text("hello"));
    EXPECT_EQ(rig.from.tuple.client, kAlice);
    EXPECT_EQ(rig.drops(), 0U);
}

TEST(ProxiedFlows, KeepClientsBehindTwoPortsApart) {
    Rig rig;
    rig.receive(headed(kAlice, "a"));
    rig.receive(headed(kBob, "b"), kProxyElsewhere);
    rig.receive(text("a"));
    EXPECT_EQ(rig.from.tuple.client, kAlice);
    rig.receive(text("b"), kProxyElsewhere);
    EXPECT_EQ(rig.from.tuple.client, kBob);
}

TEST(ProxiedFlows, DropWhatHasNeitherHeaderNorFlow) {
    Rig rig;
    EXPECT_EQ(rig.receive(text("hello")), std::nullopt);
    rig.receive(headed(kAlice, "hello"));
    EXPECT_EQ(rig.receive(text("hello"), kProxyElsewhere), std::nullopt);
    EXPECT_EQ(rig.drops(), 2U);
}

TEST(ProxiedFlows, DropBadHeadersAndVersionOne) {
    Rig rig;
    Bytes bad = headed(kAlice, "hello");
    bad[13] = 0x42;
    EXPECT_EQ(rig.receive(bad), std::nullopt);
    Bytes cut = headed(kAlice, "");
    cut.pop_back();
    EXPECT_EQ(rig.receive(cut), std::nullopt);
    EXPECT_EQ(rig.receive(text("PROXY UNKNOWN\r\nhello")), std::nullopt);
    EXPECT_EQ(rig.drops(), 3U);
    EXPECT_EQ(rig.flows.size(), 0U);
}

TEST(ProxiedFlows, TakeAProxyThatAsksForItselfAsTheClient) {
    Rig rig;
    Bytes local = headed(kAlice, "");
    local.resize(16);
    local[12] = 0x20;
    local[13] = 0;
    store_be16(&local[14], 0);
    local.push_back('?');
    EXPECT_EQ(rig.receive(local), text("?"));
    EXPECT_EQ(rig.from.tuple.client, kProxy);
}

TEST(ProxiedFlows, EndTheOldFlowWhenTheProxysPortIsAnotherClients) {
    Rig rig;
    rig.receive(headed(kAlice, "hello"));
    rig.allocate();
    const turn::ClientPath alice = rig.from;
    rig.receive(headed(kBob, "hello"));
    ASSERT_EQ(rig.ended.size(), 1U);
    EXPECT_EQ(rig.ended[0].tuple, alice.tuple);
    EXPECT_EQ(rig.engine.engine().allocations(), 0U);
    EXPECT_EQ(rig.from.tuple.client, kBob);
    EXPECT_EQ(rig.flows.size(), 1U);
}

TEST(ProxiedFlows, FollowAClientToAnotherPortOfTheProxy) {
    Rig rig;
    rig.receive(headed(kAlice, "hello"));
    rig.allocate();
    const turn::LinkId link = rig.from.link;
    rig.receive(headed(kAlice, "hello"), kProxyElsewhere);
    EXPECT_EQ(rig.from.link, link);
    EXPECT_EQ(rig.flows.route(index_of(link))->destination, kProxyElsewhere);
    EXPECT_EQ(rig.engine.engine().allocations(), 1U);
    EXPECT_EQ(rig.receive(text("from the old port")), std::nullopt);
}

TEST(ProxiedFlows, AreForgottenWhenIdleUnlessTheyHaveAnAllocation) {
    Rig rig;
    rig.receive(headed(kAlice, "hello"));
    rig.allocate();
    rig.receive(headed(kBob, "hello"), kProxyElsewhere);
    const std::uint32_t bob = index_of(rig.from.link);
    rig.pass(9min);
    EXPECT_EQ(rig.flows.size(), 2U);
    rig.pass(50s);
    EXPECT_EQ(rig.flows.size(), 2U);
    rig.pass(65s);
    EXPECT_EQ(rig.flows.route(bob), nullptr);
    rig.pass(2min);
    EXPECT_EQ(rig.flows.size(), 0U);
    EXPECT_EQ(rig.io.proxied_flows.value(), 0);
}

TEST(ProxiedFlows, LiveOnWhileTheyAreUsedOrCarryAnAssociationWithAnAllocation) {
    Rig rig;
    rig.receive(headed(kAlice, "hello"));
    turn::ClientPath over_dtls = rig.from;
    over_dtls.tuple.transport = turn::Transport::Dtls;
    rig.pass(5min);
    rig.allocate(over_dtls);
    rig.receive(headed(kBob, "hello"), kProxyElsewhere);
    for (int i = 0; i < 9; ++i) {
        rig.pass(1min);
        rig.receive(text("hello"), kProxyElsewhere);
    }
    EXPECT_EQ(rig.flows.size(), 2U);
    rig.pass(2min);
    EXPECT_EQ(rig.flows.size(), 1U);
    for (int i = 0; i < 5; ++i) {
        rig.pass(2min);
        EXPECT_TRUE(rig.receive(text("hello"), kProxyElsewhere));
    }
}

TEST(ProxiedFlows, AreBoundedAndTheOneWithAnAllocationStays) {
    Rig rig;
    rig.receive(headed(kAlice, "hello"));
    rig.allocate();
    const turn::LinkId alice = rig.from.link;
    const auto another = [&](std::uint32_t i) {
        const Endpoint client{
            IpAddress::v4(198, 51, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)),
            1000};
        const Endpoint proxy{IpAddress::v4(127, 0, 1, 2), static_cast<std::uint16_t>(i + 1)};
        rig.now += 1us;
        rig.receive(headed(client, "x"), proxy);
    };
    for (std::uint32_t i = 0; i < ProxiedFlows::kMaxFlows + 1000; ++i)
        another(i);
    EXPECT_EQ(rig.flows.size(), ProxiedFlows::kMaxFlows);
    EXPECT_EQ(rig.ended.size(), 1001U);
    ASSERT_NE(rig.flows.route(index_of(alice)), nullptr);
    EXPECT_EQ(rig.flows.route(index_of(alice))->destination, kProxy);
    EXPECT_EQ(rig.engine.engine().allocations(), 1U);
}

}  // namespace
}  // namespace turnbuckle::server
