// Loads a text that is meant to be wrong and returns what the loader says about it, as shown.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "turnbuckle/config/loader.hpp"

namespace turnbuckle::config {

inline std::vector<std::string> errors_of(std::string_view text,
                                          const std::vector<std::string>& overrides = {}) {
    std::vector<std::string> messages;
    const LoadResult result = load_text(text, "t.yaml", overrides);
    if (result) return messages;
    for (const ConfigError& error : result.error())
        messages.push_back(to_string(error));
    return messages;
}

}  // namespace turnbuckle::config
