// Real sockets on loopback, virtual time, and an owner that only takes notes.
#include "turnbuckle/server/streams.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "turnbuckle/net/proxy_protocol.hpp"
#include "turnbuckle/net/socket_address.hpp"
#include "turnbuckle/server/link_kind.hpp"
#include "turnbuckle/server/watch.hpp"
#include "turnbuckle/stun/types.hpp"

#include "support/deterministic_random.hpp"
#include "support/fake_host.hpp"

namespace turnbuckle::server {
namespace {

using namespace std::chrono_literals;

using Bytes = std::vector<std::uint8_t>;
using net::ConnectionEnd;

constexpr int kPatienceMilliseconds = 5000;
const Endpoint kAnywhere{IpAddress::v4(127, 0, 0, 1), 0};

constexpr std::size_t kTagAt = 8;
constexpr std::size_t kBodyAt = stun::kHeaderSize;

// A STUN message with a tag and a body.
Bytes frame(std::uint16_t tag, std::size_t length) {
    Bytes bytes(kBodyAt + padded_to_4(length), 0);
    store_be16(bytes.data(), message_type(stun::MessageClass::Indication, stun::Method::Binding));
    store_be16(bytes.data() + 2, static_cast<std::uint16_t>(padded_to_4(length)));
    store_be32(bytes.data() + 4, stun::kMagicCookie);
    store_be16(bytes.data() + kTagAt, tag);
    return bytes;
}

Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts)
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

// A blocking client.
class Client {
public:
    explicit Client(const Endpoint& server, const Endpoint& from = kAnywhere,
                    int receive_buffer = 0)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        net::SocketAddress address{};
        if (receive_buffer != 0)
            ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        socklen_t length = to_socket_address(from, address);
        if (::bind(fd_.get(), &address.any, length) != 0) throw std::runtime_error("bind");
        length = to_socket_address(server, address);
        if (::connect(fd_.get(), &address.any, length) != 0) throw std::runtime_error("connect");
    }

    void send(ByteView bytes) const {
        if (::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(bytes.size()))
            throw std::runtime_error("send");
    }
    // What there is, waiting for the first of it; empty at the end of the stream.
    [[nodiscard]] Bytes receive() const {
        Bytes bytes(1 << 20);
        pollfd entry{fd_.get(), POLLIN, 0};
        if (::poll(&entry, 1, kPatienceMilliseconds) != 1) throw std::runtime_error("nothing came");
        const ssize_t n = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
        bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return bytes;
    }
    [[nodiscard]] bool is_closed() const { return receive().empty(); }
    void close() { fd_.reset(); }

private:
    net::FileDescriptor fd_;
};

class Notes final : public StreamOwner {
public:
    struct Frame {
        turn::ClientPath from;
        Bytes bytes;
    };

    void on_frame(const turn::ClientPath& from, ByteView bytes, Time) override {
        frames.push_back({from, {bytes.begin(), bytes.end()}});
        if (react) react(from);
    }
    void on_stream_closed(const turn::ClientPath& from, Time) override { closed.push_back(from); }
    void on_stream_departed(std::unique_ptr<Stream> stream, Time) override {
        departed.push_back(std::move(stream));
    }

    std::vector<Frame> frames;
    std::vector<turn::ClientPath> closed;
    std::vector<std::unique_ptr<Stream>> departed;
    std::function<void(const turn::ClientPath&)> react;
};

struct Setup {
    turn::Transport transport = turn::Transport::Tcp;
    std::vector<Cidr> trusted_proxies{};
    ConnectionLimits::Limits limits{};
    FrameQueueLimits queue{};
};

class Rig {
public:
    explicit Rig(Setup setup = {})
        : limits_(setup.limits),
          streams(Streams::Parts{engine_, poller_, sender_, statistics, io, limits_, notes},
                  listeners(setup), setup.queue) {}

    [[nodiscard]] Endpoint server() { return streams.listeners().front().socket.local(); }

    // As the worker's loop, until nothing happens any more, or `done`.
    void run(const std::function<bool()>& done = {}) {
        const auto deadline = std::chrono::steady_clock::now() + 5s;
        for (;;) {
            const auto ready = poller_.wait(done ? Duration(10ms) : Duration(0));
            for (const auto& each : ready) {
                if (watch_of(each.token) == Watch::StreamListener) {
                    streams.accept(index_of(each.token), now);
                } else {
                    streams.serve(index_of(each.token), each, now);
                }
            }
            streams.flush(now);
            if (done ? done() : ready.empty()) return;
            if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("not done");
        }
    }
    void run_until_frames(std::size_t count) {
        run([&] { return notes.frames.size() >= count; });
    }
    void run_until_closed(ConnectionEnd reason) {
        run([&] { return io.streams.closed[reason].value() > 0; });
    }
    void pass(Duration time) {
        now += time;
        streams.keep_house(now);
    }

    Time now = Time{} + 1h;
    turn::Statistics statistics;
    net::Statistics io;
    Notes notes;

private:
    static std::vector<StreamListener> listeners(const Setup& setup) {
        std::vector<StreamListener> result;
        result.push_back({*net::open_tcp_listener(kAnywhere),
                          setup.transport,
                          {},
                          setup.trusted_proxies,
                          std::nullopt});
        return result;
    }

    test::DeterministicRandom random_{1};
    turn::NonceAuthority nonces_{Secret(std::string(turn::NonceAuthority::kMasterKeyLength, 'k')),
                                 std::chrono::hours(1)};
    turn::Quota quota_{{}};
    test::FakeHost host_;
    turn::Engine engine_{std::make_shared<turn::EngineConfig>(),
                         turn::EngineDependencies{random_, nonces_, quota_, host_, statistics},
                         now};
    net::Poller poller_;
    net::UdpSender sender_{io, [](net::SendError, const net::SendItem&) {}};
    ConnectionLimits limits_;

public:
    Streams streams;
};

TEST(Streams, CutTheStreamIntoFramesHoweverItComes) {
    Rig rig;
    const Client client(rig.server());
    const std::vector<Bytes> sent{frame(0x4000, 5), frame(0x4001, 0), frame(0x4002, 1000)};
    client.send(joined({sent[0], sent[1], sent[2]}));
    rig.run_until_frames(3);
    for (const std::uint8_t byte : sent[2]) {
        client.send({&byte, 1});
        rig.run();
    }
    rig.run_until_frames(4);
    ASSERT_EQ(rig.notes.frames.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_EQ(rig.notes.frames[i].bytes, sent[std::min<std::size_t>(i, 2)]) << i;
    EXPECT_EQ(rig.notes.frames[0].from.tuple.transport, turn::Transport::Tcp);
    EXPECT_EQ(rig.notes.frames[0].from.tuple.server, rig.server());
}

TEST(Streams, WhatBreaksTheRulesEndsThatConnectionOnly) {
    Rig rig;
    const Client good(rig.server());
    const Client bad(rig.server());
    good.send(frame(0x4000, 8));
    bad.send(joined({frame(0x4001, 8), Bytes{0xff, 0xff}}));
    rig.run_until_closed(ConnectionEnd::BadFrame);
    EXPECT_FALSE(bad.receive().size() > 0);
    ASSERT_EQ(rig.notes.closed.size(), 1U);
    good.send(frame(0x4002, 8));
    rig.run_until_frames(3);
    EXPECT_EQ(rig.streams.size(), 1U);
}

TEST(Streams, AnotherProtocolIsClosedAtItsFirstByte) {
    for (const char* opening : {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01", "\xff", "\x40"}) {
        Rig rig;
        const Client client(rig.server());
        client.send(as_bytes(std::string_view(opening)));
        rig.run_until_closed(ConnectionEnd::NotTurn);
        EXPECT_TRUE(client.is_closed());
    }
}

TEST(Streams, PlainStunIsClosedWhereTlsIsSpoken) {
    Rig rig({.transport = turn::Transport::Tls});
    const Client client(rig.server());
    client.send(Bytes(20, 0));
    rig.run_until_closed(ConnectionEnd::NotTurn);
    EXPECT_TRUE(client.is_closed());
}

TEST(Streams, AClientThatClosesIsReportedAtOnce) {
    Rig rig;
    Client client(rig.server());
    client.send(frame(0x4000, 8));
    rig.run_until_frames(1);
    client.close();
    rig.run_until_closed(ConnectionEnd::ClosedByClient);
    ASSERT_EQ(rig.notes.closed.size(), 1U);
    EXPECT_EQ(rig.notes.closed[0].tuple, rig.notes.frames[0].from.tuple);
    EXPECT_EQ(rig.io.streams.open[turn::Transport::Tcp].value(), 0);
}

TEST(Streams, WithoutAnAllocationAConnectionLivesTenSeconds) {
    Rig rig;
    const Client silent(rig.server());
    rig.run([&] { return rig.streams.size() == 1; });
    rig.pass(5s);
    const Client talking(rig.server());
    talking.send(frame(0x4000, 8));
    rig.run_until_frames(1);
    rig.pass(4999ms);
    EXPECT_EQ(rig.streams.size(), 2U);
    rig.pass(1ms);
    EXPECT_EQ(rig.streams.size(), 1U);
    EXPECT_TRUE(silent.is_closed());
    rig.pass(5s);
    EXPECT_EQ(rig.streams.size(), 0U);
    EXPECT_EQ(rig.io.streams.closed[ConnectionEnd::Unauthenticated].value(), 2U);
}

TEST(Streams, APrefixWithTooManyConnectionsIsRefused) {
    Rig rig({.limits = {.per_prefix = 2, .total = 100}});
    const Client first(rig.server()), second(rig.server()), third(rig.server());
    rig.run([&] { return rig.io.streams.refused[net::ConnectionRefusal::SourcePrefix].value(); });
    EXPECT_EQ(rig.streams.size(), 2U);
    EXPECT_TRUE(third.is_closed());
    const Client elsewhere(rig.server(), {IpAddress::v4(127, 0, 9, 1), 0});
    rig.run([&] { return rig.streams.size() == 3; });
}

TEST(Streams, WhoWaitsLongestMakesRoomForWhoComes) {
    Rig rig({.limits = {.per_prefix = 100, .total = 2}});
    const Client first(rig.server());
    rig.run([&] { return rig.streams.size() == 1; });
    const Client second(rig.server());
    rig.run([&] { return rig.streams.size() == 2; });
    const Client third(rig.server());
    rig.run_until_closed(ConnectionEnd::PushedOut);
    EXPECT_TRUE(first.is_closed());
    third.send(frame(0x4000, 8));
    second.send(frame(0x4000, 8));
    rig.run_until_frames(2);
}

TEST(Streams, AClientThatIsAloneOutlivesAFlood) {
    Rig rig({.limits = {.per_prefix = 100, .total = 3}});
    const Client alone(rig.server(), {IpAddress::v4(127, 0, 9, 1), 0});
    rig.run([&] { return rig.streams.size() == 1; });
    std::vector<Client> flood;
    for (int i = 0; i < 2; ++i)
        flood.emplace_back(rig.server());
    rig.run([&] { return rig.streams.size() == 3; });
    flood.emplace_back(rig.server());
    rig.run_until_closed(ConnectionEnd::PushedOut);
    alone.send(frame(0x4000, 8));
    rig.run_until_frames(1);
    EXPECT_EQ(rig.notes.frames[0].from.tuple.client.ip, IpAddress::v4(127, 0, 9, 1));
}

TEST(Streams, ATrustedProxySaysWhoTheClientIs) {
    const Endpoint real{*IpAddress::parse("192.0.2.7"), 4711};
    Bytes v2(net::kMaxWrittenProxyHeader);
    v2.resize(net::write_proxy_v2(v2, real, kAnywhere, net::ProxyTransport::Stream));
    const std::string_view v1 = "PROXY TCP4 192.0.2.7 127.0.0.1 4711 3478\r\n";
    for (const Bytes& header : {v2, Bytes(as_bytes(v1).begin(), as_bytes(v1).end())}) {
        Rig rig({.trusted_proxies = {*Cidr::parse("127.0.0.0/8")}});
        const Client proxy(rig.server());
        for (const std::uint8_t byte : header) {
            proxy.send({&byte, 1});
            rig.run();
        }
        proxy.send(frame(0x4000, 8));
        rig.run_until_frames(1);
        EXPECT_EQ(rig.notes.frames[0].from.tuple.client, real);
        EXPECT_EQ(rig.notes.frames[0].from.tuple.server, rig.server());
    }
}

TEST(Streams, ATrustedProxyWithoutAHeaderIsClosed) {
    Rig rig({.trusted_proxies = {*Cidr::parse("127.0.0.0/8")}});
    const Client proxy(rig.server());
    proxy.send(frame(0x4000, 20));
    rig.run_until_closed(ConnectionEnd::BadProxyHeader);
}

TEST(Streams, NobodyElseMaySendAHeader) {
    Rig rig({.trusted_proxies = {*Cidr::parse("10.0.0.0/8")}});
    const Client client(rig.server());
    client.send(as_bytes(std::string_view("PROXY TCP4 192.0.2.7 127.0.0.1 4711 3478\r\n")));
    rig.run_until_closed(ConnectionEnd::NotTurn);
}

TEST(Streams, AKeyFrameReachesAHealthyClientWhole) {
    Rig rig;
    const Client client(rig.server());
    client.send(frame(0x4000, 0));
    rig.run_until_frames(1);
    const auto link = index_of(rig.notes.frames[0].from.link);
    Bytes expected;
    for (int i = 0; i < 437; ++i) {
        const Bytes packet = frame(0x4000, 1200);
        rig.streams.send(link, packet, {}, 0, rig.now);
        expected.insert(expected.end(), packet.begin(), packet.end());
    }
    ASSERT_GT(expected.size(), 500U * 1024);
    Bytes received;
    rig.run([&] {
        const Bytes more = client.receive();
        received.insert(received.end(), more.begin(), more.end());
        return received.size() >= expected.size();
    });
    EXPECT_EQ(received, expected);
    EXPECT_EQ(rig.statistics.drops[static_cast<std::size_t>(turn::DropReason::SlowClient)].value(),
              0U);
}

TEST(Streams, AClientThatDoesNotReadLosesWholeFramesAndNobodyWaits) {
    Rig rig({.queue = {.bytes = 64 * 1024, .age = 2s}});
    const Client slow(rig.server(), kAnywhere, 64 * 1024);
    slow.send(frame(0x4000, 0));
    rig.run_until_frames(1);
    const auto link = index_of(rig.notes.frames[0].from.link);
    const auto lost = [&] {
        return rig.statistics.drops[static_cast<std::size_t>(turn::DropReason::SlowClient)].value();
    };
    std::uint16_t sent = 0;
    for (; lost() < 100; ++sent) {
        Bytes packet = frame(0x4000, 1001);
        store_be16(packet.data() + kBodyAt, sent);
        rig.streams.send(link, packet, {}, 0, rig.now);
        rig.streams.flush(rig.now);
        ASSERT_LT(sent, 60'000) << "what it does not read piles up somewhere";
    }
    // What waited too long goes as well; the last frame comes through behind it.
    rig.now += 3s;
    rig.streams.send(link, frame(0x4001, 0), {}, 0, rig.now);
    stun::StreamFramer framer;
    std::size_t whole = 0;
    bool last = false;
    rig.run([&] {
        ByteView bytes;
        const Bytes more = slow.receive();
        bytes = more;
        while (!bytes.empty()) {
            const MutableBytes space = framer.space();
            const std::size_t count = std::min(space.size(), bytes.size());
            std::copy_n(bytes.begin(), count, space.begin());
            framer.commit(count);
            bytes = bytes.subspan(count);
            for (;;) {
                const auto next = framer.next();
                if (!next) throw std::runtime_error("the stream is broken");
                if (!*next) break;
                ++whole;
                last = load_be16((*next)->data() + kTagAt) == 0x4001;
            }
        }
        return last;
    });
    EXPECT_GT(whole, 1U);
    EXPECT_EQ(framer.buffered(), 0U);
    EXPECT_EQ(whole - 1 + lost(), sent) << "each frame arrived whole or was counted";
}

TEST(Streams, HandOverTakesTheRequestAndWhatCameBehindItAlong) {
    Rig rig;
    const Client client(rig.server());
    rig.notes.react = [&](const turn::ClientPath& from) {
        rig.streams.hand_over(index_of(from.link), 3);
        rig.notes.react = {};
    };
    client.send(joined({frame(0x4000, 8), frame(0x4001, 8), Bytes{0x00}}));
    rig.run([&] { return !rig.notes.departed.empty(); });
    ASSERT_EQ(rig.notes.frames.size(), 1U);
    auto stream = std::move(rig.notes.departed[0]);
    EXPECT_EQ(stream->departure->worker, 3U);
    EXPECT_EQ(stream->departure->request, frame(0x4000, 8));
    EXPECT_EQ(stream->departure->rest, joined({frame(0x4001, 8), Bytes{0x00}}));
    EXPECT_EQ(rig.streams.size(), 0U);
    EXPECT_TRUE(rig.notes.closed.empty());

    Rig other;
    other.streams.adopt(std::move(stream), other.now);
    ASSERT_EQ(other.notes.frames.size(), 2U);
    EXPECT_EQ(other.notes.frames[0].bytes, frame(0x4000, 8));
    EXPECT_EQ(other.notes.frames[1].bytes, frame(0x4001, 8));
    client.send(ByteView(frame(0x4000, 8)).subspan(1));
    other.run_until_frames(3);
}

TEST(Streams, BindLeavesBehindTheAnswerThatWasSentFirst) {
    Rig rig;
    const Client client(rig.server());
    rig.notes.react = [&](const turn::ClientPath& from) {
        rig.streams.send(index_of(from.link), frame(0x4005, 4), {}, 0, rig.now);
        rig.streams.bind(index_of(from.link), turn::PeerConnection{7});
    };
    client.send(joined({frame(0x4000, 8), Bytes{1, 2, 3}}));
    rig.run([&] { return !rig.notes.departed.empty(); });
    EXPECT_EQ(client.receive(), frame(0x4005, 4));
    const auto& departure = *rig.notes.departed[0]->departure;
    EXPECT_EQ(departure.peer, turn::PeerConnection{7});
    EXPECT_EQ(departure.rest, (Bytes{1, 2, 3}));
}

TEST(Streams, OutOfDescriptorsTheListenerRestsAndRecovers) {
    Rig rig;
    const Client waiting(rig.server());
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit none = before;
    none.rlim_cur = 0;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    rig.run([&] { return rig.io.streams.refused[net::ConnectionRefusal::NoDescriptors].value(); });
    rig.run();  // ends: nobody is told again and again of what can't be helped
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(rig.streams.size(), 0U);
    rig.pass(1s);
    rig.run([&] { return rig.streams.size() == 1; });
}

}  // namespace
}  // namespace turnbuckle::server
