#include "turnbuckle/turn/allocation_table.hpp"

#include <utility>

namespace turnbuckle::turn {

Allocation& AllocationTable::insert(std::unique_ptr<Allocation> allocation) {
    std::uint32_t index = 0;
    if (free_.empty()) {
        index = static_cast<std::uint32_t>(slots_.size());
        slots_.push_back({index, nullptr});
    } else {
        index = free_.back();
        free_.pop_back();
    }
    by_tuple_.emplace(allocation->path.tuple, index);
    for (const auto& relay : allocation->relays) {
        if (!relay) continue;
        const auto handle = static_cast<std::size_t>(relay->handle);
        if (handle >= by_relay_.size()) by_relay_.resize(handle + 1, kNone);
        by_relay_[handle] = index;
    }
    allocation->id = slots_[index].id;
    slots_[index].allocation = std::move(allocation);
    return *slots_[index].allocation;
}

std::unique_ptr<Allocation> AllocationTable::remove(const FiveTuple& tuple) {
    const auto at = by_tuple_.find(tuple);
    const std::uint32_t index = at->second;
    by_tuple_.erase(at);
    Slot& slot = slots_[index];
    auto allocation = std::move(slot.allocation);
    slot.id += std::uint64_t{1} << 32;
    free_.push_back(index);
    for (const auto& relay : allocation->relays)
        if (relay) forget(relay->handle);
    return allocation;
}

}  // namespace turnbuckle::turn
