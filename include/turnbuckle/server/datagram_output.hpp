// Sends single datagrams of the server's own making to clients that are not simply where their
// address says: those behind a proxy, and those of DTLS.
//
// One per worker, on its thread. Bytes are copied into the worker's arena and leave at its flush.
#pragma once

#include <cstdint>
#include <vector>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/net/udp_sender.hpp"
#include "turnbuckle/server/send_arena.hpp"
#include "turnbuckle/server/udp_listener.hpp"

namespace turnbuckle::server {

// Where a client's datagrams really come from and go to.
struct DatagramRoute {
    std::uint32_t listener = 0;  // by its index among the worker's UDP listeners
    Endpoint destination;        // the client, or the proxy that forwards for it
    IpAddress source;            // the address of this host that it speaks to

    friend bool operator==(const DatagramRoute&, const DatagramRoute&) noexcept = default;
};

[[nodiscard]] inline std::size_t hash_value(const DatagramRoute& route) noexcept {
    return hash_value(route.destination) ^
           (hash_value(route.source) * 0x9e3779b97f4a7c15ULL + route.listener);
}

class DatagramOutput {
public:
    DatagramOutput(net::UdpSender& sender, SendArena& arena,
                   std::vector<UdpListener>& listeners) noexcept
        : sender_(sender), arena_(arena), listeners_(listeners) {}

    // A datagram is at most SendArena::kCapacity bytes.
    void send(const DatagramRoute& route, ByteView datagram) noexcept;
    // Bytes that must stay until the flush and are not sent as they are.
    [[nodiscard]] ByteView keep(ByteView bytes) noexcept;

private:
    net::UdpSender& sender_;
    SendArena& arena_;
    std::vector<UdpListener>& listeners_;
};

}  // namespace turnbuckle::server

template <>
struct std::hash<turnbuckle::server::DatagramRoute> {
    std::size_t operator()(const turnbuckle::server::DatagramRoute& route) const noexcept {
        return hash_value(route);
    }
};
