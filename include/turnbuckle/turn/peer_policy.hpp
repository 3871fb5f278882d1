// Which peers the relay may reach: the one canonical peer policy.
//
// Addresses that only spell an IPv4 address in IPv6 are folded first; then a configured denial wins
// over everything, a configured permission opens, and the special-purpose ranges of the IANA
// registries (RFC 6890 and its updates) are denied. The same judgement serves CreatePermission,
// ChannelBind, Send, Connect and what a peer sends in. The server's own endpoints are not its
// business: they are checked per datagram by whoever knows them.
// Immutable after construction and free of heap and locks in use: share it between all workers.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "turnbuckle/base/address.hpp"

namespace turnbuckle::turn {

// Folds the notations that merely spell one IPv4 address; every other address comes back as it is:
//   ::ffff:a.b.c.d    v4-mapped (RFC 4291 section 2.5.5.2)
//   ::a.b.c.d         v4-compatible, deprecated (section 2.5.5.1); :: and ::1 are themselves
//   ::ffff:0:a.b.c.d  v4-translated, deprecated (RFC 2765)
//   64:ff9b::a.b.c.d  NAT64 well-known prefix (RFC 6052)
// 6to4 and Teredo addresses are not folded: they name a node of their own *behind* one or two IPv4
// addresses. PeerPolicy judges all of these. ISATAP-looking interface identifiers (::5efe:a.b.c.d
// in the lower half) are not looked into: the packet is routed by its upper half, which is judged,
// and any host on any link may pick such an identifier without a tunnel standing behind it.
[[nodiscard]] IpAddress canonical(const IpAddress& ip) noexcept;

// A 6to4 or Teredo address. RFC 8656 section 21.4: requests from one MUST NOT be accepted, nor
// channels be bound to one, or a tunnel's far end makes the server loop packets. (A peer is denied
// by PeerPolicy; whether an operator who opens 2002::/16 by name knows better is his to answer.)
[[nodiscard]] bool is_tunnel(const IpAddress& ip) noexcept;

class PeerPolicy {
public:
    enum class Reason : std::uint8_t {
        None,  // allowed
        Loopback,
        Unspecified,
        LinkLocal,
        Multicast,
        Broadcast,
        Private,
        SharedCgnat,
        UniqueLocal,
        Metadata,  // a cloud provider's instance metadata or host service
        Documentation,
        Benchmark,
        Tunnel,    // 6to4, Teredo, local-use NAT64
        Reserved,  // any other special-purpose range, and IPv6 outside of 2000::/3
        ConfiguredDeny,
        Count_
    };

    struct Verdict {
        bool allowed = false;
        Reason reason = Reason::None;
        // `allow` names it, whether or not it had to: what an address of this host needs as well.
        bool opened = false;

        friend bool operator==(const Verdict&, const Verdict&) noexcept = default;
    };

    PeerPolicy() = default;

    // `allow` opens exactly the addresses it names, in canonical form:
    // - 127.0.0.0/8 opens ::ffff:127.0.0.1 too, for it is the same address; a block inside a
    //   folded prefix, longer than /96 (::ffff:10.0.0.0/104), counts as the IPv4 block it spells;
    // - an IPv6 block never opens IPv4: neither ::/0 nor ::ffff:0:0/96 opens 127.0.0.1;
    // - 2002::/16 opens 6to4, but the IPv4 address inside must be permitted in its own right; so
    //   must both of Teredo's.
    // `deny` closes what it names as written on the wire, folded, and inside 6to4 or Teredo. A
    // denied 64:ff9b::/96 closes NAT64, not all of IPv4.
    PeerPolicy(const std::vector<Cidr>& allow, const std::vector<Cidr>& deny);

    [[nodiscard]] Verdict judge(const IpAddress& peer) const noexcept;

    // The built-in denials that `allow` opens at least in part, for a warning at start.
    [[nodiscard]] std::vector<Reason> opened() const;

private:
    struct BlockV4 {
        std::uint32_t base;
        std::uint32_t mask;

        [[nodiscard]] bool contains(std::uint32_t ip) const noexcept { return (ip & mask) == base; }
    };
    struct BlockV6 {
        std::uint64_t base_high, base_low;
        std::uint64_t mask_high, mask_low;

        [[nodiscard]] bool contains(std::uint64_t high, std::uint64_t low) const noexcept {
            return (high & mask_high) == base_high && (low & mask_low) == base_low;
        }
    };
    struct Blocks {
        std::vector<BlockV4> v4;
        std::vector<BlockV6> v6;

        [[nodiscard]] bool contain(std::uint32_t ip) const noexcept;
        [[nodiscard]] bool contain(std::uint64_t high, std::uint64_t low) const noexcept;
    };

    static Blocks folded(const std::vector<Cidr>& blocks);

    Blocks allow_;
    Blocks deny_;
};

// A phrase for logs and the admin plane: "private network (RFC 1918)".
[[nodiscard]] std::string_view why(PeerPolicy::Reason reason) noexcept;

}  // namespace turnbuckle::turn
