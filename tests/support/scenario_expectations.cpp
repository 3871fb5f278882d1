// What happened, in words, and the steps of a scenario that say what must have: EXPECT and CHECK.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "support/scenario_player.hpp"
#include "support/words.hpp"

namespace turnbuckle::test {

namespace {

// Events that may be left out of a script.
constexpr std::array<std::string_view, 10> kQuiet{
    "lookup",       "close",   "started", "ended",      "auth_failed",
    "peer_refused", "connect", "cancel",  "close_peer", "bind"};

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
    } else if (words[0] == "tcp_peers") {
        value = count(rig().peers().all().size());
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
        case Event::Kind::Attempt: {
            const std::string& name = name_of(event.client.link);
            auto words = client(name).read(event.bytes);
            words.insert(words.begin(), name);
            return {true, std::move(words)};
        }
        case Event::Kind::Connect:
            return {
                false,
                {"connect", event.to.to_string(), "from=" + event.from.to_string(), event.text}};
        case Event::Kind::Cancel:
            return {false, {"cancel", event.to.to_string()}};
        case Event::Kind::ClosePeer:
            return {false, {"close_peer", event.to.to_string()}};
        case Event::Kind::Bind:
            return {false, {"bind", name_of(event.client.link), event.to.to_string()}};
        case Event::Kind::HandOver:
            return {true, {name_of(event.client.link), "moves", "worker=" + event.text}};
    }
    fail("an unknown event");
}

const std::string& ScenarioPlayer::name_of(turn::LinkId link) const {
    const auto at = std::ranges::find_if(
        clients_, [link](const auto& entry) { return entry.second.path().link == link; });
    if (at == clients_.end()) fail("something is done to nobody's link");
    return at->first;
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
        const bool for_quiet = std::ranges::find(kQuiet, words.front()) != kQuiet.end();
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
