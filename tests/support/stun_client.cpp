#include "support/stun_client.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "turnbuckle/stun/attributes.hpp"
#include "turnbuckle/stun/channel_data.hpp"
#include "turnbuckle/stun/classify.hpp"
#include "turnbuckle/stun/integrity.hpp"
#include "turnbuckle/stun/message_builder.hpp"
#include "turnbuckle/stun/message_view.hpp"

#include "support/words.hpp"

namespace turnbuckle::test {

namespace {

struct Kind {
    std::string_view name;
    stun::MessageClass cls;
    stun::Method method;
};

using enum stun::MessageClass;
constexpr std::array kKinds{
    Kind{"binding", Request, stun::Method::Binding},
    Kind{"allocate", Request, stun::Method::Allocate},
    Kind{"refresh", Request, stun::Method::Refresh},
    Kind{"create_permission", Request, stun::Method::CreatePermission},
    Kind{"channel_bind", Request, stun::Method::ChannelBind},
    Kind{"connect", Request, stun::Method::Connect},
    Kind{"connection_bind", Request, stun::Method::ConnectionBind},
    Kind{"send", Indication, stun::Method::Send},
    Kind{"data", Indication, stun::Method::Data},
    Kind{"binding_indication", Indication, stun::Method::Binding},
    Kind{"allocate_indication", Indication, stun::Method::Allocate},
    Kind{"binding_response", SuccessResponse, stun::Method::Binding},
    Kind{"allocate_response", SuccessResponse, stun::Method::Allocate},
    Kind{"allocate_error", ErrorResponse, stun::Method::Allocate},
};

Kind kind_of(const std::string& word) {
    if (const auto number = value_of(word, "method="))
        return {"method", Request, static_cast<stun::Method>(number_of(*number))};
    const auto at = std::ranges::find(kKinds, word, &Kind::name);
    if (at == kKinds.end()) throw std::invalid_argument("no such message: " + word);
    return *at;
}

std::string name_of(stun::Method method) {
    for (const Kind& kind : kKinds)
        if (kind.method == method) return std::string(kind.name);
    return fmt::format("method=0x{:03x}", static_cast<unsigned>(method));
}

std::vector<std::uint8_t> family_value(std::string_view text) {
    if (text == "ipv4") return {1, 0, 0, 0};
    if (text == "ipv6") return {2, 0, 0, 0};
    return {static_cast<std::uint8_t>(number_of(text)), 0, 0, 0};
}

// "0x7f01" or "0x7f01:hex"
struct RawAttribute {
    stun::AttributeType type;
    std::vector<std::uint8_t> value;

    explicit RawAttribute(std::string_view text)
        : type(static_cast<stun::AttributeType>(number_of(text.substr(0, text.find(':'))))) {
        if (const auto colon = text.find(':'); colon != std::string_view::npos)
            value = bytes_of_hex(text.substr(colon + 1));
    }
};

std::vector<std::uint8_t> channel_data(std::span<const std::string> words) {
    std::uint16_t channel = 0;
    std::string data;
    std::optional<std::size_t> length;
    std::size_t padding = 0;
    for (const std::string& word : words) {
        if (const auto v = value_of(word, "channel=")) {
            channel = static_cast<std::uint16_t>(number_of(*v));
        } else if (const auto d = value_of(word, "data=")) {
            data = *d;
        } else if (const auto l = value_of(word, "length=")) {
            length = number_of(*l);
        } else if (const auto p = value_of(word, "padding=")) {
            padding = number_of(*p);
        } else {
            throw std::invalid_argument("no such word of channel_data: " + word);
        }
    }
    std::vector<std::uint8_t> bytes(stun::kChannelHeaderSize);
    store_be16(bytes.data(), channel);
    store_be16(bytes.data() + 2, static_cast<std::uint16_t>(length.value_or(data.size())));
    bytes.insert(bytes.end(), data.begin(), data.end());
    bytes.resize(bytes.size() + padding);
    return bytes;
}

}  // namespace

// The words that concern the message as a whole, taken out before its attributes are written.
struct StunClient::Composition {
    bool is_signed = true;
    bool sha256 = false;
    bool fingerprint = false;
    bool bad_fingerprint = false;
    bool same_id = false;
    bool no_transport = false;
    std::vector<std::string_view> without;
    std::optional<std::string_view> username, password, realm, nonce;
    std::vector<RawAttribute> tail;

    bool take(const std::string& word) {
        if (word == "unsigned") return !(is_signed = false);
        if (word == "sha256") return sha256 = true;
        if (word == "fingerprint") return fingerprint = true;
        if (word == "bad_fingerprint") return bad_fingerprint = true;
        if (word == "same_id") return same_id = true;
        if (word == "transport=none") return no_transport = true;
        if (const auto v = value_of(word, "without=")) return without.push_back(*v), true;
        if (const auto v = value_of(word, "username=")) return username = *v, true;
        if (const auto v = value_of(word, "password=")) return password = *v, true;
        if (const auto v = value_of(word, "realm=")) return realm = *v, true;
        if (const auto v = value_of(word, "nonce=")) return nonce = *v, true;
        if (const auto v = value_of(word, "tail=")) return tail.emplace_back(*v), true;
        return false;
    }
    [[nodiscard]] bool has(std::string_view attribute) const {
        return std::ranges::find(without, attribute) == without.end();
    }
};

stun::TransactionId StunClient::next_id() {
    stun::TransactionId id;
    id.bytes[0] = number_;
    store_be32(id.bytes.data() + 8, ++requests_);
    return id;
}

std::vector<std::uint8_t> StunClient::compose(std::span<const std::string> words) {
    if (words.empty()) throw std::invalid_argument("what is to be sent?");
    if (const auto hex = value_of(words.front(), "raw=")) return last_sent_ = bytes_of_hex(*hex);
    if (words.front() == "channel_data") return last_sent_ = channel_data(words.subspan(1));

    const Kind kind = kind_of(words.front());
    Composition whole;
    std::vector<std::string> attributes;
    for (const std::string& word : words.subspan(1))
        if (!whole.take(word)) attributes.push_back(word);
    const stun::TransactionId id = whole.same_id ? last_id_ : next_id();
    last_id_ = id;

    std::vector<std::uint8_t> bytes(65535);
    stun::MessageBuilder builder(bytes, kind.cls, kind.method, id);
    const bool has_transport = std::ranges::any_of(
        attributes, [](const std::string& each) { return each.starts_with("transport="); });
    if (kind.name == "allocate" && !has_transport && !whole.no_transport)
        builder.add(stun::RequestedTransport{});
    for (const std::string& word : attributes) {
        if (const auto v = value_of(word, "lifetime=")) {
            builder.add(stun::Lifetime{std::chrono::seconds(number_of(*v))});
        } else if (const auto t = value_of(word, "transport=")) {
            builder.add(stun::RequestedTransport{static_cast<std::uint8_t>(number_of(*t))});
        } else if (const auto p = value_of(word, "peer=")) {
            builder.add(stun::XorPeerAddress{endpoint_of(*p)});
        } else if (const auto c = value_of(word, "channel=")) {
            builder.add(stun::ChannelNumber{static_cast<std::uint16_t>(number_of(*c))});
        } else if (const auto n = value_of(word, "connection=")) {
            builder.add(stun::ConnectionId{static_cast<std::uint32_t>(number_of(*n))});
        } else if (const auto f = value_of(word, "family=")) {
            builder.add_raw(stun::AttributeType::RequestedAddressFamily, family_value(*f));
        } else if (const auto a = value_of(word, "additional=")) {
            builder.add_raw(stun::AttributeType::AdditionalAddressFamily, family_value(*a));
        } else if (word == "even_port" || word == "even_port=reserve") {
            builder.add(stun::EvenPort{word != "even_port"});
        } else if (word == "token=last") {
            if (token_) builder.add_raw(stun::AttributeType::ReservationToken, as_bytes(*token_));
        } else if (const auto k = value_of(word, "token=")) {
            builder.add_raw(stun::AttributeType::ReservationToken, bytes_of_hex(*k));
        } else if (word == "dont_fragment") {
            builder.add(stun::DontFragment{});
        } else if (const auto d = value_of(word, "data=")) {
            builder.add(stun::Data{as_bytes(*d)});
        } else if (const auto r = value_of(word, "attr=")) {
            const RawAttribute raw(*r);
            builder.add_raw(raw.type, raw.value);
        } else {
            throw std::invalid_argument("no such attribute: " + word);
        }
    }

    const std::string_view realm = whole.realm.value_or(realm_);
    const std::string_view nonce = whole.nonce.value_or(nonce_);
    const std::string_view username = whole.username.value_or(username_);
    keys_.erase(id);
    if (whole.is_signed && kind.cls == Request && kind.method != stun::Method::Binding &&
        !nonce.empty() && !username.empty()) {
        const auto key =
            stun::long_term_key_md5(username, realm_, whole.password.value_or(password_));
        keys_[id] = std::string(as_text(key));
        if (whole.has("username")) builder.add(stun::Username{username});
        if (whole.has("realm")) builder.add(stun::Realm{realm});
        if (whole.has("nonce")) builder.add(stun::Nonce{nonce});
        if (!whole.sha256) builder.add_message_integrity(key);
        if (whole.sha256) builder.add_message_integrity_sha256(key);
    }
    for (const RawAttribute& each : whole.tail) {
        // What no builder would write: attributes behind the integrity.
        const std::size_t at = builder.size();
        bytes.resize(at);
        bytes.resize(at + stun::kAttributeHeaderSize + padded_to_4(each.value.size()));
        store_be16(bytes.data() + at, static_cast<std::uint16_t>(each.type));
        store_be16(bytes.data() + at + 2, static_cast<std::uint16_t>(each.value.size()));
        std::ranges::copy(each.value, bytes.begin() + static_cast<std::ptrdiff_t>(at) + 4);
        store_be16(bytes.data() + 2, static_cast<std::uint16_t>(bytes.size() - stun::kHeaderSize));
        return last_sent_ = bytes;
    }
    if (whole.fingerprint || whole.bad_fingerprint) builder.add_fingerprint();
    if (builder.finish().empty()) throw std::invalid_argument("the message does not fit");
    bytes.resize(builder.size());
    if (whole.bad_fingerprint) bytes.back() ^= 1;
    return last_sent_ = bytes;
}

std::vector<std::string> StunClient::read(ByteView bytes) {
    if (stun::classify(bytes) == stun::PacketKind::ChannelData) {
        const auto frame = stun::parse_channel_data(bytes);
        if (!frame) return {"malformed"};
        return {"channel", fmt::format("0x{:04x}", frame->channel),
                std::string(as_text(frame->data)), fmt::format("size={}", bytes.size())};
    }
    const auto message = stun::MessageView::parse(bytes);
    if (!message || !message->has_cookie()) return {"malformed"};
    if (message->message_class() == Indication)
        return message->method() == stun::Method::ConnectionAttempt ? read_attempt(bytes)
                                                                    : read_data_indication(bytes);
    return read_response(bytes);
}

std::vector<std::string> StunClient::read_data_indication(ByteView bytes) const {
    const auto message = *stun::MessageView::parse(bytes);
    const auto peer = message.get<stun::XorPeerAddress>();
    const auto data = message.get<stun::Data>();
    if (message.method() != stun::Method::Data || !peer || !data) return {"malformed"};
    return {"data", peer->endpoint.to_string(), std::string(as_text(data->value)),
            fmt::format("size={}", bytes.size())};
}

std::vector<std::string> StunClient::read_attempt(ByteView bytes) {
    const auto message = *stun::MessageView::parse(bytes);
    const auto peer = message.get<stun::XorPeerAddress>();
    const auto connection = message.get<stun::ConnectionId>();
    if (!peer || !connection) return {"malformed"};
    connection_ = connection->id;
    return {"attempt", peer->endpoint.to_string(), fmt::format("connection=0x{:08x}", connection_),
            fmt::format("worker={}", connection_ >> 24)};
}

std::vector<std::string> StunClient::read_response(ByteView bytes) {
    const auto message = *stun::MessageView::parse(bytes);
    const bool success = message.message_class() == SuccessResponse;
    std::vector<std::string> words{success ? "success" : "error", name_of(message.method())};
    if (const auto error = message.get<stun::ErrorCodeAttribute>()) {
        words.push_back(fmt::format("{}", static_cast<unsigned>(error->code)));
        words.push_back(fmt::format("reason={}", error->reason));
    }
    if (const auto realm = message.get<stun::Realm>()) {
        realm_ = realm->value;
        words.push_back("realm=" + realm_);
    }
    if (const auto nonce = message.get<stun::Nonce>()) {
        words.push_back(nonce_ == nonce->value ? "nonce=same" : "nonce=fresh");
        nonce_ = nonce->value;
    }
    std::vector<Endpoint> relayed;
    (void)message.for_each_of<stun::XorRelayedAddress>([&](const stun::XorRelayedAddress& each) {
        relayed.push_back(each.endpoint);
        words.push_back("relayed=" + each.endpoint.to_string());
    });
    if (!relayed.empty()) {
        relayed_ = relayed;
        words.push_back(fmt::format("relays={}", relayed.size()));
    }
    if (const auto mapped = message.get<stun::XorMappedAddress>())
        words.push_back("mapped=" + mapped->endpoint.to_string());
    if (const auto lifetime = message.get<stun::Lifetime>())
        words.push_back(fmt::format("lifetime={}", lifetime->seconds.count()));
    if (const auto token = message.find(stun::AttributeType::ReservationToken)) {
        token_ = std::string(as_text(*token));
        words.push_back("token=" + hex_of(*token));
    }
    if (const auto connection = message.get<stun::ConnectionId>()) {
        connection_ = connection->id;
        words.push_back(fmt::format("connection=0x{:08x}", connection_));
    }
    if (const auto error = message.get<stun::AddressErrorCode>())
        words.push_back(fmt::format("address_error={}:{}",
                                    error->family == AddressFamily::IPv4 ? "ipv4" : "ipv6",
                                    static_cast<unsigned>(error->code)));
    if (const auto software = message.get<stun::Software>())
        words.push_back("software=" + std::string(software->value));
    if (const auto unknown = message.get<stun::UnknownAttributes>())
        for (const auto type : unknown->types)
            words.push_back(fmt::format("unknown=0x{:04x}", static_cast<unsigned>(type)));
    if (message.has_integrity()) {
        const auto key = keys_.find(message.transaction_id());
        const bool good = key != keys_.end() && message.verify_integrity(as_bytes(key->second));
        words.emplace_back(good ? "signed" : "missigned");
    }
    if (message.fingerprint_state() == stun::FingerprintState::Valid)
        words.emplace_back("fingerprint");
    if (message.fingerprint_state() == stun::FingerprintState::Invalid)
        words.emplace_back("bad_fingerprint");
    if (message.transaction_id().bytes[0] != number_) words.emplace_back("foreign_id");
    words.push_back(fmt::format("size={}", bytes.size()));
    return words;
}

}  // namespace turnbuckle::test
