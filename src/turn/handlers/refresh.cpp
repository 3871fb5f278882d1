// Refresh: RFC 8656 section 8.2.
#include <algorithm>
#include <array>

#include "turnbuckle/turn/answer.hpp"
#include "turnbuckle/turn/handlers.hpp"

namespace turnbuckle::turn {

namespace {

constexpr std::array kFamilies{AddressFamily::IPv4, AddressFamily::IPv6};

}  // namespace

std::chrono::seconds granted_lifetime(const EngineConfig& config,
                                      std::optional<std::chrono::seconds> asked) {
    if (!asked) return config.default_lifetime;
    return std::max(std::min(*asked, config.max_lifetime), config.default_lifetime);
}

std::optional<Refusal> handle_refresh(Core& core, const Request& request, Allocation& allocation) {
    const auto lifetime = request.message.get<stun::Lifetime>();
    if (!lifetime && lifetime.error() == stun::AttributeError::Malformed)
        return Refusal{stun::ErrorCode::BadRequest, "LIFETIME is malformed"};

    // "a REQUESTED-ADDRESS-FAMILY attribute and the attribute value does not match the address
    // family of the allocation": 443.
    const auto family = request.message.get<stun::RequestedAddressFamily>();
    if (!family && family.error() == stun::AttributeError::Malformed)
        return Refusal{stun::ErrorCode::BadRequest, "REQUESTED-ADDRESS-FAMILY is malformed"};
    if (family && (!family->family || !allocation.relay(*family->family)))
        return Refusal{stun::ErrorCode::PeerAddressFamilyMismatch, {}};

    // Section 8.1: with REQUESTED-ADDRESS-FAMILY only that half of a dual allocation is meant.
    const auto is_meant = [&](AddressFamily each) { return !family || family->family == each; };

    SuccessAnswer answer(request);
    // "If the 'desired lifetime' is zero, then the request succeeds and the allocation is deleted."
    if (lifetime && lifetime->seconds == std::chrono::seconds(0)) {
        answer.message().add(stun::Lifetime{std::chrono::seconds(0)});
        answer.send(core);
        const bool is_half = std::ranges::any_of(kFamilies, [&](AddressFamily each) {
            return !is_meant(each) && allocation.relay(each);
        });
        if (is_half) {
            core.close_half(allocation, *family->family, request.effects);
        } else {
            core.end(allocation, EndReason::Released, request.now, request.effects);
        }
        return std::nullopt;
    }
    const auto granted =
        granted_lifetime(*core.config, lifetime ? std::optional(lifetime->seconds) : std::nullopt);
    for (auto& relay : allocation.relays)
        if (relay && is_meant(relay->relayed.ip.family())) relay->expires = request.now + granted;
    core.arm(allocation);
    answer.message().add(stun::Lifetime{granted});
    answer.send(core);
    return std::nullopt;
}

}  // namespace turnbuckle::turn
