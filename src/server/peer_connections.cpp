#include "turnbuckle/server/peer_connections.hpp"

#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "turnbuckle/base/log.hpp"
#include "turnbuckle/net/tcp_socket.hpp"
#include "turnbuckle/server/watch.hpp"

namespace turnbuckle::server {

using turn::PeerConnectError;
using turn::PeerConnection;

namespace {

// Either side may stop reading for so long (end-to-end flow control) before it is taken for dead.
constexpr auto kUserTimeout = std::chrono::minutes(2);

constexpr net::Interest kUntilConnected{.write = true};
// What comes before the bind stays in the kernel's buffer; only the end of it is of interest.
constexpr net::Interest kUntilBound{.hang_up = true};

PeerConnectError error_of(std::error_code error) noexcept {
    switch (error.value()) {
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return PeerConnectError::NoCapacity;
        // The port is this relay's own, so what is in use is the pair of endpoints.
        case EADDRINUSE:
        case EADDRNOTAVAIL:
            return PeerConnectError::AlreadyExists;
        default:
            return PeerConnectError::Failed;
    }
}

bool has_unread(int fd) noexcept {
    int unread = 0;
    return ::ioctl(fd, FIONREAD, &unread) == 0 && unread > 0;
}

std::uint64_t token_of_peer(PeerConnection connection) noexcept {
    return token_of(Watch::PeerConnection, static_cast<std::uint32_t>(connection));
}

}  // namespace

PeerConnections::Slot* PeerConnections::find(PeerConnection connection) noexcept {
    const auto number = static_cast<std::uint32_t>(connection);
    const std::uint32_t index = number & (kMaxConnections - 1);
    if (index >= slots_.size()) return nullptr;
    Slot& slot = slots_[index];
    const bool is_it = slot.generation == number >> kIndexBits && slot.state != Slot::State::Free;
    return is_it ? &slot : nullptr;
}

std::optional<PeerConnection> PeerConnections::add(net::FileDescriptor fd, net::Interest interest,
                                                   Slot::State state) {
    auto index = static_cast<std::uint32_t>(slots_.size());
    if (!free_.empty()) {
        index = free_.back();
    } else if (index == kMaxConnections) {
        return std::nullopt;
    } else {
        slots_.emplace_back();
        free_.push_back(index);
    }
    Slot& slot = slots_[index];
    const PeerConnection connection{slot.generation << kIndexBits | index};
    try {
        parts_.poller.add(fd.get(), token_of_peer(connection), interest);
    } catch (const std::system_error&) {  // the system's limit of watches
        return std::nullopt;
    }
    free_.pop_back();
    slot.state = state;
    slot.fd = std::move(fd);
    return connection;
}

void PeerConnections::release(PeerConnection connection) {
    Slot& slot = *find(connection);
    if (slot.pair != nullptr) {
        slot.pair.reset();
    } else {
        parts_.poller.remove(slot.fd.get());
        slot.fd.reset();
    }
    slot.state = Slot::State::Free;
    slot.generation = (slot.generation + 1) & ((std::uint32_t{1} << (32 - kIndexBits)) - 1);
    free_.push_back(static_cast<std::uint32_t>(connection) & (kMaxConnections - 1));
}

void PeerConnections::end(PeerConnection connection, Time now) {
    release(connection);
    parts_.owner.on_peer_closed(connection, now);
}

std::optional<PeerConnectError> PeerConnections::connect(const turn::ConnectPeer& effect) {
    const TcpRelay* relay = parts_.relays.find_tcp(effect.relay);
    if (relay == nullptr) return PeerConnectError::Failed;
    const Endpoint peer =
        effect.own_endpoint ? parts_.addresses.to_local(effect.peer) : effect.peer;
    auto fd = net::start_connect(relay->listener().local(), peer);
    if (!fd) return error_of(fd.error());
    net::tune_stream(fd->get(), kUserTimeout);
    const auto connection = add(std::move(*fd), kUntilConnected, Slot::State::Connecting);
    if (!connection) return PeerConnectError::NoCapacity;
    find(*connection)->ticket = effect.ticket;
    connecting_.emplace(effect.ticket, *connection);
    return std::nullopt;
}

void PeerConnections::cancel(turn::Ticket ticket) {
    const auto at = connecting_.find(ticket);
    if (at == connecting_.end()) return;
    release(at->second);
    connecting_.erase(at);
}

void PeerConnections::close(PeerConnection connection) {
    if (find(connection) != nullptr) release(connection);
}

void PeerConnections::expect(const turn::BindPeer& effect) {
    expected_.push_back(effect);
}

void PeerConnections::forget_expected(PeerConnection connection) {
    std::erase_if(expected_, [=](const turn::BindPeer& each) { return each.peer == connection; });
}

bool PeerConnections::abandon(turn::LinkId link, Time now) {
    const auto at = std::ranges::find(expected_, link, &turn::BindPeer::link);
    if (at == expected_.end()) return false;
    const PeerConnection connection = at->peer;
    expected_.erase(at);
    if (find(connection) != nullptr) end(connection, now);
    return true;
}

void PeerConnections::bind(std::unique_ptr<Stream> stream, Time now) {
    const PeerConnection connection = stream->departure->peer;
    forget_expected(connection);
    Slot* slot = find(connection);
    // It has been closed while the stream was on its way: so is the stream.
    if (slot == nullptr || slot->state != Slot::State::Waiting) return;
    // What has been queued and not written leaves first; by now as it goes over the wire.
    if (stream->tls != nullptr && !stream->queue.empty()) {
        if (!stream->tls->write(stream->queue.bytes(), stream->wire)) return end(connection, now);
        stream->queue.pop(stream->queue.size());
    }
    parts_.poller.remove(slot->fd.get());
    net::tune_stream(stream->fd.get(), kUserTimeout);
    slot->pair = std::make_unique<net::StreamPair>(
        parts_.poller, pipes_, std::move(stream->fd),
        token_of(Watch::DataConnection, static_cast<std::uint32_t>(connection)),
        std::move(slot->fd), token_of_peer(connection), std::move(stream->tls));
    slot->state = Slot::State::Bound;
    slot->pair->put_first_to_peer(stream->departure->rest);
    slot->pair->put_first_on_client_wire(stream->queue.bytes());
    slot->pair->put_first_on_client_wire(stream->wire);
    settle(connection, slot->pair->start(), now);
}

void PeerConnections::accept(turn::RelayHandle handle, Time now) {
    for (int i = 0; i < kAcceptsPerRound; ++i) {
        // Whoever is told of a connection may close the relay.
        const TcpRelay* relay = parts_.relays.find_tcp(handle);
        if (relay == nullptr) return;
        auto accepted = net::accept_stream(relay->listener());
        if (accepted) {
            admit(handle, std::move(*accepted), now);
            continue;
        }
        switch (accepted.error()) {
            case net::AcceptPolicy::Next:
                continue;
            case net::AcceptPolicy::Nothing:
                return;
            case net::AcceptPolicy::BackOff:
                return pause(handle, now);
        }
    }
}

void PeerConnections::admit(turn::RelayHandle relay, net::AcceptedStream accepted, Time now) {
    net::tune_stream(accepted.fd.get(), kUserTimeout);
    const auto connection = add(std::move(accepted.fd), kUntilBound, Slot::State::Waiting);
    if (!connection) return;
    parts_.owner.on_peer_accepted(
        relay, parts_.addresses.to_advertised(accepted.remote, turn::RelayProtocol::Tcp),
        *connection, now);
}

// Out of descriptors or memory. Peers stay in the backlog, so the relay would be reported again at
// once, for ever: it is looked at again when the house is kept.
void PeerConnections::pause(turn::RelayHandle handle, Time now) {
    const net::TcpListener& listener = parts_.relays.find_tcp(handle)->listener();
    parts_.poller.change(listener.fd(),
                         token_of(Watch::TcpRelay, static_cast<std::uint32_t>(handle)), {});
    paused_relays_.push_back(handle);
    if (failures_.admit(listener.local().ip, now))
        log::error("peers cannot be accepted for now: out of descriptors or memory",
                   {{"relay", listener.local()}});
}

void PeerConnections::keep_house(Time now) {
    // Another relay may have the handle by now; it is simply watched as it is already.
    for (const turn::RelayHandle handle : std::exchange(paused_relays_, {}))
        if (const TcpRelay* relay = parts_.relays.find_tcp(handle))
            parts_.poller.change(relay->listener().fd(),
                                 token_of(Watch::TcpRelay, static_cast<std::uint32_t>(handle)),
                                 net::kReadable);
    if (const auto summary = failures_.take_summary(now))
        log::warn("peers could not be accepted", {{"summary", summary->to_string()}});
}

void PeerConnections::serve(net::StreamPair::Side side, PeerConnection connection,
                            const net::Poller::Ready& ready, Time now) {
    // An event of this round may have closed it.
    Slot* slot = find(connection);
    if (slot == nullptr) return;
    switch (slot->state) {
        case Slot::State::Connecting:
            return finish_connect(connection, now);
        case Slot::State::Waiting:
            return look_after_waiting(connection, ready, now);
        case Slot::State::Bound:
            return settle(connection, slot->pair->serve(side, ready), now);
        case Slot::State::Free:
            return;
    }
}

void PeerConnections::finish_connect(PeerConnection connection, Time now) {
    Slot& slot = *find(connection);
    const turn::Ticket ticket = slot.ticket;
    connecting_.erase(ticket);
    if (const auto error = net::connect_result(slot.fd.get())) {
        release(connection);
        return parts_.owner.on_peer_connected(ticket, std::unexpected(error_of(error)), now);
    }
    slot.state = Slot::State::Waiting;
    parts_.poller.change(slot.fd.get(), token_of_peer(connection), kUntilBound);
    parts_.owner.on_peer_connected(ticket, connection, now);
}

void PeerConnections::look_after_waiting(PeerConnection connection, const net::Poller::Ready& ready,
                                         Time now) {
    if (!ready.hung_up && !ready.error) return;
    Slot& slot = *find(connection);
    if (ready.error || !has_unread(slot.fd.get())) return end(connection, now);
    // The peer has sent something and then closed its half. That is for the client to read; the
    // socket would go on to report it, and is not watched until then.
    parts_.poller.change(slot.fd.get(), token_of_peer(connection), {});
}

void PeerConnections::account(PeerConnection connection, net::StreamPair& pair) noexcept {
    if (const std::size_t bytes = pair.take_moved_to_peer())
        parts_.engine.on_peer_data(connection, turn::Direction::ClientToPeer, bytes);
    if (const std::size_t bytes = pair.take_moved_to_client())
        parts_.engine.on_peer_data(connection, turn::Direction::PeerToClient, bytes);
}

void PeerConnections::settle(PeerConnection connection, net::StreamPair::State state, Time now) {
    account(connection, *find(connection)->pair);
    if (state != net::StreamPair::State::Open) end(connection, now);
}

}  // namespace turnbuckle::server
