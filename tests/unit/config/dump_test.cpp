#include "turnbuckle/config/dump.hpp"

#include <stdlib.h>

#include <random>

#include <gmock/gmock.h>

#include "turnbuckle/config/loader.hpp"

#include "unit/config/errors_of.hpp"

namespace turnbuckle::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Dump, LoadsAgainToTheDefaults) {
    EXPECT_EQ(load_text(dump(Config()), "t.yaml"), Config());
}

TEST(Dump, LoadsAgainToWhatWasLoaded) {
    const auto config = load_text(R"(
realm: "null"
software: "yes: [no] # 'quoted' \"twice\""
workers: 7
drain_timeout: 90s
listeners:
  - { transport: tls, certificate: /c.pem, private_key: /k.pem, trusted_proxies: ["::1", 10.0.0.0/8],
      web: { port: 8443, names: [www.example.org] } }
  - { certificates: [ { certificate: /a.pem, private_key: /a.key } ] }
relay:
  addresses: [ { address: 10.0.0.5, advertise: 198.51.100.7 }, { address: "2001:db8::5" } ]
  peers: { allow: ["::/0"], deny: [203.0.113.0/24, 10.1.0.0/16] }
auth: { secrets: [ { file: /proc/self/comm }, { env: PATH } ], rest_separator: "#" }
admin: { enabled: false, token: { env: PATH } }
log: { level: off, format: json }
offload: { interfaces: [eth0, "1"] }
)",
                                  "t.yaml");
    ASSERT_TRUE(config) << to_string(config.error().front());
    EXPECT_EQ(load_text(dump(*config), "t.yaml"), *config) << dump(*config);
}

TEST(Dump, QuotesWhateverTextNeedsIt) {
    constexpr std::string_view kAlphabet = " :-?[]{},#&*!|>'\"%@`~an0\\\n\t";
    std::mt19937 random(3);
    for (int round = 0; round < 500; ++round) {
        Config config;
        config.software.resize(random() % 8);
        for (char& c : config.software)
            c = kAlphabet[random() % kAlphabet.size()];
        EXPECT_EQ(load_text(dump(config), "t.yaml"), config) << dump(config);
    }
}

TEST(Dump, HidesSecretsAndTheDumpCannotBeRunByMistake) {
    const auto config = load_text(
        "auth: { secrets: [ { value: hunter2 } ], users: [ { name: ann, password: { value: hunter2 "
        "} },"
        " { name: bob, key: 00112233445566778899aabbccddeeff } ] }\n"
        "admin: { token: { value: hunter2 } }\n",
        "t.yaml");
    ASSERT_TRUE(config);
    const std::string text = dump(*config);
    EXPECT_THAT(text, Not(HasSubstr("hunter2")));
    EXPECT_THAT(text, Not(HasSubstr("0011")));
    EXPECT_THAT(text, HasSubstr("- value: \"***\""));
    EXPECT_EQ(errors_of(text).size(), 4u) << "one for each of the hidden secrets";
}

TEST(Dump, ShowsWhereASecretComesFrom) {
    ::setenv("TURNBUCKLE_TEST_TOKEN", "hunter2", 1);
    const auto config = load_text("admin: { token: { env: TURNBUCKLE_TEST_TOKEN } }", "t.yaml");
    ::unsetenv("TURNBUCKLE_TEST_TOKEN");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->admin.token->secret.reveal(), "hunter2");
    EXPECT_THAT(dump(*config), HasSubstr("token:\n    env: TURNBUCKLE_TEST_TOKEN\n"));
    EXPECT_THAT(dump(*config), Not(HasSubstr("hunter2")));
}

TEST(Dump, ListsEveryKeyOfTheFormat) {
    const auto paths = key_paths();
    EXPECT_EQ(paths.front(), "realm");
    for (const char* path :
         {"listeners[].private_key", "relay.ports.min", "relay.lifetime.default",
          "auth.users[].password.env", "auth.secrets[].file", "admin.token.value",
          "limits.unauthenticated.burst", "offload.interfaces"}) {
        EXPECT_THAT(paths, testing::Contains(path));
    }
}

}  // namespace
}  // namespace turnbuckle::config
