#include "turnbuckle/turn/answer.hpp"

namespace turnbuckle::turn {

namespace {

using stun::AttributeType;

// The reason phrase helps people who read a trace, but before authentication every byte counts:
// the answer may be on its way to somebody who never asked (reflection). For the same reason
// answers are budgeted, but only where the source may be forged; and a stream's client waits for
// each.
std::string_view reason_for(const Request& request, const Refusal& refusal) {
    if (request.identity == nullptr) return {};
    return refusal.reason.empty() ? stun::reason_phrase(refusal.code) : refusal.reason;
}

void finish(Core& core, const Request& request, stun::MessageBuilder& builder, std::uint16_t code) {
    if (request.identity == nullptr) {
        if (!proves_address(request.from.tuple.transport) &&
            !core.limiter.allow(request.from.tuple.client.ip, request.now)) {
            core.statistics.drop(DropReason::RateLimited);
            return;
        }
    } else {
        if (!core.config->software.empty()) builder.add(stun::Software{core.config->software});
        builder.add_message_integrity(as_bytes(request.identity->key.reveal()));
    }
    if (request.message.fingerprint_state() == stun::FingerprintState::Valid)
        builder.add_fingerprint();
    const ByteView bytes = builder.finish();
    if (bytes.empty()) {
        core.statistics.drop(DropReason::InternalError);
        return;
    }
    core.statistics.responses[label_of(request.message.method())][code_index(code)].add();
    request.effects.send(request.from, bytes, request.received_at);
}

stun::MessageBuilder error_response(const Request& request, MutableBytes buffer,
                                    const Refusal& refusal) {
    stun::MessageBuilder builder(buffer, stun::MessageClass::ErrorResponse,
                                 request.message.method(), request.message.transaction_id());
    builder.add(stun::ErrorCodeAttribute{refusal.code, reason_for(request, refusal)});
    return builder;
}

}  // namespace

SuccessAnswer::SuccessAnswer(const Request& request)
    : request_(request),
      builder_(buffer_, stun::MessageClass::SuccessResponse, request.message.method(),
               request.message.transaction_id()) {}

void SuccessAnswer::send(Core& core) {
    finish(core, request_, builder_, 0);
}

void refuse(Core& core, const Request& request, const Refusal& refusal) {
    std::array<std::uint8_t, kMaxAnswerSize> buffer;
    auto builder = error_response(request, buffer, refusal);
    std::array<std::uint8_t, NonceAuthority::kMaxLength> nonce{};
    if (refusal.with_challenge) {
        builder.add(stun::Realm{core.config->realm});
        builder.add(
            stun::Nonce{as_text(core.nonces.issue(request.now, request.from.tuple.client, nonce))});
    }
    finish(core, request, builder, static_cast<std::uint16_t>(refusal.code));
}

bool refuse_unknown_attributes(Core& core, const Request& request) {
    const auto unknown = request.message.collect_unknown(is_known_attribute);
    if (unknown.empty()) return false;
    std::array<std::uint8_t, kMaxAnswerSize> buffer;
    const Refusal refusal{stun::ErrorCode::UnknownAttribute, {}};
    auto builder = error_response(request, buffer, refusal);
    builder.add(stun::UnknownAttributes{unknown});
    finish(core, request, builder, static_cast<std::uint16_t>(refusal.code));
    return true;
}

bool is_known_attribute(stun::AttributeType type) noexcept {
    switch (type) {
        case AttributeType::MappedAddress:
        case AttributeType::Username:
        case AttributeType::MessageIntegrity:
        case AttributeType::ErrorCode:
        case AttributeType::UnknownAttributes:
        case AttributeType::ChannelNumber:
        case AttributeType::Lifetime:
        case AttributeType::XorPeerAddress:
        case AttributeType::Data:
        case AttributeType::Realm:
        case AttributeType::Nonce:
        case AttributeType::XorRelayedAddress:
        case AttributeType::RequestedAddressFamily:
        case AttributeType::EvenPort:
        case AttributeType::RequestedTransport:
        case AttributeType::DontFragment:
        case AttributeType::XorMappedAddress:
        case AttributeType::ReservationToken:
        case AttributeType::ConnectionId:
            return true;
        default:
            return false;
    }
}

RequestMethod label_of(stun::Method method) noexcept {
    switch (method) {
        case stun::Method::Binding:
            return RequestMethod::Binding;
        case stun::Method::Allocate:
            return RequestMethod::Allocate;
        case stun::Method::Refresh:
            return RequestMethod::Refresh;
        case stun::Method::CreatePermission:
            return RequestMethod::CreatePermission;
        case stun::Method::ChannelBind:
            return RequestMethod::ChannelBind;
        case stun::Method::Connect:
            return RequestMethod::Connect;
        case stun::Method::ConnectionBind:
            return RequestMethod::ConnectionBind;
        default:
            return RequestMethod::Other;
    }
}

}  // namespace turnbuckle::turn
