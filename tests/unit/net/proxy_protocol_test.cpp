#include "turnbuckle/net/proxy_protocol.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace turnbuckle::net {
namespace {

using Bytes = std::vector<std::uint8_t>;

Endpoint endpoint(std::string_view text) {
    return Endpoint::parse(text).value();
}

Bytes bytes_of(std::string_view text) {
    const ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}

// The fixed part of version 2 with a length of its own making, and `block` behind it.
Bytes v2(std::uint8_t version_command, std::uint8_t family, const Bytes& block,
         std::optional<std::size_t> length = std::nullopt) {
    Bytes bytes{0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};
    const std::size_t announced = length.value_or(block.size());
    bytes.insert(bytes.end(), {version_command, family, static_cast<std::uint8_t>(announced >> 8),
                               static_cast<std::uint8_t>(announced)});
    bytes.insert(bytes.end(), block.begin(), block.end());
    return bytes;
}

const Bytes kV4Block{192, 0, 2, 1, 198, 51, 100, 2, 0x12, 0x34, 0x01, 0xBB};

Bytes with(Bytes block, const Bytes& tlvs) {
    block.insert(block.end(), tlvs.begin(), tlvs.end());
    return block;
}

ProxyHeader parsed(ByteView bytes) {
    const auto result = parse_proxy_header(bytes);
    EXPECT_TRUE(result.has_value()) << name_of(result.error());
    if (!result || !*result) {
        ADD_FAILURE() << "not a whole header";
        return {};
    }
    return **result;
}

// What is wrong with it, or nothing.
std::optional<ProxyError> error_of(ByteView bytes) {
    const auto result = parse_proxy_header(bytes);
    return result ? std::nullopt : std::optional(result.error());
}
std::optional<ProxyError> error_of(std::string_view text) {
    return error_of(as_bytes(text));
}

TEST(ProxyV1, reads_ipv4_and_leaves_the_payload) {
    const std::string line = "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n";
    const ProxyHeader header = parsed(as_bytes(line + "payload"));
    EXPECT_EQ(header.length, line.size());
    EXPECT_EQ(header.version, 1);
    EXPECT_EQ(header.addresses,
              (ProxyAddresses{endpoint("192.0.2.1:56324"), endpoint("198.51.100.2:443"),
                              ProxyTransport::Stream}));
}

TEST(ProxyV1, reads_ipv6_in_any_case) {
    const ProxyHeader header = parsed(as_bytes("PROXY TCP6 2001:DB8::1 2001:db8::2 0 65535\r\n"));
    EXPECT_EQ(header.addresses,
              (ProxyAddresses{endpoint("[2001:db8::1]:0"), endpoint("[2001:db8::2]:65535"),
                              ProxyTransport::Stream}));
}

TEST(ProxyV1, reads_the_longest_lines) {
    const std::string longest =
        "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
    EXPECT_EQ(parsed(as_bytes(longest)).length, 104u);

    std::string unknown = "PROXY UNKNOWN " + std::string(107 - 14 - 2, 'f') + "\r\n";
    EXPECT_EQ(parsed(as_bytes(unknown)).length, kMaxProxyV1Length);
    unknown.insert(20, "f");
    EXPECT_EQ(error_of(unknown), ProxyError::TooLong);
}

TEST(ProxyV1, takes_the_connections_own_addresses_for_unknown) {
    for (const std::string_view line :
         {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN 192.0.2.1 what ever\r\n", "PROXY UNKNOWN \r\n"}) {
        const ProxyHeader header = parsed(as_bytes(line));
        EXPECT_EQ(header.length, line.size());
        EXPECT_FALSE(header.addresses);
    }
}

TEST(ProxyV1, folds_v4_mapped_addresses) {
    const ProxyHeader header =
        parsed(as_bytes("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6402 1 2\r\n"));
    EXPECT_EQ(header.addresses->source, endpoint("192.0.2.1:1"));
    EXPECT_EQ(header.addresses->destination, endpoint("198.51.100.2:2"));
}

TEST(ProxyV1, refuses_what_the_specification_does_not_spell) {
    using namespace std::string_view_literals;
    for (const std::string_view line : {
             "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\n"sv,       // LF alone
             "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\rx"sv,      // CR alone
             "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 \r\n"sv,    // a field too many
             "PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n"sv,         // one too few
             "PROXY TCP4  192.0.2.1 198.51.100.2 56324 443\r\n"sv,    // two spaces
             "PROXY TCP4 192.0.2.1\t198.51.100.2 56324 443\r\n"sv,    // a tab
             "PROXY tcp4 192.0.2.1 198.51.100.2 56324 443\r\n"sv,     // not the keyword
             "PROXY TCP5 192.0.2.1 198.51.100.2 56324 443\r\n"sv,     //
             "PROXY UDP4 192.0.2.1 198.51.100.2 56324 443\r\n"sv,     //
             "PROXY UNKNOWNS\r\n"sv,                                  //
             "PROXY \r\n"sv,                                          //
             "PROXY TCP4 2001:db8::1 198.51.100.2 56324 443\r\n"sv,   // mixed families
             "PROXY TCP6 2001:db8::1 198.51.100.2 56324 443\r\n"sv,   //
             "PROXY TCP6 192.0.2.1 198.51.100.2 56324 443\r\n"sv,     //
             "PROXY TCP4 192.0.2.01 198.51.100.2 56324 443\r\n"sv,    // octal?
             "PROXY TCP4 192.0.2 198.51.100.2 56324 443\r\n"sv,       //
             "PROXY TCP4 192.0.2.256 198.51.100.2 56324 443\r\n"sv,   //
             "PROXY TCP4 192.0.2.1\0 198.51.100.2 56324 443\r\n"sv,   // a NUL
             "PROXY TCP6 fe80::1%1 2001:db8::2 56324 443\r\n"sv,      // a zone
             "PROXY TCP6 1:2:3:4:5:6:7 2001:db8::2 56324 443\r\n"sv,  // 112 bits
             "PROXY TCP4 192.0.2.1 198.51.100.2 056324 443\r\n"sv,    // octal?
             "PROXY TCP4 192.0.2.1 198.51.100.2 00 443\r\n"sv,        //
             "PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n"sv,     // out of range
             "PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n"sv,        //
             "PROXY TCP4 192.0.2.1 198.51.100.2 +1 443\r\n"sv,        //
             "PROXY TCP4 192.0.2.1 198.51.100.2 1 0x1\r\n"sv,         //
             "PROXY TCP4 192.0.2.1 198.51.100.2 1 \r\n"sv,            //
         }) {
        EXPECT_EQ(error_of(line), ProxyError::BadLine) << line;
    }
}

TEST(ProxyV1, refuses_a_line_that_never_ends) {
    const std::string endless = "PROXY " + std::string(200, 'x');
    for (std::size_t n = 0; n <= endless.size(); ++n) {
        const auto result = parse_proxy_header(as_bytes(endless).first(n));
        if (n < kMaxProxyV1Length) {
            EXPECT_TRUE(result && !*result) << n;
        } else {
            EXPECT_TRUE(!result && result.error() == ProxyError::TooLong) << n;
        }
    }
    // A CR as the last of the 107 has no room for its LF.
    const std::string late = "PROXY UNKNOWN " + std::string(107 - 15, 'x') + "\r\n";
    EXPECT_EQ(error_of(late), ProxyError::TooLong);
}

TEST(ProxyV2, reads_every_family_and_transport) {
    const ProxyHeader tcp = parsed(v2(0x21, 0x11, kV4Block));
    EXPECT_EQ(tcp.length, 28u);
    EXPECT_EQ(tcp.version, 2);
    EXPECT_EQ(tcp.addresses,
              (ProxyAddresses{endpoint("192.0.2.1:4660"), endpoint("198.51.100.2:443"),
                              ProxyTransport::Stream}));
    EXPECT_EQ(parsed(v2(0x21, 0x12, kV4Block)).addresses->transport, ProxyTransport::Datagram);

    Bytes v6(36, 0);
    v6[0] = v6[16] = 0x20;
    v6[15] = 1;
    v6[31] = 2;
    v6[33] = 3;
    v6[35] = 4;
    for (const std::uint8_t family : {std::uint8_t{0x21}, std::uint8_t{0x22}}) {
        const ProxyHeader header = parsed(v2(0x21, family, v6));
        EXPECT_EQ(header.length, 52u);
        EXPECT_EQ(header.addresses->source, endpoint("[2000::1]:3"));
        EXPECT_EQ(header.addresses->destination, endpoint("[2000::2]:4"));
    }
}

TEST(ProxyV2, takes_the_connections_own_addresses_where_there_are_none) {
    for (const Bytes& bytes : {
             v2(0x20, 0x00, {}),               // LOCAL
             v2(0x20, 0x11, kV4Block),         // LOCAL, its addresses ignored
             v2(0x20, 0xff, Bytes(7, 1)),      // LOCAL, its family too
             v2(0x21, 0x00, {}),               // AF_UNSPEC
             v2(0x21, 0x01, Bytes(5, 9)),      // AF_UNSPEC over a stream
             v2(0x21, 0x10, kV4Block),         // AF_INET over nobody knows what
             v2(0x21, 0x31, Bytes(216, 'u')),  // AF_UNIX
             v2(0x21, 0x32, Bytes(216, 'u')),  //
         }) {
        const ProxyHeader header = parsed(bytes);
        EXPECT_EQ(header.length, bytes.size());
        EXPECT_FALSE(header.addresses);
    }
}

TEST(ProxyV2, folds_v4_mapped_addresses) {
    Bytes v6(36, 0);
    for (const std::size_t at : {0u, 16u}) {
        v6[at + 10] = v6[at + 11] = 0xff;
        v6[at + 12] = 192;
        v6[at + 15] = static_cast<std::uint8_t>(at + 1);
    }
    EXPECT_EQ(parsed(v2(0x21, 0x21, v6)).addresses->source, endpoint("192.0.0.1:0"));
    EXPECT_EQ(parsed(v2(0x21, 0x21, v6)).addresses->destination, endpoint("192.0.0.17:0"));
}

TEST(ProxyV2, skips_tlvs_that_it_does_not_know) {
    const Bytes tlvs{0x02, 0, 3, 'a', '.', 'b', 0x04, 0, 0, 0xE0, 0, 1, 7};
    const ProxyHeader header = parsed(v2(0x21, 0x11, with(kV4Block, tlvs)));
    EXPECT_EQ(header.length, 28 + tlvs.size());
    EXPECT_TRUE(header.addresses);
}

TEST(ProxyV2, refuses_tlvs_that_overrun) {
    for (const Bytes& tlvs : {Bytes{0x04}, Bytes{0x04, 0}, Bytes{0x04, 0, 1}, Bytes{0x04, 1, 0, 0},
                              Bytes{0x04, 0, 0, 0}, Bytes{0x03, 0, 3, 1, 2, 3}}) {
        EXPECT_EQ(error_of(v2(0x21, 0x11, with(kV4Block, tlvs))), ProxyError::BadTlv);
    }
}

TEST(ProxyV2, verifies_a_checksum) {
    // CRC32C of these 35 bytes with a zero checksum, computed with another implementation.
    Bytes bytes = v2(0x21, 0x11, with(kV4Block, {0x03, 0, 4, 0, 0, 0, 0}));
    store_be32(&bytes[31], 0xF603D23A);
    EXPECT_TRUE(parsed(bytes).addresses);
    for (std::size_t i = 16; i < bytes.size(); ++i) {
        if (i >= 28 && i < 31) continue;  // the TLV's own header
        Bytes flipped = bytes;
        flipped[i] ^= 0x10;
        EXPECT_EQ(error_of(flipped), ProxyError::ChecksumMismatch) << i;
    }
}

TEST(ProxyV2, refuses_what_the_version_does_not_have) {
    EXPECT_EQ(error_of(v2(0x11, 0x11, kV4Block)), ProxyError::UnknownVersion);
    EXPECT_EQ(error_of(v2(0x31, 0x11, kV4Block)), ProxyError::UnknownVersion);
    EXPECT_EQ(error_of(v2(0x22, 0x11, kV4Block)), ProxyError::UnknownCommand);
    EXPECT_EQ(error_of(v2(0x2f, 0x11, kV4Block)), ProxyError::UnknownCommand);
    EXPECT_EQ(error_of(v2(0x21, 0x41, kV4Block)), ProxyError::UnknownFamily);
    EXPECT_EQ(error_of(v2(0x21, 0x13, kV4Block)), ProxyError::UnknownFamily);
    EXPECT_EQ(error_of(v2(0x21, 0x11, Bytes(11, 0))), ProxyError::TooShort);
    EXPECT_EQ(error_of(v2(0x21, 0x21, Bytes(35, 0))), ProxyError::TooShort);
    EXPECT_EQ(error_of(v2(0x21, 0x31, Bytes(215, 0))), ProxyError::TooShort);
}

TEST(ProxyV2, bounds_the_length_before_it_waits) {
    EXPECT_EQ(error_of(v2(0x21, 0x11, {}, kMaxProxyV2Payload + 1)), ProxyError::TooLong);
    EXPECT_EQ(error_of(v2(0x20, 0x00, {}, 0xffff)), ProxyError::TooLong);
    const auto waiting = parse_proxy_header(v2(0x21, 0x11, {}, kMaxProxyV2Payload));
    EXPECT_TRUE(waiting && !*waiting);
    const Bytes longest = v2(0x20, 0x00, Bytes(kMaxProxyV2Payload, 0));
    EXPECT_EQ(parsed(longest).length, 16 + kMaxProxyV2Payload);
}

TEST(ProxyHeaders, need_more_bytes_at_every_truncation) {
    for (const Bytes& whole :
         {bytes_of("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"),
          bytes_of("PROXY UNKNOWN\r\n"), v2(0x21, 0x11, with(kV4Block, {0x04, 0, 2, 1, 1})),
          v2(0x20, 0x00, {})}) {
        for (std::size_t n = 0; n < whole.size(); ++n) {
            // A copy of that size, so that reading beyond it is seen.
            const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
            const auto result = parse_proxy_header(part);
            EXPECT_TRUE(result && !*result) << n;
        }
        EXPECT_EQ(parsed(whole).length, whole.size());
        Bytes longer = whole;
        longer.push_back(0);
        EXPECT_EQ(parsed(longer).length, whole.size());
    }
}

TEST(ProxyHeaders, are_told_from_other_protocols_by_the_first_byte_that_differs) {
    for (const std::string_view text :
         {"GET / HTTP/1.1\r\n", "PROXI", "PROXY\r\n", "\r\n\r\n\r", "\x16\x03\x01", "\x01\x01"}) {
        EXPECT_EQ(error_of(text), ProxyError::NoHeader) << text;
    }
    EXPECT_EQ(error_of(ByteView(std::array<std::uint8_t, 1>{0})), ProxyError::NoHeader);
}

TEST(ProxyHeaders, of_datagrams_are_known_by_the_whole_signature) {
    const Bytes header = v2(0x21, 0x12, kV4Block);
    EXPECT_TRUE(has_proxy_v2_signature(header));
    EXPECT_TRUE(has_proxy_v2_signature(ByteView(header).first(12)));
    EXPECT_FALSE(has_proxy_v2_signature(ByteView(header).first(11)));
    EXPECT_FALSE(has_proxy_v2_signature({}));
    EXPECT_FALSE(has_proxy_v2_signature(as_bytes("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n")));
}

TEST(ProxyWriting, is_what_parsing_reads) {
    struct Case {
        std::string_view source, destination;
        std::size_t length;
    };
    for (const Case& c : {Case{"192.0.2.1:1", "198.51.100.2:65535", 28},
                          Case{"[2001:db8::1]:443", "[2001:db8::2]:80", 52},
                          Case{"192.0.2.1:1", "[2001:db8::2]:80", 52},
                          Case{"[2001:db8::1]:443", "198.51.100.2:80", 52}}) {
        for (const auto transport : {ProxyTransport::Stream, ProxyTransport::Datagram}) {
            std::array<std::uint8_t, kMaxWrittenProxyHeader> out{};
            out.fill(0xee);
            const std::size_t length =
                write_proxy_v2(out, endpoint(c.source), endpoint(c.destination), transport);
            ASSERT_EQ(length, c.length);
            const ProxyHeader header = parsed(ByteView(out).first(length));
            EXPECT_EQ(header.length, length);
            EXPECT_EQ(header.addresses,
                      (ProxyAddresses{endpoint(c.source), endpoint(c.destination), transport}));
            EXPECT_TRUE(std::all_of(out.begin() + static_cast<std::ptrdiff_t>(length), out.end(),
                                    [](std::uint8_t byte) { return byte == 0xee; }));
        }
    }
}

}  // namespace
}  // namespace turnbuckle::net
