// The server as a whole in one process: many clients on real sockets, while it is reloaded, drained
// and looked at from outside. Meant for the thread sanitizer, and true without it.
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "turnbuckle/server/server.hpp"

#include "integration/udp_client.hpp"

namespace turnbuckle {
namespace {

using namespace std::chrono_literals;
using test::UdpClient;

const test::Credential kUser{"alice", "wonderland"};

config::Config configuration(std::uint32_t workers) {
    config::Config config;
    config.workers = workers;
    config.listeners = {{.address = IpAddress::v4(127, 0, 0, 1), .port = 0},
                        {.address = IpAddress::v4(127, 0, 0, 2), .port = 0}};
    config::SecretSource password;
    password.secret = Secret(kUser.password);
    password.value = password.secret;
    config.auth.users = {{.name = kUser.user, .password = password, .key = std::nullopt}};
    config.limits.user.allocations = 0;
    config.limits.unauthenticated.answers_per_second = 0;
    return config;
}

struct Tally {
    std::atomic<std::uint64_t> sessions{0};
    std::atomic<std::uint64_t> relayed{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::uint64_t> failures{0};
};

// Whether an allocation was granted. That the server drains is counted; anything else failed.
bool counted(const UdpClient::Words& answer, Tally& tally) {
    if (!answer.empty() && answer.front() == "success") return true;
    const bool draining = std::ranges::find(answer, "508") != answer.end();
    ++(draining ? tally.refused : tally.failures);
    return false;
}

void relay(UdpClient& from, UdpClient& to, const UdpClient::Words& words, Tally& tally) {
    constexpr int kMessages = 20;
    for (int i = 0; i < kMessages; ++i)
        from.send(from.words().compose(words));
    int received = 0;
    while (received < kMessages && !to.receive(5s).empty())
        ++received;
    tally.relayed += static_cast<std::uint64_t>(received);
    tally.failures += static_cast<std::uint64_t>(kMessages - received);
}

// Two clients meet, talk and leave; so does one that comes for the reserved port.
void session(const std::vector<Endpoint>& servers, Tally& tally) {
    UdpClient one(servers.front(), kUser);
    UdpClient other(servers.back(), kUser);
    UdpClient reserved(servers.front(), kUser);
    const auto paired = one.request({"allocate", "even_port=reserve"});
    if (!counted(paired, tally)) return;
    const auto token =
        std::ranges::find_if(paired, [](const auto& word) { return word.starts_with("token="); });
    if (counted(reserved.request({"allocate", *token}), tally))
        tally.failures += !reserved.granted({"refresh", "lifetime=0"});
    if (counted(other.request({"allocate"}), tally)) {
        const auto peer = "peer=" + other.relayed().to_string();
        const auto back = "peer=" + one.relayed().to_string();
        tally.failures += !one.granted({"channel_bind", "channel=0x4000", peer});
        tally.failures += !other.granted({"create_permission", back});
        relay(one, other, {"channel_data", "channel=0x4000", "data=there"}, tally);
        relay(other, one, {"send", back, "data=back"}, tally);
        ++tally.sessions;
        tally.failures += !other.granted({"refresh", "lifetime=0"});
    }
    tally.failures += !one.granted({"refresh", "lifetime=600"});
    tally.failures += !one.granted({"refresh", "lifetime=0"});
}

// Everything that other threads read while workers write it.
std::uint64_t look_at(const server::Server& server) {
    std::uint64_t seen = server.allocations();
    for (const auto& use : server.port_use())
        seen += use.used + use.free + use.quarantined;
    for (const auto& worker : server.workers()) {
        const auto& protocol = worker->protocol_statistics();
        for (const auto& drop : protocol.drops)
            seen += drop.value();
        for (const auto& transport : protocol.relayed)
            for (const auto& direction : transport)
                seen += direction.packets.value() + direction.bytes.value();
        seen += worker->io_statistics().received_datagrams.value() + worker->heartbeat();
    }
    return seen;
}

TEST(MultiWorker, ServesClientsWhileItIsReloadedDrainedAndWatched) {
    constexpr int kClients = 4;
    constexpr auto kDuration = 3s;
    const auto config = configuration(4);
    server::Server server(config);
    server.add_service({IpAddress::v4(127, 0, 0, 1), 9});
    server.start();

    std::vector<Endpoint> endpoints;
    for (const auto& each : server.listening())
        endpoints.push_back(each.endpoint);

    Tally tally;
    std::atomic<bool> done{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < kClients; ++i)
        threads.emplace_back([&] {
            while (!done)
                session(endpoints, tally);
        });
    threads.emplace_back([&] {
        while (!done)
            EXPECT_GT(look_at(server), 0u);
    });

    auto other_rules = config;
    other_rules.relay.peers.deny = {*Cidr::parse("192.0.2.0/24")};
    const auto end = std::chrono::steady_clock::now() + kDuration;
    for (int round = 0; std::chrono::steady_clock::now() < end; ++round) {
        EXPECT_TRUE(server.reload(round % 2 == 0 ? other_rules : config).empty());
        server.refresh_addresses();
        server.drain(round % 8 == 7);
        std::this_thread::sleep_for(5ms);
    }
    server.drain(false);
    done = true;
    for (auto& thread : threads)
        thread.join();

    EXPECT_EQ(tally.failures, 0u);
    EXPECT_GT(tally.sessions, 10u);
    EXPECT_GT(tally.relayed, 400u);
    EXPECT_GT(tally.refused, 0u);
    server.stop();
}

TEST(MultiWorker, HandsAReservedPortToWhicheverWorkerGetsTheToken) {
    server::Server server(configuration(4));
    server.start();
    for (int i = 0; i < 50; ++i) {
        UdpClient one(server.listening().front().endpoint, kUser);
        UdpClient other(server.listening().back().endpoint, kUser);
        const auto answer = one.request({"allocate", "even_port=reserve"});
        const auto token = std::ranges::find_if(
            answer, [](const auto& word) { return word.starts_with("token="); });
        ASSERT_NE(token, answer.end());
        ASSERT_TRUE(other.granted({"allocate", *token}));
        EXPECT_EQ(other.relayed().port, one.relayed().port + 1);
        EXPECT_TRUE(one.granted({"refresh", "lifetime=0"}));
        EXPECT_TRUE(other.granted({"refresh", "lifetime=0"}));
    }
    EXPECT_EQ(server.allocations(), 0u);
    // The last port is given back behind the answer that the client has seen.
    const auto all_free = [&] {
        return std::ranges::all_of(server.port_use(),
                                   [](const auto& use) { return use.used == 0; });
    };
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!all_free() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    EXPECT_TRUE(all_free());
}

TEST(MultiWorker, EndsWithSessionsStillThere) {
    std::vector<UdpClient> clients;
    server::Server server(configuration(4));
    server.start();
    for (int i = 0; i < 20; ++i) {
        clients.emplace_back(server.listening().front().endpoint, kUser);
        ASSERT_TRUE(clients.back().granted({"allocate", "even_port=reserve"}));
    }
    EXPECT_EQ(server.allocations(), 40u);  // the reserved ports are charged for, too
    server.stop();
    std::uint64_t drained = 0;
    for (const auto& worker : server.workers())
        drained +=
            worker->protocol_statistics().allocations_ended[turn::EndReason::Drained].value();
    EXPECT_EQ(drained, 20u);
}

}  // namespace
}  // namespace turnbuckle
