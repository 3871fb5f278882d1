#include "turnbuckle/stun/types.hpp"

namespace turnbuckle::stun {

std::string_view reason_phrase(ErrorCode code) noexcept {
    // RFC 8489 section 14.8, RFC 8656 section 19, RFC 6062 section 6.3, RFC 8016 section 3.4.
    switch (code) {
        case ErrorCode::TryAlternate:
            return "Try Alternate";
        case ErrorCode::BadRequest:
            return "Bad Request";
        case ErrorCode::Unauthenticated:
            return "Unauthenticated";
        case ErrorCode::Forbidden:
            return "Forbidden";
        case ErrorCode::MobilityForbidden:
            return "Mobility Forbidden";
        case ErrorCode::UnknownAttribute:
            return "Unknown Attribute";
        case ErrorCode::AllocationMismatch:
            return "Allocation Mismatch";
        case ErrorCode::StaleNonce:
            return "Stale Nonce";
        case ErrorCode::AddressFamilyNotSupported:
            return "Address Family not Supported";
        case ErrorCode::WrongCredentials:
            return "Wrong Credentials";
        case ErrorCode::UnsupportedTransport:
            return "Unsupported Transport Protocol";
        case ErrorCode::PeerAddressFamilyMismatch:
            return "Peer Address Family Mismatch";
        case ErrorCode::ConnectionAlreadyExists:
            return "Connection Already Exists";
        case ErrorCode::ConnectionTimeoutOrFailure:
            return "Connection Timeout or Failure";
        case ErrorCode::AllocationQuotaReached:
            return "Allocation Quota Reached";
        case ErrorCode::ServerError:
            return "Server Error";
        case ErrorCode::InsufficientCapacity:
            return "Insufficient Capacity";
    }
    return {};
}

std::size_t hash_value(const TransactionId& id) noexcept {
    const std::uint64_t head = load_be64(id.bytes.data());
    const std::uint64_t tail = load_be32(id.bytes.data() + 8);
    std::uint64_t mixed = (head ^ (tail << 32 | tail)) * 0x9e3779b97f4a7c15;
    mixed ^= mixed >> 32;
    return static_cast<std::size_t>(mixed * 0xd6e8feb86659fd93);
}

}  // namespace turnbuckle::stun
