#include "turnbuckle/auth/credential_minter.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace turnbuckle::auth {

MintedCredential mint_credential(const Secret& secret, std::string_view name,
                                 std::chrono::seconds ttl, WallTime now, std::string_view separator,
                                 RestDigest digest) {
    const WallTime expires = now + ttl;
    std::string username = std::to_string(expires.time_since_epoch().count());
    if (!name.empty()) username.append(separator).append(name);
    Secret password = rest_password(secret, username, digest);
    return {std::move(username), std::move(password), expires};
}

std::string ice_servers_json(std::span<const std::string> uris, std::string_view username,
                             std::string_view password) {
    boost::json::object server;
    server["urls"] = boost::json::array(uris.begin(), uris.end());
    server["username"] = boost::json::string_view(username);
    server["credential"] = boost::json::string_view(password);
    boost::json::object result;
    result["iceServers"] = boost::json::array{std::move(server)};
    return boost::json::serialize(result);
}

}  // namespace turnbuckle::auth
