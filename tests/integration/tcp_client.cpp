#include "integration/tcp_client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "turnbuckle/net/socket_address.hpp"

namespace turnbuckle::test {

namespace {

constexpr int kPatienceMilliseconds = 10'000;

net::FileDescriptor connected(const Endpoint& server) {
    net::SocketAddress address{};
    const socklen_t length = net::to_socket_address(server, address);
    net::FileDescriptor socket(::socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (socket.get() < 0 || ::connect(socket.get(), &address.any, length) != 0)
        throw std::system_error(errno, std::generic_category(), "client connection");
    return socket;
}

bool says(const TcpClient::Words& answer, std::string_view word) {
    return std::ranges::find(answer, word) != answer.end();
}

bool is_answer(ByteView frame, ByteView request) {
    return std::ranges::equal(frame.subspan(8, 12), request.subspan(8, 12));
}

}  // namespace

TcpClient::TcpClient(const Endpoint& server, const Credential& credential)
    : socket_(connected(server)), words_(turn::ClientPath{}, 1) {
    words_.use_credential(credential.user, credential.password);
}

TcpClient::Words TcpClient::request(const Words& words) {
    constexpr int kChallenges = 2;  // 401 for the first request, 438 for a nonce that went stale
    Words answer;
    for (int round = 0; round <= kChallenges; ++round) {
        const auto message = words_.compose(words);
        if (!send(message)) return {};
        for (;;) {
            const auto frame = next_frame();
            if (!frame) return {};
            if (is_answer(*frame, message)) {
                answer = words_.read(*frame);
                break;
            }
            indications_.push_back(*frame);
        }
        if (!says(answer, "401") && !says(answer, "438")) break;
    }
    return answer;
}

bool TcpClient::granted(const Words& words) {
    const auto answer = request(words);
    return !answer.empty() && answer.front() == "success";
}

TcpClient::Words TcpClient::indication() {
    if (indications_.empty()) {
        const auto frame = next_frame();
        return frame ? words_.read(*frame) : Words{};
    }
    const auto first = indications_.front();
    indications_.erase(indications_.begin());
    return words_.read(first);
}

bool TcpClient::send(ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

std::vector<std::uint8_t> TcpClient::receive(std::size_t count) {
    std::vector<std::uint8_t> bytes(framer_.unread().begin(), framer_.unread().end());
    framer_ = {};
    while (bytes.size() < count) {
        const std::size_t before = bytes.size();
        bytes.resize(count);
        const std::size_t n = read(MutableBytes(bytes).subspan(before));
        bytes.resize(before + n);
        if (n == 0) break;
    }
    return bytes;
}

std::size_t TcpClient::read(MutableBytes into) {
    pollfd ready{socket_.get(), POLLIN, 0};
    if (::poll(&ready, 1, kPatienceMilliseconds) != 1) return 0;
    const ssize_t n = ::recv(socket_.get(), into.data(), into.size(), 0);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
}

std::optional<std::vector<std::uint8_t>> TcpClient::next_frame() {
    for (;;) {
        const auto frame = framer_.next();
        if (!frame) return std::nullopt;
        if (*frame) return std::vector((*frame)->begin(), (*frame)->end());
        const std::size_t n = read(framer_.space());
        if (n == 0) return std::nullopt;
        framer_.commit(n);
    }
}

}  // namespace turnbuckle::test
