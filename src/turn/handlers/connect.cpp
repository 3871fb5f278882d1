// Connect: RFC 6062 section 5.2.
#include <algorithm>

#include "turnbuckle/stun/attributes.hpp"
#include "turnbuckle/turn/handlers.hpp"

namespace turnbuckle::turn {

std::optional<Refusal> handle_connect(Core& core, const Request& request, Allocation& allocation) {
    // "a TCP connection for which no allocation exists": 437. A UDP allocation is none that a
    // connection could be made from, and 437 is for a request that needs another allocation than
    // there is (RFC 8656 section 19).
    if (allocation.protocol != RelayProtocol::Tcp)
        return Refusal{stun::ErrorCode::AllocationMismatch, "the allocation does not relay TCP"};

    // "does not contain an XOR-PEER-ADDRESS attribute, or if such attribute is invalid": 400.
    // First, because every other rule is about this address.
    const auto peer = request.message.get<stun::XorPeerAddress>();
    if (!peer)
        return Refusal{stun::ErrorCode::BadRequest, "XOR-PEER-ADDRESS is missing or malformed"};

    // "currently processing a Connect request for this allocation with the same XOR-PEER-ADDRESS",
    // or connected to it, "either pending or active": 446. Also where the peer has connected: there
    // cannot be two connections between the same two addresses.
    if (std::ranges::find(allocation.tcp_peers, peer->endpoint, &TcpPeer::peer) !=
        allocation.tcp_peers.end())
        return Refusal{stun::ErrorCode::ConnectionAlreadyExists, {}};

    // 443; "forbidden by local policy": 403.
    const PeerJudgement judgement = judge_peer(core, peer->endpoint, RelayProtocol::Tcp);
    if (auto refusal = refuse_peer(core, request, allocation, judgement, peer->endpoint.ip))
        return refusal;

    // The RFC sets no limit, and has no code of its own for one: 508, as in the rest of TURN.
    if (allocation.tcp_peers.size() >= core.config->max_connections)
        return Refusal{stun::ErrorCode::InsufficientCapacity, "too many connections"};
    const auto ticket = core.park(request);
    if (!ticket) return Refusal{stun::ErrorCode::InsufficientCapacity, {}};

    PendingRequest& pending = core.pending.at(*ticket);
    pending.identity = *request.identity;
    pending.is_connect = true;
    ++core.connecting;
    // "The timeout value MUST be at least 30 seconds."
    allocation.tcp_peers.push_back(TcpPeer{.state = TcpPeer::State::Connecting,
                                           .peer = peer->endpoint,
                                           .ticket = *ticket,
                                           .connection = {},
                                           .id = 0,
                                           .deadline = request.now + kConnectTimeout});
    core.arm(allocation);
    request.effects.add(ConnectPeer{.ticket = *ticket,
                                    .relay = allocation.relay(peer->endpoint.ip.family())->handle,
                                    .peer = peer->endpoint,
                                    .own_endpoint = judgement == PeerJudgement::OwnRelayed});
    return std::nullopt;
}

}  // namespace turnbuckle::turn
