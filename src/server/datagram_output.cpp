#include "turnbuckle/server/datagram_output.hpp"

#include <algorithm>

namespace turnbuckle::server {

void DatagramOutput::send(const DatagramRoute& route, ByteView datagram) noexcept {
    net::SendItem item;
    item.payload = keep(datagram);
    item.socket = &listeners_[route.listener].socket;
    item.destination = route.destination;
    item.source = route.source;
    sender_.queue(item);
}

ByteView DatagramOutput::keep(ByteView bytes) noexcept {
    const MutableBytes kept = arena_.room_for(bytes.size());
    std::ranges::copy(bytes, kept.begin());
    return kept;
}

}  // namespace turnbuckle::server
