// CreatePermission: RFC 8656 sections 9 and 10.2.
#include <vector>

#include "turnbuckle/turn/answer.hpp"
#include "turnbuckle/turn/handlers.hpp"

namespace turnbuckle::turn {

std::optional<Refusal> handle_create_permission(Core& core, const Request& request,
                                                Allocation& allocation) {
    // "MUST contain at least one XOR-PEER-ADDRESS attribute and MAY contain multiple [...] If no
    // such attribute exists, or if any of these attributes are invalid": 400.
    std::vector<IpAddress> peers;
    const bool well_formed = request.message.for_each_of<stun::XorPeerAddress>(
        [&](const stun::XorPeerAddress& peer) { peers.push_back(peer.endpoint.ip); });
    if (!well_formed || peers.empty())
        return Refusal{stun::ErrorCode::BadRequest, "XOR-PEER-ADDRESS is missing or malformed"};

    // Any peer of the wrong family (443), or that may not be talked to (403), refuses them all.
    for (const IpAddress& peer : peers)
        if (auto refusal = refuse_peer(core, request, allocation, judge_peer(core, peer), peer))
            return refusal;

    // "unable to satisfy the request due to some capacity limit or similar": 508. Peers that have a
    // permission already need no room.
    std::size_t new_ones = 0;
    for (const IpAddress& peer : peers)
        if (!allocation.permissions.allows(peer, request.now)) ++new_ones;
    if (!allocation.permissions.make_room(new_ones, core.config->max_permissions, request.now))
        return Refusal{stun::ErrorCode::InsufficientCapacity, "too many permissions"};

    for (const IpAddress& peer : peers)
        allocation.permissions.install(peer, request.now + kPermissionLifetime);
    SuccessAnswer(request).send(core);
    return std::nullopt;
}

}  // namespace turnbuckle::turn
