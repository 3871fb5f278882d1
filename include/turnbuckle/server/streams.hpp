// One worker's TCP and TLS connections with clients (RFC 8489 sections 6.2.2 and 6.2.3, RFC 8656
// section 2.1): accepted, told apart by their first bytes, cut into frames, written to, limited.
//
// On the worker's thread, driven by its poller. A frame is given to the owner at once; its bytes
// stay until flush(), which also writes what has been queued: once for each connection and round,
// however many packets that is. Nothing here waits, and no client waits for another: a connection
// is read once in a round, and handshakes, which cost the most, have a budget for each round.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/log_limiter.hpp"
#include "turnbuckle/net/statistics.hpp"
#include "turnbuckle/net/tcp_socket.hpp"
#include "turnbuckle/net/udp_sender.hpp"
#include "turnbuckle/server/stream.hpp"
#include "turnbuckle/turn/engine.hpp"

namespace turnbuckle::server {

struct WebBackend {
    Endpoint endpoint;
};

// One of a worker's listening TCP sockets, and what its configuration says.
struct StreamListener {
    net::TcpListener socket;
    turn::Transport transport = turn::Transport::Tcp;
    // The listener's certificates as they are now; empty: no TLS here.
    std::function<std::shared_ptr<const net::TlsContext>()> tls;
    std::vector<Cidr> trusted_proxies;
    std::optional<WebBackend> web;
};

// The worker, as its streams see it. Called from within Streams; must not call back into it except
// send(), bind() and hand_over().
class StreamOwner {
public:
    virtual ~StreamOwner() = default;

    virtual void on_frame(const turn::ClientPath& from, ByteView frame, Time now) = 0;
    virtual void on_stream_closed(const turn::ClientPath& from, Time now) = 0;
    // It has left: its index is free, its socket is no longer watched here.
    virtual void on_stream_departed(std::unique_ptr<Stream> stream, Time now) = 0;
};

class Streams {
public:
    struct Parts {
        turn::Engine& engine;
        net::Poller& poller;
        net::UdpSender& sender;
        turn::Statistics& statistics;
        net::Statistics& io_statistics;
        ConnectionLimits& limits;
        StreamOwner& owner;
    };

    // How long a connection may live without an allocation.
    static constexpr Duration kUnprovenLifetime = std::chrono::seconds(10);

    Streams(Parts parts, std::vector<StreamListener> listeners, FrameQueueLimits queue_limits);

    // The poller's events.
    void accept(std::uint32_t listener, Time now);
    void serve(std::uint32_t index, const net::Poller::Ready& ready, Time now);

    // Queues a frame for the client; dropped and counted if it reads too slowly or has gone.
    void send(std::uint32_t index, ByteView header, ByteView payload, std::size_t padding,
              Time now);
    // RFC 6062: the connection carries bytes to and from `peer` from now on; leaves at the flush.
    void bind(std::uint32_t index, turn::PeerConnection peer);
    // It leaves for another worker, with the frame that the owner is looking at.
    void hand_over(std::uint32_t index, std::uint8_t worker);
    // A connection that another worker handed over: what it brings is read at once.
    void adopt(std::unique_ptr<Stream> stream, Time now);

    // Writes what is queued and frees what frames lay in; the sender has been flushed before.
    void flush(Time now);
    // Closes what is overdue; at least once a second.
    void keep_house(Time now);
    // The server ends: tells every client, as far as its protocol has words for it.
    void close_all(Time now);
    void set_queue_limits(const FrameQueueLimits& limits) noexcept { queue_limits_ = limits; }

    [[nodiscard]] std::span<StreamListener> listeners() noexcept { return listeners_; }
    [[nodiscard]] std::size_t size() const noexcept { return streams_.size() - free_.size(); }

private:
    // Reads of one connection before the others have their turn again.
    static constexpr std::size_t kReadSize = 64 * 1024;
    // Bytes that are encrypted ahead of the socket: they can no longer be dropped.
    static constexpr std::size_t kWriteSize = 64 * 1024;
    static constexpr std::size_t kTlsRecordSize = 16384;
    // Handshake steps in one round: a signature takes up to a millisecond (RSA).
    static constexpr unsigned kHandshakesPerRound = 4;
    static constexpr int kAcceptsPerRound = 32;
    // Of so many that have waited longest, one has to go when there is no place left.
    static constexpr std::size_t kCandidates = 16;

    // Why a connection has to be closed, if it has to.
    using End = std::optional<net::ConnectionEnd>;

    // streams.cpp: the table, who is let in and who has to go
    [[nodiscard]] Stream* find(std::uint32_t index) noexcept;
    std::uint32_t add(std::unique_ptr<Stream> stream);
    std::unique_ptr<Stream> remove(std::uint32_t index);
    void close(std::uint32_t index, net::ConnectionEnd reason, Time now);
    void welcome(net::AcceptedStream accepted, std::uint32_t listener, Time now);
    [[nodiscard]] bool give_place(Stream& stream, Time now);
    bool push_out_one(Time now);
    void expect_proof(Stream& stream, Time now);
    void look_for_proof(Stream& stream) noexcept;
    void audit(Time now);
    void pause(std::uint32_t listener, Time now);

    // stream_reading.cpp
    [[nodiscard]] End read(Stream& stream, Time now);
    [[nodiscard]] End read_socket(Stream& stream, MutableBytes into, std::size_t& count);
    [[nodiscard]] End take(Stream& stream, ByteView bytes, Time now);
    [[nodiscard]] End take_proxy_header(Stream& stream, Time now);
    [[nodiscard]] End tell_what_is_spoken(Stream& stream);
    [[nodiscard]] End take_plain(Stream& stream, ByteView bytes, Time now);
    [[nodiscard]] End take_encrypted(Stream& stream, ByteView bytes, Time now);
    [[nodiscard]] End after_records(Stream& stream);
    [[nodiscard]] End take_frames(Stream& stream, Time now);
    [[nodiscard]] MutableBytes room_for_plaintext(Stream& stream);
    void depart(Stream& stream, Stream::Departure departure);

    // stream_writing.cpp
    void touch(Stream& stream);
    [[nodiscard]] End write(Stream& stream, Time now);
    [[nodiscard]] End write_plain(Stream& stream);
    [[nodiscard]] End write_encrypted(Stream& stream);
    [[nodiscard]] std::optional<std::size_t> write_socket(Stream& stream, ByteView bytes);
    void watch(Stream& stream);
    void say_goodbye(Stream& stream);
    void leave(std::uint32_t index, Time now);

    Parts parts_;
    std::vector<StreamListener> listeners_;
    FrameQueueLimits queue_limits_;
    std::vector<std::unique_ptr<Stream>> streams_;
    std::vector<std::uint32_t> free_;
    // Connections without an allocation in the order of their deadlines; some entries are outdated.
    struct Unproven {
        std::uint32_t index;
        Time deadline;
    };
    std::deque<Unproven> unproven_;
    std::vector<std::uint32_t> touched_;  // read or to be written in this round
    std::vector<std::uint32_t> paused_listeners_;
    std::size_t audited_ = 0;
    unsigned handshakes_left_ = kHandshakesPerRound;
    std::vector<std::uint8_t> wire_;  // one connection's ciphertext while it is written
    std::unique_ptr<std::uint8_t[]> read_buffer_;
    ByteView frame_;  // what the owner is looking at
    LogLimiter refusals_;
};

}  // namespace turnbuckle::server
