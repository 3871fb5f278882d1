#include "integration/udp_client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "turnbuckle/net/socket_address.hpp"
#include "turnbuckle/stun/classify.hpp"

namespace turnbuckle::test {

namespace {

using namespace std::chrono_literals;

constexpr int kAttempts = 7;
constexpr auto kFirstInterval = 500ms;

net::FileDescriptor connected(const Endpoint& server) {
    net::SocketAddress address{};
    const socklen_t length = net::to_socket_address(server, address);
    net::FileDescriptor socket(::socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (socket.get() < 0 || ::connect(socket.get(), &address.any, length) != 0)
        throw std::system_error(errno, std::generic_category(), "client socket");
    return socket;
}

bool is_data(ByteView datagram) {
    constexpr std::uint16_t kDataIndication =
        stun::message_type(stun::MessageClass::Indication, stun::Method::Data);
    return stun::classify(datagram) == stun::PacketKind::ChannelData ||
           (datagram.size() >= 2 && load_be16(datagram.data()) == kDataIndication);
}

bool says(const UdpClient::Words& answer, std::string_view word) {
    return std::ranges::find(answer, word) != answer.end();
}

}  // namespace

UdpClient::UdpClient(const Endpoint& server, const Credential& credential)
    : socket_(connected(server)), words_(turn::ClientPath{}, 1) {
    words_.use_credential(credential.user, credential.password);
}

UdpClient::Words UdpClient::request(const Words& words) {
    constexpr int kChallenges = 2;  // 401 for the first request, 438 for a nonce that went stale
    Words answer;
    for (int round = 0; round <= kChallenges; ++round) {
        const auto datagram = words_.compose(words);
        answer.clear();
        auto interval = kFirstInterval;
        for (int attempt = 0; attempt < kAttempts && answer.empty(); ++attempt, interval *= 2) {
            send(datagram);
            const Time deadline = monotonic_now() + interval;
            while (const auto received = next(deadline)) {
                const bool fits =
                    received->size() >= stun::kHeaderSize &&
                    std::equal(datagram.begin() + 8, datagram.begin() + 20, received->begin() + 8);
                if (!is_data(*received) && fits) {
                    answer = words_.read(*received);
                    break;
                }
                if (is_data(*received)) inbox_.push_back(*received);
            }
        }
        if (!says(answer, "401") && !says(answer, "438")) break;
    }
    return answer;
}

bool UdpClient::granted(const Words& words) {
    const auto answer = request(words);
    return !answer.empty() && answer.front() == "success";
}

void UdpClient::send(ByteView datagram) {
    // What cannot be sent is lost, as datagrams may be.
    (void)::send(socket_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL);
}

UdpClient::Words UdpClient::receive(std::chrono::milliseconds timeout) {
    const Time deadline = monotonic_now() + timeout;
    while (inbox_.empty()) {
        auto received = next(deadline);
        if (!received) return {};
        if (is_data(*received)) inbox_.push_back(std::move(*received));
    }
    auto words = words_.read(inbox_.front());
    inbox_.pop_front();
    return words;
}

std::optional<std::vector<std::uint8_t>> UdpClient::next(Time deadline) {
    std::array<std::uint8_t, 65536> buffer{};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - monotonic_now());
        pollfd ready{socket_.get(), POLLIN, 0};
        if (::poll(&ready, 1, static_cast<int>(std::max(left, 0ms).count())) <= 0)
            return std::nullopt;
        const auto size = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size > 0) return std::vector(buffer.begin(), buffer.begin() + size);
    }
}

}  // namespace turnbuckle::test
