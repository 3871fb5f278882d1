// Floods a running server with mutated datagrams while a legitimate pair of clients keeps talking:
//
//     mutation_flood 127.0.0.1:3478 USER PASSWORD COUNT [SEED]
//
// Each flooding socket follows a burst with a Binding request and waits for its answer. A socket's
// datagrams stay in order, so the answer means that the server has read all of them: none of them
// is lost in a full socket buffer, and the count is the count of what was judged. Prints one JSON
// object; fails if the server no longer answers.
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "turnbuckle/stun/types.hpp"

#include "integration/mutator.hpp"
#include "integration/udp_client.hpp"

namespace turnbuckle::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSockets = 16;
constexpr std::size_t kBurst = 64;
constexpr std::size_t kBurstsPerNonce = 500;

class Flooder {
public:
    Flooder(const Endpoint& server, const Credential& credential, std::uint64_t seed)
        : credential_(credential), client_(server, credential), mutator_(seed) {}

    // Learns a nonce, holds an allocation with a permission and a channel, and composes what is to
    // be mutated. Again from time to time: mutants end allocations, too.
    void prepare() {
        (void)client_.request({"allocate", "lifetime=600"});
        const auto& relays = client_.words().relayed();
        if (relays.empty()) throw std::runtime_error("the server grants no allocation");
        const auto peer = "peer=" + relays.front().to_string();
        (void)client_.request({"create_permission", peer});
        (void)client_.request({"channel_bind", "channel=0x4000", peer});
        compose(peer);
    }

    void burst() {
        for (std::size_t i = 0; i < kBurst; ++i)
            client_.send(mutator_.next());
        ask();
    }

    // Returns how many times the question had to be repeated.
    unsigned await_answer() {
        for (unsigned repeated = 0; repeated < 20; ++repeated) {
            if (answered(2s)) return repeated;
            ask();
        }
        throw std::runtime_error("the server does not answer any more");
    }

private:
    using Words = UdpClient::Words;

    void compose(const std::string& peer) {
        const std::vector<Words> requests{
            {"binding"},
            {"allocate", "lifetime=600"},
            {"allocate", "even_port=reserve", "dont_fragment"},
            {"allocate", "family=ipv6"},
            {"allocate", "additional=ipv6"},
            {"allocate", "token=0011223344556677"},
            {"refresh", "lifetime=600"},
            {"refresh", "lifetime=600", "family=ipv4"},
            {"create_permission", peer},
            {"create_permission", peer, "peer=[2001:db8::1]:9", "peer=127.0.0.1:1"},
            {"channel_bind", "channel=0x4000", peer},
            {"channel_bind", "channel=0x4fff", "peer=192.0.2.1:7"},
            {"connect", peer},
            {"method=0x00b", "attr=0x002a:01020304"},
        };
        const std::vector<Words> others{
            {"binding", "fingerprint"},
            {"refresh", "lifetime=600", "sha256"},
            {"refresh", "tail=0x000d:00000000"},
            {"send", peer, "data=some_application_data"},
            {"send", "peer=[::ffff:127.0.0.1]:8", "data="},
            {"channel_data", "channel=0x4000", "data=some_application_data"},
            {"channel_data", "channel=0x4000", "data=short", "length=600"},
            {"binding_indication"},
            {"binding_response", "attr=0x0020:0001a1b2c3d4e5f6"},
            {"allocate_error", "attr=0x0009:00000401"},
            {"data", peer, "data=not_for_a_server"},
        };
        std::vector<Mutator::Datagram> datagrams, unsigned_requests;
        for (Words words : requests) {
            datagrams.push_back(client_.words().compose(words));
            words.emplace_back("unsigned");
            unsigned_requests.push_back(client_.words().compose(words));
        }
        for (const Words& words : others)
            datagrams.push_back(client_.words().compose(words));
        mutator_.use(std::move(datagrams), std::move(unsigned_requests),
                     {credential_.user, credential_.password, realm_, client_.words().nonce()});
    }

    void ask() {
        question_.fill(0);
        store_be16(question_.data(),
                   stun::message_type(stun::MessageClass::Request, stun::Method::Binding));
        store_be32(question_.data() + 4, stun::kMagicCookie);
        store_be32(question_.data() + 16, ++questions_);
        client_.send(question_);
    }

    // Reads away whatever else the server had to say to the burst.
    bool answered(std::chrono::milliseconds patience) {
        std::array<std::uint8_t, 2048> buffer{};
        for (;;) {
            const auto size = ::recv(client_.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (size >= static_cast<ssize_t>(stun::kHeaderSize) && buffer[0] == 0x01 &&
                buffer[1] == 0x01 &&
                std::equal(buffer.begin() + 4, buffer.begin() + 20, question_.begin() + 4))
                return true;
            if (size >= 0) continue;
            pollfd ready{client_.fd(), POLLIN, 0};
            if (::poll(&ready, 1, static_cast<int>(patience.count())) <= 0) return false;
        }
    }

    const Credential credential_;
    const std::string realm_ = "example.org";
    UdpClient client_;
    Mutator mutator_;
    std::array<std::uint8_t, stun::kHeaderSize> question_{};
    std::uint32_t questions_ = 0;
};

// Two clients that pass a numbered message to and fro through their relays, each time waiting for
// it, so that a lost one is known to be lost.
class LegitimatePair {
public:
    LegitimatePair(const Endpoint& server, const Credential& credential)
        : one_(server, credential), other_(server, credential) {
        keep_alive("allocate");
    }

    void run(const std::atomic<bool>& done) {
        auto refreshed = std::chrono::steady_clock::now();
        while (!done) {
            pass(one_, other_);
            pass(other_, one_);
            std::this_thread::sleep_for(1ms);
            if (std::chrono::steady_clock::now() - refreshed < 60s) continue;
            keep_alive("refresh");
            refreshed = std::chrono::steady_clock::now();
        }
    }

    [[nodiscard]] std::uint64_t sent() const { return sent_; }
    [[nodiscard]] std::uint64_t received() const { return received_; }
    [[nodiscard]] std::uint64_t refused() const { return refused_; }

private:
    void keep_alive(const char* how) {
        for (UdpClient* client : {&one_, &other_})
            expect_granted(*client, {how});
        const auto bind = [&](UdpClient& client, const UdpClient& peer) {
            expect_granted(
                client, {"channel_bind", "channel=0x4abc", "peer=" + peer.relayed().to_string()});
        };
        bind(one_, other_);
        bind(other_, one_);
    }

    void expect_granted(UdpClient& client, const UdpClient::Words& request) {
        if (!client.granted(request)) ++refused_;
    }

    void pass(UdpClient& from, UdpClient& to) {
        const auto text = fmt::format("legitimate-{}", ++sent_);
        from.send(from.words().compose(
            std::vector<std::string>{"channel_data", "channel=0x4abc", "data=" + text}));
        // The flood reaches this relay as well: its address is everybody's.
        for (;;) {
            const auto words = to.receive(3s);
            if (words.empty()) return;
            if (words.size() > 2 && words[1] == "0x4abc" && words[2] == text) break;
        }
        ++received_;
    }

    UdpClient one_, other_;
    std::uint64_t sent_ = 0, received_ = 0, refused_ = 0;
};

void run(const Endpoint& server, const Credential& credential, std::uint64_t count,
         std::uint64_t seed) {
    std::vector<std::unique_ptr<Flooder>> flooders;
    for (std::size_t i = 0; i < kSockets; ++i)
        flooders.push_back(std::make_unique<Flooder>(server, credential, seed + i));
    LegitimatePair pair(server, credential);
    std::atomic<bool> done{false};
    std::thread legitimate([&] { pair.run(done); });

    const auto began = std::chrono::steady_clock::now();
    std::uint64_t sent = 0, repeated = 0;
    try {
        for (std::size_t bursts = 0; sent < count; ++bursts) {
            for (const auto& flooder : flooders) {
                if (bursts % kBurstsPerNonce == 0) flooder->prepare();
                flooder->burst();
                sent += kBurst;
            }
            for (const auto& flooder : flooders)
                repeated += flooder->await_answer();
        }
    } catch (...) {
        done = true;
        legitimate.join();
        throw;
    }
    done = true;
    legitimate.join();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
    fmt::print(R"({{"sent":{},"seconds":{:.1f},"repeated":{},"legitimate_sent":{},)"
               R"("legitimate_received":{},"legitimate_refused":{}}})"
               "\n",
               sent, seconds.count(), repeated, pair.sent(), pair.received(), pair.refused());
}

}  // namespace
}  // namespace turnbuckle::test

int main(int argc, char** argv) {
    const auto server = argc > 1 ? turnbuckle::Endpoint::parse(argv[1]) : std::nullopt;
    if (argc < 5 || !server) {
        std::cerr << "usage: mutation_flood ADDRESS:PORT USER PASSWORD COUNT [SEED]\n";
        return 2;
    }
    try {
        turnbuckle::test::run(*server, {argv[2], argv[3]}, std::strtoull(argv[4], nullptr, 10),
                              argc > 5 ? std::strtoull(argv[5], nullptr, 10) : 1);
    } catch (const std::exception& error) {
        std::cerr << "mutation_flood: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
