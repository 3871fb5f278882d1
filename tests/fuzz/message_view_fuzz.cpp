// Any datagram: what is accepted can be queried in every way without a read out of bounds, and the
// queries agree with each other.
#include <cstdint>

#include "turnbuckle/stun/attributes.hpp"
#include "turnbuckle/stun/channel_data.hpp"
#include "turnbuckle/stun/classify.hpp"
#include "turnbuckle/stun/message_view.hpp"
#include "turnbuckle/stun/opaque_string.hpp"

#include "fuzz/check.hpp"

namespace turnbuckle::stun {
namespace {

using fuzz::check;

bool inside(ByteView whole, ByteView part) {
    return part.empty() || (part.data() >= whole.data() &&
                            part.data() + part.size() <= whole.data() + whole.size());
}

template <Attribute... As>
void get_each(const MessageView& view) {
    const auto get_one = [&view]<Attribute A>(const A*) {
        const auto attribute = view.get<A>();
        const bool absent = !attribute && attribute.error() == AttributeError::Absent;
        bool present = view.has(A::kType);
        if constexpr (requires { A::kDraftType; }) present = present || view.has(A::kDraftType);
        check(absent == !present);
        std::size_t visited = 0;
        static_cast<void>(view.for_each_of<A>([&visited](const A&) { ++visited; }));
        if (attribute && view.has(A::kType)) check(visited > 0);
    };
    (get_one(static_cast<const As*>(nullptr)), ...);
}

void query(const MessageView& view) {
    static_cast<void>(view.message_class());
    static_cast<void>(view.method());
    static_cast<void>(view.has_cookie());
    static_cast<void>(view.transaction_id());
    static_cast<void>(view.legacy_transaction_id());
    static_cast<void>(view.fingerprint_state());
    const ByteView key = view.bytes().first(16);
    static_cast<void>(view.verify_integrity(key));
    static_cast<void>(view.verify_integrity_sha256(key, 16));
    std::size_t required = 0;
    view.for_each([&](AttributeType type, ByteView value) {
        check(inside(view.bytes(), value));
        check(view.has(type));
        if (is_comprehension_required(type)) ++required;
    });
    const auto unknown = view.collect_unknown([](AttributeType) { return false; });
    check(unknown.size() <= required);
    for (const AttributeType type : unknown)
        check(view.has(type));
    get_each<MappedAddress, AlternateServer, ResponseOrigin, OtherAddress, XorMappedAddress,
             XorPeerAddress, XorRelayedAddress, Username, Realm, Nonce, Software, AlternateDomain,
             ThirdPartyAuthorization, Data, MobilityTicket, AccessToken, ErrorCodeAttribute,
             UnknownAttributes, UserHash, PasswordAlgorithm, PasswordAlgorithms, ChannelNumber,
             Lifetime, RequestedAddressFamily, AdditionalAddressFamily, EvenPort,
             RequestedTransport, DontFragment, ReservationToken, AddressErrorCode, Icmp,
             ChangeRequest, ResponsePort, Padding, ConnectionId, TransactionTransmitCounter>(view);
    if (const auto username = view.get<Username>()) {
        const auto prepared = enforce_opaque_string(username->value);
        // Enforcing is idempotent: RFC 8265 section 8.3 hopes for it, our keys depend on it.
        if (prepared) check(enforce_opaque_string(*prepared) == prepared);
    }
}

}  // namespace
}  // namespace turnbuckle::stun

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace turnbuckle::stun;
    const turnbuckle::ByteView bytes{data, size};
    static_cast<void>(classify(bytes));
    if (const auto channel = parse_channel_data(bytes)) {
        turnbuckle::fuzz::check(classify(bytes) == PacketKind::ChannelData);
        turnbuckle::fuzz::check(channel->data.size() + kChannelHeaderSize <= size);
    }
    if (const auto view = MessageView::parse(bytes)) query(*view);
    return 0;
}
