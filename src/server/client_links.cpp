#include "turnbuckle/server/client_links.hpp"

#include "turnbuckle/server/link_kind.hpp"

namespace turnbuckle::server {

void ClientLinks::relay(const turn::RelayDecision& decision, net::SendItem& item, ByteView payload,
                        Time now) {
    const std::uint32_t index = index_of(decision.link);
    const auto to = [&](const DatagramRoute& route) {
        item.socket = &parts_.udp[route.listener].socket;
        item.destination = route.destination;
        item.source = route.source;
        item.header_length = decision.header_length;
        item.padding = decision.padding;
        item.payload = payload;
        parts_.sender.queue(item);
    };
    switch (kind_of(decision.link)) {
        case LinkKind::Udp:
            return to({index, decision.endpoint, decision.source});
        case LinkKind::Stream:
            return parts_.streams.send(index, ByteView(item.header).first(decision.header_length),
                                       payload, decision.padding, now);
        case LinkKind::Dtls:
            return parts_.dtls.send(index, ByteView(item.header).first(decision.header_length),
                                    payload);
        case LinkKind::Proxied:
            if (const DatagramRoute* route = parts_.proxied.route(index)) return to(*route);
            return parts_.statistics.drop(turn::DropReason::ClientGone);
    }
}

void ClientLinks::answer(const turn::ClientPath& to, ByteView message, Time now) {
    const std::uint32_t index = index_of(to.link);
    switch (kind_of(to.link)) {
        case LinkKind::Udp:
            return output_.send({index, to.tuple.client, to.tuple.server.ip}, message);
        case LinkKind::Stream:
            return parts_.streams.send(index, message, {}, 0, now);
        case LinkKind::Dtls:
            return parts_.dtls.send(index, {}, message);
        case LinkKind::Proxied:
            if (const DatagramRoute* route = parts_.proxied.route(index))
                return output_.send(*route, message);
            return parts_.statistics.drop(turn::DropReason::ClientGone);
    }
}

}  // namespace turnbuckle::server
