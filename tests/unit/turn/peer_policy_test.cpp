#include "turnbuckle/turn/peer_policy.hpp"

#include <algorithm>
#include <functional>
#include <random>

#include <gtest/gtest.h>

namespace turnbuckle::turn {
namespace {

using Reason = PeerPolicy::Reason;
using Verdict = PeerPolicy::Verdict;

constexpr Verdict kAllowed{true, Reason::None, false};
constexpr Verdict kOpened{true, Reason::None, true};

Verdict denied(Reason reason) {
    return {false, reason};
}

IpAddress ip(std::string_view text) {
    return IpAddress::parse(text).value();
}

std::vector<Cidr> blocks(std::initializer_list<const char*> texts) {
    std::vector<Cidr> result;
    for (const char* text : texts)
        result.push_back(Cidr::parse(text).value());
    return result;
}

Verdict judge(std::string_view text) {
    return PeerPolicy{}.judge(ip(text));
}

// IPv6 of `prefix` with the bytes of `v4` from `offset` on.
IpAddress embed(const char* prefix, const IpAddress& v4, std::size_t offset) {
    std::array<std::uint8_t, 16> bytes{};
    std::ranges::copy(ip(prefix).bytes(), bytes.begin());
    std::ranges::copy(v4.bytes(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    return IpAddress::from_bytes(bytes);
}

IpAddress inverted(const IpAddress& v4) {
    std::array<std::uint8_t, 4> bytes{};
    std::ranges::transform(v4.bytes(), bytes.begin(),
                           [](std::uint8_t b) { return static_cast<std::uint8_t>(~b); });
    return IpAddress::from_bytes(bytes);
}

struct Disguise {
    const char* name;
    std::function<IpAddress(const IpAddress&)> wear;
};

const std::vector<Disguise> kSpellings{
    {"plain", [](const IpAddress& v4) { return v4; }},
    {"mapped", [](const IpAddress& v4) { return embed("::ffff:0:0", v4, 12); }},
    {"compatible", [](const IpAddress& v4) { return embed("::", v4, 12); }},
    {"translated", [](const IpAddress& v4) { return embed("::ffff:0:0:0", v4, 12); }},
    {"NAT64", [](const IpAddress& v4) { return embed("64:ff9b::", v4, 12); }},
};

// The other address that Teredo names is a public one here, so that it cannot be the reason.
const std::vector<Disguise> kTunnels{
    {"6to4", [](const IpAddress& v4) { return embed("2002::1", v4, 2); }},
    {"Teredo server",
     [](const IpAddress& v4) {
         return embed(embed("2001::", v4, 4).to_string().c_str(), inverted(ip("8.8.4.4")), 12);
     }},
    {"Teredo client",
     [](const IpAddress& v4) {
         return embed(embed("2001::", ip("8.8.4.4"), 4).to_string().c_str(), inverted(v4), 12);
     }},
};

struct SpecialRange {
    const char* block;
    Reason reason;
    const char* just_below;  // "" where the neighbour is special as well
    const char* just_above;
};

const std::vector<SpecialRange> kSpecialV4{
    {"0.0.0.0/32", Reason::Unspecified, "", ""},
    {"0.0.0.0/8", Reason::Reserved, "", "1.0.0.0"},
    {"10.0.0.0/8", Reason::Private, "9.255.255.255", "11.0.0.0"},
    {"100.64.0.0/10", Reason::SharedCgnat, "100.63.255.255", "100.128.0.0"},
    {"127.0.0.0/8", Reason::Loopback, "126.255.255.255", "128.0.0.0"},
    {"169.254.0.0/16", Reason::LinkLocal, "169.253.255.255", "169.255.0.0"},
    {"169.254.169.254/32", Reason::Metadata, "", ""},
    {"168.63.129.16/32", Reason::Metadata, "168.63.129.15", "168.63.129.17"},
    {"172.16.0.0/12", Reason::Private, "172.15.255.255", "172.32.0.0"},
    {"192.0.0.0/24", Reason::Reserved, "191.255.255.255", "192.0.1.0"},
    {"192.0.2.0/24", Reason::Documentation, "192.0.1.255", "192.0.3.0"},
    {"192.88.99.0/24", Reason::Reserved, "192.88.98.255", "192.88.100.0"},
    {"192.168.0.0/16", Reason::Private, "192.167.255.255", "192.169.0.0"},
    {"198.18.0.0/15", Reason::Benchmark, "198.17.255.255", "198.20.0.0"},
    {"198.51.100.0/24", Reason::Documentation, "198.51.99.255", "198.51.101.0"},
    {"203.0.113.0/24", Reason::Documentation, "203.0.112.255", "203.0.114.0"},
    {"224.0.0.0/4", Reason::Multicast, "223.255.255.255", ""},
    {"240.0.0.0/4", Reason::Reserved, "", ""},
    {"255.255.255.255/32", Reason::Broadcast, "", ""},
};

const std::vector<SpecialRange> kSpecialV6{
    {"::/128", Reason::Unspecified, "", ""},
    {"::1/128", Reason::Loopback, "", ""},
    {"64:ff9b:1::/48", Reason::Tunnel, "", ""},
    {"100::/64", Reason::Reserved, "", ""},
    {"1000::/4", Reason::Reserved, "", "2000::"},
    {"2001::/32", Reason::Tunnel, "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
    {"2001:2::/48", Reason::Benchmark, "", ""},
    {"2001:10::/28", Reason::Reserved, "", ""},
    {"2001:100::/24", Reason::Reserved, "", "2001:200::"},
    {"2001:db8::/32", Reason::Documentation, "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
     "2001:db9::"},
    {"2002::/16", Reason::Tunnel, "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"},
    {"3fff::/20", Reason::Documentation, "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"},
    {"4000::/3", Reason::Reserved, "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
    {"5f00::/16", Reason::Reserved, "", ""},
    {"fc00::/7", Reason::UniqueLocal, "", ""},
    {"fd00:ec2::254/128", Reason::Metadata, "", ""},
    {"fe80::/10", Reason::LinkLocal, "", ""},
    {"fec0::/10", Reason::Reserved, "", ""},
    {"ff00::/8", Reason::Multicast, "", ""},
};

class RandomAddresses {
public:
    IpAddress in(const Cidr& block) {
        std::array<std::uint8_t, 16> bytes{};
        const ByteView base = block.base().bytes();
        for (std::size_t i = 0; i < base.size(); ++i) {
            const unsigned fixed = std::min(
                8u, block.length() - std::min(block.length(), 8u * static_cast<unsigned>(i)));
            const auto host_bits = static_cast<std::uint8_t>(0xffu >> fixed);
            bytes[i] = static_cast<std::uint8_t>(base[i] | (random_() & host_bits));
        }
        return IpAddress::from_bytes({bytes.data(), base.size()});
    }

private:
    std::mt19937 random_{20240229};
};

bool in_any(const std::vector<SpecialRange>& ranges, const IpAddress& address) {
    return std::ranges::any_of(ranges, [&](const SpecialRange& range) {
        return Cidr::parse(range.block)->contains(address);
    });
}

// The reason of the narrowest range of the test's own table that holds `address`.
Reason expected_reason(const std::vector<SpecialRange>& ranges, const IpAddress& address) {
    unsigned longest = 0;
    Reason reason = Reason::None;
    for (const SpecialRange& range : ranges) {
        const Cidr block = Cidr::parse(range.block).value();
        if (!block.contains(address) || block.length() < longest) continue;
        longest = block.length();
        reason = range.reason;
    }
    return reason;
}

TEST(PeerPolicy, DeniesEverySpecialIpv4RangeInEveryDisguise) {
    const PeerPolicy policy;
    RandomAddresses random;
    for (const SpecialRange& range : kSpecialV4) {
        for (int i = 0; i < 500; ++i) {
            const IpAddress v4 = random.in(Cidr::parse(range.block).value());
            for (const auto& disguises : {kSpellings, kTunnels}) {
                for (const Disguise& disguise : disguises) {
                    const IpAddress peer = disguise.wear(v4);
                    ASSERT_FALSE(policy.judge(peer).allowed)
                        << disguise.name << " of " << v4.to_string() << ": " << peer.to_string();
                }
            }
        }
    }
}

TEST(PeerPolicy, NamesTheSameReasonForEveryDisguise) {
    const PeerPolicy policy;
    RandomAddresses random;
    for (const SpecialRange& range : kSpecialV4) {
        for (int i = 0; i < 100; ++i) {
            const IpAddress v4 = random.in(Cidr::parse(range.block).value());
            const Reason reason = policy.judge(v4).reason;
            // The test's table does not repeat every cloud service.
            if (reason != Reason::Metadata) {
                ASSERT_EQ(reason, expected_reason(kSpecialV4, v4));
            }
            for (const auto& disguises : {kSpellings, kTunnels})
                for (const Disguise& disguise : disguises) {
                    const IpAddress peer = disguise.wear(v4);
                    // ::0.0.0.0 and ::0.0.0.1 are IPv6's own unspecified and loopback address.
                    if (peer == ip("::") || peer == ip("::1")) continue;
                    ASSERT_EQ(policy.judge(peer).reason, reason) << peer.to_string();
                }
        }
    }
}

TEST(PeerPolicy, AllowsPublicIpv4PlainAndSpelledButNeverThroughATunnel) {
    const PeerPolicy policy;
    RandomAddresses random;
    const Cidr all = Cidr::parse("0.0.0.0/0").value();
    int tried = 0;
    while (tried < 20000) {
        const IpAddress v4 = random.in(all);
        if (in_any(kSpecialV4, v4)) continue;
        ++tried;
        for (const Disguise& spelling : kSpellings)
            ASSERT_EQ(policy.judge(spelling.wear(v4)), kAllowed)
                << spelling.name << " of " << v4.to_string();
        for (const Disguise& tunnel : kTunnels)
            ASSERT_EQ(policy.judge(tunnel.wear(v4)), denied(Reason::Tunnel))
                << tunnel.name << " of " << v4.to_string();
    }
}

TEST(PeerPolicy, DeniesEverySpecialIpv6Range) {
    const PeerPolicy policy;
    RandomAddresses random;
    for (const SpecialRange& range : kSpecialV6) {
        for (int i = 0; i < 500; ++i) {
            const IpAddress peer = random.in(Cidr::parse(range.block).value());
            ASSERT_FALSE(policy.judge(peer).allowed) << peer.to_string();
        }
        // A Teredo address is random in its IPv4 addresses, and they may be the reason.
        if (range.reason == Reason::Tunnel) continue;
        const IpAddress peer = random.in(Cidr::parse(range.block).value());
        EXPECT_EQ(policy.judge(peer), denied(expected_reason(kSpecialV6, peer)))
            << peer.to_string();
    }
}

TEST(PeerPolicy, AllowsGlobalUnicastIpv6) {
    const PeerPolicy policy;
    RandomAddresses random;
    const Cidr global = Cidr::parse("2000::/3").value();
    for (int i = 0; i < 20000; ++i) {
        const IpAddress peer = random.in(global);
        if (in_any(kSpecialV6, peer)) continue;
        ASSERT_EQ(policy.judge(peer), kAllowed) << peer.to_string();
    }
    EXPECT_EQ(judge("2606:4700::1111"), kAllowed);
    EXPECT_EQ(judge("2a00:1450:4001:800::200e"), kAllowed);
}

TEST(PeerPolicy, DeniesAllOutsideOfIpv6GlobalUnicastButTheSpellingsOfIpv4) {
    const PeerPolicy policy;
    RandomAddresses random;
    for (const char* block : {"::/3", "4000::/2", "8000::/1"})
        for (int i = 0; i < 5000; ++i) {
            const IpAddress peer = random.in(Cidr::parse(block).value());
            if (canonical(peer) != peer) continue;
            ASSERT_FALSE(policy.judge(peer).allowed) << peer.to_string();
        }
}

TEST(PeerPolicy, StopsExactlyAtTheEdgesOfARange) {
    for (const auto& ranges : {kSpecialV4, kSpecialV6}) {
        for (const SpecialRange& range : ranges) {
            const Cidr block = Cidr::parse(range.block).value();
            EXPECT_FALSE(PeerPolicy{}.judge(block.base()).allowed) << range.block;
            for (const char* outside : {range.just_below, range.just_above}) {
                if (*outside == '\0') continue;
                EXPECT_EQ(judge(outside), kAllowed) << outside;
            }
        }
    }
    for (const char* last : {"10.255.255.255", "172.31.255.255", "100.127.255.255",
                             "127.255.255.255", "169.254.255.255", "192.168.255.255",
                             "198.19.255.255", "239.255.255.255", "255.255.255.254"})
        EXPECT_FALSE(judge(last).allowed) << last;
    EXPECT_EQ(judge("fbff::1"), denied(Reason::Reserved));
    EXPECT_EQ(judge("febf:ffff::1"), denied(Reason::LinkLocal));
    EXPECT_EQ(judge("fec0::1"), denied(Reason::Reserved));
}

TEST(PeerPolicy, TheKnownEscapesOfOtherServersAreClosed) {
    for (const char* peer : {"127.0.0.1",
                             "0.0.0.0",
                             "::",
                             "::1",
                             "::ffff:127.0.0.1",
                             "::127.0.0.1",
                             "::ffff:0.0.0.0",
                             "::ffff:0:127.0.0.1",
                             "64:ff9b::127.0.0.1",
                             "64:ff9b::a9fe:a9fe",
                             "2002:7f00:1::",
                             "2002:a9fe:a9fe::1",
                             "2001:0:7f00:1::",
                             "169.254.169.254",
                             "::ffff:169.254.169.254",
                             "255.255.255.255",
                             "fe80::1",
                             "64:ff9b:1::127.0.0.1",
                             "fd00:ec2::254",
                             "::2"})
        EXPECT_FALSE(judge(peer).allowed) << peer;
}

TEST(Canonical, FoldsWhatSpellsAnIpv4AddressAndNothingElse) {
    for (const char* spelled : {"::ffff:192.0.2.7", "::192.0.2.7", "::ffff:0:192.0.2.7",
                                "64:ff9b::192.0.2.7", "192.0.2.7"})
        EXPECT_EQ(canonical(ip(spelled)), ip("192.0.2.7")) << spelled;
    for (const char* itself :
         {"::", "::1", "2002:c000:207::1", "2001:0:c000:207::1", "64:ff9b:1::192.0.2.7",
          "64:ff9b::1:192.0.2.7", "::fffe:192.0.2.7", "::1:ffff:192.0.2.7", "1::ffff:192.0.2.7",
          "2606:4700::5efe:192.0.2.7"})
        EXPECT_EQ(canonical(ip(itself)), ip(itself)) << itself;
    EXPECT_EQ(canonical(ip("::2")), ip("0.0.0.2"));
}

TEST(PeerPolicy, AnIsatapLookingInterfaceIdIsNotLookedInto) {
    EXPECT_EQ(judge("2606:4700::200:5efe:10.0.0.1"), kAllowed);
    EXPECT_EQ(judge("fe80::5efe:8.8.8.8"), denied(Reason::LinkLocal));
}

TEST(IsTunnel, KnowsTeredoAnd6to4AndTheirEdges) {
    for (const char* tunnel : {"2002::", "2002:ffff::1", "2001::", "2001:0:ffff::1"})
        EXPECT_TRUE(is_tunnel(ip(tunnel))) << tunnel;
    for (const char* other : {"2001:1::", "2003::", "2000:ffff::", "::ffff:32.2.0.1", "32.2.0.1",
                              "32.1.0.0", "2606:4700::1"})
        EXPECT_FALSE(is_tunnel(ip(other))) << other;
}

TEST(PeerPolicy, AllowOpensBySpellingInBothDirections) {
    const PeerPolicy plain(blocks({"127.0.0.0/8"}), {});
    const PeerPolicy spelled(blocks({"::ffff:127.0.0.0/104"}), {});
    RandomAddresses random;
    for (const PeerPolicy& policy : {plain, spelled}) {
        for (int i = 0; i < 500; ++i) {
            const IpAddress v4 = random.in(Cidr::parse("127.0.0.0/8").value());
            for (const Disguise& spelling : kSpellings)
                ASSERT_EQ(policy.judge(spelling.wear(v4)), kOpened)
                    << spelling.name << " of " << v4.to_string();
            for (const Disguise& tunnel : kTunnels)
                ASSERT_EQ(policy.judge(tunnel.wear(v4)), denied(Reason::Tunnel)) << tunnel.name;
        }
        EXPECT_EQ(policy.judge(ip("::1")), denied(Reason::Loopback));
        EXPECT_EQ(policy.judge(ip("10.0.0.1")), denied(Reason::Private));
        EXPECT_EQ(policy.judge(ip("128.0.0.1")), kAllowed);
    }
}

TEST(PeerPolicy, AnIpv6AllowNeverOpensIpv4) {
    for (const char* wide : {"::/0", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "::ffff:0:0:0/96"}) {
        const PeerPolicy policy(blocks({wide}), {});
        for (const Disguise& spelling : kSpellings)
            EXPECT_EQ(policy.judge(spelling.wear(ip("127.0.0.9"))), denied(Reason::Loopback))
                << wide << ", " << spelling.name;
        for (const Disguise& tunnel : kTunnels)
            EXPECT_EQ(policy.judge(tunnel.wear(ip("127.0.0.9"))), denied(Reason::Loopback))
                << wide << ", " << tunnel.name;
    }
    EXPECT_EQ(PeerPolicy(blocks({"::/0"}), {}).judge(ip("::1")), kOpened);
    EXPECT_EQ(PeerPolicy(blocks({"::/0"}), {}).judge(ip("fe80::1")), kOpened);
    EXPECT_EQ(PeerPolicy(blocks({"::/104"}), {}).judge(ip("0.0.0.0")), denied(Reason::Unspecified));
}

TEST(PeerPolicy, AnIpv4AllowOfEverythingOpensNoIpv6) {
    const PeerPolicy policy(blocks({"0.0.0.0/0"}), {});
    EXPECT_EQ(policy.judge(ip("0.0.0.0")), kOpened);
    EXPECT_EQ(policy.judge(ip("255.255.255.255")), kOpened);
    EXPECT_EQ(policy.judge(ip("::1")), denied(Reason::Loopback));
    EXPECT_EQ(policy.judge(ip("::")), denied(Reason::Unspecified));
    EXPECT_EQ(policy.judge(ip("2002:7f00:1::1")), denied(Reason::Tunnel));
}

TEST(PeerPolicy, AnOpenedTunnelStillLeadsOnlyToPermittedIpv4) {
    const PeerPolicy policy(blocks({"2002::/16", "2001::/32"}), {});
    for (const Disguise& tunnel : kTunnels) {
        EXPECT_EQ(policy.judge(tunnel.wear(ip("8.8.8.8"))), kAllowed) << tunnel.name;
        EXPECT_EQ(policy.judge(tunnel.wear(ip("10.0.0.1"))), denied(Reason::Private))
            << tunnel.name;
    }
    // Naming the one 6to4 site says nothing yet about the IPv4 address behind it.
    EXPECT_EQ(PeerPolicy(blocks({"2002:a00:1::/48"}), {}).judge(ip("2002:a00:1::1")),
              denied(Reason::Private));
    EXPECT_EQ(PeerPolicy(blocks({"2002:a00:1::/48", "10.0.0.1"}), {}).judge(ip("2002:a00:1::1")),
              kOpened);
}

TEST(PeerPolicy, DenyBeatsAllowInEveryDisguise) {
    const PeerPolicy plain(blocks({"10.0.0.0/8", "::/0"}), blocks({"10.1.0.0/16"}));
    const PeerPolicy spelled(blocks({"10.0.0.0/8", "::/0"}), blocks({"64:ff9b::10.1.0.0/112"}));
    RandomAddresses random;
    for (const PeerPolicy& policy : {plain, spelled}) {
        for (int i = 0; i < 500; ++i) {
            const IpAddress v4 = random.in(Cidr::parse("10.1.0.0/16").value());
            for (const auto& disguises : {kSpellings, kTunnels})
                for (const Disguise& disguise : disguises)
                    ASSERT_EQ(policy.judge(disguise.wear(v4)), denied(Reason::ConfiguredDeny))
                        << disguise.name << " of " << v4.to_string();
        }
        EXPECT_EQ(policy.judge(ip("10.2.0.1")), kOpened);
    }
}

TEST(PeerPolicy, DenyClosesPublicAddresses) {
    const PeerPolicy policy({}, blocks({"8.8.8.0/24", "2606:4700::/32"}));
    EXPECT_EQ(policy.judge(ip("8.8.8.8")), denied(Reason::ConfiguredDeny));
    EXPECT_EQ(policy.judge(ip("::ffff:8.8.8.8")), denied(Reason::ConfiguredDeny));
    EXPECT_EQ(policy.judge(ip("8.8.9.8")), kAllowed);
    EXPECT_EQ(policy.judge(ip("2606:4700::1")), denied(Reason::ConfiguredDeny));
    EXPECT_EQ(policy.judge(ip("2606:4701::1")), kAllowed);
    EXPECT_EQ(PeerPolicy(blocks({"0.0.0.0/0"}), blocks({"0.0.0.0/0"})).judge(ip("8.8.8.8")),
              denied(Reason::ConfiguredDeny));
}

TEST(PeerPolicy, DenyOfAWholeDisguiseClosesItAsWrittenAndNotAllOfIpv4) {
    for (const char* prefix : {"::ffff:0:0/96", "64:ff9b::/96", "::/96", "::/0"}) {
        const PeerPolicy policy({}, blocks({prefix}));
        const Cidr block = Cidr::parse(prefix).value();
        for (const Disguise& spelling : kSpellings) {
            const IpAddress peer = spelling.wear(ip("8.8.8.8"));
            EXPECT_EQ(policy.judge(peer),
                      block.contains(peer) ? denied(Reason::ConfiguredDeny) : kAllowed)
                << prefix << ", " << spelling.name;
        }
    }
}

TEST(PeerPolicy, BlocksOfEveryLengthContainWhatTheCidrContains) {
    RandomAddresses random;
    const Cidr global = Cidr::parse("2400::/6").value();
    for (unsigned length = 0; length <= 128; ++length) {
        const IpAddress inside = random.in(global);
        const Cidr block(inside, length);
        const PeerPolicy policy({}, {block});
        EXPECT_EQ(policy.judge(inside), denied(Reason::ConfiguredDeny)) << length;
        for (int i = 0; i < 50; ++i) {
            const IpAddress other = random.in(Cidr(inside, length == 0 ? 0 : length - 1));
            if (in_any(kSpecialV6, other) || canonical(other) != other) continue;
            EXPECT_EQ(policy.judge(other).reason == Reason::ConfiguredDeny, block.contains(other))
                << other.to_string() << " in " << block.to_string();
        }
    }
}

TEST(PeerPolicy, TellsWhatAllowNamesFromWhatIsAllowedAnyhow) {
    const PeerPolicy policy(blocks({"8.8.8.0/24", "2002:909:909::/48"}), blocks({"8.8.8.8"}));
    EXPECT_EQ(policy.judge(ip("8.8.8.7")), kOpened);
    EXPECT_EQ(policy.judge(ip("::ffff:8.8.8.7")), kOpened);
    EXPECT_EQ(policy.judge(ip("8.8.9.7")), kAllowed);
    EXPECT_EQ(policy.judge(ip("8.8.8.8")), denied(Reason::ConfiguredDeny));
    EXPECT_EQ(policy.judge(ip("2002:909:909::1")), kAllowed);  // 9.9.9.9 itself is not named
}

TEST(PeerPolicy, TellsWhichBuiltInDenialsAreOpened) {
    EXPECT_TRUE(PeerPolicy{}.opened().empty());
    EXPECT_TRUE(PeerPolicy(blocks({"8.8.8.0/24", "2606:4700::/32"}), {}).opened().empty());
    EXPECT_EQ(PeerPolicy(blocks({"127.0.0.1"}), {}).opened(), std::vector{Reason::Loopback});
    EXPECT_EQ(PeerPolicy(blocks({"::1"}), {}).opened(), std::vector{Reason::Loopback});
    EXPECT_EQ(PeerPolicy(blocks({"10.0.0.0/7"}), {}).opened(), std::vector{Reason::Private});
    EXPECT_EQ(PeerPolicy(blocks({"fd12::/16"}), {}).opened(), std::vector{Reason::UniqueLocal});
    EXPECT_EQ(PeerPolicy(blocks({"4000::/16"}), {}).opened(), std::vector{Reason::Reserved});
    EXPECT_EQ(PeerPolicy(blocks({"169.254.0.0/16"}), {}).opened(),
              (std::vector{Reason::LinkLocal, Reason::Metadata}));
    const auto all = PeerPolicy(blocks({"0.0.0.0/0", "::/0"}), {}).opened();
    EXPECT_EQ(all.size(),
              static_cast<std::size_t>(Reason::Count_) - 2);  // not None, not Configured
}

TEST(PeerPolicy, EveryReasonHasItsOwnWords) {
    std::vector<std::string_view> texts;
    for (int i = 0; i < static_cast<int>(Reason::Count_); ++i) {
        const std::string_view text = why(static_cast<Reason>(i));
        EXPECT_NE(text, "unknown reason");
        EXPECT_EQ(std::ranges::count(texts, text), 0) << text;
        texts.push_back(text);
    }
}

}  // namespace
}  // namespace turnbuckle::turn
