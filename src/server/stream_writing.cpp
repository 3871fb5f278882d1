// What clients are sent over streams: queued in whole frames, written once a round.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "turnbuckle/server/link_kind.hpp"
#include "turnbuckle/server/streams.hpp"
#include "turnbuckle/server/watch.hpp"

namespace turnbuckle::server {

using net::ConnectionEnd;

void Streams::send(std::uint32_t index, ByteView header, ByteView payload, std::size_t padding,
                   Time now) {
    Stream* stream = find(index);
    if (stream == nullptr) return parts_.statistics.drop(turn::DropReason::Unreachable);
    const std::size_t expired = stream->queue.expire(now, queue_limits_.age);
    const bool queued = stream->queue.push(header, payload, padding, now, queue_limits_);
    parts_.statistics.drop(turn::DropReason::SlowClient, expired + (queued ? 0 : 1));
    touch(*stream);
}

void Streams::touch(Stream& stream) {
    if (std::exchange(stream.touched, true)) return;
    touched_.push_back(index_of(stream.path.link));
}

Streams::End Streams::write(Stream& stream, Time now) {
    if (const std::size_t expired = stream.queue.expire(now, queue_limits_.age))
        parts_.statistics.drop(turn::DropReason::SlowClient, expired);
    const auto end = stream.tls ? write_encrypted(stream) : write_plain(stream);
    if (!end) watch(stream);
    return end;
}

Streams::End Streams::write_plain(Stream& stream) {
    if (stream.queue.empty()) return std::nullopt;
    const auto written = write_socket(stream, stream.queue.bytes());
    if (!written) return ConnectionEnd::Reset;
    stream.queue.pop(*written);
    return std::nullopt;
}

// What is encrypted can't be dropped any more, so that is done only as far as the socket takes it.
// A frame is a record of its own: there are clients that take one message from each, and no more.
Streams::End Streams::write_encrypted(Stream& stream) {
    while (!stream.wire.empty() || !stream.queue.empty()) {
        wire_.clear();
        wire_.swap(stream.wire);
        while (!stream.queue.empty() && wire_.size() < kWriteSize) {
            const ByteView frame = stream.queue.first_frame();
            const ByteView next = frame.first(std::min(frame.size(), kTlsRecordSize));
            if (!stream.tls->write(next, wire_)) return ConnectionEnd::TlsFailed;
            stream.queue.pop(next.size());
        }
        const auto written = write_socket(stream, wire_);
        if (!written) return ConnectionEnd::Reset;
        const bool all = *written == wire_.size();
        if (!all)
            stream.wire.assign(wire_.begin() + static_cast<std::ptrdiff_t>(*written), wire_.end());
        if (!all) break;
    }
    return std::nullopt;
}

std::optional<std::size_t> Streams::write_socket(Stream& stream, ByteView bytes) {
    auto& statistics = parts_.io_statistics.streams;
    const ssize_t n =
        ::send(stream.fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    statistics.write_calls.add();
    if (n < 0) {
        if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS) return 0;
        return std::nullopt;
    }
    statistics.written_bytes.add(static_cast<std::uint64_t>(n));
    return static_cast<std::size_t>(n);
}

void Streams::watch(Stream& stream) {
    const net::Interest wanted{.read = !stream.departure,
                               .write = !stream.wire.empty() || !stream.queue.empty()};
    if (wanted == std::exchange(stream.interest, wanted)) return;
    parts_.poller.change(stream.fd.get(), token_of(Watch::Stream, index_of(stream.path.link)),
                         wanted);
}

// An alert, or the end of TLS: as far as the socket takes it without waiting.
void Streams::say_goodbye(Stream& stream) {
    if (!stream.tls) return;
    stream.tls->close(stream.wire);
    if (!stream.wire.empty()) static_cast<void>(write_socket(stream, stream.wire));
}

void Streams::leave(std::uint32_t index, Time now) {
    parts_.sender.flush();
    auto stream = remove(index);
    stream->touched = false;
    parts_.owner.on_stream_departed(std::move(stream), now);
}

}  // namespace turnbuckle::server
