#include "turnbuckle/config/loader.hpp"

#include <random>

#include <gmock/gmock.h>

#include "turnbuckle/config/dump.hpp"

#include "unit/config/errors_of.hpp"

namespace turnbuckle::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Loader, TakesAnEmptyFileForTheDefaults) {
    EXPECT_EQ(load_text("", "t.yaml"), Config());
    EXPECT_EQ(load_text("relay:\nauth:\n  users:\n", "t.yaml"), Config()) << "keys without a value";
}

TEST(Loader, ReadsEveryKey) {
    const auto config = load_text(R"(
realm: example.org
software: turnbuckle test
workers: 3
drain_timeout: 2m
listeners:
  - { transport: udp, address: 127.0.0.1, port: 0 }
  - { address: "::1" }
  - { transport: tls, certificate: /c.pem, private_key: /k.pem, trusted_proxies: [10.0.0.0/8],
      web: { address: "::1", port: 8443, names: [www.Example.org], protocols: [h2] } }
  - { transport: tcp, certificates: [ { certificate: /a.pem, private_key: /a.key },
                                      { certificate: /b.pem, private_key: /b.key } ] }
relay:
  addresses: [ { address: 10.0.0.5, advertise: 198.51.100.7 }, { address: "2001:db8::5" } ]
  ports: { min: 50000, max: 50999 }
  lifetime: { default: 15m, max: 2h }
  peers: { allow: [10.0.0.0/8, "::1"], deny: [203.0.113.0/24] }
auth:
  secrets: [ { value: north }, { value: south } ]
  users:
    - { name: alice, password: { value: secret } }
    - { name: bob, key: 00112233445566778899aabbccddeeFF }
  nonce_lifetime: 30m
  rest_separator: "|"
limits:
  user: { allocations: 2 }
  total: { allocations: 1000 }
  allocation: { permissions: 10, channels: 20, connections: 30 }
  unauthenticated: { answers_per_second: 5, burst: 9, connections: 7, total_connections: 70 }
  connection: { queue: 256KiB, queue_time: 3s }
admin: { enabled: true, address: 0.0.0.0, port: 9090, token: { value: t0ken } }
log: { level: debug, format: json }
offload: { mode: off, interfaces: [eth0] }
)",
                                  "t.yaml");
    ASSERT_TRUE(config) << to_string(config.error().front());
    EXPECT_EQ(config->realm, "example.org");
    EXPECT_EQ(config->software, "turnbuckle test");
    EXPECT_EQ(config->workers, 3u);
    EXPECT_EQ(config->drain_timeout, 120s);
    ASSERT_EQ(config->listeners.size(), 4u);
    EXPECT_EQ(config->listeners[0].address, IpAddress::v4(127, 0, 0, 1));
    EXPECT_EQ(config->listeners[0].port, 0);
    EXPECT_EQ(config->listeners[1].address, IpAddress::parse("::1"));
    EXPECT_EQ(config->listeners[1].port, 3478);
    const Listener& tls = config->listeners[2];
    EXPECT_EQ(tls.port, 5349);
    EXPECT_THAT(tls.certificates, ElementsAre(CertificateFiles{"/c.pem", "/k.pem"}));
    EXPECT_THAT(tls.trusted_proxies, ElementsAre(*Cidr::parse("10.0.0.0/8")));
    EXPECT_EQ(tls.web, (WebBackend{*IpAddress::parse("::1"), 8443, {"www.example.org"}, {"h2"}}));
    EXPECT_THAT(
        config->listeners[3].certificates,
        ElementsAre(CertificateFiles{"/a.pem", "/a.key"}, CertificateFiles{"/b.pem", "/b.key"}));
    ASSERT_EQ(config->relay.addresses.size(), 2u);
    EXPECT_EQ(config->relay.addresses[0].advertise, IpAddress::v4(198, 51, 100, 7));
    EXPECT_EQ(config->relay.addresses[1].advertise, std::nullopt);
    EXPECT_EQ(config->relay.ports, (PortRange{50000, 50999}));
    EXPECT_EQ(config->relay.lifetime.initial, 15min);
    EXPECT_EQ(config->relay.lifetime.max, 2h);
    EXPECT_THAT(config->relay.peers.allow,
                ElementsAre(*Cidr::parse("10.0.0.0/8"), *Cidr::parse("::1/128")));
    EXPECT_THAT(config->relay.peers.deny, ElementsAre(*Cidr::parse("203.0.113.0/24")));
    ASSERT_EQ(config->auth.secrets.size(), 2u);
    EXPECT_EQ(config->auth.secrets[1].secret.reveal(), "south");
    ASSERT_EQ(config->auth.users.size(), 2u);
    EXPECT_EQ(config->auth.users[0].password->secret.reveal(), "secret");
    EXPECT_EQ(
        config->auth.users[1].key->bytes.reveal(),
        std::string_view("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16));
    EXPECT_EQ(config->auth.nonce_lifetime, 30min);
    EXPECT_EQ(config->auth.rest_separator, "|");
    EXPECT_EQ(config->limits.user.allocations, 2u);
    EXPECT_EQ(config->limits.total.allocations, 1000u);
    EXPECT_EQ(config->limits.allocation, (AllocationLimits{10, 20, 30}));
    EXPECT_EQ(config->limits.unauthenticated, (UnauthenticatedLimits{5, 9, 7, 70}));
    EXPECT_EQ(config->limits.connection, (ConnectionLimits{{256 * 1024}, 3s}));
    EXPECT_EQ(config->admin.port, 9090);
    EXPECT_EQ(config->admin.token->secret.reveal(), "t0ken");
    EXPECT_EQ(config->log, (Log{log::Level::Debug, log::Format::Json}));
    EXPECT_THAT(config->offload.interfaces, ElementsAre("eth0"));
}

TEST(Loader, ReportsAllErrorsAtOnceInTheOrderOfTheText) {
    EXPECT_THAT(
        errors_of(R"(realm: ""
listeners: [ { transport: sctp } ]
listners: []
relay:
  ports: { min: 60000, max: 50000 }
  peers: { allow: [10.0.0.1/8] }
log: { level: loud }
limits:
  user: { allocations: many }
)"),
        ElementsAre("t.yaml:1:8: 'realm' must not be empty",
                    "t.yaml:2:27: 'transport': expected one of udp, tcp, tls, dtls, found 'sctp'",
                    "t.yaml:3:1: unknown key 'listners'; did you mean 'listeners'?",
                    "t.yaml:5:17: 'min' 60000 is above 'max' 50000",
                    "t.yaml:6:20: 'allow': expected an address block without host bits, "
                    "such as 10.0.0.0/8, found '10.0.0.1/8'",
                    "t.yaml:7:15: 'level': expected one of trace, debug, info, warn, "
                    "error, off, found 'loud'",
                    "t.yaml:9:24: 'allocations': expected a whole number from 0 to "
                    "4294967295, found 'many'"));
}

TEST(Loader, NamesTheNearestKeyOfTheSameMapping) {
    EXPECT_THAT(errors_of("relay: { prots: {} }"),
                ElementsAre("t.yaml:1:10: unknown key 'prots'; did you mean 'ports'?"));
    EXPECT_THAT(errors_of("relay: { peers: { realm: x } }"),
                ElementsAre("t.yaml:1:19: unknown key 'realm'; known here: allow, deny"));
    EXPECT_THAT(errors_of("listeners: [ { adress: 127.0.0.1 } ]"),
                ElementsAre("t.yaml:1:16: unknown key 'adress'; did you mean 'address'?"));
}

TEST(Loader, SaysWhatKindOfValueItExpected) {
    EXPECT_THAT(errors_of("[]"), ElementsAre("t.yaml:1:1: expected a mapping, found a list"));
    EXPECT_THAT(errors_of("realm: [a]"),
                ElementsAre("t.yaml:1:8: 'realm': expected a single value, found a list"));
    EXPECT_THAT(errors_of("realm:"),
                ElementsAre("t.yaml:1:1: 'realm': expected a single value, found nothing"));
    EXPECT_THAT(errors_of("relay: x"),
                ElementsAre("t.yaml:1:8: 'relay': expected a mapping, found a single value"));
    EXPECT_THAT(errors_of("listeners: { port: 1 }"),
                ElementsAre("t.yaml:1:12: 'listeners': expected a list, found a mapping"));
    EXPECT_THAT(errors_of("listeners: [ 3478 ]"),
                ElementsAre("t.yaml:1:14: 'listeners': expected a mapping, found a single value"));
}

TEST(Loader, ChecksRanges) {
    EXPECT_THAT(errors_of("listeners: [ { port: 65536 } ]"),
                ElementsAre("t.yaml:1:22: 'port': expected a whole number from 0 to 65535, "
                            "found '65536'"));
    EXPECT_THAT(errors_of("relay: { ports: { min: 0 } }"),
                ElementsAre("t.yaml:1:24: 'min' must be at least 1"));
    EXPECT_THAT(errors_of("relay: { lifetime: { default: 2h } }"),
                ElementsAre("t.yaml:1:31: 'default' 2h is above 'max' 1h"));
    EXPECT_THAT(errors_of("relay: { lifetime: { default: 600 } }"),
                ElementsAre("t.yaml:1:31: 'default': expected a duration like 600s, 10m or 1h, "
                            "found '600'"));
    EXPECT_THAT(errors_of("workers: 0\n"),
                ElementsAre("t.yaml:1:10: 'workers' must be auto or from 1 to 256"));
    EXPECT_THAT(
        errors_of("workers: all\n"),
        ElementsAre("t.yaml:1:10: 'workers': expected a whole number or auto, found 'all'"));
    EXPECT_THAT(errors_of("auth: { nonce_lifetime: 0s }"),
                ElementsAre("t.yaml:1:25: 'nonce_lifetime' must be at least 1s"));
    EXPECT_THAT(errors_of("limits: { unauthenticated: { burst: 0 } }"),
                ElementsAre("t.yaml:1:37: 'burst' must be at least 1, or nothing is ever answered; "
                            "for no limit set 'answers_per_second' to 0"));
    EXPECT_THAT(errors_of("limits: { unauthenticated: { answers_per_second: 0, burst: 0 } }"),
                IsEmpty());
}

TEST(Loader, BoundsWhatMayWaitForASlowClient) {
    for (const char* queue : {"127KiB", "2GiB"}) {
        EXPECT_THAT(errors_of(fmt::format("limits: {{ connection: {{ queue: {} }} }}", queue)),
                    ElementsAre("t.yaml:1:32: 'queue' must be from 128KiB to 1GiB"));
    }
    EXPECT_THAT(errors_of("limits: { connection: { queue: 1MB } }"),
                ElementsAre("t.yaml:1:32: 'queue': expected a size like 512KiB or 1MiB, found "
                            "'1MB'"));
    EXPECT_THAT(errors_of("limits: { connection: { queue_time: 0s } }"),
                ElementsAre("t.yaml:1:37: 'queue_time' must be from 1s to 1m"));
}

TEST(Loader, ReportsRepeatedEntriesOfAList) {
    EXPECT_THAT(
        errors_of(
            "listeners:\n  - { port: 5 }\n  - { port: 5 }\n  - { port: 0 }\n  - { port: 0 }\n"),
        ElementsAre("t.yaml:3:5: 'listeners': repeats 'UDP 0.0.0.0:5' of line 2"));
    EXPECT_THAT(errors_of("listeners: [ { transport: tcp }, { transport: tls, port: 3478, "
                          "certificate: /c, private_key: /k } ]"),
                ElementsAre("t.yaml:1:34: 'listeners': repeats 'TCP 0.0.0.0:3478' of line 1"));
    EXPECT_THAT(errors_of("relay: { peers: { deny: [1.2.3.4,\n 1.2.3.4/32] } }"),
                ElementsAre("t.yaml:2:2: 'deny': repeats '1.2.3.4/32' of line 1"));
    EXPECT_THAT(errors_of("auth:\n users:\n"
                          "  - { name: ann, password: { value: x } }\n"
                          "  - { name: ann, password: { value: y } }\n"),
                ElementsAre("t.yaml:4:5: 'users': repeats 'ann' of line 3"));
    EXPECT_EQ(errors_of("auth: { secrets: [ { value: x }, { value: x } ] }").size(), 1u);
}

TEST(Loader, ReportsErrorsOfOverridesByTheirKey) {
    EXPECT_THAT(errors_of("relay: { ports: { max: 50000 } }", {"relay.ports.min=60000"}),
                ElementsAre("--set relay.ports.min: 'min' 60000 is above 'max' 50000"));
    EXPECT_THAT(errors_of("realm: [x]", {"relay.prots.min=1", "log.level=loud"}),
                ElementsAre("t.yaml:1:8: 'realm': expected a single value, found a list",
                            "--set relay.prots.min: unknown key 'prots'; did you mean 'ports'?",
                            "--set log.level: 'level': expected one of trace, debug, info, warn, "
                            "error, off, found 'loud'"));
}

TEST(Loader, LetsOverridesReplaceTheFile) {
    const std::vector<std::string> overrides{"relay.ports.min=50000", "realm=a b",
                                             "software=", "listeners=[{port: 0}]"};
    const auto config = load_text("realm: x\nsoftware: y\nlisteners: []\n", "t.yaml", overrides);
    ASSERT_TRUE(config);
    EXPECT_EQ(config->relay.ports.min, 50000);
    EXPECT_EQ(config->relay.ports.max, 65535);
    EXPECT_EQ(config->realm, "a b");
    EXPECT_EQ(config->software, "");
    ASSERT_EQ(config->listeners.size(), 1u);
}

TEST(Loader, LetsAnOverrideRepairTheFile) {
    EXPECT_THAT(errors_of("relay: { ports: { min: nonsense } }", {"relay.ports.min=50000"}),
                IsEmpty());
}

TEST(Loader, SaysWhyAFileCannotBeRead) {
    const auto missing = load_file("/nonexistent/turnbuckle.yaml");
    ASSERT_FALSE(missing);
    EXPECT_EQ(
        to_string(missing.error().at(0)),
        "/nonexistent/turnbuckle.yaml: cannot read the configuration: No such file or directory");
    const auto directory = load_file("/");
    ASSERT_FALSE(directory);
    EXPECT_EQ(to_string(directory.error().at(0)),
              "/: cannot read the configuration: Is a directory");
    const auto endless = load_file("/dev/zero");
    ASSERT_FALSE(endless);
    EXPECT_EQ(to_string(endless.error().at(0)),
              "/dev/zero: cannot read the configuration: is larger than 1048576 bytes");
}

// Mutations of a good file reach deeper into the schema than random bytes do.
TEST(Loader, SurvivesAnyMutationOfAGoodFile) {
    const std::string good = dump(Config());
    constexpr std::string_view kAlphabet = " \n:-[]{}\"'#&*~a0/.\\\xff";
    std::mt19937 random(11);
    for (int round = 0; round < 1'000; ++round) {
        std::string text = good;
        for (int edits = 0; edits < 4; ++edits) {
            const std::size_t at = random() % text.size();
            switch (random() % 3) {
                case 0:
                    text[at] = kAlphabet[random() % kAlphabet.size()];
                    break;
                case 1:
                    text.erase(at, random() % 20);
                    break;
                default:
                    text.insert(at, text.substr(random() % text.size(), random() % 20));
                    break;
            }
        }
        const auto result = load_text(text, "t.yaml");
        EXPECT_TRUE(result || !result.error().empty());
    }
}

}  // namespace
}  // namespace turnbuckle::config
