// The steps of a scenario that say what the world is like: CONFIG, USER, CLIENT.
#include <algorithm>
#include <array>

#include "support/scenario_player.hpp"
#include "support/words.hpp"

namespace turnbuckle::test {

namespace {

constexpr std::array kTransports{"udp", "tcp", "tls", "dtls"};

}  // namespace

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
        } else if (word.starts_with("max_connections=")) {
            config.max_connections = number();
        } else if (word.starts_with("worker=")) {
            options_.worker = static_cast<std::uint8_t>(number());
        } else if (word.starts_with("workers=")) {
            options_.workers = static_cast<std::uint8_t>(number());
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

}  // namespace turnbuckle::test
