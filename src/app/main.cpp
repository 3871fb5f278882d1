#include <exception>
#include <iostream>

#include <CLI/CLI.hpp>

#include "turnbuckle/app/commands.hpp"
#include "turnbuckle/config/quantity.hpp"

namespace turnbuckle::app {
namespace {

void add_config_options(CLI::App& command, ConfigOptions& options) {
    command.add_option("--config", options.file, "Configuration file (YAML)")->type_name("FILE");
    command
        .add_option("--set", options.overrides,
                    "Override a key, as in --set relay.ports.min=50000 (repeatable)")
        ->type_name("KEY=VALUE");
}

// Durations as in the configuration file: 600s, 10m, 1h.
CLI::Option* add_duration(CLI::App& command, const std::string& name,
                          const std::function<void(std::chrono::seconds)>& take,
                          const std::string& description) {
    return command
        .add_option_function<std::string>(
            name,
            [name, take](const std::string& text) {
                const auto duration = config::parse_duration(text);
                if (!duration)
                    throw CLI::ValidationError(name, "is not a duration like 600s, 10m or 1h");
                take(*duration);
            },
            description)
        ->type_name("DURATION");
}

int run(int argc, char** argv) {
    CLI::App cli{"Turnbuckle, a STUN/TURN relay server", "turnbuckle"};
    cli.require_subcommand(1);

    ServeOptions serve_options;
    auto* serve_command = cli.add_subcommand("serve", "Run the server");
    add_config_options(*serve_command, serve_options.config);
    add_duration(
        *serve_command, "--drain-timeout",
        [&](std::chrono::seconds timeout) { serve_options.drain_timeout = timeout; },
        "How long SIGTERM lets sessions go on");

    ConfigOptions check_options;
    auto* check_command =
        cli.add_subcommand("check", "Check a configuration file and print what it comes to");
    check_command->add_option("FILE", check_options.file, "Configuration file (YAML)")->required();
    check_command->add_option("--set", check_options.overrides, "Override a key")
        ->type_name("KEY=VALUE");

    CredentialOptions credential_options;
    auto* credential_command =
        cli.add_subcommand("credential", "Print iceServers JSON with a time-limited credential");
    add_config_options(*credential_command, credential_options.config);
    credential_command
        ->add_option("--secret-file", credential_options.secret_file, "File that holds the secret")
        ->type_name("FILE");
    credential_command->add_option("--name", credential_options.name, "User to charge")
        ->type_name("NAME");
    add_duration(
        *credential_command, "--ttl",
        [&](std::chrono::seconds ttl) { credential_options.ttl = ttl; },
        "How long it is valid (default 24h)");
    credential_command
        ->add_option("--uri", credential_options.uris, "URI to list instead of the listeners' own")
        ->type_name("turn:HOST:PORT");
    credential_command->add_flag("--sha256", credential_options.sha256,
                                 "HMAC-SHA256 instead of the customary HMAC-SHA1");

    auto* version_command = cli.add_subcommand("version", "Print the version");

    try {
        cli.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // --help ends here too, and is no error.
        return cli.exit(error) == 0 ? 0 : kExitUsage;
    }
    if (*serve_command) return serve(serve_options);
    if (*check_command) return check(check_options);
    if (*credential_command) return credential(credential_options);
    return *version_command ? version() : kExitUsage;
}

}  // namespace
}  // namespace turnbuckle::app

int main(int argc, char** argv) {
    try {
        return turnbuckle::app::run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "turnbuckle: " << error.what() << '\n';
        return turnbuckle::app::kExitFailed;
    }
}
