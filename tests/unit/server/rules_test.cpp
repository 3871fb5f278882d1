#include "turnbuckle/server/rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "turnbuckle/config/loader.hpp"

namespace turnbuckle::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

config::Config configuration(std::string_view text) {
    auto loaded = config::load_text(text, "test");
    EXPECT_TRUE(loaded.has_value());
    return loaded ? *loaded : config::Config{};
}

TEST(Rules, CarryOverWhatTheConfigurationSays) {
    const auto config = configuration(R"(
realm: example.org
software: Turnbuckle
relay:
  lifetime: { default: 11m, max: 2h }
  legacy_channels: true
  peers: { allow: [ 10.0.0.0/8 ], deny: [ 10.1.0.0/16 ] }
limits:
  allocation: { permissions: 7, channels: 0, connections: 9 }
)");
    const auto rules = rules_of(config, 1);
    EXPECT_EQ(rules.engine->realm, "example.org");
    EXPECT_EQ(rules.engine->software, "Turnbuckle");
    EXPECT_EQ(rules.engine->default_lifetime, std::chrono::minutes(11));
    EXPECT_EQ(rules.engine->max_lifetime, std::chrono::hours(2));
    EXPECT_TRUE(rules.engine->legacy_channels);
    EXPECT_EQ(rules.engine->max_permissions, 7u);
    EXPECT_EQ(rules.engine->max_channels, SIZE_MAX);
    EXPECT_EQ(rules.engine->max_connections, 9u);
    EXPECT_TRUE(rules.engine->peers.judge(IpAddress::v4(10, 0, 0, 1)).allowed);
    EXPECT_FALSE(rules.engine->peers.judge(IpAddress::v4(10, 1, 0, 1)).allowed);
}

TEST(Rules, ShareTheRateOfUnauthenticatedAnswersBetweenWorkers) {
    const auto config =
        configuration("limits: { unauthenticated: { answers_per_second: 21, burst: 60 } }");
    EXPECT_EQ(rules_of(config, 1).engine->answers.answers_per_second, 21u);
    EXPECT_EQ(rules_of(config, 4).engine->answers.answers_per_second, 6u);
    EXPECT_EQ(rules_of(config, 4).engine->answers.burst, 60u);
}

TEST(Rules, NoLimitIsNotSharedIntoALimit) {
    const auto config = configuration("limits: { unauthenticated: { answers_per_second: 0 } }");
    EXPECT_EQ(rules_of(config, 4).engine->answers.answers_per_second, 0u);
}

TEST(Rules, UsersAndSecretsWorkSideBySide) {
    const auto config = configuration(R"(
auth:
  users: [ { name: alice, password: { value: secret } } ]
  secrets: [ { value: shared } ]
)");
    const auto rules = rules_of(config, 1);
    const auto known = [&](const std::string& name) {
        bool found = false;
        rules.credentials->lookup({name, config.realm, turn::PasswordAlgorithm::Md5},
                                  WallTime(std::chrono::seconds(1000)),
                                  [&](const turn::CredentialResult& r) { found = r.has_value(); });
        return found;
    };
    EXPECT_TRUE(known("alice"));
    EXPECT_TRUE(known("2000:bob"));
    EXPECT_FALSE(known("bob"));
    EXPECT_FALSE(known("999:bob"));
}

TEST(Rules, NameTheKeysThatNeedARestart) {
    const auto running = configuration("");
    EXPECT_THAT(needing_restart(running, running), IsEmpty());
    EXPECT_THAT(needing_restart(running, configuration("realm: other")), IsEmpty());
    EXPECT_THAT(
        needing_restart(running, configuration("workers: 3\nrelay: { ports: { min: 50000 } }")),
        ElementsAre("workers", "relay.ports"));
}

}  // namespace
}  // namespace turnbuckle::server
