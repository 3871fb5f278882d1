// The certificates of all listeners that have any, as they are now, and their renewal.
//
// Owned by the Server. Workers ask for a listener's context with each new connection; sessions keep
// the one that they began with, so a renewal touches no live session. The main thread looks for
// changed files (poll) and reads all anew on HUP (reload). Pairs that cannot be used are refused at
// start; later the old ones stay in force, and the log says why. Session tickets survive renewals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "turnbuckle/base/metrics.hpp"
#include "turnbuckle/base/time.hpp"
#include "turnbuckle/config/config.hpp"
#include "turnbuckle/net/ticket_keys.hpp"
#include "turnbuckle/net/tls_context.hpp"
#include "turnbuckle/server/file_watch.hpp"

namespace turnbuckle::server {

// From any thread.
using TlsSource = std::function<std::shared_ptr<const net::TlsContext>()>;

// Everything that cannot be used among the listeners' certificates and keys, each with its place in
// the configuration. What `check` finds beyond what loading does: the configuration layer knows no
// certificates.
[[nodiscard]] std::vector<config::ConfigError> certificate_errors(
    const std::vector<config::Listener>& listeners);

class Certificates {
public:
    // Throws std::invalid_argument with certificate_errors(), a line each.
    explicit Certificates(const std::vector<config::Listener>& listeners);

    // Empty if this listener, by its index in the configuration, has no certificates.
    [[nodiscard]] TlsSource source(std::size_t listener) const;

    // To be called now and then: rotates the ticket keys, and reads again what has changed.
    void poll(Time now);
    // Reads everything again, from other files if the same listeners name others now. A listener
    // cannot gain its first certificate or lose its last: that needs a restart.
    void reload(const std::vector<config::Listener>& listeners);

    // Those in force, each file once. From any thread, as the counters.
    [[nodiscard]] std::vector<net::CertificateInfo> in_force() const;
    // Attempts after the start, by their result: all files could be used, or some could not.
    [[nodiscard]] const Counter& renewals() const noexcept { return renewals_; }
    [[nodiscard]] const Counter& failures() const noexcept { return failures_; }

private:
    struct Slot {
        net::TlsOptions options;  // the main thread's
        mutable std::mutex mutex;
        std::shared_ptr<const net::TlsContext> context;
    };

    void watch_files();
    // Those of `files`, or all if there are none.
    void renew(const std::set<std::string>& files);

    std::shared_ptr<net::TicketKeys> ticket_keys_;
    std::vector<config::Listener> listeners_;   // as they were at the start
    std::vector<std::shared_ptr<Slot>> slots_;  // by listener; none without certificates
    FileWatch watch_;
    Counter renewals_;
    Counter failures_;
};

}  // namespace turnbuckle::server
