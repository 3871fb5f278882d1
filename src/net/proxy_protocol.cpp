#include "turnbuckle/net/proxy_protocol.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <utility>

namespace turnbuckle::net {

namespace {

using Parsed = std::expected<std::optional<ProxyHeader>, ProxyError>;

constexpr std::string_view kV1Signature = "PROXY ";
constexpr std::array<std::uint8_t, 12> kV2Signature{0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D,
                                                    0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};
constexpr std::size_t kV2FixedLength = 16;

enum Command : std::uint8_t { kLocal = 0x0, kProxy = 0x1 };
enum Family : std::uint8_t { kUnspec = 0x0, kInet = 0x1, kInet6 = 0x2, kUnix = 0x3 };
constexpr std::size_t kUnixAddressLength = 108;

constexpr std::uint8_t kCrc32cType = 0x03;
constexpr std::size_t kTlvHeaderLength = 3;
constexpr std::size_t kCrc32cLength = 4;

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool one_opens_with_the_other(ByteView a, ByteView b) noexcept {
    const std::size_t n = std::min(a.size(), b.size());
    return std::ranges::equal(a.first(n), b.first(n));
}

IpAddress unmapped(const IpAddress& ip) noexcept {
    if (ip.is_v4() || !std::ranges::equal(ip.bytes().first(12), kMappedPrefix)) return ip;
    return IpAddress::from_bytes(ip.bytes().last(4));
}

// CRC32C with the polynomial of RFC 9260 (which replaced RFC 4960) appendix A, bits reflected.
consteval std::array<std::uint32_t, 256> crc32c_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit)
            value = (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78u : 0u);
        table[i] = value;
    }
    return table;
}
constexpr auto kCrc32cTable = crc32c_table();

std::uint32_t crc32c(std::uint32_t state, ByteView bytes) noexcept {
    for (const std::uint8_t byte : bytes)
        state = (state >> 8) ^ kCrc32cTable[(state ^ byte) & 0xff];
    return state;
}

// Of the whole header, with zeros where the checksum at `at` stands.
std::uint32_t header_checksum(ByteView header, std::size_t at) noexcept {
    constexpr std::array<std::uint8_t, kCrc32cLength> kZeros{};
    std::uint32_t state = crc32c(~0u, header.first(at));
    state = crc32c(state, kZeros);
    return ~crc32c(state, header.subspan(at + kCrc32cLength));
}

std::expected<void, ProxyError> check_tlvs(ByteView header, std::size_t at) {
    while (at < header.size()) {
        if (header.size() - at < kTlvHeaderLength) return std::unexpected(ProxyError::BadTlv);
        const std::uint8_t type = header[at];
        const std::size_t length = load_be16(&header[at + 1]);
        at += kTlvHeaderLength;
        if (header.size() - at < length) return std::unexpected(ProxyError::BadTlv);
        if (type == kCrc32cType) {
            if (length != kCrc32cLength) return std::unexpected(ProxyError::BadTlv);
            if (header_checksum(header, at) != load_be32(&header[at]))
                return std::unexpected(ProxyError::ChecksumMismatch);
        }
        at += length;
    }
    return {};
}

ProxyAddresses read_addresses(ByteView block, std::size_t ip_length, std::uint8_t transport) {
    const std::uint8_t* ports = block.data() + 2 * ip_length;
    return {{unmapped(IpAddress::from_bytes(block.first(ip_length))), load_be16(ports)},
            {unmapped(IpAddress::from_bytes(block.subspan(ip_length, ip_length))),
             load_be16(ports + 2)},
            static_cast<ProxyTransport>(transport)};
}

// Section 2.2, from the command on; `header` is whole.
Parsed parse_v2_block(ByteView header) {
    ProxyHeader parsed{header.size(), 2, std::nullopt};
    // A LOCAL's block is to be skipped, its family included.
    if ((header[12] & 0x0f) == kLocal) return parsed;

    const auto family = static_cast<std::uint8_t>(header[13] >> 4);
    const auto transport = static_cast<std::uint8_t>(header[13] & 0x0f);
    if (family > kUnix || transport > std::to_underlying(ProxyTransport::Datagram))
        return std::unexpected(ProxyError::UnknownFamily);
    // How long an unspecified family's addresses are, and so where its TLVs begin, nobody knows.
    if (family == kUnspec) return parsed;

    const std::size_t ip_length = family == kInet ? 4 : 16;
    const std::size_t block_length =
        family == kUnix ? 2 * kUnixAddressLength : 2 * (ip_length + sizeof(std::uint16_t));
    const ByteView block = header.subspan(kV2FixedLength);
    if (block.size() < block_length) return std::unexpected(ProxyError::TooShort);
    if (const auto checked = check_tlvs(header, kV2FixedLength + block_length); !checked)
        return std::unexpected(checked.error());
    if (family != kUnix && transport != 0)
        parsed.addresses = read_addresses(block, ip_length, transport);
    return parsed;
}

Parsed parse_v2(ByteView bytes) {
    if (bytes.size() > 12) {
        if (bytes[12] >> 4 != 2) return std::unexpected(ProxyError::UnknownVersion);
        if ((bytes[12] & 0x0f) > kProxy) return std::unexpected(ProxyError::UnknownCommand);
    }
    if (bytes.size() < kV2FixedLength) return std::nullopt;
    const std::size_t payload = load_be16(&bytes[14]);
    if (payload > kMaxProxyV2Payload) return std::unexpected(ProxyError::TooLong);
    if (bytes.size() < kV2FixedLength + payload) return std::nullopt;
    return parse_v2_block(bytes.first(kV2FixedLength + payload));
}

// Takes what stands before the next single space, or all that is left.
std::string_view take_field(std::string_view& line) {
    const std::size_t space = line.find(' ');
    const std::string_view field = line.substr(0, space);
    line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
    return field;
}

std::optional<IpAddress> read_ip(std::string_view text, AddressFamily family) {
    // IpAddress::parse() would take what stands before a NUL for the whole.
    if (text.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos)
        return std::nullopt;
    const auto ip = IpAddress::parse(text);
    if (!ip || ip->family() != family) return std::nullopt;
    return unmapped(*ip);
}

std::optional<std::uint16_t> read_port(std::string_view text) {
    if (text.size() > 1 && text.front() == '0') return std::nullopt;
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return port;
}

// Section 2.1, behind "PROXY " and without the CRLF.
std::expected<std::optional<ProxyAddresses>, ProxyError> parse_line(std::string_view line) {
    const auto bad = std::unexpected(ProxyError::BadLine);
    // Whatever follows UNKNOWN is to be ignored.
    if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return std::nullopt;
    const std::string_view protocol = take_field(line);
    if (protocol != "TCP4" && protocol != "TCP6") return bad;
    const AddressFamily family = protocol == "TCP4" ? AddressFamily::IPv4 : AddressFamily::IPv6;

    const auto source = read_ip(take_field(line), family);
    const auto destination = read_ip(take_field(line), family);
    const auto source_port = read_port(take_field(line));
    // The last field is the rest: what follows it, even a space, makes it no number.
    const auto destination_port = read_port(line);
    if (!source || !destination || !source_port || !destination_port) return bad;
    return ProxyAddresses{
        {*source, *source_port}, {*destination, *destination_port}, ProxyTransport::Stream};
}

Parsed parse_v1(std::string_view text) {
    const std::string_view seen = text.substr(0, kMaxProxyV1Length);
    const std::size_t end = seen.find_first_of("\r\n");
    if (end == std::string_view::npos || (seen[end] == '\r' && end + 1 == seen.size())) {
        if (seen.size() == kMaxProxyV1Length) return std::unexpected(ProxyError::TooLong);
        return std::nullopt;
    }
    // Neither a CR nor an LF alone ends the line.
    if (!seen.substr(end).starts_with("\r\n")) return std::unexpected(ProxyError::BadLine);
    const auto addresses = parse_line(seen.substr(kV1Signature.size(), end - kV1Signature.size()));
    if (!addresses) return std::unexpected(addresses.error());
    return ProxyHeader{end + 2, 1, *addresses};
}

void write_ip(std::uint8_t* out, const IpAddress& ip, bool as_v6) noexcept {
    if (as_v6 && ip.is_v4()) out = std::ranges::copy(kMappedPrefix, out).out;
    std::ranges::copy(ip.bytes(), out);
}

}  // namespace

std::string_view name_of(ProxyError error) noexcept {
    switch (error) {
        case ProxyError::NoHeader:
            return "no PROXY header";
        case ProxyError::BadLine:
            return "malformed PROXY line";
        case ProxyError::UnknownVersion:
            return "unknown PROXY version";
        case ProxyError::UnknownCommand:
            return "unknown PROXY command";
        case ProxyError::UnknownFamily:
            return "unknown PROXY address family";
        case ProxyError::TooLong:
            return "PROXY header too long";
        case ProxyError::TooShort:
            return "PROXY header too short for its addresses";
        case ProxyError::BadTlv:
            return "malformed PROXY TLV";
        case ProxyError::ChecksumMismatch:
            return "PROXY checksum mismatch";
    }
    return "";
}

Parsed parse_proxy_header(ByteView bytes) {
    if (one_opens_with_the_other(bytes, kV2Signature)) {
        if (bytes.size() < kV2Signature.size()) return std::nullopt;
        return parse_v2(bytes);
    }
    if (one_opens_with_the_other(bytes, as_bytes(kV1Signature))) {
        if (bytes.size() < kV1Signature.size()) return std::nullopt;
        return parse_v1(as_text(bytes));
    }
    return std::unexpected(ProxyError::NoHeader);
}

bool has_proxy_v2_signature(ByteView datagram) noexcept {
    return datagram.size() >= kV2Signature.size() &&
           one_opens_with_the_other(datagram, kV2Signature);
}

std::size_t write_proxy_v2(MutableBytes out, const Endpoint& source, const Endpoint& destination,
                           ProxyTransport transport) noexcept {
    assert(out.size() >= kMaxWrittenProxyHeader);
    const bool v6 = source.ip.is_v6() || destination.ip.is_v6();
    const std::size_t ip_length = v6 ? 16 : 4;
    const std::size_t payload = 2 * (ip_length + sizeof(std::uint16_t));

    std::ranges::copy(kV2Signature, out.begin());
    out[12] = 0x20 | kProxy;
    out[13] =
        static_cast<std::uint8_t>(((v6 ? kInet6 : kInet) << 4) | std::to_underlying(transport));
    store_be16(&out[14], static_cast<std::uint16_t>(payload));
    std::uint8_t* block = &out[kV2FixedLength];
    write_ip(block, source.ip, v6);
    write_ip(block + ip_length, destination.ip, v6);
    store_be16(block + 2 * ip_length, source.port);
    store_be16(block + 2 * ip_length + 2, destination.port);
    return kV2FixedLength + payload;
}

}  // namespace turnbuckle::net
