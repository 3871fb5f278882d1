#include "support/scenario_player.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "support/words.hpp"

namespace turnbuckle::test {

namespace {

std::string quoted(std::span<const std::string> words) {
    return fmt::format("{}", fmt::join(words, " "));
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
        case Fault::PeerLate:
            rig().set_peers(EngineRig::Promptness::WhenTold);
            break;
        case Fault::LinksClose:
            for (const auto& [name, who] : clients_)
                rig().disconnect(who.path());
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
    if (!peers_slow_) {
        rig().set_peers(EngineRig::Promptness::AtOnce);
        rig().answer_connects();
    }
    collect();
}

void ScenarioPlayer::perform(const Step& step) {
    const Words words = step.words;
    const std::string& verb = words.front();
    if (verb == "EXPECT") return expect(words.subspan(1));
    if (verb == "CHECK") return check_value(words.subspan(1));
    require_nothing_left();
    if (verb == "USER") return add_user(words.subspan(1));
    if (verb == "CLIENT") return add_client(words.subspan(1));
    if (verb == "CONFIG") {
        configure(words.subspan(1));
    } else if (verb == "STORE") {
        steer_store(words.subspan(1));
    } else if (verb == "RELAYS") {
        steer_relays(words.subspan(1));
    } else if (verb == "TIME") {
        pass_time(words.subspan(1));
    } else if (verb == "PEER") {
        act_as_peer(words.subspan(1));
    } else if (verb == "PEERS") {
        steer_peers(words.subspan(1));
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

void ScenarioPlayer::steer_peers(Words words) {
    using enum turn::PeerConnectError;
    const std::string what = quoted(words);
    if (what == "are slow") {
        peers_slow_ = true;
        rig().set_peers(EngineRig::Promptness::WhenTold);
    } else if (what == "answer") {
        rig().answer_connects();
    } else if (what == "refuse") {
        rig().answer_connects(Failed);
    } else if (what == "are connected already") {
        rig().answer_connects(AlreadyExists);
    } else if (what == "cannot be connected to") {
        rig().answer_connects(NoCapacity);
    } else if (what == "answer nobody") {
        rig().answer_unknown_connect();
    } else {
        fail(
            "PEERS are slow, answer, refuse, are connected already, cannot be connected to, "
            "answer nobody");
    }
}

std::optional<Endpoint> ScenarioPlayer::relayed_for(const Endpoint& peer, const std::string& to) {
    const auto at = clients_.find(to);
    if (at == clients_.end()) return endpoint_of(to);
    const auto& relayed = at->second.relayed();
    const auto fitting = std::ranges::find_if(
        relayed, [&](const Endpoint& each) { return each.ip.family() == peer.ip.family(); });
    if (fitting != relayed.end()) return *fitting;
    if (strict()) fail(to + " has no relayed transport address of that family");
    return std::nullopt;
}

void ScenarioPlayer::act_as_peer(Words words) {
    if (words.size() < 2) fail("PEER address ...");
    const Endpoint peer = endpoint_of(words[0]);
    if (words[1] == "->" && words.size() == 4) {
        send_from_peer(peer, words[2], words[3]);
    } else if (words[1] == "connects" && words.size() == 4 && words[2] == "->") {
        if (const auto to = relayed_for(peer, words[3])) rig().accept_peer(peer, *to);
    } else if (words[1] == "streams" && words.size() == 3) {
        rig().peer_streams(peer, number_of(words[2]));
    } else if (words[1] == "closes" && words.size() == 2) {
        rig().peer_closes(peer);
    } else {
        fail("PEER address -> client|relay \"data\", connects -> client|relay, streams N, closes");
    }
}

void ScenarioPlayer::send_from_peer(const Endpoint& peer, const std::string& to,
                                    const std::string& what) {
    const auto relayed = relayed_for(peer, to);
    if (!relayed) return;
    std::string payload = what;
    if (const auto size = value_of(what, "bytes=")) payload = std::string(number_of(*size), 'x');
    rig().peer_datagram(peer, *relayed, as_bytes(payload));
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
        std::vector<std::string> message(words.begin() + 1, words.end());
        for (std::string& word : message)
            if (word.starts_with("connection=of:"))
                word = fmt::format("connection={}",
                                   client(word.substr(word.find(':') + 1)).connection());
        send(who, who.compose(message));
    } else if (verb == "STREAMS" && words.size() == 2) {
        const std::vector<std::uint8_t> chunk(number_of(words[1]));
        send(who, chunk);
    } else if (verb == "DISCONNECTS") {
        rig().disconnect(who.path());
    } else if (verb == "REPEATS") {
        const auto again = who.last_sent();
        send(who, again);
    } else if (verb == "ALLOCATES") {
        allocate(name, words.subspan(1));
    } else {
        fail("a client AUTH, SEND, REPEATS, ALLOCATES, STREAMS, DISCONNECTS or TAKES-NONCE-OF");
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

}  // namespace turnbuckle::test
