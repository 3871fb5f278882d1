// The certificates of all listeners that have any, as they are now.
//
// Owned by the Server. Workers ask for a listener's context with each new connection; sessions keep
// the one that they began with.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "turnbuckle/config/config.hpp"
#include "turnbuckle/net/ticket_keys.hpp"
#include "turnbuckle/net/tls_context.hpp"

namespace turnbuckle::server {

// From any thread.
using TlsSource = std::function<std::shared_ptr<const net::TlsContext>()>;

class Certificates {
public:
    // Throws std::invalid_argument that names everything that cannot be used.
    explicit Certificates(const std::vector<config::Listener>& listeners);

    // Empty if this listener, by its index in the configuration, has no certificates.
    [[nodiscard]] TlsSource source(std::size_t listener) const;

private:
    std::shared_ptr<net::TicketKeys> ticket_keys_;
    std::vector<std::shared_ptr<const net::TlsContext>> contexts_;
};

}  // namespace turnbuckle::server
