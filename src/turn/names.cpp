// The labels of metrics and logs. The switches have no default, so that a new enumerator without a
// name is a compiler warning.
#include <algorithm>

#include "turnbuckle/turn/drop_reason.hpp"
#include "turnbuckle/turn/statistics.hpp"

namespace turnbuckle::turn {

std::string_view name_of(DropReason reason) noexcept {
    switch (reason) {
        case DropReason::None:
            return "none";
        case DropReason::Malformed:
            return "malformed";
        case DropReason::NotStun:
            return "not_stun";
        case DropReason::BadFingerprint:
            return "bad_fingerprint";
        case DropReason::UnexpectedClass:
            return "unexpected_class";
        case DropReason::UnsupportedMethod:
            return "unsupported_method";
        case DropReason::RateLimited:
            return "rate_limited";
        case DropReason::Retransmission:
            return "retransmission";
        case DropReason::Overloaded:
            return "overloaded";
        case DropReason::BadSource:
            return "bad_source";
        case DropReason::ClientGone:
            return "client_gone";
        case DropReason::NoAssociation:
            return "no_association";
        case DropReason::NoProxyHeader:
            return "no_proxy_header";
        case DropReason::NoAllocation:
            return "no_allocation";
        case DropReason::NoChannel:
            return "no_channel";
        case DropReason::NoPermission:
            return "no_permission";
        case DropReason::PeerDenied:
            return "peer_denied";
        case DropReason::FamilyMismatch:
            return "family_mismatch";
        case DropReason::BadAttributes:
            return "bad_attributes";
        case DropReason::WrongProtocol:
            return "wrong_protocol";
        case DropReason::UnknownRelay:
            return "unknown_relay";
        case DropReason::TooLarge:
            return "too_large";
        case DropReason::PeerLimit:
            return "peer_limit";
        case DropReason::SlowClient:
            return "slow_client";
        case DropReason::SendQueueFull:
            return "send_queue_full";
        case DropReason::Unreachable:
            return "unreachable";
        case DropReason::MessageTooLong:
            return "message_too_long";
        case DropReason::SendFailed:
            return "send_failed";
        case DropReason::InternalError:
            return "internal_error";
        case DropReason::Count_:
            break;
    }
    return "invalid";
}

std::string_view name_of(Transport transport) noexcept {
    switch (transport) {
        case Transport::Udp:
            return "udp";
        case Transport::Tcp:
            return "tcp";
        case Transport::Tls:
            return "tls";
        case Transport::Dtls:
            return "dtls";
        case Transport::Count_:
            break;
    }
    return "invalid";
}

std::string_view name_of(Direction direction) noexcept {
    switch (direction) {
        case Direction::ClientToPeer:
            return "client_to_peer";
        case Direction::PeerToClient:
            return "peer_to_client";
        case Direction::Count_:
            break;
    }
    return "invalid";
}

std::string_view name_of(RequestMethod method) noexcept {
    switch (method) {
        case RequestMethod::Binding:
            return "binding";
        case RequestMethod::Allocate:
            return "allocate";
        case RequestMethod::Refresh:
            return "refresh";
        case RequestMethod::CreatePermission:
            return "create_permission";
        case RequestMethod::ChannelBind:
            return "channel_bind";
        case RequestMethod::Connect:
            return "connect";
        case RequestMethod::ConnectionBind:
            return "connection_bind";
        case RequestMethod::Other:
            return "other";
        case RequestMethod::Count_:
            break;
    }
    return "invalid";
}

std::string_view name_of(EndReason reason) noexcept {
    switch (reason) {
        case EndReason::Expired:
            return "expired";
        case EndReason::Released:
            return "released";
        case EndReason::Closed:
            return "closed";
        case EndReason::Drained:
            return "drained";
        case EndReason::Revoked:
            return "revoked";
        case EndReason::Failed:
            return "failed";
        case EndReason::Count_:
            break;
    }
    return "invalid";
}

std::string_view name_of(AuthFailure failure) noexcept {
    switch (failure) {
        case AuthFailure::NoSuchUser:
            return "no_such_user";
        case AuthFailure::WrongPassword:
            return "wrong_password";
        case AuthFailure::Expired:
            return "expired";
        case AuthFailure::StaleNonce:
            return "stale_nonce";
        case AuthFailure::Mismatch:
            return "mismatch";
        case AuthFailure::BackendDown:
            return "backend_down";
        case AuthFailure::Malformed:
            return "malformed";
        case AuthFailure::Count_:
            break;
    }
    return "invalid";
}

std::size_t code_index(std::uint16_t code) noexcept {
    const auto index_of = [](std::uint16_t wanted) {
        return static_cast<std::size_t>(std::ranges::find(kCountedCodes, wanted) -
                                        kCountedCodes.begin());
    };
    const std::size_t index = index_of(code);
    return index < kCountedCodes.size() ? index : index_of(500);
}

}  // namespace turnbuckle::turn
