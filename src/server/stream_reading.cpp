// What clients send over streams: who speaks for whom, what is spoken, and then frame by frame.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "turnbuckle/base/log.hpp"
#include "turnbuckle/net/proxy_protocol.hpp"
#include "turnbuckle/server/link_kind.hpp"
#include "turnbuckle/server/streams.hpp"
#include "turnbuckle/stun/classify.hpp"

namespace turnbuckle::server {

using net::ConnectionEnd;
using Phase = Stream::Phase;

namespace {

// Below this it is better to make room than to read a record in pieces.
constexpr std::size_t kSmallestTail = 2048;

}  // namespace

void Streams::serve(std::uint32_t index, const net::Poller::Ready& ready, Time now) {
    Stream* stream = find(index);
    if (stream == nullptr || stream->phase == Phase::Departing) return;
    if (ready.writable) touch(*stream);
    if (!ready.readable && !ready.error) return;
    if (const auto end = read(*stream, now)) close(index, *end, now);
}

Streams::End Streams::read(Stream& stream, Time now) {
    touch(stream);
    std::size_t count = 0;
    if (stream.phase == Phase::Frames && !stream.tls) {
        if (const auto end = read_socket(stream, stream.framer.space(), count)) return end;
        stream.framer.commit(count);
        return take_frames(stream, now);
    }
    // Level-triggered: who is left out now is told again in the next round.
    if (stream.phase == Phase::Handshake) {
        if (handshakes_left_ == 0) return std::nullopt;
        --handshakes_left_;
    }
    const MutableBytes buffer{read_buffer_.get(), kReadSize};
    if (const auto end = read_socket(stream, buffer, count)) return end;
    return take(stream, buffer.first(count), now);
}

Streams::End Streams::read_socket(Stream& stream, MutableBytes into, std::size_t& count) {
    auto& statistics = parts_.io_statistics.streams;
    const ssize_t n = ::recv(stream.fd.get(), into.data(), into.size(), MSG_DONTWAIT);
    statistics.read_calls.add();
    if (n > 0) {
        count = static_cast<std::size_t>(n);
        statistics.read_bytes.add(count);
        return std::nullopt;
    }
    // Nobody asks for anything any more: a connection that can only be written to has no use.
    if (n == 0) return ConnectionEnd::ClosedByClient;
    if (errno == EAGAIN || errno == EINTR) return std::nullopt;
    return ConnectionEnd::Reset;
}

Streams::End Streams::take(Stream& stream, ByteView bytes, Time now) {
    if (bytes.empty()) return std::nullopt;
    if (stream.phase == Phase::ProxyHeader || stream.phase == Phase::FirstByte) {
        stream.prelude.insert(stream.prelude.end(), bytes.begin(), bytes.end());
        if (stream.phase == Phase::ProxyHeader)
            if (const auto end = take_proxy_header(stream, now)) return end;
        if (stream.phase == Phase::ProxyHeader || stream.prelude.empty()) return std::nullopt;
        if (const auto end = tell_what_is_spoken(stream)) return end;
        const auto first = std::exchange(stream.prelude, {});
        return stream.tls ? take_encrypted(stream, first, now) : take_plain(stream, first, now);
    }
    return stream.tls ? take_encrypted(stream, bytes, now) : take_plain(stream, bytes, now);
}

Streams::End Streams::take_proxy_header(Stream& stream, Time now) {
    const auto header = net::parse_proxy_header(stream.prelude);
    turn::FiveTuple& tuple = stream.path.tuple;
    if (!header) {
        if (refusals_.admit(tuple.client.ip, now))
            log::warn("a trusted proxy sent no valid PROXY header",
                      {{"proxy", tuple.client}, {"reason", name_of(header.error())}});
        return ConnectionEnd::BadProxyHeader;
    }
    if (!*header) return std::nullopt;
    // The client is who the proxy says. The server's address stays this host's own: it decides
    // where an allocation relays from, and the proxy's is none of ours.
    if ((*header)->addresses) tuple.client = (*header)->addresses->source;
    stream.prelude.erase(stream.prelude.begin(),
                         stream.prelude.begin() + static_cast<std::ptrdiff_t>((*header)->length));
    stream.phase = Phase::FirstByte;
    if (!give_place(stream, now)) return ConnectionEnd::PushedOut;
    return std::nullopt;
}

Streams::End Streams::tell_what_is_spoken(Stream& stream) {
    const StreamListener& listener = listeners_[stream.listener];
    const auto kind = stun::classify_stream(stream.prelude);
    if (kind == stun::PacketKind::Tls && listener.tls) {
        auto& open = parts_.io_statistics.streams.open;
        open[stream.path.tuple.transport].add(-1);
        stream.path.tuple.transport = turn::Transport::Tls;
        open[stream.path.tuple.transport].add(1);
        stream.tls = std::make_unique<net::TlsSession>(listener.tls());
        stream.phase = Phase::Handshake;
        return std::nullopt;
    }
    // ChannelData can't be first: no channel is bound yet. (And "GET" looks like it.)
    const bool turn = kind == stun::PacketKind::Stun;
    if (turn && listener.transport == turn::Transport::Tcp) {
        stream.phase = Phase::Frames;
        return std::nullopt;
    }
    if (!turn && listener.web) {
        depart(stream, {.to = Stream::Departure::To::Web, .rest = std::move(stream.prelude)});
        return std::nullopt;
    }
    return ConnectionEnd::NotTurn;
}

Streams::End Streams::take_plain(Stream& stream, ByteView bytes, Time now) {
    while (!bytes.empty()) {
        if (stream.departure) {
            auto& rest = stream.departure->rest;
            rest.insert(rest.end(), bytes.begin(), bytes.end());
            return std::nullopt;
        }
        const MutableBytes room = room_for_plaintext(stream);
        const std::size_t count = std::min(room.size(), bytes.size());
        std::copy_n(bytes.begin(), count, room.begin());
        stream.framer.commit(count);
        bytes = bytes.subspan(count);
        if (const auto end = take_frames(stream, now)) return end;
    }
    return std::nullopt;
}

// Behind what is there, so that frames that are on their way to a peer stay where they are.
MutableBytes Streams::room_for_plaintext(Stream& stream) {
    const MutableBytes tail = stream.framer.tail();
    if (tail.size() >= kSmallestTail) return tail;
    parts_.sender.flush();
    return stream.framer.space();
}

Streams::End Streams::take_encrypted(Stream& stream, ByteView bytes, Time now) {
    wire_.clear();
    stream.tls->input(bytes);
    End end;
    while (!end) {
        if (stream.departure) {
            auto& rest = stream.departure->rest;
            const std::size_t before = rest.size();
            rest.resize(before + kReadSize);
            const std::size_t count = stream.tls->read(MutableBytes(rest).subspan(before), wire_);
            rest.resize(before + count);
            if (count == 0) break;
            continue;
        }
        const std::size_t count = stream.tls->read(room_for_plaintext(stream), wire_);
        end = after_records(stream);
        if (count == 0) break;
        stream.framer.commit(count);
        if (!end) end = take_frames(stream, now);
    }
    // Answers of the handshake, and an alert if it failed.
    stream.wire.insert(stream.wire.end(), wire_.begin(), wire_.end());
    return end;
}

Streams::End Streams::after_records(Stream& stream) {
    using State = net::TlsSession::State;
    auto& statistics = parts_.io_statistics.streams;
    switch (stream.tls->state()) {
        case State::Handshaking:
            return std::nullopt;
        case State::Open:
            if (stream.phase == Phase::Handshake) {
                stream.phase = Phase::Frames;
                statistics.handshakes.add();
                if (stream.tls->resumed()) statistics.resumed_handshakes.add();
            }
            return std::nullopt;
        case State::Closed:
            return ConnectionEnd::ClosedByClient;
        case State::PassThrough: {
            const ByteView raw = stream.tls->raw();
            depart(stream, {.to = Stream::Departure::To::Web, .rest = {raw.begin(), raw.end()}});
            stream.tls.reset();
            return std::nullopt;
        }
        case State::Failed:
            break;
    }
    if (log::enabled(log::Level::Debug))
        log::debug("TLS failed",
                   {{"client", stream.path.tuple.client}, {"error", stream.tls->error()}});
    return ConnectionEnd::TlsFailed;
}

Streams::End Streams::take_frames(Stream& stream, Time now) {
    for (;;) {
        const auto frame = stream.framer.next();
        if (!frame) return ConnectionEnd::BadFrame;
        if (!*frame) break;
        frame_ = **frame;
        parts_.owner.on_frame(stream.path, **frame, now);
        frame_ = {};
        if (!stream.departure) continue;
        const ByteView rest = stream.framer.unread();
        stream.departure->rest.assign(rest.begin(), rest.end());
        stream.framer = {};
        return std::nullopt;
    }
    look_for_proof(stream);
    return std::nullopt;
}

void Streams::bind(std::uint32_t index, turn::PeerConnection peer) {
    if (Stream* stream = find(index))
        depart(*stream, {.to = Stream::Departure::To::Peer, .peer = peer});
}

void Streams::hand_over(std::uint32_t index, std::uint8_t worker) {
    if (Stream* stream = find(index))
        depart(*stream, {.to = Stream::Departure::To::Worker,
                         .worker = worker,
                         .request = {frame_.begin(), frame_.end()}});
}

void Streams::depart(Stream& stream, Stream::Departure departure) {
    stream.departure = std::move(departure);
    stream.phase = Phase::Departing;
    stream.place.release();
    touch(stream);
}

}  // namespace turnbuckle::server
