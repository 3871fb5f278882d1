#include <fstream>
#include <iostream>
#include <iterator>

#include "turnbuckle/app/commands.hpp"
#include "turnbuckle/app/configuration.hpp"
#include "turnbuckle/app/snippet.hpp"
#include "turnbuckle/auth/credential_minter.hpp"

namespace turnbuckle::app {

namespace {

// As the server reads it: without the newline that editors leave at the end.
std::optional<Secret> read_secret(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    std::string text{std::istreambuf_iterator<char>(file), {}};
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    if (text.empty()) return std::nullopt;
    return Secret(std::move(text));
}

}  // namespace

int credential(const CredentialOptions& options) {
    auto config = load(options.config);
    if (!config) return kExitConfiguration;
    std::optional<Secret> secret;
    if (!options.secret_file.empty()) {
        secret = read_secret(options.secret_file);
        if (!secret) {
            std::cerr << options.secret_file << ": cannot be read, or is empty\n";
            return kExitFailed;
        }
    } else if (!config->auth.secrets.empty()) {
        secret = config->auth.secrets.front().secret;
    } else {
        std::cerr << "no secret: give --secret-file, or a --config with auth.secrets\n";
        return kExitUsage;
    }
    std::vector<Endpoint> listening;
    for (const auto& listener : config->listeners)
        listening.push_back({listener.address, listener.port});
    const auto uris = options.uris.empty() ? turn_uris(*config, listening) : options.uris;
    const auto minted = auth::mint_credential(
        *secret, options.name, options.ttl, wall_now(), config->auth.rest_separator,
        options.sha256 ? auth::RestDigest::Sha256 : auth::RestDigest::Sha1);
    std::cout << auth::ice_servers_json(uris, minted.username, minted.password.reveal()) << '\n';
    return 0;
}

}  // namespace turnbuckle::app
