// All allocations of one worker, found by five-tuple (what a client sends) and by relay handle
// (what a peer sends). Owns them; addresses stay put while an allocation lives.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "turnbuckle/turn/allocation.hpp"

namespace turnbuckle::turn {

class AllocationTable {
public:
    // Names an allocation for the timer wheel; a name is never given to another one.
    using Id = std::uint64_t;

    [[nodiscard]] bool contains(const FiveTuple& tuple) const noexcept {
        return by_tuple_.contains(tuple);
    }
    [[nodiscard]] Allocation* find(const FiveTuple& tuple) noexcept {
        const auto at = by_tuple_.find(tuple);
        return at == by_tuple_.end() ? nullptr : slots_[at->second].allocation.get();
    }
    [[nodiscard]] Allocation* find(RelayHandle relay) noexcept {
        const auto index = static_cast<std::size_t>(relay);
        if (index >= by_relay_.size() || by_relay_[index] == kNone) return nullptr;
        return slots_[by_relay_[index]].allocation.get();
    }
    [[nodiscard]] Allocation* find(Id id) noexcept {
        const auto index = static_cast<std::uint32_t>(id);
        if (index >= slots_.size() || slots_[index].id != id) return nullptr;
        return slots_[index].allocation.get();
    }

    // The five-tuple and the relays must not be in the table yet. Gives the allocation its id.
    Allocation& insert(std::unique_ptr<Allocation> allocation);
    // The caller has made sure that it is here.
    [[nodiscard]] std::unique_ptr<Allocation> remove(const FiveTuple& tuple);
    // The relay is closed while its allocation lives on.
    void forget(RelayHandle relay) { by_relay_[static_cast<std::size_t>(relay)] = kNone; }

    [[nodiscard]] std::size_t size() const noexcept { return by_tuple_.size(); }

    template <class Visitor>
    void for_each(Visitor&& visit) {
        for (auto& slot : slots_)
            if (slot.allocation) visit(*slot.allocation);
    }

private:
    static constexpr std::uint32_t kNone = UINT32_MAX;

    struct Slot {
        Id id = 0;  // slot index in the low half, generation in the high half
        std::unique_ptr<Allocation> allocation;
    };

    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    boost::unordered_flat_map<FiveTuple, std::uint32_t, std::hash<FiveTuple>> by_tuple_;
    std::vector<std::uint32_t> by_relay_;
};

}  // namespace turnbuckle::turn
