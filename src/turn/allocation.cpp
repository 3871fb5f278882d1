#include "turnbuckle/turn/allocation.hpp"

namespace turnbuckle::turn {

bool Permissions::make_room(std::size_t count, std::size_t limit, Time now) {
    if (count == 0) return true;  // a limit that was lowered takes nothing away
    if (expiries_.size() + count > limit)
        sweep(expiries_, [now](const auto& entry) { return entry.second <= now; });
    return expiries_.size() + count <= limit;
}

bool Channels::make_room(std::size_t limit, Time now) {
    if (by_number_.size() + 1 > limit) {
        sweep(by_peer_, [&](const auto& entry) { return by_number(entry.second, now) == nullptr; });
        sweep(by_number_, [now](const auto& entry) { return entry.second.expires <= now; });
    }
    return by_number_.size() + 1 <= limit;
}

void Channels::bind(std::uint16_t number, const Channel& channel) {
    // A dead binding of this number to another peer, or of this peer to another number, goes.
    if (const auto old = by_number_.find(number); old != by_number_.end())
        by_peer_.erase(old->second.peer);
    if (const auto old = by_peer_.find(channel.peer); old != by_peer_.end())
        by_number_.erase(old->second);
    by_number_[number] = channel;
    by_peer_[channel.peer] = number;
}

}  // namespace turnbuckle::turn
