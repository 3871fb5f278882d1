// Loading the configuration for a subcommand, and what a server without one is given.
#pragma once

#include <optional>

#include "turnbuckle/app/commands.hpp"
#include "turnbuckle/config/config.hpp"
#include "turnbuckle/config/loader.hpp"

namespace turnbuckle::app {

[[nodiscard]] config::LoadResult read(const ConfigOptions& options);

// Prints every error to standard error; nothing if there is any.
[[nodiscard]] std::optional<config::Config> load(const ConfigOptions& options);

// A fresh random secret where the configuration names neither users nor secrets, because a server
// that nobody can use helps nobody. True if one was made.
[[nodiscard]] bool provide_secret(config::Config& config);

}  // namespace turnbuckle::app
