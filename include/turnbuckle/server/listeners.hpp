// Opens the listening endpoints of the configuration: for each, one socket of every worker.
//
// At start, before capabilities are dropped. Throws StartError naming the endpoint that failed.
#pragma once

#include <stdexcept>
#include <vector>

#include "turnbuckle/config/config.hpp"
#include "turnbuckle/server/certificates.hpp"
#include "turnbuckle/server/worker.hpp"

namespace turnbuckle::server {

class StartError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// An endpoint as it was bound: with the port that the kernel chose where the configuration says 0.
struct Listening {
    turn::Transport transport = turn::Transport::Udp;
    Endpoint endpoint;
    bool encrypts = false;       // TLS or DTLS is spoken, on udp and tcp listeners as well
    std::size_t configured = 0;  // index into config::Config::listeners
};

// Binds each endpoint once, alone: SO_REUSEPORT would let a second server share the port and take
// half of the clients without a word. Default listeners of a family that this host lacks are left
// out.
[[nodiscard]] std::vector<Listening> claim_listeners(const config::Config& config);

// One worker's sockets of them.
[[nodiscard]] WorkerListeners open_listeners(const std::vector<Listening>& listening,
                                             const config::Config& config,
                                             const Certificates& certificates);

}  // namespace turnbuckle::server
