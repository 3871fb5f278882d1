#include "turnbuckle/turn/peer_policy.hpp"

#include <algorithm>
#include <optional>
#include <span>

#include "turnbuckle/base/bytes.hpp"

namespace turnbuckle::turn {

namespace {

using Reason = PeerPolicy::Reason;

constexpr std::uint32_t mask_v4(unsigned length) noexcept {
    return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
}

// Of one half of an IPv6 address.
constexpr std::uint64_t mask_half(unsigned length) noexcept {
    return length == 0 ? 0 : ~std::uint64_t{0} << (64 - length);
}

struct RangeV4 {
    std::uint32_t base;
    unsigned length;
    Reason reason;

    [[nodiscard]] constexpr std::uint32_t mask() const noexcept { return mask_v4(length); }
};

// All of IPv6's special ranges are told by the upper half, but for single addresses.
struct RangeV6 {
    std::uint64_t high;
    unsigned length;  // at most 64
    Reason reason;

    [[nodiscard]] constexpr std::uint64_t mask() const noexcept { return mask_half(length); }
};

constexpr std::uint32_t quad(unsigned a, unsigned b, unsigned c, unsigned d) noexcept {
    return (a << 24) | (b << 16) | (c << 8) | d;
}

// IANA IPv4 Special-Purpose Address Registry, multicast, and the cloud services that are found
// outside of link-local space. The first match tells the reason, so the narrower stands first. Left
// open are the registry's globally reachable blocks outside of 192.0.0.0/24 (AS112, AMT).
constexpr RangeV4 kDeniedV4[] = {
    {quad(169, 254, 169, 254), 32, Reason::Metadata},  // nearly every cloud
    {quad(169, 254, 170, 2), 32, Reason::Metadata},    // AWS: credentials of an ECS task
    {quad(169, 254, 170, 23), 32, Reason::Metadata},   // AWS: credentials of an EKS pod
    {quad(168, 63, 129, 16), 32, Reason::Metadata},    // Azure: WireServer, in public space
    {quad(100, 100, 100, 200), 32, Reason::Metadata},  // Alibaba
    {quad(192, 0, 0, 192), 32, Reason::Metadata},      // Oracle
    {quad(0, 0, 0, 0), 32, Reason::Unspecified},
    {quad(0, 0, 0, 0), 8, Reason::Reserved},  // "this network"
    {quad(10, 0, 0, 0), 8, Reason::Private},
    {quad(127, 0, 0, 0), 8, Reason::Loopback},
    {quad(100, 64, 0, 0), 10, Reason::SharedCgnat},
    {quad(169, 254, 0, 0), 16, Reason::LinkLocal},
    {quad(172, 16, 0, 0), 12, Reason::Private},
    {quad(192, 168, 0, 0), 16, Reason::Private},
    {quad(192, 0, 0, 0), 24, Reason::Reserved},  // IETF protocol assignments
    {quad(192, 0, 2, 0), 24, Reason::Documentation},
    {quad(198, 51, 100, 0), 24, Reason::Documentation},
    {quad(203, 0, 113, 0), 24, Reason::Documentation},
    {quad(192, 88, 99, 0), 24, Reason::Reserved},  // 6to4 relay anycast, deprecated
    {quad(198, 18, 0, 0), 15, Reason::Benchmark},
    {quad(224, 0, 0, 0), 4, Reason::Multicast},
    {quad(255, 255, 255, 255), 32, Reason::Broadcast},
    {quad(240, 0, 0, 0), 4, Reason::Reserved},
};

// IANA IPv6 Special-Purpose Address Registry inside of 2000::/3, and the ranges outside that have a
// reason of their own; all else outside of 2000::/3, the global unicast space, is Reserved.
constexpr RangeV6 kDeniedV6[] = {
    {0x2001'0002'0000'0000, 48, Reason::Benchmark},
    {0x2001'0000'0000'0000, 32, Reason::Tunnel},    // Teredo
    {0x2001'0000'0000'0000, 23, Reason::Reserved},  // IETF protocol assignments
    {0x2001'0db8'0000'0000, 32, Reason::Documentation},
    {0x2002'0000'0000'0000, 16, Reason::Tunnel},  // 6to4
    {0x3fff'0000'0000'0000, 20, Reason::Documentation},
    {0x0064'ff9b'0001'0000, 48, Reason::Tunnel},  // NAT64 for local use (RFC 8215)
    {0xfc00'0000'0000'0000, 7, Reason::UniqueLocal},
    {0xfe80'0000'0000'0000, 10, Reason::LinkLocal},
    {0xfec0'0000'0000'0000, 10, Reason::Reserved},  // site-local, deprecated
    {0xff00'0000'0000'0000, 8, Reason::Multicast},
};

constexpr std::uint64_t kGlobalUnicast = 0x2000'0000'0000'0000;
constexpr std::uint64_t kGlobalUnicastMask = 0xe000'0000'0000'0000;

constexpr std::uint64_t kTeredo = 0x2001'0000;
constexpr std::uint64_t k6to4 = 0x2002;

struct SingleV6 {
    std::uint64_t high, low;
    Reason reason;
};

constexpr SingleV6 kSingleV6[] = {
    {0, 0, Reason::Unspecified},
    {0, 1, Reason::Loopback},
    {0xfd00'0ec2'0000'0000, 0x0254, Reason::Metadata},  // AWS: instances
    {0xfd00'0ec2'0000'0000, 0x0023, Reason::Metadata},  // AWS: credentials of an EKS pod
    {0xfd20'00ce'0000'0000, 0x0254, Reason::Metadata},  // Google
};

struct HalvesV6 {
    std::uint64_t high, low;
};

HalvesV6 halves(const IpAddress& ip) noexcept {
    const std::uint8_t* p = ip.bytes().data();
    return {load_be64(p), load_be64(p + 8)};
}

std::uint32_t number(const IpAddress& ip) noexcept {
    return load_be32(ip.bytes().data());
}

// The IPv4 address that an IPv6 address merely spells (see canonical()).
std::optional<std::uint32_t> spelled_v4(HalvesV6 ip) noexcept {
    const auto tail = static_cast<std::uint32_t>(ip.low);
    const std::uint64_t before_tail = ip.low >> 32;
    if (ip.high == 0x0064'ff9b'0000'0000 && before_tail == 0) return tail;
    if (ip.high != 0) return std::nullopt;
    const bool mapped = before_tail == 0x0000'ffff;
    const bool translated = before_tail == 0xffff'0000;
    const bool compatible = before_tail == 0 && tail > 1;
    if (mapped || translated || compatible) return tail;
    return std::nullopt;
}

Reason denial_of_v4(std::uint32_t ip) noexcept {
    for (const RangeV4& range : kDeniedV4)
        if ((ip & range.mask()) == range.base) return range.reason;
    return Reason::None;
}

Reason denial_of_v6(HalvesV6 ip) noexcept {
    for (const SingleV6& single : kSingleV6)
        if (ip.high == single.high && ip.low == single.low) return single.reason;
    for (const RangeV6& range : kDeniedV6)
        if ((ip.high & range.mask()) == range.high) return range.reason;
    return (ip.high & kGlobalUnicastMask) == kGlobalUnicast ? Reason::None : Reason::Reserved;
}

// An address in every form that a denial may be written for: at most one IPv6 form (as written) and
// at most two of IPv4 (folded, or what a tunnel address leads through).
struct Forms {
    bool is_v6 = false;  // the canonical form is IPv6
    bool written_v6 = false;
    HalvesV6 v6{};
    std::array<std::uint32_t, 2> v4{};
    std::size_t v4_count = 0;

    [[nodiscard]] std::span<const std::uint32_t> all_v4() const noexcept {
        return {v4.data(), v4_count};
    }
    void add_v4(std::uint64_t ip) noexcept { v4[v4_count++] = static_cast<std::uint32_t>(ip); }
};

Forms forms_of(const IpAddress& ip) noexcept {
    Forms forms;
    if (ip.is_v4()) {
        forms.add_v4(number(ip));
        return forms;
    }
    forms.written_v6 = true;
    forms.v6 = halves(ip);
    if (const auto v4 = spelled_v4(forms.v6)) {
        forms.add_v4(*v4);
        return forms;
    }
    forms.is_v6 = true;
    if (forms.v6.high >> 48 == k6to4) {
        forms.add_v4(forms.v6.high >> 16);
    } else if (forms.v6.high >> 32 == kTeredo) {
        forms.add_v4(forms.v6.high);  // the Teredo server
        forms.add_v4(~forms.v6.low);  // the client's NAT, its bits inverted (RFC 4380 section 4)
    }
    return forms;
}

}  // namespace

IpAddress canonical(const IpAddress& ip) noexcept {
    if (ip.is_v4() || !spelled_v4(halves(ip))) return ip;
    return IpAddress::from_bytes(ip.bytes().last(4));
}

bool is_tunnel(const IpAddress& ip) noexcept {
    if (ip.is_v4()) return false;
    const std::uint64_t high = halves(ip).high;
    return high >> 48 == k6to4 || high >> 32 == kTeredo;
}

PeerPolicy::PeerPolicy(const std::vector<Cidr>& allow, const std::vector<Cidr>& deny)
    : allow_(folded(allow)), deny_(folded(deny)) {}

PeerPolicy::Blocks PeerPolicy::folded(const std::vector<Cidr>& blocks) {
    Blocks result;
    for (const Cidr& block : blocks) {
        const IpAddress& base = block.base();
        if (base.is_v4()) {
            result.v4.push_back({number(base), mask_v4(block.length())});
            continue;
        }
        // A block that starts at :: is not folded: it holds :: and ::1, which spell no IPv4
        // address.
        if (const auto v4 = spelled_v4(halves(base)); v4 && block.length() > 96)
            result.v4.push_back({*v4, mask_v4(block.length() - 96)});
        const HalvesV6 b = halves(base);
        const unsigned length = block.length();
        result.v6.push_back({b.high, b.low, mask_half(std::min(length, 64u)),
                             mask_half(length <= 64 ? 0 : length - 64)});
    }
    return result;
}

bool PeerPolicy::Blocks::contain(std::uint32_t ip) const noexcept {
    return std::ranges::any_of(v4, [&](const BlockV4& block) { return block.contains(ip); });
}

bool PeerPolicy::Blocks::contain(std::uint64_t high, std::uint64_t low) const noexcept {
    return std::ranges::any_of(v6, [&](const BlockV6& block) { return block.contains(high, low); });
}

PeerPolicy::Verdict PeerPolicy::judge(const IpAddress& peer) const noexcept {
    const Forms forms = forms_of(peer);

    if (forms.written_v6 && deny_.contain(forms.v6.high, forms.v6.low))
        return {false, Reason::ConfiguredDeny};
    for (const std::uint32_t ip : forms.all_v4())
        if (deny_.contain(ip)) return {false, Reason::ConfiguredDeny};

    // Every address that the packet would lead through must be permitted in its own right.
    bool opened = true;
    for (const std::uint32_t ip : forms.all_v4()) {
        if (allow_.contain(ip)) continue;
        opened = false;
        if (const Reason reason = denial_of_v4(ip); reason != Reason::None) return {false, reason};
    }
    if (forms.is_v6 && !allow_.contain(forms.v6.high, forms.v6.low)) {
        opened = false;
        if (const Reason reason = denial_of_v6(forms.v6); reason != Reason::None)
            return {false, reason};
    }
    return {true, Reason::None, opened};
}

std::vector<PeerPolicy::Reason> PeerPolicy::opened() const {
    std::vector<Reason> reasons;
    const auto add = [&](Reason reason) {
        if (reason != Reason::None && std::ranges::find(reasons, reason) == reasons.end())
            reasons.push_back(reason);
    };
    // Of two blocks that overlap, one holds the other's first address.
    for (const BlockV4& block : allow_.v4) {
        add(denial_of_v4(block.base));
        for (const RangeV4& range : kDeniedV4)
            if (block.contains(range.base)) add(range.reason);
    }
    for (const BlockV6& block : allow_.v6) {
        add(denial_of_v6({block.base_high, block.base_low}));
        for (const SingleV6& single : kSingleV6)
            if (block.contains(single.high, single.low)) add(single.reason);
        for (const RangeV6& range : kDeniedV6)
            if (block.contains(range.high, 0)) add(range.reason);
    }
    return reasons;
}

std::string_view why(PeerPolicy::Reason reason) noexcept {
    switch (reason) {
        case Reason::None:
            return "allowed";
        case Reason::Loopback:
            return "loopback address";
        case Reason::Unspecified:
            return "unspecified address";
        case Reason::LinkLocal:
            return "link-local address";
        case Reason::Multicast:
            return "multicast address";
        case Reason::Broadcast:
            return "broadcast address";
        case Reason::Private:
            return "private network (RFC 1918)";
        case Reason::SharedCgnat:
            return "carrier-grade NAT network (RFC 6598)";
        case Reason::UniqueLocal:
            return "unique local network (RFC 4193)";
        case Reason::Metadata:
            return "cloud metadata service";
        case Reason::Documentation:
            return "documentation network";
        case Reason::Benchmark:
            return "benchmark network (RFC 2544, RFC 5180)";
        case Reason::Tunnel:
            return "6to4, Teredo or local-use NAT64 address";
        case Reason::Reserved:
            return "reserved address";
        case Reason::ConfiguredDeny:
            return "denied by relay.peers.deny";
        case Reason::Count_:
            break;
    }
    return "unknown reason";
}

}  // namespace turnbuckle::turn
