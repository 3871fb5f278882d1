#include <iostream>
#include <stdexcept>

#include "turnbuckle/app/commands.hpp"
#include "turnbuckle/app/configuration.hpp"
#include "turnbuckle/config/dump.hpp"
#include "turnbuckle/server/certificates.hpp"
#include "turnbuckle/server/rules.hpp"

namespace turnbuckle::app {

int check(const ConfigOptions& options) {
    const auto config = load(options);
    if (!config) return kExitConfiguration;
    const auto errors = server::certificate_errors(config->listeners);
    for (const auto& error : errors)
        std::cerr << to_string(error) << '\n';
    if (!errors.empty()) return kExitConfiguration;
    try {
        (void)server::rules_of(*config, server::worker_count_of(*config));
    } catch (const std::invalid_argument& error) {
        std::cerr << options.file << ": " << error.what() << '\n';
        return kExitConfiguration;
    }
    std::cout << config::dump(*config);
    return 0;
}

}  // namespace turnbuckle::app
