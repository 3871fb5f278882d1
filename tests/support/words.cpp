#include "support/words.hpp"

#include <charconv>
#include <stdexcept>

#include <fmt/format.h>

namespace turnbuckle::test {

std::uint64_t number_of(std::string_view text) {
    const int base = text.starts_with("0x") ? 16 : 10;
    if (base == 16) text.remove_prefix(2);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc() || end != text.data() + text.size())
        throw std::invalid_argument("not a number: " + std::string(text));
    return number;
}

Duration duration_of(std::string_view text) {
    if (!text.starts_with('+') || !text.ends_with('s'))
        throw std::invalid_argument("not a duration (+10s, +250ms): " + std::string(text));
    text.remove_prefix(1);
    text.remove_suffix(1);
    if (text.ends_with('m'))
        return std::chrono::milliseconds(number_of(text.substr(0, text.size() - 1)));
    return std::chrono::seconds(number_of(text));
}

Endpoint endpoint_of(std::string_view text) {
    if (const auto endpoint = Endpoint::parse(text)) return *endpoint;
    if (const auto ip = IpAddress::parse(text)) return {*ip, 0};
    throw std::invalid_argument("not an address: " + std::string(text));
}

std::vector<std::uint8_t> bytes_of_hex(std::string_view text) {
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < text.size(); i += 2)
        bytes.push_back(
            static_cast<std::uint8_t>(number_of("0x" + std::string(text.substr(i, 2)))));
    return bytes;
}

std::string hex_of(ByteView bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes)
        text += fmt::format("{:02x}", byte);
    return text;
}

}  // namespace turnbuckle::test
