// What `serve` prints when it is ready: the exact `iceServers` to paste into a page.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "turnbuckle/base/time.hpp"
#include "turnbuckle/config/config.hpp"
#include "turnbuckle/server/listeners.hpp"

namespace turnbuckle::app {

// The turn: and turns: URIs (RFC 7065) under which clients reach these listeners: where one listens
// on every address, the advertised or outward address of this host, else loopback.
[[nodiscard]] std::vector<std::string> turn_uris(const config::Config& config,
                                                 std::span<const server::Listening> listening);

// A time-limited credential of the first secret; empty if there is none.
[[nodiscard]] std::string ice_servers_snippet(const config::Config& config,
                                              std::span<const server::Listening> listening,
                                              WallTime now);

}  // namespace turnbuckle::app
