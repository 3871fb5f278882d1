// Makes a Config of a YAML file and of what the command line sets on top of it.
//
// A file is accepted whole or not at all, and every error in it is reported at once, in the order
// of the text. An override is "relay.ports.min=50000": a dotted path and a YAML value, which
// replaces what the file says; its errors are reported as "--set relay.ports.min: ...". Reads the
// secret files and the environment; a relative path counts from the working directory.
#pragma once

#include <expected>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "turnbuckle/config/config.hpp"
#include "turnbuckle/config/error.hpp"

namespace turnbuckle::config {

using LoadResult = std::expected<Config, std::vector<ConfigError>>;

[[nodiscard]] LoadResult load_file(const std::filesystem::path& path,
                                   std::span<const std::string> overrides = {});

// `name` stands for the file in errors.
[[nodiscard]] LoadResult load_text(std::string_view text, std::string_view name,
                                   std::span<const std::string> overrides = {});

}  // namespace turnbuckle::config
