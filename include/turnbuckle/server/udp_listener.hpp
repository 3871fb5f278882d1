// One of a worker's listening UDP sockets, and what its configuration says.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/net/tls_context.hpp"
#include "turnbuckle/net/udp_socket.hpp"
#include "turnbuckle/turn/statistics.hpp"

namespace turnbuckle::server {

struct UdpListener {
    net::UdpSocket socket;
    turn::Transport transport = turn::Transport::Udp;
    // The listener's certificates as they are now; empty: no DTLS here.
    std::function<std::shared_ptr<const net::TlsContext>()> tls;
    std::vector<Cidr> trusted_proxies;
};

}  // namespace turnbuckle::server
