// A TURN client over TCP with a socket of its own: a control connection, or a data connection of
// RFC 6062, which carries plain bytes once it is bound. Composed of words, as UdpClient is.
//
// Blocking, with a time limit on each call. Used by one thread. Constructing one throws
// std::system_error if the server cannot be reached.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/net/file_descriptor.hpp"
#include "turnbuckle/stun/stream_framer.hpp"

#include "integration/udp_client.hpp"
#include "support/stun_client.hpp"

namespace turnbuckle::test {

class TcpClient {
public:
    using Words = UdpClient::Words;

    TcpClient(const Endpoint& server, const Credential& credential);

    // Sends the request and follows a challenge. What the answer says; empty if none comes.
    Words request(const Words& words);
    bool granted(const Words& words);
    // The next message that is no answer, as words; empty if none comes.
    Words indication();

    // Plain bytes, behind a successful connection_bind. False: the connection has ended.
    bool send(ByteView bytes);
    // Exactly `count` bytes; fewer only at the end of the stream, or when time is over.
    std::vector<std::uint8_t> receive(std::size_t count);

    [[nodiscard]] Endpoint relayed() const { return words_.relayed().front(); }
    [[nodiscard]] StunClient& words() noexcept { return words_; }

private:
    [[nodiscard]] std::optional<std::vector<std::uint8_t>> next_frame();
    [[nodiscard]] std::size_t read(MutableBytes into);

    net::FileDescriptor socket_;
    StunClient words_;
    stun::StreamFramer framer_;
    std::vector<std::vector<std::uint8_t>> indications_;
};

}  // namespace turnbuckle::test
