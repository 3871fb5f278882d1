#include "turnbuckle/config/schema.hpp"

#include <gmock/gmock.h>

#include "unit/config/errors_of.hpp"

namespace turnbuckle::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Schema, RefusesRealmsThatClientsWouldHashDifferently) {
    EXPECT_EQ(check_realm("example.org"), std::nullopt);
    EXPECT_EQ(check_realm("Zürich"), std::nullopt);
    EXPECT_NE(check_realm(""), std::nullopt);
    EXPECT_NE(check_realm("a\"b"), std::nullopt);
    EXPECT_NE(check_realm("a\\b"), std::nullopt);
    EXPECT_NE(check_realm("a\nb"), std::nullopt);
    EXPECT_NE(check_realm("\xff"), std::nullopt);
    EXPECT_NE(check_realm("u\u0308"), std::nullopt) << "not NFC";
    std::string longest;
    for (int i = 0; i < 127; ++i)
        longest += "é";
    EXPECT_EQ(check_realm(longest), std::nullopt);
    EXPECT_NE(check_realm(longest + "x"), std::nullopt);
}

TEST(Schema, BoundsTheSoftwareAttribute) {
    EXPECT_EQ(check_software(""), std::nullopt);
    EXPECT_EQ(check_software(std::string(127, 'x')), std::nullopt);
    EXPECT_NE(check_software(std::string(128, 'x')), std::nullopt);
    EXPECT_NE(check_software("\xc3"), std::nullopt);
}

TEST(Schema, RefusesSeparatorsThatCouldBePartOfTheExpiry) {
    EXPECT_EQ(check_separator(":"), std::nullopt);
    EXPECT_EQ(check_separator("--"), std::nullopt);
    EXPECT_NE(check_separator(""), std::nullopt);
    EXPECT_NE(check_separator("0"), std::nullopt);
    EXPECT_NE(check_separator(":1"), std::nullopt);
}

TEST(Schema, RequiresTheCertificateOfAnEncryptedListener) {
    for (const char* transport : {"tls", "dtls"}) {
        EXPECT_THAT(errors_of(fmt::format("listeners: [ {{ transport: {} }} ]", transport)),
                    ElementsAre(fmt::format("t.yaml:1:14: a {} listener needs a 'certificate' and "
                                            "a 'private_key'",
                                            transport)));
    }
}

TEST(Schema, AllowsACertificateOnEveryTransport) {
    for (const char* transport : {"udp", "tcp", "tls", "dtls"}) {
        EXPECT_THAT(errors_of(fmt::format("listeners: [ {{ transport: {}, certificate: /c, "
                                          "private_key: /k }} ]",
                                          transport)),
                    IsEmpty());
    }
}

TEST(Schema, RequiresBothHalvesOfACertificate) {
    EXPECT_THAT(errors_of("listeners: [ { certificate: /c } ]"),
                ElementsAre("t.yaml:1:14: needs a 'private_key'"));
    EXPECT_THAT(errors_of("listeners: [ { private_key: /k } ]"),
                ElementsAre("t.yaml:1:14: needs a 'certificate'"));
    EXPECT_THAT(errors_of("listeners: [ { certificates: [ { private_key: /k } ] } ]"),
                ElementsAre("t.yaml:1:32: needs a 'certificate'"));
    EXPECT_THAT(errors_of("listeners: [ { certificate: \"\", private_key: \"\" } ]"), IsEmpty())
        << "as good as absent";
}

TEST(Schema, RefusesACertificateBesideAListOfThem) {
    EXPECT_THAT(errors_of("listeners: [ { certificate: /c, private_key: /k, "
                          "certificates: [ { certificate: /a, private_key: /b } ] } ]"),
                ElementsAre("t.yaml:1:29: must have either 'certificate' and 'private_key' or "
                            "'certificates'"));
}

TEST(Schema, PassesOnlyTlsOnToAWebServer) {
    const auto errors_with = [](std::string_view listener) {
        return errors_of(fmt::format("listeners: [ {{ web: {{ port: 8443 }}, {} }} ]", listener));
    };
    EXPECT_THAT(errors_with("transport: tls, certificate: /c, private_key: /k"), IsEmpty());
    EXPECT_THAT(errors_with("transport: tcp, certificate: /c, private_key: /k"), IsEmpty());
    EXPECT_THAT(errors_with("transport: tcp"),
                ElementsAre("t.yaml:1:21: 'web' needs a listener with a 'certificate': only TLS is "
                            "passed on"));
    EXPECT_THAT(errors_with("transport: dtls, certificate: /c, private_key: /k"),
                ElementsAre("t.yaml:1:21: a dtls listener has no 'web'"));
    EXPECT_THAT(errors_with("transport: udp"),
                ElementsAre("t.yaml:1:21: a udp listener has no 'web'"));
}

TEST(Schema, RequiresAWebServerThatCanBeChosenAndReached) {
    const auto errors_with = [](std::string_view web) {
        return errors_of(
            fmt::format("listeners: [ {{ transport: tls, certificate: /c, "
                        "private_key: /k, web: {{ {} }} }} ]",
                        web));
    };
    EXPECT_THAT(errors_with(""), ElementsAre("t.yaml:1:71: needs a 'port'"));
    EXPECT_THAT(errors_with("port: 0"), ElementsAre("t.yaml:1:79: 'port' must be at least 1"));
    EXPECT_THAT(errors_with("port: 1, address: 0.0.0.0"),
                ElementsAre("t.yaml:1:91: 'address' must be one to connect to"));
    EXPECT_THAT(errors_with("port: 1, protocols: []"),
                ElementsAre("t.yaml:1:71: needs 'names' or 'protocols', or no connection is ever "
                            "passed on"));
    EXPECT_THAT(errors_with("port: 1, protocols: [stun.turn]"),
                ElementsAre("t.yaml:1:93: 'protocols' must not have stun.turn, which is this "
                            "server's own"));
    EXPECT_THAT(errors_with("port: 1, names: [\"a b\"]"),
                ElementsAre("t.yaml:1:89: 'names' must be a list of host names without a dot at "
                            "their end"));
    EXPECT_THAT(errors_with("port: 1, protocols: [], names: [www.example.org]"), IsEmpty());
}

TEST(Schema, TrustsNoProxyOnDtls) {
    EXPECT_THAT(errors_of("listeners: [ { transport: dtls, certificate: /c, private_key: /k, "
                          "trusted_proxies: [10.0.0.1] } ]"),
                ElementsAre("t.yaml:1:84: a dtls listener has no 'trusted_proxies'"));
    EXPECT_THAT(errors_of("listeners: [ { trusted_proxies: [10.0.0.1] } ]"), IsEmpty());
}

TEST(Schema, GivesEncryptedListenersTheirOwnDefaultPort) {
    Listener listener;
    listener.transport = turn::Transport::Dtls;
    listener.certificate = listener.private_key = "/x";
    ErrorList errors;
    Schema<Listener>::finish(listener, Node{}, errors);
    EXPECT_EQ(errors.count(), 0u);
    EXPECT_EQ(listener.port, 5349);
}

TEST(Schema, TakesUdpAndDtlsForOnePortSpace) {
    Listener udp{.transport = turn::Transport::Udp, .address = {}, .port = 5};
    Listener dtls{.transport = turn::Transport::Dtls, .address = {}, .port = 5};
    Listener tcp{.transport = turn::Transport::Tcp, .address = {}, .port = 5};
    EXPECT_EQ(identity(udp), identity(dtls));
    EXPECT_NE(identity(udp), identity(tcp));
}

TEST(Schema, RequiresARelayAddressThatCanBeBoundAndTold) {
    EXPECT_THAT(errors_of("relay: { addresses: [ {} ] }"),
                ElementsAre("t.yaml:1:23: needs an 'address'"));
    for (const char* wildcard : {"0.0.0.0", "\"::\"", "224.0.0.1", "ff02::1"}) {
        EXPECT_THAT(
            errors_of(fmt::format("relay: {{ addresses: [ {{ address: {} }} ] }}", wildcard)),
            ElementsAre("t.yaml:1:34: 'address' must be one that this host has, not a "
                        "wildcard or multicast address"));
    }
    EXPECT_THAT(errors_of("relay: { addresses: [ { address: 10.0.0.5, advertise: 0.0.0.0 } ] }"),
                ElementsAre("t.yaml:1:55: 'advertise' must be an address that peers can send to"));
    EXPECT_THAT(
        errors_of("relay: { addresses: [ { address: 10.0.0.5, advertise: 2001:db8::1 } ] }"),
        ElementsAre("t.yaml:1:55: 'advertise' must be of the same family as 'address'"));
}

TEST(Schema, RequiresAUserToHaveExactlyOneProof) {
    EXPECT_THAT(errors_of("auth: { users: [ { name: ann } ] }"),
                ElementsAre("t.yaml:1:18: user 'ann' needs a 'password' or a 'key'"));
    EXPECT_THAT(errors_of("auth: { users: [ { password: { value: x } } ] }"),
                ElementsAre("t.yaml:1:18: needs a 'name'"));
    EXPECT_THAT(errors_of("auth: { users: [ { name: ann, password: { value: x }, "
                          "key: 00112233445566778899aabbccddeeff } ] }"),
                ElementsAre("t.yaml:1:18: user 'ann' has both a 'password' and a 'key'"));
    EXPECT_THAT(errors_of("auth: { users: [ { name: ann, password: { value: \"a\\u0007\" } } ] }"),
                ElementsAre("t.yaml:1:41: the password of user 'ann' has characters that "
                            "OpaqueString (RFC 8265) forbids"));
    EXPECT_THAT(errors_of("auth: { users: [ { name: \"\", password: { value: x } } ] }"),
                ElementsAre("t.yaml:1:26: 'name' must not be empty"));
}

TEST(Schema, TakesNamesThatOpaqueStringMakesEqualForOneUser) {
    EXPECT_EQ(errors_of("auth: { users: [ { name: \"u\\u0308\", password: { value: x } }, "
                        "{ name: \"\\u00fc\", password: { value: x } } ] }")
                  .size(),
              1u);
}

TEST(Schema, RequiresATokenWhereOthersCanReachTheAdminPlane) {
    EXPECT_THAT(errors_of("admin: { address: 0.0.0.0 }"),
                ElementsAre("t.yaml:1:19: an admin plane that others can reach needs a 'token'"));
    EXPECT_THAT(errors_of("admin: { address: 0.0.0.0, enabled: false }"), IsEmpty());
    EXPECT_THAT(errors_of("admin: { address: 127.0.0.2 }"), IsEmpty());
    EXPECT_THAT(errors_of("admin: { address: \"::1\" }"), IsEmpty());
    EXPECT_THAT(errors_of("admin: { address: 0.0.0.0, token: { value: x } }"), IsEmpty());
}

}  // namespace
}  // namespace turnbuckle::config
