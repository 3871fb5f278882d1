// The whole relay: listeners, workers, and what they share.
//
// The constructor opens every socket (so that a privileged port can be bound and privileges be
// dropped before anything runs) and throws StartError naming the address that failed. One thread
// owns it: start, drain, reload and stop are called from there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "turnbuckle/config/config.hpp"
#include "turnbuckle/net/statistics.hpp"
#include "turnbuckle/server/certificates.hpp"
#include "turnbuckle/server/connection_limits.hpp"
#include "turnbuckle/server/listeners.hpp"
#include "turnbuckle/server/memory_return.hpp"
#include "turnbuckle/server/worker.hpp"
#include "turnbuckle/turn/nonce.hpp"
#include "turnbuckle/turn/quota.hpp"

namespace turnbuckle::server {

struct PortUse {
    IpAddress address;
    std::size_t used = 0;
    std::size_t free = 0;
    std::size_t quarantined = 0;
};

class Server {
public:
    explicit Server(const config::Config& config);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // An endpoint that is never a peer, beside the server's own listeners: the admin plane. Before
    // start().
    void add_service(const Endpoint& endpoint);

    void start();
    // New allocations are refused with 508, those that live go on; false takes that back.
    void drain(bool draining);
    // Ends all sessions and the workers.
    void stop();

    // Takes over what can change while running and returns the keys that need a restart.
    [[nodiscard]] std::vector<std::string> reload(const config::Config& config);
    // Follows addresses that come and go; to be called now and then.
    void refresh_addresses();
    // Gives memory back that a flood of connections took; as well.
    void return_memory(Time now);
    // Renews certificates whose files have changed; to be called a few times a second.
    void renew_certificates(Time now);

    [[nodiscard]] bool draining() const noexcept { return draining_; }
    [[nodiscard]] std::size_t allocations() const;
    [[nodiscard]] const std::vector<Listening>& listening() const noexcept { return listening_; }
    [[nodiscard]] std::vector<PortUse> port_use() const;
    [[nodiscard]] const Certificates& certificates() const noexcept { return certificates_; }
    [[nodiscard]] const std::vector<std::unique_ptr<Worker>>& workers() const noexcept {
        return workers_;
    }

private:
    void open_workers(const Rules& rules);
    void log_start() const;

    config::Config config_;
    turn::Quota quota_;
    turn::NonceAuthority nonces_;
    RelayAddresses relay_addresses_;
    Reservations reservations_;
    ConnectionLimits connection_limits_;
    ConnectionLimits association_limits_;
    Certificates certificates_;
    std::vector<Listening> listening_;
    std::vector<std::unique_ptr<Worker>> workers_;
    MemoryReturn memory_;
    bool draining_ = false;
};

}  // namespace turnbuckle::server
