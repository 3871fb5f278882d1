// Connections on a listener with `web` that are not for TURN: passed through to the web server
// behind it, byte for byte, so that both share one port.
//
// The backend gets a PROXY header of version 2 first, with the client's own address, and then what
// the client has sent so far. One per worker, on its thread, which gives it the poller's events.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "turnbuckle/base/log_limiter.hpp"
#include "turnbuckle/net/poller.hpp"
#include "turnbuckle/net/statistics.hpp"
#include "turnbuckle/net/stream_pair.hpp"
#include "turnbuckle/server/stream.hpp"
#include "turnbuckle/server/streams.hpp"

namespace turnbuckle::server {

class Passages {
public:
    struct Parts {
        net::Poller& poller;
        net::Statistics& io_statistics;
    };

    // How long the backend may take to accept a connection.
    static constexpr Duration kConnectTimeout = std::chrono::seconds(10);

    explicit Passages(Parts parts) noexcept : parts_(parts) {}
    Passages(const Passages&) = delete;
    Passages& operator=(const Passages&) = delete;

    // A stream that departed to Web, from a listener with this backend.
    void open(std::unique_ptr<Stream> stream, const WebBackend& backend, Time now);
    // The poller's events, of Watch::Passage (Client) and Watch::PassageBackend (Peer).
    void serve(net::StreamPair::Side side, std::uint32_t index, const net::Poller::Ready& ready);
    // At least once a second.
    void keep_house(Time now);

    [[nodiscard]] std::size_t size() const noexcept { return passages_.size() - free_.size(); }

private:
    struct Passage {
        std::unique_ptr<Stream> stream;  // until the backend has accepted
        net::FileDescriptor backend;     // likewise
        Time deadline{};
        std::unique_ptr<net::StreamPair> pair;
    };

    [[nodiscard]] Passage* find(std::uint32_t index) noexcept;
    void close(std::uint32_t index);
    void connected(std::uint32_t index);
    void settle(std::uint32_t index, net::StreamPair::State state);
    void complain(const Stream& stream, std::string_view reason, Time now);

    Parts parts_;
    net::PipePool pipes_;
    std::vector<std::unique_ptr<Passage>> passages_;
    std::vector<std::uint32_t> free_;
    LogLimiter failures_;
};

}  // namespace turnbuckle::server
