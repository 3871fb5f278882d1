#include "turnbuckle/turn/core.hpp"

#include <chrono>

namespace turnbuckle::turn {

std::optional<Ticket> Core::park(const Request& request) {
    if (pending.size() >= kMaxPending) return std::nullopt;
    const Ticket ticket{++last_ticket};
    const ByteView bytes = request.message.bytes();
    pending.emplace(ticket, PendingRequest{.from = request.from,
                                           .bytes = {bytes.begin(), bytes.end()},
                                           .received_at = request.received_at,
                                           .identity = std::nullopt,
                                           .plan = {},
                                           .quota = {}});
    transactions.emplace(TransactionKey{request.from.tuple, request.message.transaction_id()},
                         ticket);
    statistics.pending_requests.set(static_cast<std::int64_t>(pending.size()));
    return ticket;
}

std::optional<PendingRequest> Core::unpark(Ticket ticket) {
    const auto at = pending.find(ticket);
    if (at == pending.end()) return std::nullopt;
    PendingRequest request = std::move(at->second);
    pending.erase(at);
    const auto id = stun::TransactionId::from_bytes(
        ByteView(request.bytes).subspan(8, stun::kTransactionIdSize));
    transactions.erase(TransactionKey{request.from.tuple, id});
    statistics.pending_requests.set(static_cast<std::int64_t>(pending.size()));
    return request;
}

Allocation* Core::find_live(const FiveTuple& tuple, Time now, Effects& effects) {
    Allocation* allocation = allocations.find(tuple);
    return allocation != nullptr && expire(*allocation, now, effects) ? allocation : nullptr;
}

bool Core::expire(Allocation& allocation, Time now, Effects& effects) {
    if (allocation.expires() <= now) {
        end(allocation, EndReason::Expired, now, effects);
        return false;
    }
    for (const AddressFamily family : {AddressFamily::IPv4, AddressFamily::IPv6})
        if (allocation.relay(family) && allocation.live_relay(family, now) == nullptr)
            close_half(allocation, family, effects);
    return true;
}

void Core::arm(Allocation& allocation) {
    const Time due = allocation.next_expiry();
    if (allocation.timer <= due) return;
    wheel.schedule(due, allocation.id);
    allocation.timer = due;
}

void Core::close_half(Allocation& allocation, AddressFamily family, Effects& effects) {
    const auto index = family == AddressFamily::IPv4 ? 0u : 1u;
    const RelayHandle handle = allocation.relays[index]->handle;
    allocation.relays[index].reset();
    allocations.forget(handle);
    const auto of_family = [family](const IpAddress& peer) { return peer.family() == family; };
    allocation.permissions.remove_if(of_family);
    allocation.channels.remove_if(of_family);
    statistics.allocations[allocation.path.tuple.transport][index].add(-1);
    effects.add(CloseRelay{handle});
}

void Core::end(Allocation& allocation, EndReason reason, Time now, Effects& effects) {
    const auto owned = allocations.remove(allocation.path.tuple);
    SessionEnded ended{.client = owned->path.tuple,
                       .user = std::move(owned->user),
                       .relayed = {},
                       .reason = reason,
                       .duration = now - owned->created,
                       .relayed_data = owned->relayed_data};
    for (std::size_t i = 0; i < owned->relays.size(); ++i) {
        if (!owned->relays[i]) continue;
        ended.relayed[i] = owned->relays[i]->relayed;
        statistics.allocations[owned->path.tuple.transport][i].add(-1);
        effects.add(CloseRelay{owned->relays[i]->handle});
    }
    statistics.allocations_ended[reason].add();
    statistics.session_seconds.observe(std::chrono::duration<double>(ended.duration).count());
    effects.add(std::move(ended));
}

namespace {

PeerJudgement by_policy(const PeerPolicy::Verdict& verdict) noexcept {
    return verdict.allowed ? PeerJudgement::Allowed : PeerJudgement::Denied;
}

// An address of this host in another spelling (v4-mapped, NAT64 ...) has no honest use.
bool is_disguised_own(const Core& core, const IpAddress& peer) noexcept {
    const IpAddress folded = canonical(peer);
    return folded != peer && core.own_addresses.is_own(folded);
}

}  // namespace

PeerJudgement judge_peer(const Core& core, const IpAddress& peer) noexcept {
    if (is_disguised_own(core, peer)) return PeerJudgement::Denied;
    if (core.own_addresses.is_relay_address(peer)) return PeerJudgement::OwnRelayed;
    const auto verdict = core.config->peers.judge(peer);
    // Another address of this host: only if the configuration opens it by name.
    if (core.own_addresses.is_own(peer) && !verdict.opened) return PeerJudgement::Denied;
    return by_policy(verdict);
}

PeerJudgement judge_peer(const Core& core, const Endpoint& peer, RelayProtocol protocol) noexcept {
    if (peer.port == 0 || is_disguised_own(core, peer.ip)) return PeerJudgement::Denied;
    switch (core.own_addresses.of(peer, protocol)) {
        case Ownership::Relayed:
            return PeerJudgement::OwnRelayed;
        case Ownership::Service:
            return PeerJudgement::Denied;
        case Ownership::OtherOwn: {
            const auto verdict = core.config->peers.judge(peer.ip);
            return verdict.opened ? by_policy(verdict) : PeerJudgement::Denied;
        }
        case Ownership::Foreign:
            break;
    }
    return by_policy(core.config->peers.judge(peer.ip));
}

std::optional<Refusal> refuse_peer(Core& core, const Request& request, const Allocation& allocation,
                                   PeerJudgement judgement, const IpAddress& peer) {
    if (!allocation.relay(peer.family()))
        return Refusal{stun::ErrorCode::PeerAddressFamilyMismatch, {}};
    if (judgement == PeerJudgement::Denied) {
        const auto reason = core.config->peers.judge(peer).reason;
        request.effects.add(PeerRefused{
            request.from.tuple, allocation.user, peer,
            reason == PeerPolicy::Reason::None ? "this server's own address" : why(reason)});
        return Refusal{stun::ErrorCode::Forbidden, {}};
    }
    return std::nullopt;
}

}  // namespace turnbuckle::turn
