#include <iostream>
#include <utility>

#include "turnbuckle/app/commands.hpp"
#include "turnbuckle/app/configuration.hpp"
#include "turnbuckle/app/snippet.hpp"
#include "turnbuckle/auth/credential_minter.hpp"
#include "turnbuckle/config/secret_source.hpp"

namespace turnbuckle::app {

int credential(const CredentialOptions& options) {
    auto config = load(options.config);
    if (!config) return kExitConfiguration;
    std::optional<Secret> secret;
    if (!options.secret_file.empty()) {
        config::SecretSource source;
        source.file = options.secret_file;
        auto read = config::resolve(source);
        if (!read) {
            std::cerr << "turnbuckle: " << read.error() << '\n';
            return kExitFailed;
        }
        secret = std::move(*read);
    } else if (!config->auth.secrets.empty()) {
        secret = config->auth.secrets.front().secret;
    } else {
        std::cerr << "no secret: give --secret-file, or a --config with auth.secrets\n";
        return kExitUsage;
    }
    std::vector<server::Listening> listening;
    for (const auto& listener : config->listeners)
        listening.push_back({.transport = listener.transport,
                             .endpoint = {listener.address, listener.port},
                             .encrypts = !listener.certificates.empty()});
    const auto uris = options.uris.empty() ? turn_uris(*config, listening) : options.uris;
    const auto minted = auth::mint_credential(
        *secret, options.name, options.ttl, wall_now(), config->auth.rest_separator,
        options.sha256 ? auth::RestDigest::Sha256 : auth::RestDigest::Sha1);
    std::cout << auth::ice_servers_json(uris, minted.username, minted.password.reveal()) << '\n';
    return 0;
}

}  // namespace turnbuckle::app
