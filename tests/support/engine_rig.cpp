#include "support/engine_rig.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "turnbuckle/stun/attributes.hpp"
#include "turnbuckle/stun/integrity.hpp"
#include "turnbuckle/stun/message_view.hpp"

namespace turnbuckle::test {

namespace {

void require(bool holds, const char* what) {
    if (!holds) throw BrokenInvariant(what);
}

// A Binding indication is the one thing that a client sends to no effect at all (RFC 8489 section
// 6.3.2): it keeps a NAT binding alive.
bool wants_nothing(const turn::ClientPath& from, ByteView bytes) {
    const auto message = stun::MessageView::parse(bytes);
    return from.tuple.client.port != 0 && !turn::is_tunnel(from.tuple.client.ip) && message &&
           message->has_cookie() &&
           message->fingerprint_state() != stun::FingerprintState::Invalid &&
           message->message_class() == stun::MessageClass::Indication &&
           message->method() == stun::Method::Binding;
}

bool is_authenticatable(const turn::NonceAuthority& nonces, const turn::ClientPath& from,
                        ByteView bytes, Time now) {
    const auto message = stun::MessageView::parse(bytes);
    if (!message || !message->has_integrity()) return false;
    const auto nonce = message->get<stun::Nonce>();
    return nonce && nonces.check(as_bytes(nonce->value), from.tuple.client, now) !=
                        turn::NonceStatus::Invalid;
}

Secret master_key() {
    return Secret(std::string(turn::NonceAuthority::kMasterKeyLength, 'k'));
}

}  // namespace

turn::EngineConfig EngineRig::default_config() {
    turn::EngineConfig config;
    config.realm = "example.org";
    config.peers = turn::PeerPolicy({*Cidr::parse("192.0.2.0/24"), *Cidr::parse("198.51.100.0/24"),
                                     *Cidr::parse("2001:db8:1::/48")},
                                    {});
    return config;
}

EngineRig::EngineRig() : EngineRig(Options{.config = default_config(), .quota = {}}) {}

EngineRig::EngineRig(Options options)
    : config_(std::move(options.config)),
      random_(options.seed),
      nonces_(master_key(), options.nonce_lifetime),
      quota_(options.quota),
      engine_(std::make_unique<turn::Engine>(
          std::make_shared<const turn::EngineConfig>(config_),
          turn::EngineDependencies{random_, nonces_, quota_, host_, statistics_, options.worker,
                                   options.workers},
          now_)),
      users_{{"alice", {"alice", {"secret"}, {}}}, {"bob", {"bob", {"hunter2"}, {}}}} {}

void EngineRig::datagram(const turn::ClientPath& from, ByteView bytes) {
    // An exact copy, so that a sanitizer sees any read beyond the end.
    const std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
    if (const auto connection = peers_.bound_to(from.link)) {
        streamed(*connection, turn::Direction::ClientToPeer, bytes.size());
        return check();
    }
    if (turn::Engine::is_data(copy)) {
        data(from, copy);
    } else {
        control(from, copy);
    }
    check();
}

void EngineRig::control(const turn::ClientPath& from, ByteView bytes) {
    if (!wants_nothing(from, bytes)) ++outcomes_due_;
    const bool stranger = !is_authenticatable(nonces_, from, bytes, now_);
    const auto waiting = statistics_.pending_requests.value();
    const auto live = engine_->allocations();
    engine_->on_datagram(from, bytes, now_, effects_);
    if (stranger) {
        require(statistics_.pending_requests.value() == waiting && engine_->allocations() <= live,
                "state for a sender that has not authenticated");
        require(std::ranges::count_if(effects_.list(),
                                      [](const turn::Effect& effect) {
                                          return std::holds_alternative<turn::SendToClient>(effect);
                                      }) <= 1,
                "more than one answer");
    }
    perform();
}

void EngineRig::data(const turn::ClientPath& from, ByteView bytes) {
    const auto relayed = total_relayed();
    const auto dropped = total_drops();
    const auto decision = engine_->client_to_peer(from, bytes, now_);
    data_drops_ += total_drops() - dropped;
    const bool sent = decision.action == turn::RelayAction::ToPeer;
    require(total_relayed() - relayed == (sent ? 1u : 0u) &&
                total_drops() - dropped == (sent ? 0u : 1u),
            "a packet from a client is neither relayed nor dropped once");
    note_drops();
    if (!sent) return;
    const Endpoint* relay = host_.endpoint_of(decision.relay);
    require(relay != nullptr, "data to a relay that is not open");
    require(std::size_t{decision.payload_offset} + decision.payload_length <= bytes.size(),
            "payload out of the datagram");
    require(decision.own_endpoint ==
                (host_.of(decision.endpoint, turn::RelayProtocol::Udp) == turn::Ownership::Relayed),
            "own_endpoint does not say whether it is a relayed transport address");
    const ByteView payload = bytes.subspan(decision.payload_offset, decision.payload_length);
    events_.push_back({.kind = Event::Kind::ToPeer,
                       .client = from,
                       .bytes = {payload.begin(), payload.end()},
                       .from = *relay,
                       .to = decision.endpoint,
                       .text = decision.dont_fragment ? "dont_fragment" : "",
                       .reason = {}});
    if (decision.own_endpoint) peer_datagram(*relay, decision.endpoint, payload);
}

void EngineRig::peer_datagram(const Endpoint& peer, const Endpoint& relayed, ByteView payload) {
    const auto handle = host_.handle_of(relayed);
    if (!handle) return;
    const auto packets = total_relayed();
    const auto dropped = total_drops();
    turn::RelayHeader header{};
    const auto decision = engine_->peer_to_client(*handle, peer, payload.size(), now_, header);
    data_drops_ += total_drops() - dropped;
    const bool sent = decision.action == turn::RelayAction::ToClient;
    require(total_relayed() - packets == (sent ? 1u : 0u) &&
                total_drops() - dropped == (sent ? 0u : 1u),
            "a packet from a peer is neither relayed nor dropped once");
    note_drops();
    check();
    if (!sent) return;
    require(decision.payload_offset == 0 && decision.payload_length == payload.size(),
            "a payload is cut");
    // Padding behind ChannelData is for streams, which have no largest datagram.
    const bool channel = decision.header_length == stun::kChannelHeaderSize;
    require(decision.header_length + payload.size() + (channel ? 0u : decision.padding) <= 65507,
            "longer than a datagram");
    Event event{.kind = Event::Kind::Data,
                .client = {},
                .bytes = {},
                .from = peer,
                .to = {},
                .text = {},
                .reason = {}};
    event.client.link = decision.link;
    event.client.tuple.client = decision.endpoint;
    event.client.tuple.server.ip = decision.source;
    event.bytes.assign(header.begin(), header.begin() + decision.header_length);
    event.bytes.insert(event.bytes.end(), payload.begin(), payload.end());
    event.bytes.resize(event.bytes.size() + decision.padding);
    events_.push_back(std::move(event));
}

void EngineRig::advance(Duration by, bool fire_timers) {
    now_ += by;
    if (!fire_timers) return;
    if (const auto next = engine_->next_timeout(); next && *next <= now_)
        engine_->on_timeout(now_, effects_);
    perform();
    check();
}

turn::CredentialResult EngineRig::look_up(const turn::CredentialQuery& query) const {
    if (store_down_) return std::unexpected(turn::CredentialError::Unavailable);
    const auto at = users_.find(query.username);
    if (at == users_.end()) return std::unexpected(turn::CredentialError::NoSuchUser);
    turn::Credential credential{
        .user = at->second.charged, .keys = {}, .expires = at->second.expires};
    for (const std::string& password : at->second.passwords) {
        const auto key = stun::long_term_key_md5(query.username, query.realm, password);
        credential.keys.emplace_back(std::string(as_text(key)));
    }
    return credential;
}

void EngineRig::answer_lookups() {
    while (!lookups_.empty()) {
        const auto lookup = std::move(lookups_.front());
        lookups_.pop_front();
        engine_->on_credential(lookup.ticket, look_up(lookup.query), now_, wall_now(), effects_);
        perform();
    }
    check();
}

void EngineRig::answer_openings() {
    while (!openings_.empty()) {
        auto opening = std::move(openings_.front());
        openings_.pop_front();
        engine_->on_relay_opened(opening.ticket, host_.open(opening), now_, effects_);
        perform();
    }
    check();
}

void EngineRig::answer_unknown_opening() {
    turn::OpenRelay request;
    request.additional_family = AddressFamily::IPv6;
    engine_->on_relay_opened(turn::Ticket{UINT64_MAX}, host_.open(request), now_, effects_);
    perform();
    check();
}

void EngineRig::answer_unknown_lookup() {
    engine_->on_credential(turn::Ticket{UINT64_MAX}, look_up({"alice", config_.realm}), now_,
                           wall_now(), effects_);
    perform();
    check();
}

void EngineRig::reconfigure(turn::EngineConfig config) {
    config_ = std::move(config);
    engine_->reconfigure(std::make_shared<const turn::EngineConfig>(config_), effects_);
    perform();
    check();
}

void EngineRig::break_relay(turn::RelayHandle relay) {
    engine_->end_allocation(relay, turn::EndReason::Failed, now_, effects_);
    perform();
    check();
}

void EngineRig::end_all(turn::EndReason reason) {
    engine_->end_all(reason, now_, effects_);
    perform();
    check();
}

void EngineRig::finish() {
    while (waits()) {
        answer_lookups();
        answer_openings();
        answer_connects();
    }
    check_settled();
    end_all(turn::EndReason::Drained);
    host_.forget_reservations();
    require(engine_->allocations() == 0, "a session survives the end of all");
    require(host_.open_relays().empty(), "a relay stays open after the end of all");
    require(peers_.all().empty(), "a peer's connection stays open after the end of all");
    require(quota_.held() == 0 && quota_.users() == 0, "a quota ticket is not returned");
    for (const auto& by_family : statistics_.allocations)
        for (const auto& gauge : by_family)
            require(gauge.value() == 0, "the gauge of allocations is not 0 at the end");
    check_settled();
}

void EngineRig::note_drops() {
    for (std::size_t i = 0; i < drops_seen_.size(); ++i) {
        const auto count = statistics_.drops[i].value();
        for (; drops_seen_[i] < count; ++drops_seen_[i]) {
            Event event;
            event.kind = Event::Kind::Drop;
            event.text = turn::name_of(static_cast<turn::DropReason>(i));
            events_.push_back(std::move(event));
        }
    }
}

std::uint64_t EngineRig::total_drops() const {
    return std::accumulate(
        statistics_.drops.begin(), statistics_.drops.end(), std::uint64_t{0},
        [](std::uint64_t sum, const Counter& each) { return sum + each.value(); });
}

std::uint64_t EngineRig::total_responses() const {
    std::uint64_t sum = 0;
    for (const auto& by_code : statistics_.responses)
        for (const Counter& each : by_code)
            sum += each.value();
    return sum;
}

std::uint64_t EngineRig::total_relayed() const {
    std::uint64_t sum = 0;
    for (const auto& by_direction : statistics_.relayed)
        for (const auto& each : by_direction)
            sum += each.packets.value();
    return sum;
}

void EngineRig::check() const {
    std::uint64_t created = 0;
    std::uint64_t ended = 0;
    for (const Counter& each : statistics_.allocations_created)
        created += each.value();
    for (const Counter& each : statistics_.allocations_ended)
        ended += each.value();
    require(created - ended == engine_->allocations(), "created - ended is not what is live");
    std::int64_t relays = 0;
    for (const auto& by_family : statistics_.allocations)
        for (const Gauge& each : by_family)
            relays += each.value();
    require(std::cmp_equal(relays, host_.open_relays().size()),
            "the gauge of allocations is not the number of open relays");
    require(std::cmp_equal(statistics_.tcp_peers.value(), peers_.all().size()),
            "the gauge of TCP peers is not the number of open connections");
    require(total_responses() == answers_, "an answer is not counted, or not sent");
    require(total_responses() + handed_over_ + total_drops() - data_drops_ <= outcomes_due_,
            "a request came to more than one end");
    if (!waits()) check_settled();
}

void EngineRig::check_settled() const {
    require(statistics_.pending_requests.value() == 0, "a request waits for nothing");
    require(total_responses() + handed_over_ + total_drops() - data_drops_ == outcomes_due_,
            "a datagram was neither answered nor dropped");
}

}  // namespace turnbuckle::test
