// ConnectionBind: RFC 6062 section 5.4.
#include "turnbuckle/turn/answer.hpp"
#include "turnbuckle/turn/handlers.hpp"
#include "turnbuckle/turn/tcp_peers.hpp"

namespace turnbuckle::turn {

std::optional<std::uint8_t> worker_for_bind(const Core& core, const Request& request) {
    if (request.message.method() != stun::Method::ConnectionBind ||
        !is_stream(request.from.tuple.transport) || core.allocations.contains(request.from.tuple))
        return std::nullopt;
    const auto id = request.message.get<stun::ConnectionId>();
    if (!id || worker_of(id->id) == core.worker || worker_of(id->id) >= core.workers)
        return std::nullopt;
    return worker_of(id->id);
}

std::optional<Refusal> handle_connection_bind(Core& core, const Request& request) {
    // "If the client connection transport is not TCP or TLS": 400.
    if (!is_stream(request.from.tuple.transport))
        return Refusal{stun::ErrorCode::BadRequest, "not over TCP or TLS"};

    // Section 4.3: the client makes "a new TCP connection [...] using a different local transport
    // address". A control connection cannot become a data connection: its allocation would have no
    // way left to be refreshed. 437, as for any request that there must be no allocation for.
    if (core.find_live(request.from.tuple, request.now, request.effects) != nullptr)
        return Refusal{stun::ErrorCode::AllocationMismatch, {}};

    // "does not contain the CONNECTION-ID attribute, or [...] does not refer to an existing pending
    // connection": 400.
    const auto id = request.message.get<stun::ConnectionId>();
    if (!id) return Refusal{stun::ErrorCode::BadRequest, "CONNECTION-ID is missing or malformed"};
    Allocation* allocation = owner_of_connection(core, id->id, request.now, request.effects);
    TcpPeer* peer = allocation == nullptr ? nullptr : find_connection(*allocation, id->id);
    if (peer == nullptr || peer->state != TcpPeer::State::Waiting)
        return Refusal{stun::ErrorCode::BadRequest, "no such connection is pending"};

    // Section 4.3: authentication "MUST use the same method and credentials as for the control
    // connection": 441 (RFC 8656 section 5).
    if (allocation->username != request.identity->username) {
        core.statistics.auth_failures[AuthFailure::Mismatch].add();
        return Refusal{stun::ErrorCode::WrongCredentials, {}};
    }
    // Section 3: "TURN messaging is no longer permitted on the connection"; an answer that came now
    // would be taken for the peer's data.
    core.forget_waiting(request.from);
    peer->state = TcpPeer::State::Bound;
    peer->deadline = Time::max();
    SuccessAnswer(request).send(core);
    request.effects.add(BindPeer{peer->connection, request.from.link});
    return std::nullopt;
}

}  // namespace turnbuckle::turn
