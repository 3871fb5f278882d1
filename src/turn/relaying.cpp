// The data path: RFC 8656 sections 11.2 (Send), 11.3 (datagrams from peers), 12.6 and 12.7
// (ChannelData). Nothing here allocates, throws or locks.
#include "turnbuckle/stun/attributes.hpp"
#include "turnbuckle/stun/channel_data.hpp"
#include "turnbuckle/stun/classify.hpp"
#include "turnbuckle/stun/message_view.hpp"
#include "turnbuckle/turn/answer.hpp"
#include "turnbuckle/turn/core.hpp"

namespace turnbuckle::turn {

namespace {

// What UDP over IPv4 can carry; a longer ChannelData or Data indication could not be sent.
constexpr std::size_t kMaxDatagram = 65507;

RelayDecision dropped(Core& core, DropReason why) noexcept {
    core.statistics.drop(why);
    return RelayDecision::drop(why);
}

void account(Core& core, Allocation& allocation, Direction direction, std::size_t bytes) noexcept {
    auto& traffic = core.statistics.relayed[allocation.path.tuple.transport][direction];
    traffic.packets.add();
    traffic.bytes.add(bytes);
    auto& amount = allocation.relayed_data[direction];
    ++amount.packets;
    amount.bytes += bytes;
}

RelayDecision send_to_peer(Core& core, Allocation& allocation, ByteView datagram, ByteView payload,
                           const Endpoint& peer, bool own) noexcept {
    account(core, allocation, Direction::ClientToPeer, payload.size());
    RelayDecision decision;
    decision.action = RelayAction::ToPeer;
    decision.own_endpoint = own;
    decision.payload_offset = static_cast<std::uint32_t>(payload.data() - datagram.data());
    decision.payload_length = static_cast<std::uint32_t>(payload.size());
    decision.relay = allocation.relay(peer.ip.family())->handle;
    decision.endpoint = peer;
    return decision;
}

RelayDecision on_channel_data(Core& core, Allocation& allocation, ByteView datagram,
                              Time now) noexcept {
    const auto frame = stun::parse_channel_data(datagram);
    // A datagram shorter than its Length says is discarded (section 12.6).
    if (!frame) return dropped(core, DropReason::Malformed);
    const Channel* channel = allocation.channels.by_number(frame->channel, now);
    if (channel == nullptr || allocation.live_relay(channel->peer.ip.family(), now) == nullptr)
        return dropped(core, DropReason::NoChannel);
    if (!allocation.permissions.allows(channel->peer.ip, now))
        return dropped(core, DropReason::NoPermission);
    const PeerJudgement judgement =
        channel->peer_is_own ? judge_peer(core, channel->peer) : PeerJudgement::Allowed;
    if (judgement == PeerJudgement::Denied) return dropped(core, DropReason::PeerDenied);
    return send_to_peer(core, allocation, datagram, frame->data, channel->peer,
                        judgement == PeerJudgement::OwnRelayed);
}

RelayDecision on_send_indication(Core& core, Allocation& allocation, ByteView datagram,
                                 Time now) noexcept {
    const auto message = stun::MessageView::parse(datagram);
    if (!message || !message->has_cookie()) return dropped(core, DropReason::Malformed);
    if (message->fingerprint_state() == stun::FingerprintState::Invalid)
        return dropped(core, DropReason::BadFingerprint);
    // "MUST contain both an XOR-PEER-ADDRESS attribute and a DATA attribute": else discarded; so is
    // what has unknown comprehension-required attributes (RFC 8489 section 6.3.2).
    const auto peer = message->get<stun::XorPeerAddress>();
    const auto data = message->get<stun::Data>();
    if (!peer || !data || !message->collect_unknown(is_known_attribute).empty())
        return dropped(core, DropReason::BadAttributes);
    const Endpoint& to = peer->endpoint;
    if (allocation.live_relay(to.ip.family(), now) == nullptr)
        return dropped(core, DropReason::FamilyMismatch);
    if (!allocation.permissions.allows(to.ip, now)) return dropped(core, DropReason::NoPermission);
    const PeerJudgement judgement = judge_peer(core, to);
    if (judgement == PeerJudgement::Denied) return dropped(core, DropReason::PeerDenied);
    auto decision = send_to_peer(core, allocation, datagram, data->value, to,
                                 judgement == PeerJudgement::OwnRelayed);
    decision.dont_fragment = message->has(stun::AttributeType::DontFragment);
    return decision;
}

// Length of what write_data_header() writes.
std::size_t data_header_size(const Endpoint& peer) noexcept {
    return stun::kHeaderSize + 2 * stun::kAttributeHeaderSize + stun::encoded_address_size(peer);
}

// A Data indication up to and including the DATA attribute's header. Its padding follows the
// payload.
std::size_t write_data_header(Core& core, const Endpoint& peer, std::size_t length,
                              RelayHeader& header) noexcept {
    stun::TransactionId id;
    core.random.fill(id.bytes);
    const std::size_t address_size = stun::encoded_address_size(peer);
    const std::size_t body = 2 * stun::kAttributeHeaderSize + address_size + padded_to_4(length);
    std::uint8_t* p = header.data();
    store_be16(p, stun::message_type(stun::MessageClass::Indication, stun::Method::Data));
    store_be16(p + 2, static_cast<std::uint16_t>(body));
    store_be32(p + 4, stun::kMagicCookie);
    std::ranges::copy(id.bytes, p + 8);
    p += stun::kHeaderSize;
    store_be16(p, static_cast<std::uint16_t>(stun::AttributeType::XorPeerAddress));
    store_be16(p + 2, static_cast<std::uint16_t>(address_size));
    stun::encode_xor_address(peer, {p + 4, address_size}, id);
    p += stun::kAttributeHeaderSize + address_size;
    store_be16(p, static_cast<std::uint16_t>(stun::AttributeType::Data));
    store_be16(p + 2, static_cast<std::uint16_t>(length));
    return static_cast<std::size_t>(p + stun::kAttributeHeaderSize - header.data());
}

}  // namespace

RelayDecision Engine::client_to_peer(const ClientPath& from, ByteView datagram, Time now) noexcept {
    Allocation* allocation = core_->allocations.find(from.tuple);
    if (allocation == nullptr || allocation->expires() <= now)
        return dropped(*core_, DropReason::NoAllocation);
    // RFC 6062 section 3: a control connection "only allows TURN messages and not application
    // data".
    if (allocation->protocol == RelayProtocol::Tcp)
        return dropped(*core_, DropReason::WrongProtocol);
    if (stun::classify(datagram) == stun::PacketKind::ChannelData)
        return on_channel_data(*core_, *allocation, datagram, now);
    return on_send_indication(*core_, *allocation, datagram, now);
}

RelayDecision Engine::peer_to_client(RelayHandle relay, const Endpoint& peer, std::size_t length,
                                     Time now, RelayHeader& header) noexcept {
    Allocation* allocation = core_->allocations.find(relay);
    // A relay hears peers of its own family only.
    if (allocation == nullptr || allocation->live_relay(peer.ip.family(), now) == nullptr)
        return dropped(*core_, DropReason::UnknownRelay);
    if (allocation->protocol == RelayProtocol::Tcp)
        return dropped(*core_, DropReason::WrongProtocol);
    if (!allocation->permissions.allows(peer.ip, now))
        return dropped(*core_, DropReason::NoPermission);
    const auto number = allocation->channels.by_peer(peer, now);
    // An own address has the permission of all that lives on it; only relays may use it.
    const bool own = number ? allocation->channels.by_number(*number, now)->peer_is_own
                            : core_->own_addresses.is_own(peer.ip);
    if (own && judge_peer(*core_, peer) == PeerJudgement::Denied)
        return dropped(*core_, DropReason::PeerDenied);

    RelayDecision decision;
    std::size_t header_length = stun::kChannelHeaderSize;
    std::size_t padding = 0;
    if (number) {
        if (length > kMaxDatagram - stun::kChannelHeaderSize)
            return dropped(*core_, DropReason::TooLarge);
        stun::write_channel_header(header.data(), *number, static_cast<std::uint16_t>(length));
        // Over a stream ChannelData is padded to four bytes (section 12.5).
        if (is_stream(allocation->path.tuple.transport)) padding = padded_to_4(length) - length;
    } else {
        if (data_header_size(peer) + padded_to_4(length) > kMaxDatagram)
            return dropped(*core_, DropReason::TooLarge);
        header_length = write_data_header(*core_, peer, length, header);
        padding = padded_to_4(length) - length;
    }
    account(*core_, *allocation, Direction::PeerToClient, length);
    decision.action = RelayAction::ToClient;
    decision.header_length = static_cast<std::uint8_t>(header_length);
    decision.padding = static_cast<std::uint8_t>(padding);
    decision.payload_length = static_cast<std::uint32_t>(length);
    decision.link = allocation->path.link;
    decision.endpoint = allocation->path.tuple.client;
    decision.source = allocation->path.tuple.server.ip;
    return decision;
}

void Engine::on_peer_data(PeerConnection connection, Direction direction,
                          std::size_t bytes) noexcept {
    const auto at = core_->by_connection.find(connection);
    if (at == core_->by_connection.end()) return;
    account(*core_, *core_->allocations.find(at->second), direction, bytes);
}

}  // namespace turnbuckle::turn
