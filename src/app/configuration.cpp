#include "turnbuckle/app/configuration.hpp"

#include <array>
#include <iostream>

#include <fmt/format.h>

#include "turnbuckle/base/random.hpp"

namespace turnbuckle::app {

config::LoadResult read(const ConfigOptions& options) {
    return options.file.empty() ? config::load_text("", "defaults", options.overrides)
                                : config::load_file(options.file, options.overrides);
}

std::optional<config::Config> load(const ConfigOptions& options) {
    auto loaded = read(options);
    if (loaded) return std::move(*loaded);
    for (const auto& error : loaded.error())
        std::cerr << to_string(error) << '\n';
    return std::nullopt;
}

bool provide_secret(config::Config& config) {
    if (!config.auth.users.empty() || !config.auth.secrets.empty()) return false;
    std::array<std::uint8_t, 32> bytes{};
    SecureRandom().fill(bytes);
    std::string text;
    for (const std::uint8_t byte : bytes)
        text += fmt::format("{:02x}", byte);
    config::SecretSource source;
    source.secret = Secret(std::move(text));
    source.value = source.secret;
    config.auth.secrets.push_back(std::move(source));
    return true;
}

}  // namespace turnbuckle::app
