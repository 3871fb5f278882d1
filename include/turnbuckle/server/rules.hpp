// From configuration to what the layers below run by: pure functions, used at start and at reload.
#pragma once

#include <string>
#include <vector>

#include "turnbuckle/config/config.hpp"
#include "turnbuckle/server/relay_addresses.hpp"
#include "turnbuckle/server/worker.hpp"
#include "turnbuckle/turn/quota.hpp"

namespace turnbuckle::server {

// As configured, or as many as there are CPUs to use.
[[nodiscard]] unsigned worker_count_of(const config::Config& config);
// Throws std::invalid_argument for users or secrets that no client could use.
[[nodiscard]] Rules rules_of(const config::Config& config, unsigned worker_count);
[[nodiscard]] turn::QuotaLimits quota_limits_of(const config::Config& config);
[[nodiscard]] ConnectionLimits::Limits connection_limits_of(const config::Config& config);
[[nodiscard]] std::vector<RelayAddresses::Configured> relay_addresses_of(
    const config::Config& config);

// The keys in which the two differ and which are only read at start.
[[nodiscard]] std::vector<std::string> needing_restart(const config::Config& running,
                                                       const config::Config& wanted);

}  // namespace turnbuckle::server
