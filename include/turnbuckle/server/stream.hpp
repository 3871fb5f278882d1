// A client's TCP or TLS connection, from the accepted socket on: its state, without behaviour.
//
// Owned by the worker's Streams, until it leaves them: bound to a peer's connection (RFC 6062),
// moved to the worker that knows that connection, or passed through to a web server. Whoever takes
// it over finds what has been read and not used, and what has been queued and not written.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/base/time.hpp"
#include "turnbuckle/net/file_descriptor.hpp"
#include "turnbuckle/net/poller.hpp"
#include "turnbuckle/net/tls_session.hpp"
#include "turnbuckle/server/connection_limits.hpp"
#include "turnbuckle/server/frame_queue.hpp"
#include "turnbuckle/stun/stream_framer.hpp"
#include "turnbuckle/turn/client_path.hpp"

namespace turnbuckle::server {

struct Stream {
    enum class Phase : std::uint8_t {
        ProxyHeader,  // from a trusted proxy: who it forwards for comes first
        FirstByte,    // tells what is spoken
        Handshake,    // TLS
        Frames,
        Departing,  // leaves this worker's Streams at the end of the round; nothing more is read
    };

    net::FileDescriptor fd;
    turn::ClientPath path;
    std::uint32_t listener = 0;
    Phase phase = Phase::FirstByte;

    // Proven: the client has an allocation. Until then it holds a place and has a deadline.
    bool proven = false;
    ConnectionLimits::Ticket place;
    Time deadline{};

    std::unique_ptr<net::TlsSession> tls;  // none: plain TCP
    std::vector<std::uint8_t> prelude;     // read before it was known what is spoken
    stun::StreamFramer framer;

    FrameQueue queue;                // plain
    std::vector<std::uint8_t> wire;  // encrypted, what the socket did not take
    net::Interest interest = net::kReadable;
    bool touched = false;  // in line for the flush

    // Where it departs to, and with what.
    struct Departure {
        enum class To : std::uint8_t { Peer, Worker, Web };
        To to = To::Peer;
        turn::PeerConnection peer{};
        std::uint8_t worker = 0;
        std::vector<std::uint8_t> request{};  // to Worker: given to the engine there first
        std::vector<std::uint8_t>
            rest{};  // what the client sent behind it, decrypted; to Web: all of it, raw
    };
    std::optional<Departure> departure;
};

}  // namespace turnbuckle::server
