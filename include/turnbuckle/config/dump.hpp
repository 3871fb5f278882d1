// The effective configuration as YAML: every key with the value in force, secrets as "***".
//
// What it writes loads again to the same Config, unless a secret stood in the file itself; the
// loader refuses "***" as a secret, so that a dump is never run by mistake.
#pragma once

#include <string>
#include <vector>

#include "turnbuckle/config/config.hpp"

namespace turnbuckle::config {

[[nodiscard]] std::string dump(const Config& config);

// Dotted path of every key the file may have, in the order of the dump; entries of a list are
// written as "listeners[].port".
[[nodiscard]] std::vector<std::string> key_paths();

}  // namespace turnbuckle::config
