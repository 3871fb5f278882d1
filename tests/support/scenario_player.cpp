#include "support/scenario_player.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "support/words.hpp"

namespace turnbuckle::test {

namespace {

constexpr std::array kTransports{"udp", "tcp", "tls", "dtls"};

std::string quoted(std::span<const std::string> words) {
    return fmt::format("{}", fmt::join(words, " "));
}

bool matches(std::span<const std::string> expected, const std::vector<std::string>& words) {
    if (expected.front() != words.front()) return false;
    const auto is_there = [&](std::string_view word) {
        return std::ranges::any_of(words, [&](const std::string& each) {
            return each == word || (each.starts_with(word) && each.size() > word.size() &&
                                    each[word.size()] == '=');
        });
    };
    return std::ranges::all_of(expected, [&](const std::string& word) {
        return word.starts_with('!') ? !is_there(std::string_view(word).substr(1)) : is_there(word);
    });
}

template <class Enum>
std::optional<Enum> find_name(std::string_view name) {
    for (std::size_t i = 0; i < turn::kCount<Enum>; ++i)
        if (turn::name_of(static_cast<Enum>(i)) == name) return static_cast<Enum>(i);
    return std::nullopt;
}

}  // namespace

void play(const Scenario& scenario, FaultAt fault) {
    ScenarioPlayer(scenario, fault).run();
}

void ScenarioPlayer::fail(const std::string& message) const {
    throw ScenarioError(scenario_.file, step_ != nullptr ? step_->line : 0, message);
}

void ScenarioPlayer::run() {
    for (std::size_t i = 0; i < scenario_.steps.size(); ++i) {
        step_ = &scenario_.steps[i];
        const bool faulty = !strict() && fault_.step == i;
        try {
            if (faulty) begin_fault();
            perform(*step_);
            if (faulty) end_fault();
        } catch (const ScenarioError&) {
            throw;
        } catch (const std::exception& error) {
            fail(error.what());
        }
    }
    if (!rig_) return;
    try {
        require_nothing_left();
        rig_->finish();
    } catch (const BrokenInvariant& error) {
        fail(std::string("at the end: ") + error.what());
    }
}

EngineRig& ScenarioPlayer::rig() {
    if (!rig_) rig_ = std::make_unique<EngineRig>(options_);
    return *rig_;
}

StunClient& ScenarioPlayer::client(const std::string& name) {
    const auto at = clients_.find(name);
    if (at == clients_.end()) fail("no such client: " + name);
    return at->second;
}

void ScenarioPlayer::begin_fault() {
    switch (fault_.fault) {
        case Fault::RelayFails:
            rig().host().set_supply(AddressFamily::IPv4, FakeHost::Supply::Full);
            rig().host().set_supply(AddressFamily::IPv6, FakeHost::Supply::Full);
            break;
        case Fault::CredentialUnavailable:
            rig().set_store_down(true);
            break;
        case Fault::CredentialLate:
            rig().set_store(EngineRig::Promptness::WhenTold);
            break;
        case Fault::RelayLate:
            rig().set_relays(EngineRig::Promptness::WhenTold);
            break;
        case Fault::QuotaExhausted:
            if (auto ticket = rig().quota().acquire("blocker")) quota_blocker_ = std::move(*ticket);
            rig().quota().set_limits({1, 1});
            break;
        case Fault::RelayBreaks:
            for (const auto relay : rig().host().open_relays())
                if (rig().host().endpoint_of(relay) != nullptr) rig().break_relay(relay);
            break;
        case Fault::TimerLate:
            timer_late_ = true;
            break;
        case Fault::None:
        case Fault::Count_:
            break;
    }
}

void ScenarioPlayer::end_fault() {
    rig().host().set_supply(AddressFamily::IPv4, FakeHost::Supply::Ready);
    rig().host().set_supply(AddressFamily::IPv6, FakeHost::Supply::Ready);
    rig().set_store_down(store_down_);
    quota_blocker_.reset();
    rig().quota().set_limits(options_.quota);
    // A late answer comes after everything else that this step led to.
    if (!store_slow_) {
        rig().set_store(EngineRig::Promptness::AtOnce);
        rig().answer_lookups();
    }
    if (!relays_slow_) {
        rig().set_relays(EngineRig::Promptness::AtOnce);
        rig().answer_openings();
    }
    collect();
}

void ScenarioPlayer::perform(const Step& step) {
    const Words words = step.words;
    const std::string& verb = words.front();
    if (verb == "EXPECT") return expect(words.subspan(1));
    if (verb == "CHECK") return check_value(words.subspan(1));
    require_nothing_left();
    if (verb == "CONFIG") return configure(words.subspan(1));
    if (verb == "USER") return add_user(words.subspan(1));
    if (verb == "CLIENT") return add_client(words.subspan(1));
    if (verb == "STORE") {
        steer_store(words.subspan(1));
    } else if (verb == "RELAYS") {
        steer_relays(words.subspan(1));
    } else if (verb == "TIME") {
        pass_time(words.subspan(1));
    } else if (verb == "PEER") {
        send_from_peer(words.subspan(1));
    } else if (verb == "DRAIN") {
        rig().engine().set_draining(true);
    } else if (verb == "END") {
        rig().end_all(turn::EndReason::Revoked);
    } else if (words.size() >= 2) {
        act(verb, words.subspan(1));
    } else {
        fail("not a step: " + quoted(words));
    }
    collect();
}

void ScenarioPlayer::configure(Words words) {
    turn::EngineConfig& config = options_.config;
    for (const std::string& word : words) {
        const auto value = std::string_view(word).substr(std::min(word.find('=') + 1, word.size()));
        const auto number = [&] { return static_cast<std::uint32_t>(number_of(value)); };
        if (word.starts_with("realm=")) {
            config.realm = value;
        } else if (word.starts_with("software=")) {
            config.software = value;
        } else if (word.starts_with("default_lifetime=")) {
            config.default_lifetime = std::chrono::seconds(number());
        } else if (word.starts_with("max_lifetime=")) {
            config.max_lifetime = std::chrono::seconds(number());
        } else if (word.starts_with("max_permissions=")) {
            config.max_permissions = number();
        } else if (word.starts_with("max_channels=")) {
            config.max_channels = number();
        } else if (word.starts_with("answers_per_second=")) {
            config.answers.answers_per_second = number();
        } else if (word.starts_with("burst=")) {
            config.answers.burst = number();
        } else if (word.starts_with("user_quota=")) {
            options_.quota.per_user = number();
        } else if (word.starts_with("total_quota=")) {
            options_.quota.total = number();
        } else if (word.starts_with("nonce_lifetime=")) {
            options_.nonce_lifetime = std::chrono::seconds(number());
        } else if (word == "legacy_channels") {
            config.legacy_channels = true;
        } else if (word.starts_with("allow=")) {
            allow_.push_back(Cidr::parse(value).value());
        } else if (word.starts_with("deny=")) {
            deny_.push_back(Cidr::parse(value).value());
        } else {
            fail("no such setting: " + word);
        }
    }
    if (!allow_.empty() || !deny_.empty()) {
        auto allow = allow_;
        for (const char* each : {"192.0.2.0/24", "198.51.100.0/24", "2001:db8:1::/48"})
            allow.push_back(*Cidr::parse(each));
        config.peers = turn::PeerPolicy(allow, deny_);
    }
    if (!rig_) return;
    rig_->quota().set_limits(options_.quota);
    rig_->reconfigure(config);
}

void ScenarioPlayer::add_user(Words words) {
    if (words.empty()) fail("USER name password=...");
    EngineRig::User user{words.front(), {}, std::nullopt};
    for (const std::string& word : words.subspan(1)) {
        if (const auto p = value_of(word, "password=")) {
            user.passwords.emplace_back(*p);
        } else if (const auto c = value_of(word, "charged=")) {
            user.charged = *c;
        } else if (const auto e = value_of(word, "expires=")) {
            user.expires = rig().wall_now() +
                           std::chrono::duration_cast<std::chrono::seconds>(duration_of(*e));
        } else {
            fail("no such word of USER: " + word);
        }
    }
    rig().users()[words.front()] = std::move(user);
}

void ScenarioPlayer::add_client(Words words) {
    if (words.size() < 3 || words[1] != "from" || words.size() % 2 == 0)
        fail("CLIENT name from ADDRESS [to ADDRESS] [over TRANSPORT]");
    turn::ClientPath path;
    path.tuple.client = endpoint_of(words[2]);
    path.tuple.server = FakeHost::listener(path.tuple.client.ip.family());
    for (std::size_t i = 3; i < words.size(); i += 2) {
        if (words[i] == "to") {
            path.tuple.server = endpoint_of(words[i + 1]);
        } else if (words[i] == "over") {
            const auto at = std::ranges::find(kTransports, words[i + 1]);
            if (at == kTransports.end()) fail("no such transport");
            path.tuple.transport = static_cast<turn::Transport>(at - kTransports.begin());
        } else {
            fail("no such word of CLIENT: " + words[i]);
        }
    }
    // Data for a client is told apart by its link.
    path.link = turn::LinkId{static_cast<std::uint32_t>(clients_.size())};
    clients_.emplace(words.front(),
                     StunClient(path, static_cast<std::uint8_t>(clients_.size() + 1)));
}

void ScenarioPlayer::steer_store(Words words) {
    const std::string what = quoted(words);
    if (what == "is slow") {
        store_slow_ = true;
        rig().set_store(EngineRig::Promptness::WhenTold);
    } else if (what == "is down" || what == "is up") {
        store_down_ = what == "is down";
        rig().set_store_down(store_down_);
    } else if (what == "answers") {
        rig().answer_lookups();
    } else if (what == "answers nobody") {
        rig().answer_unknown_lookup();
    } else {
        fail("STORE is slow|down|up, answers, answers nobody");
    }
}

void ScenarioPlayer::steer_relays(Words words) {
    const std::string what = quoted(words);
    auto& host = rig().host();
    if (what == "are slow") {
        relays_slow_ = true;
        rig().set_relays(EngineRig::Promptness::WhenTold);
    } else if (what == "open") {
        rig().answer_openings();
    } else if (what == "open for nobody") {
        rig().answer_unknown_opening();
    } else if (words.size() == 3 && (words[0] == "ipv4" || words[0] == "ipv6")) {
        const auto family = words[0] == "ipv4" ? AddressFamily::IPv4 : AddressFamily::IPv6;
        host.set_supply(family, words[2] == "full"      ? FakeHost::Supply::Full
                                : words[2] == "missing" ? FakeHost::Supply::Lacking
                                                        : FakeHost::Supply::Ready);
    } else if (words.size() == 2 && words[0] == "break") {
        if (const auto relay = host.handle_of(endpoint_of(words[1]))) rig().break_relay(*relay);
    } else {
        fail(
            "RELAYS are slow, open, open for nobody, ipv4|ipv6 are full|missing|ready, break "
            "ADDRESS");
    }
}

void ScenarioPlayer::pass_time(Words words) {
    const bool late = words.size() == 3 && words[1] == "timer" && words[2] == "late";
    if (words.empty() || (words.size() > 1 && !late)) fail("TIME +SECONDSs [timer late]");
    rig().advance(duration_of(words[0]), !late && !timer_late_);
}

void ScenarioPlayer::send_from_peer(Words words) {
    if (words.size() != 4 || words[1] != "->") fail("PEER address -> client|relay \"data\"");
    const Endpoint peer = endpoint_of(words[0]);
    Endpoint to;
    if (const auto at = clients_.find(words[2]); at != clients_.end()) {
        const auto& relayed = at->second.relayed();
        const auto fitting = std::ranges::find_if(
            relayed, [&](const Endpoint& each) { return each.ip.family() == peer.ip.family(); });
        if (fitting == relayed.end()) {
            if (!strict()) return;
            fail(words[2] + " has no relayed transport address of that family");
        }
        to = *fitting;
    } else {
        to = endpoint_of(words[2]);
    }
    std::string payload = words[3];
    if (const auto size = value_of(words[3], "bytes="))
        payload = std::string(number_of(*size), 'x');
    rig().peer_datagram(peer, to, as_bytes(payload));
}

void ScenarioPlayer::check_value(Words words) {
    if (!strict()) return;
    if (words.size() < 2) fail("CHECK what [of whom] number");
    const auto expected = static_cast<std::int64_t>(number_of(words.back()));
    const auto& statistics = rig().statistics();
    std::optional<std::int64_t> value;
    const auto count = [](std::uint64_t n) { return static_cast<std::int64_t>(n); };
    if (words[0] == "allocations") {
        value = count(rig().engine().allocations());
    } else if (words[0] == "open_relays") {
        value = count(rig().host().open_relays().size());
    } else if (words[0] == "waiting") {
        value = statistics.pending_requests.value();
    } else if (words[0] == "quota") {
        value = count(words.size() == 2 ? rig().quota().held() : rig().quota().held_by(words[1]));
    } else if (words[0] == "auth_failures" && words.size() == 3) {
        if (const auto why = find_name<turn::AuthFailure>(words[1]))
            value = count(statistics.auth_failures[*why].value());
    } else if (words[0] == "ended" && words.size() == 3) {
        if (const auto why = find_name<turn::EndReason>(words[1]))
            value = count(statistics.allocations_ended[*why].value());
    } else if (words[0] == "relayed_bytes" && words.size() == 3) {
        if (const auto way = find_name<turn::Direction>(words[1])) {
            value = 0;
            for (const auto& transport : statistics.relayed)
                *value += count(transport[*way].bytes.value());
        }
    }
    if (!value) fail("no such value: " + quoted(words));
    if (*value != expected) fail(fmt::format("{}: it is {}", quoted(words), *value));
}

void ScenarioPlayer::act(const std::string& name, Words words) {
    StunClient& who = client(name);
    const std::string& verb = words.front();
    if (verb == "AUTH") {
        if (words.size() != 3) fail("client AUTH user=NAME password=PASSWORD");
        who.use_credential(std::string(value_of(words[1], "user=").value()),
                           std::string(value_of(words[2], "password=").value()));
    } else if (verb == "TAKES-NONCE-OF" && words.size() == 2) {
        who.use_nonce(client(words[1]).nonce());
    } else if (verb == "SEND") {
        send(who, who.compose(words.subspan(1)));
    } else if (verb == "REPEATS") {
        const auto again = who.last_sent();
        send(who, again);
    } else if (verb == "ALLOCATES") {
        allocate(name, words.subspan(1));
    } else {
        fail("a client AUTH, SEND, REPEATS, ALLOCATES or TAKES-NONCE-OF");
    }
}

// The usual three steps, so that a script gets to its point: a challenge, and success.
void ScenarioPlayer::allocate(const std::string& name, Words words) {
    StunClient& who = client(name);
    if (!who.has_credential()) who.use_credential("alice", "secret");
    std::vector<std::string> request{"allocate"};
    request.insert(request.end(), words.begin(), words.end());
    request.emplace_back("unsigned");
    send(who, who.compose(request));
    collect();
    const std::vector<std::string> challenge{name, "error", "401"};
    expect(challenge);
    request.pop_back();
    send(who, who.compose(request));
    collect();
    const std::vector<std::string> success{name, "success", "allocate", "signed"};
    expect(success);
}

void ScenarioPlayer::send(StunClient& from, ByteView bytes) {
    rig().datagram(from.path(), bytes);
}

void ScenarioPlayer::collect() {
    if (!rig_) return;
    for (const Event& event : rig_->take_events())
        happenings_.push_back(in_words(event));
}

ScenarioPlayer::Happening ScenarioPlayer::in_words(const Event& event) {
    switch (event.kind) {
        case Event::Kind::Answer:
        case Event::Kind::Data: {
            const auto at = std::ranges::find_if(clients_, [&](const auto& entry) {
                const auto& path = entry.second.path();
                return path.link == event.client.link &&
                       path.tuple.client == event.client.tuple.client &&
                       path.tuple.server.ip == event.client.tuple.server.ip;
            });
            if (at == clients_.end()) fail("something is sent to nobody's address");
            auto words = at->second.read(event.bytes);
            words.insert(words.begin(), at->first);
            return {true, std::move(words)};
        }
        case Event::Kind::ToPeer:
            return {true,
                    {event.to.to_string(), "gets", std::string(as_text(ByteView(event.bytes))),
                     "from=" + event.from.to_string(), event.text}};
        case Event::Kind::Drop:
            return {true, {"drop", event.text}};
        case Event::Kind::Lookup:
            return {false, {"lookup", event.text}};
        case Event::Kind::CloseRelay:
            return {false, {"close", event.from.to_string()}};
        case Event::Kind::Started:
            return {false, {"started", event.text}};
        case Event::Kind::Ended:
            return {false, {"ended", event.text, std::string(event.reason)}};
        case Event::Kind::AuthFailed:
            return {false, {"auth_failed", event.text, std::string(event.reason)}};
        case Event::Kind::PeerRefused:
            return {false, {"peer_refused", event.text}};
    }
    fail("an unknown event");
}

void ScenarioPlayer::expect(Words words) {
    if (!strict()) return;
    if (words.empty()) fail("EXPECT what?");
    if (words.front() == "nothing") return require_nothing_left();
    for (auto at = happenings_.begin(); at != happenings_.end(); ++at) {
        if (matches(words, at->words)) {
            happenings_.erase(at);
            return;
        }
        const bool for_quiet = words.front() == "lookup" || words.front() == "close" ||
                               words.front() == "started" || words.front() == "ended" ||
                               words.front() == "auth_failed" || words.front() == "peer_refused";
        if (at->loud && !for_quiet)
            fail(fmt::format("expected: {}\n  but got: {}", quoted(words), quoted(at->words)));
    }
    fail(fmt::format("expected: {}\n  but nothing such happened", quoted(words)));
}

void ScenarioPlayer::require_nothing_left() {
    for (const Happening& each : happenings_)
        if (each.loud && strict()) fail("not expected before this line: " + quoted(each.words));
    happenings_.clear();
}

}  // namespace turnbuckle::test
