// Hexadecimal digits as the tests' constants were computed: with the openssl command.
#pragma once

#include <string>
#include <string_view>

#include "turnbuckle/base/secret.hpp"

namespace turnbuckle::auth {

inline std::string hex(const Secret& secret) {
    std::string text;
    for (const std::uint8_t byte : as_bytes(secret.reveal()))
        text += fmt::format("{:02x}", byte);
    return text;
}

inline std::string unhex(std::string_view digits) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
    }
    return bytes;
}

}  // namespace turnbuckle::auth
