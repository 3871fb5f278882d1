// A TURN client with a UDP socket of its own, for tests that need many of them or fast ones. What
// it says is composed by test::StunClient from words (tests/scenarios/README.md).
//
// Blocking, with a time limit on each call. Used by one thread. Constructing one throws
// std::system_error if there is no socket to be had.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/base/time.hpp"
#include "turnbuckle/net/file_descriptor.hpp"

#include "support/stun_client.hpp"

namespace turnbuckle::test {

struct Credential {
    std::string user;
    std::string password;
};

class UdpClient {
public:
    using Words = std::vector<std::string>;

    UdpClient(const Endpoint& server, const Credential& credential);

    // Sends the request, again if it is lost, and follows a challenge. What the answer says; empty
    // if none comes. Data that comes meanwhile is kept for receive().
    Words request(const Words& words);
    // Whether the request was granted.
    bool granted(const Words& words);

    void send(ByteView datagram);
    // Data from a peer, as words; empty if none comes in time.
    Words receive(std::chrono::milliseconds timeout);

    [[nodiscard]] Endpoint relayed() const { return words_.relayed().front(); }
    [[nodiscard]] int fd() const noexcept { return socket_.get(); }
    [[nodiscard]] StunClient& words() noexcept { return words_; }

private:
    [[nodiscard]] std::optional<std::vector<std::uint8_t>> next(Time deadline);

    net::FileDescriptor socket_;
    StunClient words_;
    std::deque<std::vector<std::uint8_t>> inbox_;
};

}  // namespace turnbuckle::test
