#include "turnbuckle/turn/engine.hpp"

#include "turnbuckle/stun/attributes.hpp"
#include "turnbuckle/stun/classify.hpp"
#include "turnbuckle/stun/opaque_string.hpp"
#include "turnbuckle/turn/answer.hpp"
#include "turnbuckle/turn/authenticator.hpp"
#include "turnbuckle/turn/handlers.hpp"
#include "turnbuckle/turn/tcp_peers.hpp"

namespace turnbuckle::turn {

namespace {

constexpr std::uint16_t kSendIndication =
    stun::message_type(stun::MessageClass::Indication, stun::Method::Send);

bool needs_authentication(stun::Method method) noexcept {
    switch (method) {
        case stun::Method::Allocate:
        case stun::Method::Refresh:
        case stun::Method::CreatePermission:
        case stun::Method::ChannelBind:
        case stun::Method::Connect:
        case stun::Method::ConnectionBind:
            return true;
        default:
            return false;
    }
}

// What follows authentication: RFC 8489 section 6.3.1 (unknown attributes), RFC 8656 section 5
// (437 without an allocation, 441 for another user's), then the method's own rules.
void handle_authenticated(Core& core, const Request& request) {
    if (refuse_unknown_attributes(core, request)) return;
    const auto run = [&]() -> std::optional<Refusal> {
        if (request.message.method() == stun::Method::Allocate)
            return handle_allocate(core, request);
        if (request.message.method() == stun::Method::ConnectionBind)
            return handle_connection_bind(core, request);
        Allocation* allocation = core.find_live(request.from.tuple, request.now, request.effects);
        if (allocation == nullptr) return Refusal{stun::ErrorCode::AllocationMismatch, {}};
        if (allocation->username != request.identity->username) {
            core.statistics.auth_failures[AuthFailure::Mismatch].add();
            return Refusal{stun::ErrorCode::WrongCredentials, {}};
        }
        switch (request.message.method()) {
            case stun::Method::Refresh:
                return handle_refresh(core, request, *allocation);
            case stun::Method::CreatePermission:
                return handle_create_permission(core, request, *allocation);
            case stun::Method::Connect:
                return handle_connect(core, request, *allocation);
            default:
                return handle_channel_bind(core, request, *allocation);
        }
    };
    if (const auto refusal = run()) refuse(core, request, *refusal);
}

// The user's name as the store knows it (RFC 8265); nothing if no such name can exist.
std::optional<std::string> prepared(std::string_view username) {
    auto name = stun::enforce_opaque_string(username);
    if (!name) return std::nullopt;
    return std::move(*name);
}

// The allocation that a request is about: the client's own, or, for a ConnectionBind, which comes
// over a connection of its own, that of the control connection.
const Allocation* allocation_meant(Core& core, const Request& request) {
    if (request.message.method() != stun::Method::ConnectionBind)
        return core.find_live(request.from.tuple, request.now, request.effects);
    const auto id = request.message.get<stun::ConnectionId>();
    return id ? owner_of_connection(core, id->id, request.now, request.effects) : nullptr;
}

void authenticate(Core& core, const Request& request) {
    const auto claim = read_claim(core, request);
    if (!claim) return refuse_authentication(core, request, {}, claim.error());

    // A session's own user needs no store: the key stands with the allocation.
    const Allocation* allocation = allocation_meant(core, request);
    if (allocation != nullptr && allocation->username == claim->username) {
        const auto fitting = verify(request, *claim, {&allocation->key, 1});
        if (!fitting) return refuse_authentication(core, request, claim->username, fitting.error());
        const Identity identity{allocation->username, allocation->user, allocation->key};
        return handle_authenticated(core, Request{.message = request.message,
                                                  .from = request.from,
                                                  .now = request.now,
                                                  .received_at = request.received_at,
                                                  .identity = &identity,
                                                  .effects = request.effects});
    }

    auto username = prepared(claim->username);
    if (!username || claim->realm != core.config->realm) {
        const auto refused = verify(request, *claim, {});
        return refuse_authentication(core, request, claim->username, refused.error());
    }
    const auto ticket = core.park(request);
    if (!ticket) {
        // A client on a stream does not ask again by itself (RFC 8489 section 6.2.2).
        if (is_stream(request.from.tuple.transport))
            return refuse(core, request, Refusal{stun::ErrorCode::ServerError, {}});
        return core.statistics.drop(DropReason::Overloaded);
    }
    request.effects.add(LookupCredential{
        .ticket = *ticket,
        .query = {std::move(*username), core.config->realm, PasswordAlgorithm::Md5}});
}

void handle_request(Core& core, const Request& request) {
    if (const auto worker = worker_for_bind(core, request)) {
        core.forget_waiting(request.from);
        return request.effects.add(HandOver{request.from.link, *worker});
    }
    if (core.transactions.contains(
            TransactionKey{request.from.tuple, request.message.transaction_id()}))
        return core.statistics.drop(DropReason::Retransmission);
    if (request.message.method() == stun::Method::Binding) return handle_binding(core, request);
    if (needs_authentication(request.message.method())) return authenticate(core, request);
    core.statistics.drop(DropReason::UnsupportedMethod);
}

}  // namespace

Engine::Engine(std::shared_ptr<const EngineConfig> config, const EngineDependencies& dependencies,
               Time now)
    : core_(std::make_unique<Core>(std::move(config), dependencies, now)) {}

Engine::~Engine() = default;

bool Engine::is_data(ByteView datagram) noexcept {
    return stun::classify(datagram) == stun::PacketKind::ChannelData ||
           (datagram.size() >= stun::kHeaderSize && load_be16(datagram.data()) == kSendIndication);
}

void Engine::on_datagram(const ClientPath& from, ByteView datagram, Time now, Effects& effects) {
    // A source port of 0 cannot be answered; 6to4 and Teredo clients must not be served, because
    // their tunnels can be made to loop (RFC 8656 section 21.4).
    const Endpoint& client = from.tuple.client;
    if (client.port == 0 || is_tunnel(client.ip))
        return core_->statistics.drop(DropReason::BadSource);
    if (stun::classify(datagram) != stun::PacketKind::Stun)
        return core_->statistics.drop(DropReason::NotStun);
    const auto message = stun::MessageView::parse(datagram);
    if (!message) return core_->statistics.drop(DropReason::Malformed);
    if (!message->has_cookie()) return core_->statistics.drop(DropReason::NotStun);
    if (message->fingerprint_state() == stun::FingerprintState::Invalid)
        return core_->statistics.drop(DropReason::BadFingerprint);
    switch (message->message_class()) {
        case stun::MessageClass::Request:
            return handle_request(*core_, Request{.message = *message,
                                                  .from = from,
                                                  .now = now,
                                                  .received_at = now,
                                                  .effects = effects});
        case stun::MessageClass::Indication:
            // A Binding indication keeps a NAT binding alive and wants nothing (RFC 8489 section
            // 6.3.2); no other indication comes this way.
            if (message->method() != stun::Method::Binding)
                core_->statistics.drop(DropReason::UnsupportedMethod);
            return;
        case stun::MessageClass::SuccessResponse:
        case stun::MessageClass::ErrorResponse:
            return core_->statistics.drop(DropReason::UnexpectedClass);
    }
}

void Engine::on_credential(Ticket ticket, const CredentialResult& result, Time now,
                           WallTime wall_now, Effects& effects) {
    auto pending = core_->unpark(ticket);
    if (!pending) return;
    const auto message = stun::MessageView::parse(pending->bytes);
    const Request request = resume(*pending, *message, now, effects);
    // It was well-formed when it was parked; only time has passed, so its nonce may be stale now.
    const auto claim = read_claim(*core_, request);
    if (!claim) return refuse_authentication(*core_, request, {}, claim.error());

    if (!result && result.error() == CredentialError::Unavailable) {
        // Never 401: the client's password may be good, and it would throw it away.
        core_->statistics.auth_failures[AuthFailure::BackendDown].add();
        return refuse(*core_, request, Refusal{stun::ErrorCode::ServerError, {}});
    }
    const bool expired = result ? result->expires && *result->expires <= wall_now
                                : result.error() == CredentialError::Expired;
    const std::span<const Secret> candidates =
        result && !expired ? std::span<const Secret>(result->keys) : std::span<const Secret>();
    const auto fitting = verify(request, *claim, candidates);
    if (!fitting) {
        auto refusal = fitting.error();
        if (expired) refusal.counted = AuthFailure::Expired;
        return refuse_authentication(*core_, request, claim->username, refusal);
    }
    // The sender has proven its address, so the challenge that led here costs its network nothing.
    if (!proves_address(request.from.tuple.transport))
        core_->limiter.refund(request.from.tuple.client.ip, now);
    const Identity identity{std::string(claim->username), result->user, result->keys[*fitting]};
    handle_authenticated(*core_, Request{.message = *message,
                                         .from = pending->from,
                                         .now = now,
                                         .received_at = pending->received_at,
                                         .identity = &identity,
                                         .effects = effects});
}

void Engine::on_relay_opened(Ticket ticket, RelayResult result, Time now, Effects& effects) {
    auto pending = core_->unpark(ticket);
    const auto close_relays = [&] {
        if (result.relay) effects.add(CloseRelay{result.relay->handle});
        if (result.additional && *result.additional)
            effects.add(CloseRelay{(*result.additional)->handle});
    };
    if (!pending) return close_relays();
    const auto message = stun::MessageView::parse(pending->bytes);
    const Request request = resume(*pending, *message, now, effects);
    // Another Allocate of this client may have been completed while this one waited.
    auto refusal = core_->find_live(request.from.tuple, now, effects) != nullptr
                       ? std::optional(Refusal{stun::ErrorCode::AllocationMismatch, {}})
                       : complete_allocate(*core_, request, *pending, result);
    if (!refusal) return;
    close_relays();
    refuse(*core_, request, *refusal);
}

void Engine::on_disconnect(const ClientPath& from, Time now, Effects& effects) {
    core_->forget_waiting(from);
    Allocation* allocation = core_->find_live(from.tuple, now, effects);
    // The same addresses may be at it again already, over another connection.
    if (allocation != nullptr && allocation->path.link == from.link)
        core_->end(*allocation, EndReason::Closed, now, effects);
}

void Engine::on_timeout(Time now, Effects& effects) {
    auto& fired = core_->fired;
    fired.clear();
    core_->wheel.advance(now, fired);
    for (const TimerWheel::Token id : fired) {
        Allocation* allocation = core_->allocations.find(AllocationTable::Id{id});
        if (allocation == nullptr) continue;
        if (allocation->timer <= now) allocation->timer = Time::max();
        if (core_->expire(*allocation, now, effects)) core_->arm(*allocation);
    }
}

std::optional<Time> Engine::next_timeout() const noexcept {
    return core_->wheel.next();
}

void Engine::reconfigure(std::shared_ptr<const EngineConfig> config, Effects& effects) {
    core_->config = std::move(config);
    core_->limiter.set_limits(core_->config->answers);
    core_->allocations.for_each([&](Allocation& allocation) {
        const auto denied = [&](const IpAddress& peer) {
            return judge_peer(*core_, peer) == PeerJudgement::Denied;
        };
        allocation.permissions.remove_if(denied);
        allocation.channels.remove_if(denied);
        end_peers_if(
            *core_, allocation, stun::ErrorCode::Forbidden, effects, [&](const TcpPeer& peer) {
                return judge_peer(*core_, peer.peer, RelayProtocol::Tcp) == PeerJudgement::Denied;
            });
    });
}

void Engine::set_draining(bool draining) noexcept {
    core_->draining = draining;
}

void Engine::end_allocation(RelayHandle relay, EndReason reason, Time now, Effects& effects) {
    if (Allocation* allocation = core_->allocations.find(relay))
        core_->end(*allocation, reason, now, effects);
}

void Engine::end_all(EndReason reason, Time now, Effects& effects) {
    std::vector<Allocation*> all;
    core_->allocations.for_each([&](Allocation& allocation) { all.push_back(&allocation); });
    for (Allocation* allocation : all)
        core_->end(*allocation, reason, now, effects);
}

bool Engine::serves(const FiveTuple& client) const noexcept {
    return core_->allocations.contains(client);
}

std::size_t Engine::allocations() const noexcept {
    return core_->allocations.size();
}

}  // namespace turnbuckle::turn
