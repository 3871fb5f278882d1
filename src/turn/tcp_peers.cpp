#include "turnbuckle/turn/tcp_peers.hpp"

#include <algorithm>
#include <array>

#include "turnbuckle/stun/attributes.hpp"
#include "turnbuckle/turn/answer.hpp"

namespace turnbuckle::turn {

namespace {

using stun::ErrorCode;

// Section 5.2: "The attribute's value MUST uniquely identify the peer data connection." Random, so
// that nobody who lacks the credentials gains by guessing, either.
std::uint32_t new_connection_id(Core& core) {
    for (;;) {
        std::array<std::uint8_t, 4> bytes{};
        core.random.fill(bytes);
        bytes[0] = core.worker;
        const std::uint32_t id = load_be32(bytes.data());
        if (!core.by_connection_id.contains(id)) return id;
    }
}

void unlist(Core& core, const TcpPeer& peer) {
    core.by_connection.erase(peer.connection);
    core.by_connection_id.erase(peer.id);
    core.statistics.tcp_peers.add(-1);
}

Refusal refusal_for(PeerConnectError error) noexcept {
    switch (error) {
        case PeerConnectError::AlreadyExists:
            return {ErrorCode::ConnectionAlreadyExists, {}};
        case PeerConnectError::NoCapacity:
            return {ErrorCode::InsufficientCapacity, {}};
        case PeerConnectError::Failed:
            break;
    }
    return {ErrorCode::ConnectionTimeoutOrFailure, {}};
}

// Section 5.3: "the server sends a ConnectionAttempt indication to the client over the control
// connection", with XOR-PEER-ADDRESS and CONNECTION-ID.
void announce(Core& core, const Allocation& allocation, const TcpPeer& peer, Effects& effects) {
    stun::TransactionId id;
    core.random.fill(id.bytes);
    std::array<std::uint8_t, 128> buffer;
    stun::MessageBuilder builder(buffer, stun::MessageClass::Indication,
                                 stun::Method::ConnectionAttempt, id);
    builder.add(stun::XorPeerAddress{peer.peer});
    builder.add(stun::ConnectionId{peer.id});
    effects.send(allocation.path, builder.finish(), std::nullopt);
}

// Why a connection from `peer` is closed as soon as it has been accepted.
DropReason refusal_of_accepted(const Core& core, const Allocation& allocation, const Endpoint& peer,
                               Time now) {
    if (allocation.live_relay(peer.ip.family(), now) == nullptr) return DropReason::UnknownRelay;
    // Section 5.3: "If no permission for this peer has been installed for this allocation, the
    // server MUST close the connection with the peer immediately after it has been accepted."
    if (!allocation.permissions.allows(peer.ip, now)) return DropReason::NoPermission;
    if (judge_peer(core, peer, RelayProtocol::Tcp) == PeerJudgement::Denied)
        return DropReason::PeerDenied;
    if (allocation.tcp_peers.size() >= core.config->max_connections) return DropReason::PeerLimit;
    return DropReason::None;
}

}  // namespace

void await_bind(Core& core, Allocation& allocation, TcpPeer& peer, PeerConnection connection,
                Time now) {
    peer.state = TcpPeer::State::Waiting;
    peer.connection = connection;
    peer.id = new_connection_id(core);
    // "If no ConnectionBind request associated with this peer data connection is received after 30
    // seconds, the peer data connection MUST be closed."
    peer.deadline = now + kConnectionBindTimeout;
    core.by_connection_id.emplace(peer.id, allocation.id);
    core.by_connection.emplace(connection, allocation.id);
    core.statistics.tcp_peers.add(1);
    core.arm(allocation);
}

Allocation* owner_of_connection(Core& core, std::uint32_t connection_id, Time now,
                                Effects& effects) {
    const auto at = core.by_connection_id.find(connection_id);
    if (at == core.by_connection_id.end()) return nullptr;
    Allocation* allocation = core.allocations.find(at->second);
    return core.expire(*allocation, now, effects) ? allocation : nullptr;
}

TcpPeer* find_connection(Allocation& allocation, std::uint32_t id) noexcept {
    const auto at = std::ranges::find_if(allocation.tcp_peers, [id](const TcpPeer& each) {
        return each.state != TcpPeer::State::Connecting && each.id == id;
    });
    return at == allocation.tcp_peers.end() ? nullptr : &*at;
}

void forget_peer(Core& core, Allocation& allocation, const TcpPeer& peer) {
    if (peer.state != TcpPeer::State::Connecting) unlist(core, peer);
    allocation.tcp_peers.erase(allocation.tcp_peers.begin() +
                               (&peer - allocation.tcp_peers.data()));
}

void end_peer(Core& core, const TcpPeer& peer, ErrorCode code, Effects& effects) {
    if (peer.state != TcpPeer::State::Connecting) {
        unlist(core, peer);
        effects.add(ClosePeer{peer.connection});
        return;
    }
    effects.add(CancelConnect{peer.ticket});
    const auto pending = core.unpark(peer.ticket);
    if (!pending) return;  // the client is gone
    const auto message = stun::MessageView::parse(pending->bytes);
    refuse(core, resume(*pending, *message, pending->received_at, effects), Refusal{code, {}});
}

void Engine::on_peer_connected(Ticket ticket,
                               std::expected<PeerConnection, PeerConnectError> result, Time now,
                               Effects& effects) {
    const auto waiting = core_->pending.find(ticket);
    Allocation* allocation = nullptr;
    // The answer may come too late for the Connect, or for the whole allocation.
    if (waiting != core_->pending.end() && waiting->second.is_connect)
        allocation = core_->find_live(ClientPath(waiting->second.from).tuple, now, effects);
    const auto pending = allocation != nullptr ? core_->unpark(ticket) : std::nullopt;
    if (!pending) {
        if (result) effects.add(ClosePeer{*result});
        return;
    }
    const auto message = stun::MessageView::parse(pending->bytes);
    const Request request = resume(*pending, *message, now, effects);
    TcpPeer& peer = *std::ranges::find_if(allocation->tcp_peers, [ticket](const TcpPeer& each) {
        return each.state == TcpPeer::State::Connecting && each.ticket == ticket;
    });
    if (!result) {
        forget_peer(*core_, *allocation, peer);
        return refuse(*core_, request, refusal_for(result.error()));
    }
    await_bind(*core_, *allocation, peer, *result, now);
    SuccessAnswer answer(request);
    answer.message().add(stun::ConnectionId{peer.id});
    answer.send(*core_);
}

void Engine::on_peer_accepted(RelayHandle relay, const Endpoint& peer, PeerConnection connection,
                              Time now, Effects& effects) {
    Allocation* allocation = core_->allocations.find(relay);
    const bool live = allocation != nullptr && core_->expire(*allocation, now, effects) &&
                      allocation->protocol == RelayProtocol::Tcp;
    const DropReason refused =
        live ? refusal_of_accepted(*core_, *allocation, peer, now) : DropReason::UnknownRelay;
    if (refused != DropReason::None) {
        core_->statistics.drop(refused);
        effects.add(ClosePeer{connection});
        return;
    }
    TcpPeer& added = allocation->tcp_peers.emplace_back();
    added.peer = peer;
    await_bind(*core_, *allocation, added, connection, now);
    announce(*core_, *allocation, added, effects);
}

void Engine::on_peer_closed(PeerConnection connection, Time, Effects&) {
    const auto at = core_->by_connection.find(connection);
    if (at == core_->by_connection.end()) return;
    Allocation& allocation = *core_->allocations.find(at->second);
    const auto peer = std::ranges::find_if(allocation.tcp_peers, [&](const TcpPeer& each) {
        return each.state != TcpPeer::State::Connecting && each.connection == connection;
    });
    forget_peer(*core_, allocation, *peer);
}

}  // namespace turnbuckle::turn
