// How much more an unproven sender can have the server send than it sent itself (RFC 8489 section
// 16.1.2; RFC 8656 section 21.1): whoever forges a source address gains this factor, so it is a
// number that a test holds down. Bytes are of the UDP payload.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/engine_rig.hpp"
#include "support/stun_client.hpp"

namespace turnbuckle::turn {
namespace {

struct Exchange {
    std::size_t asked = 0;
    std::size_t answered = 0;

    [[nodiscard]] double factor() const {
        return static_cast<double>(answered) / static_cast<double>(asked);
    }
};

class Amplification : public testing::Test {
protected:
    explicit Amplification(std::string realm = "example.org") {
        auto config = test::EngineRig::default_config();
        config.realm = std::move(realm);
        config.software = "Turnbuckle 0.1.0";
        rig_ = std::make_unique<test::EngineRig>(
            test::EngineRig::Options{.config = config, .quota = {}});
    }

    Exchange exchange(const std::vector<std::string>& words, const char* from = "192.0.2.1:4000") {
        ClientPath path;
        path.tuple.client = *Endpoint::parse(from);
        path.tuple.server = test::FakeHost::listener(path.tuple.client.ip.family());
        test::StunClient client(path, 1);
        const auto request = client.compose(words);
        rig_->datagram(path, request);
        Exchange result{request.size(), 0};
        for (const test::Event& event : rig_->take_events())
            if (event.kind == test::Event::Kind::Answer) result.answered += event.bytes.size();
        return result;
    }

    std::unique_ptr<test::EngineRig> rig_;
};

class AmplificationWithLongRealm : public Amplification {
protected:
    AmplificationWithLongRealm() : Amplification(std::string(63, 'r')) {}
};

// 20 bytes of header, ERROR-CODE without a phrase (8), REALM of 11 characters (16), NONCE (24).
constexpr std::size_t kChallenge = 68;

TEST_F(Amplification, a_challenge_is_68_bytes_with_a_realm_of_eleven_characters) {
    for (const char* method :
         {"allocate", "refresh", "create_permission", "channel_bind", "connect", "connection_bind"})
        EXPECT_EQ(exchange({method}).answered, kChallenge) << method;
    // The shortest request that gets one has no attribute at all.
    EXPECT_LE(exchange({"refresh"}).factor(), 3.4);
    // What a client really sends first.
    EXPECT_LE(exchange({"allocate"}).factor(), 2.5);
}

TEST_F(Amplification, a_binding_answer_is_at_most_2_2_times_its_request) {
    EXPECT_LE(exchange({"binding"}).factor(), 1.6);
    EXPECT_LE(exchange({"binding"}, "[2001:db8:1::1]:4000").factor(), 2.2);
    EXPECT_LE(exchange({"binding", "fingerprint"}).factor(), 1.5);
}

TEST_F(Amplification, a_refusal_of_unknown_attributes_is_below_twice_its_request) {
    // Each unknown attribute costs the sender 4 bytes and the server 2.
    std::vector<std::string> words{"binding"};
    for (int i = 0; i < 40; ++i) {
        words.push_back("attr=0x7f" + std::to_string(10 + i));
        const auto result = exchange(words);
        EXPECT_GT(result.answered, 0u);
        EXPECT_LT(result.factor(), 2.0);
    }
}

TEST_F(Amplification, nothing_else_of_a_stranger_is_answered) {
    for (const char* message : {"send", "data", "binding_indication", "allocate_indication",
                                "binding_response", "allocate_error", "method=0x0ff"})
        EXPECT_EQ(exchange({message}).answered, 0u) << message;
    EXPECT_EQ(exchange({"channel_data", "channel=0x4000", "data=x"}).answered, 0u);
    EXPECT_EQ(exchange({"allocate", "bad_fingerprint"}).answered, 0u);
}

TEST_F(Amplification, no_answer_to_a_stranger_carries_software_or_a_phrase) {
    // Both would only feed an attacker; 401 with either would be more than 72 bytes.
    EXPECT_LE(exchange({"allocate", "fingerprint"}).answered, kChallenge + 8);
}

// The realm is the operator's choice and the only part of a challenge that has no small bound: the
// longest host name label makes a challenge of 120 bytes.
TEST_F(AmplificationWithLongRealm, grows_with_the_realm_only) {
    EXPECT_EQ(exchange({"allocate"}).answered, kChallenge - 12 + 64);
    EXPECT_LE(exchange({"refresh"}).factor(), 6.0);
}

}  // namespace
}  // namespace turnbuckle::turn
