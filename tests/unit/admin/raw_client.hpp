// A TCP client for the tests of the admin server: sends any bytes, reads until the server closes.
//
// Blocking, with a deadline on every read, so that a server that hangs fails the test instead of
// hanging it. One per connection; the destructor closes it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "turnbuckle/base/address.hpp"

namespace turnbuckle::admin::testing {

class RawClient {
public:
    explicit RawClient(const Endpoint& server) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        const timeval deadline{.tv_sec = 10, .tv_usec = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(server.port);
        to.sin_addr.s_addr = htonl(load_be32(server.ip.bytes().data()));
        if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
            ::close(fd_);
            throw std::runtime_error("cannot connect to " + server.to_string());
        }
    }
    RawClient(RawClient&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), pending_(std::move(other.pending_)) {}
    RawClient& operator=(RawClient&&) = delete;
    ~RawClient() {
        if (fd_ >= 0) ::close(fd_);
    }

    // False once the server has reset the connection.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n < 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }

    // Everything until the server closes; throws if it does not.
    std::string read_all() {
        while (read_some()) {
        }
        return std::exchange(pending_, {});
    }

    // One response to a GET: the header and as much body as it announces; short if the server
    // closes before. What follows is kept.
    std::string read_response(bool head = false) {
        std::size_t header = 0;
        while ((header = pending_.find("\r\n\r\n")) == std::string::npos) {
            if (!read_some()) return std::exchange(pending_, {});
        }
        std::size_t size = header + 4;
        constexpr std::string_view kLength = "Content-Length: ";
        const std::size_t length = pending_.find(kLength);
        if (!head && length < header) size += std::stoul(pending_.substr(length + kLength.size()));
        while (pending_.size() < size) {
            if (!read_some()) return std::exchange(pending_, {});
        }
        std::string response = pending_.substr(0, size);
        pending_.erase(0, size);
        return response;
    }

    // The server closed with a reset, which can take what it sent last with it.
    [[nodiscard]] bool was_reset() const noexcept { return was_reset_; }

private:
    bool read_some() {
        char buffer[4096];
        const ssize_t n = ::recv(fd_, buffer, sizeof(buffer), 0);
        if (n < 0 && errno == ECONNRESET) {
            was_reset_ = true;
            return false;
        }
        if (n < 0) throw std::runtime_error("the server neither answers nor closes");
        pending_.append(buffer, static_cast<std::size_t>(n));
        return n > 0;
    }

    int fd_;
    std::string pending_;
    bool was_reset_ = false;
};

}  // namespace turnbuckle::admin::testing
