// Fetches a secret from where the configuration says it is: a file, the environment, the text.
//
// From a file one line end at the end is dropped, since every editor adds one. Called while the
// configuration is loaded, before the server's threads run.
#pragma once

#include <expected>
#include <string>

#include "turnbuckle/config/config.hpp"

namespace turnbuckle::config {

inline constexpr std::size_t kMaxSecretSize = 4096;

// The error says what is wrong without repeating any part of a secret.
[[nodiscard]] std::expected<Secret, std::string> resolve(const SecretSource& source);

}  // namespace turnbuckle::config
