#include "turnbuckle/config/scalar.hpp"

#include <optional>

#include "turnbuckle/config/quantity.hpp"

namespace turnbuckle::config {

namespace {

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
    return std::nullopt;
}

// IpAddress::parse() hands the text to the C library, to which a NUL would be the end of it.
bool has_nul(std::string_view text) {
    return text.find('\0') != std::string_view::npos;
}

}  // namespace

Parsed<bool> Scalar<bool>::parse(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return std::unexpected("true or false");
}

std::string Scalar<bool>::format(bool value) {
    return value ? "true" : "false";
}

Parsed<std::optional<std::uint32_t>> Scalar<std::optional<std::uint32_t>>::parse(
    std::string_view text) {
    if (text == "auto") return std::optional<std::uint32_t>();
    const auto number = Scalar<std::uint32_t>::parse(text);
    if (!number) return std::unexpected("a whole number or auto");
    return *number;
}

std::string Scalar<std::optional<std::uint32_t>>::format(
    const std::optional<std::uint32_t>& value) {
    return value ? std::to_string(*value) : "auto";
}

Parsed<std::chrono::seconds> Scalar<std::chrono::seconds>::parse(std::string_view text) {
    if (const auto value = parse_duration(text)) return *value;
    return std::unexpected("a duration like 600s, 10m or 1h");
}

std::string Scalar<std::chrono::seconds>::format(std::chrono::seconds value) {
    return format_duration(value);
}

Parsed<BitRate> Scalar<BitRate>::parse(std::string_view text) {
    if (const auto value = parse_bit_rate(text)) return *value;
    return std::unexpected("a rate like 250kbit or 5Mbit, or 0");
}

std::string Scalar<BitRate>::format(BitRate value) {
    return format_bit_rate(value);
}

Parsed<ByteSize> Scalar<ByteSize>::parse(std::string_view text) {
    if (const auto value = parse_byte_size(text)) return *value;
    return std::unexpected("a size like 512KiB or 1MiB");
}

std::string Scalar<ByteSize>::format(ByteSize value) {
    return format_byte_size(value);
}

Parsed<IpAddress> Scalar<IpAddress>::parse(std::string_view text) {
    if (const auto value = IpAddress::parse(text); value && !has_nul(text)) return *value;
    return std::unexpected("an IP address");
}

Parsed<Cidr> Scalar<Cidr>::parse(std::string_view text) {
    if (has_nul(text)) return std::unexpected("an address block like 10.0.0.0/8");
    if (const auto value = Cidr::parse(text)) return *value;
    // Only the host bits may be what is wrong: then say which block was probably meant.
    const std::size_t slash = text.find('/');
    const auto ip = IpAddress::parse(text.substr(0, slash));
    if (ip && slash != std::string_view::npos) {
        const auto length = Scalar<std::uint8_t>::parse(text.substr(slash + 1));
        if (length && *length <= (ip->is_v4() ? 32 : 128)) {
            return std::unexpected(fmt::format("an address block without host bits, such as {}",
                                               Cidr(*ip, *length).to_string()));
        }
    }
    return std::unexpected("an address block like 10.0.0.0/8");
}

Parsed<Secret> Scalar<Secret>::parse(std::string_view text) {
    if (text == kHidden) return std::unexpected("the secret itself, not the mark that hides it");
    if (text.empty()) return std::unexpected("a secret that is not empty");
    return Secret(std::string(text));
}

Parsed<UserKey> Scalar<UserKey>::parse(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        const auto high = hex_digit(text[i]);
        const auto low = hex_digit(text[i + 1]);
        if (!high || !low) break;
        bytes.push_back(static_cast<char>(*high << 4 | *low));
    }
    const bool whole = bytes.size() * 2 == text.size();
    if (!whole || (bytes.size() != 16 && bytes.size() != 32)) {
        return std::unexpected("a key of 32 (MD5) or 64 (SHA-256) hexadecimal digits");
    }
    return UserKey{Secret(std::move(bytes))};
}

}  // namespace turnbuckle::config
