// Allocate: RFC 8656 section 7.2, and RFC 6062 section 5.1 where TCP is to be relayed. The numbers
// are those of its checks; check 1 (authentication) has been made, check 11 (300) has its place
// with ALTERNATE-SERVER.
#include <expected>

#include "turnbuckle/turn/answer.hpp"
#include "turnbuckle/turn/handlers.hpp"

namespace turnbuckle::turn {

namespace {

using stun::AttributeError;
using stun::ErrorCode;

// Nothing if absent; a refusal if malformed.
template <class A>
std::expected<std::optional<A>, Refusal> optional_attribute(const Request& request) {
    const auto attribute = request.message.get<A>();
    if (attribute) return std::optional<A>(*attribute);
    if (attribute.error() == AttributeError::Absent) return std::optional<A>();
    return std::unexpected(Refusal{ErrorCode::BadRequest, "an attribute is malformed"});
}

std::expected<AllocatePlan, Refusal> plan_allocation(const Core& core, const Request& request) {
    // 3. REQUESTED-TRANSPORT absent or malformed: 400; a protocol that is not supported: 442.
    const auto transport = request.message.get<stun::RequestedTransport>();
    if (!transport)
        return std::unexpected(
            Refusal{ErrorCode::BadRequest, "REQUESTED-TRANSPORT is missing or malformed"});
    if (transport->protocol != stun::kProtocolUdp && transport->protocol != stun::kProtocolTcp)
        return std::unexpected(Refusal{ErrorCode::UnsupportedTransport, {}});
    if (transport->protocol == stun::kProtocolTcp) {
        // RFC 6062 section 5.1: "If the client connection transport is not TCP or TLS": 400.
        if (!is_stream(request.from.tuple.transport))
            return std::unexpected(
                Refusal{ErrorCode::BadRequest, "TCP is relayed for clients over TCP or TLS only"});
        // "If the request contains the DONT-FRAGMENT, EVEN-PORT, or RESERVATION-TOKEN": 400.
        for (const auto type : {stun::AttributeType::DontFragment, stun::AttributeType::EvenPort,
                                stun::AttributeType::ReservationToken})
            if (request.message.has(type))
                return std::unexpected(
                    Refusal{ErrorCode::BadRequest, "an attribute is for UDP only"});
    }

    // 4. DONT-FRAGMENT is supported, so there is nothing to refuse.

    const auto lifetime = optional_attribute<stun::Lifetime>(request);
    const auto token = optional_attribute<stun::ReservationToken>(request);
    const auto even_port = optional_attribute<stun::EvenPort>(request);
    const auto family = optional_attribute<stun::RequestedAddressFamily>(request);
    const auto additional = optional_attribute<stun::AdditionalAddressFamily>(request);
    if (!lifetime) return std::unexpected(lifetime.error());
    if (!token) return std::unexpected(token.error());
    if (!even_port) return std::unexpected(even_port.error());
    if (!family) return std::unexpected(family.error());
    if (!additional) return std::unexpected(additional.error());

    // 5. RESERVATION-TOKEN goes with none of these: 400. (Whether it is valid, the driver knows.)
    if (*token && (*even_port || *family || *additional))
        return std::unexpected(
            Refusal{ErrorCode::BadRequest, "RESERVATION-TOKEN excludes other attributes"});
    // 6. Both family attributes: 400.
    if (*family && *additional)
        return std::unexpected(Refusal{ErrorCode::BadRequest, "both address family attributes"});
    // 7. A family that nobody knows: 440. One that this host lacks is found when it is opened.
    if (*family && !(*family)->family)
        return std::unexpected(Refusal{ErrorCode::AddressFamilyNotSupported, {}});
    // 8. EVEN-PORT with R set, and ADDITIONAL-ADDRESS-FAMILY: 400.
    if (*even_port && (*even_port)->reserve_next && *additional)
        return std::unexpected(
            Refusal{ErrorCode::BadRequest, "EVEN-PORT excludes ADDITIONAL-ADDRESS-FAMILY"});
    // 9. ADDITIONAL-ADDRESS-FAMILY is IPv4: 400. Another number than IPv6 means as little.
    if (*additional && (*additional)->family != AddressFamily::IPv6)
        return std::unexpected(
            Refusal{ErrorCode::BadRequest, "ADDITIONAL-ADDRESS-FAMILY is not IPv6"});

    AllocatePlan plan;
    if (transport->protocol == stun::kProtocolTcp) plan.protocol = RelayProtocol::Tcp;
    plan.lifetime = granted_lifetime(
        *core.config, *lifetime ? std::optional((*lifetime)->seconds) : std::nullopt);
    if (*family) plan.family = *(*family)->family;
    if (*additional) plan.additional_family = AddressFamily::IPv6;
    if (*token) plan.reservation = (*token)->token;
    if (*even_port) {
        plan.even_port = true;
        plan.reserve_next = (*even_port)->reserve_next;
    }
    return plan;
}

ErrorCode code_of(RelayError error) noexcept {
    return error == RelayError::FamilyNotSupported ? ErrorCode::AddressFamilyNotSupported
                                                   : ErrorCode::InsufficientCapacity;
}

void answer_allocated(Core& core, const Request& request, const Allocation& allocation) {
    SuccessAnswer answer(request);
    for (const auto& relay : allocation.relays)
        if (relay) answer.message().add(stun::XorRelayedAddress{relay->relayed});
    answer.message().add(stun::Lifetime{
        std::chrono::duration_cast<std::chrono::seconds>(allocation.expires() - request.now)});
    if (allocation.reservation)
        answer.message().add(stun::ReservationToken{*allocation.reservation});
    if (allocation.additional_error) {
        const auto missing =
            allocation.relay(AddressFamily::IPv4) ? AddressFamily::IPv6 : AddressFamily::IPv4;
        answer.message().add(
            stun::AddressErrorCode{missing, code_of(*allocation.additional_error), {}});
    }
    answer.message().add(stun::XorMappedAddress{request.from.tuple.client});
    answer.send(core);
}

}  // namespace

std::optional<Refusal> handle_allocate(Core& core, const Request& request) {
    // 2. The five-tuple is in use: 437, unless this is the very request that made the allocation.
    if (const Allocation* existing =
            core.find_live(request.from.tuple, request.now, request.effects)) {
        if (existing->created_by != request.message.transaction_id() ||
            existing->username != request.identity->username)
            return Refusal{ErrorCode::AllocationMismatch, {}};
        answer_allocated(core, request, *existing);
        return std::nullopt;
    }
    // 3 to 9.
    const auto plan = plan_allocation(core, request);
    if (!plan) return plan.error();

    if (core.draining) return Refusal{ErrorCode::InsufficientCapacity, "the server is draining"};

    // 10. The quota, by user: 486. The reserved port of a pair is charged like an allocation, or a
    // user could hold every port by asking for pairs.
    QuotaTicket quota;
    std::optional<QuotaTicket> reserve_next;
    if (!plan->reservation) {
        auto acquired = core.quota.acquire(request.identity->user);
        if (!acquired) return Refusal{ErrorCode::AllocationQuotaReached, {}};
        quota = std::move(*acquired);
    }
    if (plan->reserve_next) {
        auto acquired = core.quota.acquire(request.identity->user);
        if (!acquired) return Refusal{ErrorCode::AllocationQuotaReached, {}};
        reserve_next = std::move(*acquired);
    }

    const auto ticket = core.park(request);
    if (!ticket) return Refusal{ErrorCode::InsufficientCapacity, {}};
    PendingRequest& pending = core.pending.at(*ticket);
    pending.identity = *request.identity;
    pending.plan = *plan;
    pending.quota = std::move(quota);
    request.effects.add(OpenRelay{.ticket = *ticket,
                                  .client = request.from.tuple,
                                  .protocol = plan->protocol,
                                  .family = plan->family,
                                  .additional_family = plan->additional_family,
                                  .even_port = plan->even_port,
                                  .reserve_next = std::move(reserve_next),
                                  .reservation = plan->reservation});
    return std::nullopt;
}

std::optional<Refusal> complete_allocate(Core& core, const Request& request,
                                         PendingRequest& pending, RelayResult& result) {
    // 7 to 9 again: 440 or 508 if nothing could be opened; half of a dual allocation is a success
    // that says in ADDRESS-ERROR-CODE what failed.
    const bool additional_open = result.additional && result.additional->has_value();
    if (!result.relay && !additional_open) return Refusal{code_of(result.relay.error()), {}};

    // A reserved port was charged to whoever reserved it; now it is charged to who uses it.
    if (pending.plan.reservation) {
        auto acquired = core.quota.acquire(request.identity->user);
        if (!acquired) return Refusal{ErrorCode::AllocationQuotaReached, {}};
        pending.quota = std::move(*acquired);
    }

    auto allocation = std::make_unique<Allocation>();
    const auto take = [&](const OpenedRelay& relay) {
        allocation->relays[relay.relayed.ip.is_v4() ? 0 : 1] =
            AllocatedRelay{relay, request.now + pending.plan.lifetime};
    };
    if (result.relay) {
        take(*result.relay);
    } else {
        allocation->additional_error = result.relay.error();
    }
    if (additional_open) {
        take(**result.additional);
    } else if (result.additional) {
        allocation->additional_error = result.additional->error();
    }
    allocation->path = request.from;
    allocation->created_by = request.message.transaction_id();
    allocation->reservation = result.reservation;
    allocation->username = request.identity->username;
    allocation->user = request.identity->user;
    allocation->key = request.identity->key;
    allocation->quota = std::move(pending.quota);
    allocation->created = request.now;
    allocation->protocol = pending.plan.protocol;

    const Transport transport = request.from.tuple.transport;
    core.statistics.allocations_created[transport].add();
    SessionStarted started{request.from.tuple, allocation->user, {}};
    for (std::size_t i = 0; i < allocation->relays.size(); ++i) {
        if (!allocation->relays[i]) continue;
        started.relayed[i] = allocation->relays[i]->relayed;
        core.statistics.allocations[transport][i].add(1);
    }
    request.effects.add(std::move(started));
    answer_allocated(core, request, *allocation);
    core.arm(core.allocations.insert(std::move(allocation)));
    return std::nullopt;
}

}  // namespace turnbuckle::turn
