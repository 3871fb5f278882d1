// `turnbuckle serve`: builds the server and the admin plane, then acts on signals until the end.
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>

#include "turnbuckle/admin/health.hpp"
#include "turnbuckle/admin/http_server.hpp"
#include "turnbuckle/admin/metrics.hpp"
#include "turnbuckle/app/commands.hpp"
#include "turnbuckle/app/configuration.hpp"
#include "turnbuckle/app/service.hpp"
#include "turnbuckle/app/snippet.hpp"
#include "turnbuckle/base/log.hpp"
#include "turnbuckle/server/server.hpp"

namespace turnbuckle::app {

namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 250ms;
constexpr auto kAddressRefresh = 30s;

class Service {
public:
    explicit Service(const ServeOptions& options, config::Config config)
        : options_(options),
          config_(std::move(config)),
          made_secret_(provide_secret(config_)),
          server_(config_),
          metrics_(metrics_source()) {
        if (config_.admin.enabled) {
            admin::HttpServer::Options http;
            http.listen = {config_.admin.address, config_.admin.port};
            if (config_.admin.token) http.token = config_.admin.token->secret;
            admin_ = std::make_unique<admin::HttpServer>(
                std::move(http),
                std::vector<admin::HttpHandler>{metrics_.handler(), admin::healthz(),
                                                admin::readyz([this] { return readiness(); })});
            server_.add_service(admin_->local_endpoint());
        }
    }

    int run(ServiceSignals& signals) {
        log::start({.level = config_.log.level, .format = config_.log.format});
        server_.start();
        if (admin_) {
            admin_->start();
            log::info("admin plane", {{"address", admin_->local_endpoint()}});
        }
        ready_ = true;
        announce();
        notify_supervisor("READY=1");
        while (!ended_) {
            if (const auto signal = signals.wait(kTick)) act_on(*signal);
            tick(monotonic_now());
        }
        notify_supervisor("STOPPING=1");
        ready_ = false;
        server_.stop();
        if (admin_) admin_->stop();
        log::info("stopped");
        log::stop();
        return 0;
    }

private:
    [[nodiscard]] admin::MetricsSource metrics_source() {
        return {
            .version = TURNBUCKLE_VERSION,
            .workers =
                [this] {
                    std::vector<admin::WorkerView> views;
                    for (const auto& worker : server_.workers())
                        views.push_back({&worker->protocol_statistics(), &worker->io_statistics()});
                    return views;
                },
            .relay_ports =
                [this] {
                    std::vector<admin::RelayPorts> ports;
                    for (const auto& use : server_.port_use())
                        ports.push_back({.address = use.address.to_string(),
                                         .used = use.used,
                                         .free = use.free,
                                         .quarantined = use.quarantined});
                    return ports;
                },
            .certificates =
                [this] {
                    const server::Certificates& own = server_.certificates();
                    admin::CertificateView view{.renewals = own.renewals().value(),
                                                .failures = own.failures().value()};
                    for (const auto& info : own.in_force())
                        view.in_force.push_back({info.file, info.not_after});
                    return view;
                }};
    }

    [[nodiscard]] admin::Readiness readiness() const {
        if (draining_) return {false, "draining"};
        if (!ready_) return {false, "starting or stopping"};
        return {true, fmt::format("serving on {} listeners", server_.listening().size())};
    }

    // For a person at a terminal: what to paste into a page.
    void announce() const {
        const auto snippet = ice_servers_snippet(config_, server_.listening(), wall_now());
        if (snippet.empty()) return;
        if (made_secret_)
            std::cout << "No users or secrets are configured, so a fresh secret was made; it is "
                         "gone when the server ends.\n";
        std::cout << "Paste this into a page (valid for 24 hours):\n\n"
                  << "  new RTCPeerConnection(" << snippet << ")\n\n"
                  << std::flush;
    }

    void act_on(int signal) {
        switch (signal) {
            case SIGHUP:
                return reload();
            case SIGUSR1:
                if (!draining_) drain();
                return;
            default:
                if (drain_deadline_) {
                    ended_ = true;
                    return;
                }
                if (!draining_) drain();
                drain_deadline_ =
                    monotonic_now() + options_.drain_timeout.value_or(config_.drain_timeout);
        }
    }

    void drain() {
        draining_ = true;
        server_.drain(true);
    }

    void tick(Time now) {
        if (drain_deadline_ && (now >= *drain_deadline_ || server_.allocations() == 0))
            ended_ = true;
        server_.renew_certificates(now);
        server_.return_memory(now);
        if (now >= next_refresh_) {
            server_.refresh_addresses();
            next_refresh_ = now + kAddressRefresh;
        }
        feed_watchdog(now);
    }

    // Only while every worker's loop turns: each beats at least once a second.
    void feed_watchdog(Time now) {
        if (!watchdog_ || now < next_watchdog_) return;
        std::vector<std::uint64_t> beats;
        for (const auto& worker : server_.workers())
            beats.push_back(worker->heartbeat());
        const bool all_beat =
            beats.size() != beats_.size() ||
            std::ranges::equal(beats, beats_, [](auto a, auto b) { return a != b; });
        if (all_beat) notify_supervisor("WATCHDOG=1");
        beats_ = std::move(beats);
        next_watchdog_ = now + *watchdog_ / 3;
    }

    void reload() {
        auto config = read(options_.config);
        if (!config) {
            for (const auto& error : config.error())
                log::error("configuration error", {{"error", to_string(error)}});
            return log::error("reload refused: the configuration has errors");
        }
        // The secret that was made at start stays, unless the file brings credentials by now.
        if (made_secret_ && config->auth.users.empty() && config->auth.secrets.empty())
            config->auth.secrets = config_.auth.secrets;
        try {
            const auto restart = server_.reload(*config);
            for (const auto& key : restart)
                log::warn("this change needs a restart", {{"key", key}});
            log::set_level(config->log.level);
            log::set_format(config->log.format);
            config_ = std::move(*config);
            log::info("configuration reloaded");
        } catch (const std::exception& error) {
            log::error("reload refused", {{"error", error.what()}});
        }
    }

    const ServeOptions& options_;
    config::Config config_;
    bool made_secret_;
    server::Server server_;
    admin::Metrics metrics_;
    std::unique_ptr<admin::HttpServer> admin_;
    std::atomic<bool> ready_{false};
    std::atomic<bool> draining_{false};
    bool ended_ = false;
    std::optional<Time> drain_deadline_;
    Time next_refresh_ = monotonic_now() + kAddressRefresh;
    std::optional<std::chrono::microseconds> watchdog_ = watchdog_interval();
    Time next_watchdog_{};
    std::vector<std::uint64_t> beats_;
};

}  // namespace

int serve(const ServeOptions& options) {
    auto config = load(options.config);
    if (!config) return kExitConfiguration;
    ServiceSignals signals;
    raise_file_limit();
    std::unique_ptr<Service> service;
    try {
        service = std::make_unique<Service>(options, std::move(*config));
    } catch (const std::invalid_argument& error) {
        std::cerr << "turnbuckle: " << error.what() << '\n';
        return kExitConfiguration;
    }
    drop_capabilities();
    return service->run(signals);
}

}  // namespace turnbuckle::app
