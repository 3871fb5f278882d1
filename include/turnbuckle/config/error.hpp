// One thing that is wrong with a configuration, and where.
#pragma once

#include <string>

namespace turnbuckle::config {

struct ConfigError {
    std::string file;   // or "--set KEY" for what the command line says; then there is no line
    unsigned line = 0;  // from 1; 0: the file as a whole
    unsigned column = 0;
    std::string message;

    friend bool operator==(const ConfigError&, const ConfigError&) = default;
};

// "FILE:LINE:COLUMN: message", "FILE: message" or "--set KEY: message".
[[nodiscard]] std::string to_string(const ConfigError& error);

}  // namespace turnbuckle::config
