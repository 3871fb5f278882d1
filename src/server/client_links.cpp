#include "turnbuckle/server/client_links.hpp"

#include <algorithm>

#include "turnbuckle/server/link_kind.hpp"

namespace turnbuckle::server {

void ClientLinks::relay(const turn::RelayDecision& decision, net::SendItem& item, ByteView payload,
                        Time now) {
    const std::uint32_t index = index_of(decision.link);
    switch (kind_of(decision.link)) {
        case LinkKind::Udp:
            item.socket = &parts_.udp[index].socket;
            item.destination = decision.endpoint;
            item.source = decision.source;
            item.header_length = decision.header_length;
            item.padding = decision.padding;
            item.payload = payload;
            return parts_.sender.queue(item);
        case LinkKind::Stream:
            return parts_.streams.send(index, ByteView(item.header).first(decision.header_length),
                                       payload, decision.padding, now);
        case LinkKind::Dtls:
            return parts_.dtls.send(index, ByteView(item.header).first(decision.header_length),
                                    payload);
        case LinkKind::Proxied: {
            const DatagramRoute* route = parts_.proxied.route(index);
            if (route == nullptr) return parts_.statistics.drop(turn::DropReason::ClientGone);
            item.socket = &parts_.udp[route->listener].socket;
            item.destination = route->destination;
            item.source = route->source;
            item.header_length = decision.header_length;
            item.padding = decision.padding;
            item.payload = payload;
            return parts_.sender.queue(item);
        }
    }
}

void ClientLinks::answer(const turn::ClientPath& to, ByteView message, Time now) {
    const std::uint32_t index = index_of(to.link);
    switch (kind_of(to.link)) {
        case LinkKind::Udp: {
            const MutableBytes kept = parts_.arena.room_for(message.size());
            std::ranges::copy(message, kept.begin());
            net::SendItem item;
            item.socket = &parts_.udp[index].socket;
            item.destination = to.tuple.client;
            item.source = to.tuple.server.ip;
            item.payload = kept;
            return parts_.sender.queue(item);
        }
        case LinkKind::Stream:
            return parts_.streams.send(index, message, {}, 0, now);
        case LinkKind::Dtls:
            return parts_.dtls.send(index, {}, message);
        case LinkKind::Proxied: {
            const DatagramRoute* route = parts_.proxied.route(index);
            if (route == nullptr) return parts_.statistics.drop(turn::DropReason::ClientGone);
            return DatagramOutput(parts_.sender, parts_.arena, parts_.udp).send(*route, message);
        }
    }
}

}  // namespace turnbuckle::server
