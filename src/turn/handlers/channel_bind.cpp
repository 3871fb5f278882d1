// ChannelBind: RFC 8656 section 12.2.
#include "turnbuckle/turn/answer.hpp"
#include "turnbuckle/turn/handlers.hpp"

namespace turnbuckle::turn {

std::optional<Refusal> handle_channel_bind(Core& core, const Request& request,
                                           Allocation& allocation) {
    // Channels carry datagrams. RFC 6062 section 3: a control connection "only allows TURN messages
    // and not application data".
    if (allocation.protocol == RelayProtocol::Tcp)
        return Refusal{stun::ErrorCode::BadRequest, "the allocation relays TCP"};
    // "The request contains both a CHANNEL-NUMBER and an XOR-PEER-ADDRESS attribute"
    const auto channel = request.message.get<stun::ChannelNumber>();
    const auto peer = request.message.get<stun::XorPeerAddress>();
    if (!channel || !peer)
        return Refusal{stun::ErrorCode::BadRequest,
                       "CHANNEL-NUMBER or XOR-PEER-ADDRESS is missing"};
    // "The channel number is in the range 0x4000 through 0x4FFF (inclusive)"
    if (!stun::is_channel(channel->number) &&
        !(core.config->legacy_channels && stun::is_legacy_channel(channel->number)))
        return Refusal{stun::ErrorCode::BadRequest, "channel number out of range"};
    // "The channel number is not currently bound to a different transport address (same transport
    // address is OK)"
    const Channel* bound = allocation.channels.by_number(channel->number, request.now);
    if (bound != nullptr && bound->peer != peer->endpoint)
        return Refusal{stun::ErrorCode::BadRequest, "channel is bound to another peer"};
    // "The transport address is not currently bound to a different channel number"
    const auto other = allocation.channels.by_peer(peer->endpoint, request.now);
    if (other && *other != channel->number)
        return Refusal{stun::ErrorCode::BadRequest, "peer is bound to another channel"};

    // 443, 403: here the port counts too.
    const IpAddress& ip = peer->endpoint.ip;
    if (auto refusal = refuse_peer(core, request, allocation, judge_peer(core, peer->endpoint), ip))
        return refusal;

    // "unable to fulfill the request due to some capacity limit or similar": 508
    const std::size_t new_permissions = allocation.permissions.allows(ip, request.now) ? 0 : 1;
    if ((bound == nullptr &&
         !allocation.channels.make_room(core.config->max_channels, request.now)) ||
        !allocation.permissions.make_room(new_permissions, core.config->max_permissions,
                                          request.now))
        return Refusal{stun::ErrorCode::InsufficientCapacity, "too many channels or permissions"};

    allocation.channels.bind(channel->number,
                             Channel{.peer = peer->endpoint,
                                     .expires = request.now + kChannelLifetime,
                                     .peer_is_own = core.own_addresses.is_own(ip)});
    allocation.permissions.install(ip, request.now + kPermissionLifetime);
    SuccessAnswer(request).send(core);
    return std::nullopt;
}

}  // namespace turnbuckle::turn
