// The subcommands of the `turnbuckle` binary. Each returns the process's exit status: 0, 1
// (failed), 2 (usage) or 78 (configuration, EX_CONFIG of sysexits.h).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace turnbuckle::app {

inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitConfiguration = 78;

struct ConfigOptions {
    std::string file;                    // empty: defaults
    std::vector<std::string> overrides;  // --set
};

struct ServeOptions {
    ConfigOptions config;
    std::optional<std::chrono::seconds> drain_timeout;
};

struct CredentialOptions {
    ConfigOptions config;
    std::string secret_file;
    std::string name;
    std::chrono::seconds ttl = std::chrono::hours(24);
    std::vector<std::string> uris;
    bool sha256 = false;
};

int serve(const ServeOptions& options);
int check(const ConfigOptions& options);
int credential(const CredentialOptions& options);
int version();

}  // namespace turnbuckle::app
