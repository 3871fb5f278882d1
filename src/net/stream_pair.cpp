#include "turnbuckle/net/stream_pair.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "turnbuckle/net/tcp_socket.hpp"

namespace turnbuckle::net {

namespace {

// One TLS record's worth; what is decrypted or encrypted ahead of a slow side is no more than this
// and what TLS adds to it.
constexpr std::size_t kChunk = 16 * 1024;
constexpr std::size_t kChunksAtOnce = 16;

// Bytes, none at the end of the stream, or what to wait for.
std::expected<ByteView, Flow> receive(int fd, std::span<std::uint8_t, kChunk> into) noexcept {
    for (;;) {
        const ssize_t n = ::recv(fd, into.data(), into.size(), MSG_DONTWAIT);
        if (n >= 0) return ByteView(into).first(static_cast<std::size_t>(n));
        if (errno == EINTR) continue;
        return std::unexpected(errno == EAGAIN || errno == EWOULDBLOCK ? Flow::Source
                                                                       : Flow::Failed);
    }
}

void reset_on_close(int fd) noexcept {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace

StreamPair::StreamPair(Poller& poller, PipePool& pipes, FileDescriptor client,
                       std::uint64_t client_token, FileDescriptor peer, std::uint64_t peer_token,
                       std::unique_ptr<TlsSession> tls)
    : poller_(poller),
      pipes_(pipes),
      client_{std::move(client), client_token},
      peer_{std::move(peer), peer_token},
      tls_(std::move(tls)) {}

StreamPair::~StreamPair() {
    const bool failed = to_peer_ == Flow::Failed || to_client_ == Flow::Failed;
    if (!failed) {
        if (to_peer_ != Flow::Ended) move_to_peer();
        if (to_client_ != Flow::Ended) move_to_client();
    }
    for (End* end : {&client_, &peer_}) {
        if (end->watched) poller_.remove(end->fd.get());
        if (failed) reset_on_close(end->fd.get());
    }
    pump_to_peer_.abandon(pipes_);
    pump_to_client_.abandon(pipes_);
}

void StreamPair::put_first_to_peer(ByteView bytes) {
    if (tls_ == nullptr) return pump_to_peer_.put_first(bytes);
    plaintext_.insert(plaintext_.end(), bytes.begin(), bytes.end());
}

void StreamPair::put_first_on_client_wire(ByteView bytes) {
    if (tls_ != nullptr) {
        wire_.insert(wire_.end(), bytes.begin(), bytes.end());
        return;
    }
    uncounted_ += bytes.size();
    pump_to_client_.put_first(bytes);
}

StreamPair::State StreamPair::start() {
    move_to_peer();
    move_to_client();
    return watch();
}

StreamPair::State StreamPair::serve(Side side, const Poller::Ready& ready) {
    // A side that broke while it was not being read would be reported for ever.
    if (ready.error && connect_result((side == Side::Client ? client_ : peer_).fd.get())) {
        to_peer_ = Flow::Failed;
        return State::Failed;
    }
    const bool readable = ready.readable || ready.error;
    const bool writable = ready.writable || ready.error;
    Flow& from_side = side == Side::Client ? to_peer_ : to_client_;
    Flow& to_side = side == Side::Client ? to_client_ : to_peer_;
    const bool to_peer = side == Side::Client ? readable && from_side == Flow::Source
                                              : writable && to_side == Flow::Sink;
    const bool to_client = side == Side::Client ? writable && to_side == Flow::Sink
                                                : readable && from_side == Flow::Source;
    if (to_peer) move_to_peer();
    // Reading TLS may lead to writing: an alert, a new key.
    if (to_client || (!wire_.empty() && to_client_ == Flow::Source)) move_to_client();
    return watch();
}

void StreamPair::move_to_peer() {
    to_peer_ = tls_ != nullptr
                   ? decrypt()
                   : pump_to_peer_.move(client_.fd.get(), peer_.fd.get(), pipes_, moved_to_peer_);
}

void StreamPair::move_to_client() {
    if (tls_ != nullptr) {
        to_client_ = encrypt();
        return;
    }
    std::size_t moved = 0;
    to_client_ = pump_to_client_.move(peer_.fd.get(), client_.fd.get(), pipes_, moved);
    const std::size_t others = std::min(moved, uncounted_);
    uncounted_ -= others;
    moved_to_client_ += moved - others;
}

Flow StreamPair::decrypt() {
    for (std::size_t i = 0; i < kChunksAtOnce; ++i) {
        const std::size_t waiting = plaintext_.size() - plaintext_begin_;
        const auto blocked = send_pending(peer_.fd.get(), plaintext_, plaintext_begin_);
        moved_to_peer_ += waiting - (plaintext_.size() - plaintext_begin_);
        if (blocked) return *blocked;
        if (client_ended_) {
            ::shutdown(peer_.fd.get(), SHUT_WR);
            return Flow::Ended;
        }
        if (const auto flow = read_client()) return *flow;
    }
    return plaintext_.empty() && !client_ended_ ? Flow::Source : Flow::Sink;
}

std::optional<Flow> StreamPair::read_client() {
    std::array<std::uint8_t, kChunk> buffer;
    const auto bytes = receive(client_.fd.get(), buffer);
    if (!bytes) return bytes.error();
    // Without close_notify, too: most clients just close.
    if (bytes->empty()) {
        client_ended_ = true;
        return std::nullopt;
    }
    tls_->input(*bytes);
    std::array<std::uint8_t, kChunk> plaintext;
    while (const std::size_t n = tls_->read(plaintext, wire_))
        plaintext_.insert(plaintext_.end(), plaintext.begin(),
                          plaintext.begin() + static_cast<std::ptrdiff_t>(n));
    if (tls_->state() == TlsSession::State::Failed) return Flow::Failed;
    client_ended_ = tls_->state() == TlsSession::State::Closed;
    return std::nullopt;
}

Flow StreamPair::encrypt() {
    for (std::size_t i = 0; i < kChunksAtOnce; ++i) {
        if (const auto blocked = send_pending(client_.fd.get(), wire_, wire_begin_))
            return *blocked;
        if (said_goodbye_) {
            ::shutdown(client_.fd.get(), SHUT_WR);
            return Flow::Ended;
        }
        if (peer_ended_) {
            tls_->close(wire_);
            said_goodbye_ = true;
        } else if (const auto flow = read_peer()) {
            return *flow;
        }
    }
    return wire_.empty() ? Flow::Source : Flow::Sink;
}

std::optional<Flow> StreamPair::read_peer() {
    std::array<std::uint8_t, kChunk> buffer;
    const auto bytes = receive(peer_.fd.get(), buffer);
    if (!bytes) return bytes.error();
    peer_ended_ = bytes->empty();
    if (peer_ended_) return std::nullopt;
    if (!tls_->write(*bytes, wire_)) return Flow::Failed;
    moved_to_client_ += bytes->size();
    return std::nullopt;
}

StreamPair::State StreamPair::watch() {
    if (to_peer_ == Flow::Failed || to_client_ == Flow::Failed) return State::Failed;
    if (to_peer_ == Flow::Ended && to_client_ == Flow::Ended) return State::Ended;
    try {
        watch(client_, {.read = to_peer_ == Flow::Source, .write = to_client_ == Flow::Sink});
        watch(peer_, {.read = to_client_ == Flow::Source, .write = to_peer_ == Flow::Sink});
    } catch (const std::system_error&) {  // the system's limit of watches
        to_peer_ = Flow::Failed;
        return State::Failed;
    }
    return State::Open;
}

// Nothing to wait for: not in the poller at all, which would go on to report a connection that is
// closed on both sides.
void StreamPair::watch(End& end, Interest wanted) {
    const bool needed = wanted.read || wanted.write;
    if (!needed && end.watched) {
        poller_.remove(end.fd.get());
    } else if (needed && !end.watched) {
        poller_.add(end.fd.get(), end.token, wanted);
    } else if (needed && wanted != end.interest) {
        poller_.change(end.fd.get(), end.token, wanted);
    }
    end.watched = needed;
    end.interest = wanted;
}

}  // namespace turnbuckle::net
