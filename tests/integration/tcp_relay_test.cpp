// RFC 6062 through the whole server in one process, with more workers than connections that could
// share one: a ConnectionBind mostly arrives on a worker that does not have the peer's connection.
// Meant for the thread sanitizer, and true without it.
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "turnbuckle/net/socket_address.hpp"
#include "turnbuckle/net/tcp_socket.hpp"
#include "turnbuckle/server/server.hpp"

#include "integration/tcp_client.hpp"

namespace turnbuckle {
namespace {

using namespace std::chrono_literals;
using test::TcpClient;

using Bytes = std::vector<std::uint8_t>;

const test::Credential kUser{"alice", "wonderland"};
const Endpoint kAnywhere{IpAddress::v4(127, 0, 0, 1), 0};

config::Config configuration() {
    config::Config config;
    config.workers = 4;
    config.listeners = {{.transport = turn::Transport::Tcp, .address = kAnywhere.ip, .port = 0}};
    config::SecretSource password;
    password.secret = Secret(kUser.password);
    password.value = password.secret;
    config.auth.users = {{.name = kUser.user, .password = password, .key = std::nullopt}};
    config.limits.user.allocations = 0;
    config.limits.unauthenticated.connections = 0;
    config.relay.peers.allow = {*Cidr::parse("127.0.0.0/8")};
    return config;
}

// Sends back what comes, closes when the other side does; one thread for each connection.
class EchoPeer {
public:
    EchoPeer() : listener_(*net::open_tcp_listener(kAnywhere)) {
        acceptor_ = std::thread([this] { accept(); });
    }
    ~EchoPeer() {
        stopping_ = true;
        acceptor_.join();
        for (auto& thread : echoes_)
            thread.join();
    }
    [[nodiscard]] const Endpoint& endpoint() const { return listener_.local(); }

private:
    void accept() {
        while (!stopping_) {
            pollfd ready{listener_.fd(), POLLIN, 0};
            if (::poll(&ready, 1, 20) != 1) continue;
            const int fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
            if (fd >= 0) echoes_.emplace_back([fd] { echo(net::FileDescriptor(fd)); });
        }
    }
    static void echo(const net::FileDescriptor& socket) {
        Bytes buffer(65536);
        for (;;) {
            const ssize_t n = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
            if (n <= 0) return;
            for (ssize_t sent = 0; sent < n;) {
                const ssize_t m = ::send(socket.get(), buffer.data() + sent,
                                         static_cast<std::size_t>(n - sent), MSG_NOSIGNAL);
                if (m <= 0) return;
                sent += m;
            }
        }
    }

    net::TcpListener listener_;
    std::atomic<bool> stopping_{false};
    std::vector<std::thread> echoes_;
    std::thread acceptor_;
};

Bytes numbered(std::size_t count) {
    Bytes bytes(count);
    std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
    return bytes;
}

std::string word(std::string_view name, std::uint32_t value) {
    return fmt::format("{}=0x{:08x}", name, value);
}

std::uint64_t count_moved(const server::Server& server) {
    std::uint64_t accepted = 0;
    for (const auto& worker : server.workers())
        accepted += worker->io_statistics().streams.handed_over.value();
    return accepted;
}

TEST(TcpRelay, ConnectsToPeersFromWhicheverWorkerTheClientReaches) {
    constexpr int kClients = 3;
    constexpr int kRounds = 20;
    constexpr std::size_t kAmount = 100'000;
    server::Server server(configuration());
    server.start();
    const Endpoint endpoint = server.listening().front().endpoint;
    EchoPeer peer;
    std::atomic<int> whole{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < kClients; ++i)
        clients.emplace_back([&] {
            for (int round = 0; round < kRounds; ++round) {
                TcpClient control(endpoint, kUser);
                if (!control.granted({"allocate", "transport=6"}) ||
                    !control.granted({"connect", "peer=" + peer.endpoint().to_string()}))
                    continue;
                TcpClient data(endpoint, kUser);
                const auto connection = word("connection", control.words().connection());
                if (!data.granted({"connection_bind", connection})) continue;
                const Bytes sent = numbered(kAmount);
                std::thread sender([&] { data.send(sent); });
                const Bytes received = data.receive(kAmount);
                sender.join();
                whole += received == sent;
            }
        });
    for (auto& client : clients)
        client.join();
    EXPECT_EQ(whole, kClients * kRounds);
    EXPECT_GT(count_moved(server), 0U);
    server.stop();
}

TEST(TcpRelay, GivesWhatAPeerSentBeforeTheBindInOrder) {
    server::Server server(configuration());
    server.start();
    const Endpoint endpoint = server.listening().front().endpoint;
    for (int round = 0; round < 10; ++round) {
        TcpClient control(endpoint, kUser);
        ASSERT_TRUE(control.granted({"allocate", "transport=6"}));
        ASSERT_TRUE(control.granted({"create_permission", "peer=127.0.0.1:9"}));
        // The peer is a client too: this is its own plain connection to the relayed address.
        TcpClient peer(control.relayed(), kUser);
        const Bytes early = numbered(50'000);
        ASSERT_TRUE(peer.send(early));
        const auto attempt = control.indication();
        ASSERT_FALSE(attempt.empty());
        ASSERT_EQ(attempt.front(), "attempt");
        TcpClient data(endpoint, kUser);
        const auto connection = word("connection", control.words().connection());
        ASSERT_TRUE(data.granted({"connection_bind", connection}));
        EXPECT_EQ(data.receive(early.size()), early);
        ASSERT_TRUE(data.send(early));
        EXPECT_EQ(peer.receive(early.size()), early);
    }
    server.stop();
}

}  // namespace
}  // namespace turnbuckle
