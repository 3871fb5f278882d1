#include "turnbuckle/server/streams.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "turnbuckle/base/log.hpp"
#include "turnbuckle/server/link_kind.hpp"
#include "turnbuckle/server/watch.hpp"

namespace turnbuckle::server {

using net::ConnectionEnd;
using net::ConnectionRefusal;

namespace {

// A client that acknowledges nothing for so long is gone, and its allocation with it.
constexpr auto kUserTimeout = std::chrono::seconds(30);

// What may wait in the kernel, out of reach: a video frame's worth.
constexpr std::size_t kUnsentLimit = 128 * 1024;

// Every so many house-keepings each connection has been looked at once.
constexpr std::size_t kAuditRounds = 10;

bool is_trusted(const StreamListener& listener, const IpAddress& source) noexcept {
    return std::ranges::any_of(listener.trusted_proxies,
                               [&](const Cidr& block) { return block.contains(source); });
}

}  // namespace

Streams::Streams(Parts parts, std::vector<StreamListener> listeners, FrameQueueLimits queue_limits)
    : parts_(parts),
      listeners_(std::move(listeners)),
      queue_limits_(queue_limits),
      read_buffer_(listeners_.empty() ? nullptr
                                      : std::make_unique_for_overwrite<std::uint8_t[]>(kReadSize)) {
    for (std::uint32_t i = 0; i < listeners_.size(); ++i)
        parts_.poller.add(listeners_[i].socket.fd(), token_of(Watch::StreamListener, i));
}

Stream* Streams::find(std::uint32_t index) noexcept {
    return index < streams_.size() ? streams_[index].get() : nullptr;
}

std::uint32_t Streams::add(std::unique_ptr<Stream> stream) {
    auto index = static_cast<std::uint32_t>(streams_.size());
    if (free_.empty()) {
        streams_.emplace_back();
    } else {
        index = free_.back();
        free_.pop_back();
    }
    stream->path.link = link_of(LinkKind::Stream, index);
    parts_.io_statistics.streams.open[stream->path.tuple.transport].add(1);
    streams_[index] = std::move(stream);
    return index;
}

std::unique_ptr<Stream> Streams::remove(std::uint32_t index) {
    auto stream = std::move(streams_[index]);
    free_.push_back(index);
    parts_.poller.remove(stream->fd.get());
    parts_.io_statistics.streams.open[stream->path.tuple.transport].add(-1);
    return stream;
}

void Streams::close(std::uint32_t index, ConnectionEnd reason, Time now) {
    Stream& stream = *streams_[index];
    say_goodbye(stream);
    // Frames that are on their way to a peer lie in this connection's buffer.
    parts_.sender.flush();
    parts_.io_statistics.streams.closed[reason].add();
    const auto closed = remove(index);
    parts_.owner.on_stream_closed(closed->path, now);
}

void Streams::accept(std::uint32_t listener, Time now) {
    for (int i = 0; i < kAcceptsPerRound; ++i) {
        auto accepted = net::accept_stream(listeners_[listener].socket);
        if (accepted) {
            welcome(std::move(*accepted), listener, now);
            continue;
        }
        switch (accepted.error()) {
            case net::AcceptPolicy::Next:
                continue;
            case net::AcceptPolicy::Nothing:
                return;
            case net::AcceptPolicy::BackOff:
                return pause(listener, now);
        }
    }
}

// Out of descriptors or memory. The connection stays in the backlog, so the listener would be
// reported again at once, for ever: it is looked at again when the house is kept.
void Streams::pause(std::uint32_t listener, Time now) {
    const StreamListener& paused = listeners_[listener];
    parts_.poller.remove(paused.socket.fd());
    paused_listeners_.push_back(listener);
    parts_.io_statistics.streams.refused[ConnectionRefusal::NoDescriptors].add();
    if (refusals_.admit(paused.socket.local().ip, now))
        log::error("connections cannot be accepted for now: out of descriptors or memory",
                   {{"listener", paused.socket.local()}});
}

void Streams::welcome(net::AcceptedStream accepted, std::uint32_t listener, Time now) {
    auto stream = std::make_unique<Stream>();
    stream->fd = std::move(accepted.fd);
    stream->path.tuple = {accepted.remote, accepted.local, turn::Transport::Tcp};
    stream->listener = listener;
    // Behind a proxy everyone has its address: the place is the client's, once it is known.
    if (is_trusted(listeners_[listener], accepted.remote.ip)) {
        stream->phase = Stream::Phase::ProxyHeader;
    } else if (!give_place(*stream, now)) {
        return;
    }
    net::tune_stream(stream->fd.get(), kUserTimeout);
    net::limit_unsent(stream->fd.get(), kUnsentLimit);
    const int fd = stream->fd.get();
    const std::uint32_t index = add(std::move(stream));
    parts_.io_statistics.streams.accepted.add();
    try {
        parts_.poller.add(fd, token_of(Watch::Stream, index));
    } catch (const std::system_error&) {  // the system's limit of watches
        return close(index, ConnectionEnd::Reset, now);
    }
    expect_proof(*streams_[index], now);
}

bool Streams::give_place(Stream& stream, Time now) {
    const IpAddress& source = stream.path.tuple.client.ip;
    auto place = parts_.limits.admit(source);
    // Who has just come may be a client that authenticates at once; who has been here longest
    // without doing so is not. Another worker may be quicker to take the place that this frees.
    while (!place && place.error() == ConnectionLimits::Refusal::Total && push_out_one(now))
        place = parts_.limits.admit(source);
    if (place) {
        stream.place = std::move(*place);
        return true;
    }
    const bool prefix = place.error() == ConnectionLimits::Refusal::Prefix;
    parts_.io_statistics.streams
        .refused[prefix ? ConnectionRefusal::SourcePrefix : ConnectionRefusal::Total]
        .add();
    if (refusals_.admit(source, now))
        log::warn("connection refused: too many that have not authenticated",
                  {{"client", stream.path.tuple.client}, {"limit", prefix ? "prefix" : "total"}});
    return false;
}

// Of those who wait longest, who has the most company of its prefix: a flood has, a client that is
// only kept waiting by it has not.
bool Streams::push_out_one(Time now) {
    const auto is_outdated = [&](const Unproven& entry) {
        const Stream* stream = find(entry.index);
        return stream == nullptr || stream->proven || stream->deadline != entry.deadline;
    };
    while (!unproven_.empty() && is_outdated(unproven_.front()))
        unproven_.pop_front();
    const auto end =
        unproven_.begin() + static_cast<std::ptrdiff_t>(std::min(kCandidates, unproven_.size()));
    auto chosen = end;
    std::size_t most = 0;
    for (auto entry = unproven_.begin(); entry != end; ++entry) {
        if (is_outdated(*entry)) continue;
        const Stream& stream = *find(entry->index);
        if (!stream.place.held() || stream.phase == Stream::Phase::Departing) continue;
        const std::size_t company = parts_.limits.held_beside(stream.path.tuple.client.ip);
        if (company <= most) continue;
        chosen = entry;
        most = company;
    }
    if (chosen == end) return false;
    const std::uint32_t index = chosen->index;
    unproven_.erase(chosen);
    close(index, ConnectionEnd::PushedOut, now);
    return true;
}

void Streams::expect_proof(Stream& stream, Time now) {
    stream.proven = false;
    stream.deadline = now + kUnprovenLifetime;
    unproven_.push_back({index_of(stream.path.link), stream.deadline});
}

void Streams::look_for_proof(Stream& stream) noexcept {
    if (stream.proven || !parts_.engine.serves(stream.path.tuple)) return;
    stream.proven = true;
    stream.place.release();
}

void Streams::keep_house(Time now) {
    for (const std::uint32_t listener : std::exchange(paused_listeners_, {}))
        parts_.poller.add(listeners_[listener].socket.fd(),
                          token_of(Watch::StreamListener, listener));
    while (!unproven_.empty() && unproven_.front().deadline <= now) {
        const Unproven overdue = unproven_.front();
        unproven_.pop_front();
        Stream* stream = find(overdue.index);
        if (stream == nullptr || stream->deadline != overdue.deadline) continue;
        look_for_proof(*stream);
        if (!stream->proven && stream->phase != Stream::Phase::Departing)
            close(overdue.index, ConnectionEnd::Unauthenticated, now);
    }
    audit(now);
    if (const auto summary = refusals_.take_summary(now))
        log::warn("connections refused", {{"summary", summary->to_string()}});
}

// A client whose allocation has ended may make another one in time.
void Streams::audit(Time now) {
    const std::size_t count = streams_.size() / kAuditRounds + 1;
    for (std::size_t i = 0; i < count && !streams_.empty(); ++i) {
        audited_ = (audited_ + 1) % streams_.size();
        Stream* stream = streams_[audited_].get();
        if (stream == nullptr || !stream->proven || parts_.engine.serves(stream->path.tuple))
            continue;
        expect_proof(*stream, now);
        if (!give_place(*stream, now))
            close(static_cast<std::uint32_t>(audited_), ConnectionEnd::PushedOut, now);
    }
}

void Streams::adopt(std::unique_ptr<Stream> adopted, Time now) {
    const int fd = adopted->fd.get();
    const std::uint32_t index = add(std::move(adopted));
    Stream& stream = *streams_[index];
    stream.phase = Stream::Phase::Frames;
    stream.interest = net::kReadable;
    const auto departure = *std::exchange(stream.departure, std::nullopt);
    try {
        parts_.poller.add(fd, token_of(Watch::Stream, index));
    } catch (const std::system_error&) {
        return close(index, ConnectionEnd::Reset, now);
    }
    expect_proof(stream, now);
    frame_ = departure.request;
    parts_.owner.on_frame(stream.path, departure.request, now);
    frame_ = {};
    touch(stream);
    if (const auto end = take(stream, departure.rest, now)) close(index, *end, now);
}

void Streams::flush(Time now) {
    handshakes_left_ = kHandshakesPerRound;
    // Who closes or leaves here may make others write: they get in line behind.
    for (std::size_t i = 0; i < touched_.size(); ++i) {
        const std::uint32_t index = touched_[i];
        Stream* stream = find(index);
        if (stream == nullptr) continue;
        stream->touched = false;
        stream->framer.release();
        if (const auto end = write(*stream, now)) {
            close(index, *end, now);
        } else if (stream->departure) {
            leave(index, now);
        }
    }
    touched_.clear();
}

void Streams::close_all(Time now) {
    for (std::uint32_t index = 0; index < streams_.size(); ++index)
        if (streams_[index]) close(index, ConnectionEnd::Stopped, now);
}

}  // namespace turnbuckle::server
