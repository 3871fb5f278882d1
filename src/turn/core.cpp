#include "turnbuckle/turn/core.hpp"

#include <chrono>

#include "turnbuckle/turn/tcp_peers.hpp"

namespace turnbuckle::turn {

std::optional<Ticket> Core::park(const Request& request) {
    if (pending.size() - connecting >= kMaxPending) return std::nullopt;
    const Ticket ticket{++last_ticket};
    const ByteView bytes = request.message.bytes();
    pending.emplace(ticket, PendingRequest{.from = request.from,
                                           .bytes = {bytes.begin(), bytes.end()},
                                           .received_at = request.received_at,
                                           .identity = std::nullopt,
                                           .plan = {},
                                           .quota = {},
                                           .is_connect = false});
    transactions.emplace(TransactionKey{request.from.tuple, request.message.transaction_id()},
                         ticket);
    if (proves_address(request.from.tuple.transport)) ++waiting[request.from.tuple];
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
    if (request.is_connect) --connecting;
    if (const auto count = waiting.find(request.from.tuple);
        count != waiting.end() && --count->second == 0)
        waiting.erase(count);
    statistics.pending_requests.set(static_cast<std::int64_t>(pending.size()));
    return request;
}

void Core::forget_waiting(const ClientPath& client) {
    if (!waiting.contains(client.tuple)) return;
    std::vector<Ticket> tickets;
    for (const auto& [ticket, request] : pending)
        if (request.from.tuple == client.tuple && request.from.link == client.link)
            tickets.push_back(ticket);
    for (const Ticket ticket : tickets) {
        (void)unpark(ticket);
        statistics.drop(DropReason::ClientGone);
    }
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
    end_peers_if(*this, allocation, stun::ErrorCode::ConnectionTimeoutOrFailure, effects,
                 [now](const TcpPeer& peer) { return peer.deadline <= now; });
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
    end_peers_if(*this, allocation, stun::ErrorCode::ConnectionTimeoutOrFailure, effects,
                 [&](const TcpPeer& peer) { return of_family(peer.peer.ip); });
    statistics.allocations[allocation.path.tuple.transport][index].add(-1);
    effects.add(CloseRelay{handle});
}

void Core::end(Allocation& allocation, EndReason reason, Time now, Effects& effects) {
    // RFC 6062 section 5.5: "If the allocation associated with a data connection expires, the data
    // connection MUST be closed." So must it be when the allocation ends in any other way.
    end_peers_if(*this, allocation, stun::ErrorCode::ConnectionTimeoutOrFailure, effects,
                 [](const TcpPeer&) { return true; });
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

Request resume(const PendingRequest& pending, const stun::MessageView& message, Time now,
               Effects& effects) {
    return Request{.message = message,
                   .from = pending.from,
                   .now = now,
                   .received_at = pending.received_at,
                   .identity = pending.identity ? &*pending.identity : nullptr,
                   .effects = effects};
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
