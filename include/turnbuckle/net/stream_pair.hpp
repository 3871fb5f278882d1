// Two connections as one: a client's, plain or TLS, and another's; bytes go both ways as they come.
//
// RFC 6062 section 3: "End-to-end flow control is maintained by the relay process". A side that
// does not read stops the other from being read; the end of one side's stream is passed on (FIN, or
// close_notify and FIN) while the other direction goes on. Plain pairs are spliced inside the
// kernel, TLS goes through memory, one record ahead. Owns both sockets and watches them with the
// poller under the tokens it is given. One thread; nothing throws because of the network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/net/file_descriptor.hpp"
#include "turnbuckle/net/poller.hpp"
#include "turnbuckle/net/splice_pump.hpp"
#include "turnbuckle/net/tls_session.hpp"

namespace turnbuckle::net {

class StreamPair {
public:
    enum class Side : std::uint8_t { Client, Peer };
    enum class State : std::uint8_t {
        Open,
        Ended,   // both directions have ended in good order
        Failed,  // a side broke
    };

    // Neither descriptor is in the poller yet. `tls` is the client's session, nothing for plain
    // TCP.
    StreamPair(Poller& poller, PipePool& pipes, FileDescriptor client, std::uint64_t client_token,
               FileDescriptor peer, std::uint64_t peer_token, std::unique_ptr<TlsSession> tls);
    StreamPair(const StreamPair&) = delete;
    StreamPair& operator=(const StreamPair&) = delete;
    // Closes both, after passing on what can be at once. A pair that failed is reset, so that
    // nobody takes a part for the whole.
    ~StreamPair();

    // What goes before everything else, before start(): bytes that the client sent already
    // (decrypted), and bytes for the client's socket that have not left it yet (encrypted).
    void put_first_to_peer(ByteView bytes);
    void put_first_on_client_wire(ByteView bytes);

    // Moves what there is, and watches for more.
    [[nodiscard]] State start();
    // An event of one side's socket.
    [[nodiscard]] State serve(Side side, const Poller::Ready& ready);

    // Bytes that have been passed on since it was last asked.
    [[nodiscard]] std::size_t take_moved_to_peer() noexcept {
        return std::exchange(moved_to_peer_, 0);
    }
    [[nodiscard]] std::size_t take_moved_to_client() noexcept {
        return std::exchange(moved_to_client_, 0);
    }
    // Bytes of its own memory, not of OpenSSL's.
    [[nodiscard]] std::size_t held() const noexcept {
        return plaintext_.capacity() + wire_.capacity();
    }

private:
    struct End {
        FileDescriptor fd;
        std::uint64_t token = 0;
        Interest interest{};
        bool watched = false;
    };

    void move_to_peer();
    void move_to_client();
    [[nodiscard]] Flow decrypt();
    [[nodiscard]] std::optional<Flow> read_client();
    [[nodiscard]] Flow encrypt();
    [[nodiscard]] std::optional<Flow> read_peer();
    [[nodiscard]] State watch();
    void watch(End& end, Interest wanted);

    Poller& poller_;
    PipePool& pipes_;
    End client_;
    End peer_;
    std::unique_ptr<TlsSession> tls_;
    Flow to_peer_ = Flow::Source;
    Flow to_client_ = Flow::Source;
    SplicePump pump_to_peer_;
    SplicePump pump_to_client_;
    std::size_t uncounted_ = 0;  // bytes for the client's wire that no peer sent
    std::size_t moved_to_peer_ = 0;
    std::size_t moved_to_client_ = 0;

    // TLS only: what the sockets did not take.
    std::vector<std::uint8_t> plaintext_;
    std::size_t plaintext_begin_ = 0;
    std::vector<std::uint8_t> wire_;
    std::size_t wire_begin_ = 0;
    bool client_ended_ = false;
    bool peer_ended_ = false;
    bool said_goodbye_ = false;
};

}  // namespace turnbuckle::net
