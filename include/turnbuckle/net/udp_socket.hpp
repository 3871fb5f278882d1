// A bound, non-blocking UDP socket with the options that a relay needs, and what was granted.
//
// Used by one worker. DF is never set by default (IP_PMTUDISC_DONT): RFC 8656 sections 14 and 15
// want DF = 0 unless a Send indication carries DONT-FRAGMENT, in which case UdpSender sets it for
// that datagram. IP_RECVERR is off: an ICMP error of one peer must not disturb the others.
// Opening reports errors as values: EADDRINUSE on a relay port is an everyday event.
#pragma once

#include <cstdint>
#include <expected>
#include <system_error>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/net/file_descriptor.hpp"

namespace turnbuckle::net {

struct UdpSocketOptions {
    bool reuse_port = false;   // SO_REUSEPORT: one listener socket per worker on one endpoint
    bool packet_info = false;  // report each datagram's destination; implied by a wildcard address
    bool gro = false;          // UDP_GRO; not where a tc program should see single packets
    bool gso = true;           // allow UDP_SEGMENT
    bool drops = false;        // SO_RXQ_OVFL: count what a full receive buffer lost
    // Asked for in bytes of payload and overhead together; 0 leaves the system's default. Beyond
    // net.core.rmem_max / wmem_max it takes CAP_NET_ADMIN (SO_RCVBUFFORCE), which is tried first.
    int receive_buffer = 4 << 20;
    int send_buffer = 4 << 20;
    bool read_back = true;  // what was granted: two system calls that a relay socket can do without
};

class UdpSocket {
public:
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] const Endpoint& local() const noexcept { return local_; }
    [[nodiscard]] bool is_wildcard() const noexcept { return wildcard_; }

    // As getsockopt() reports them: Linux doubles what was asked for and granted, because half is
    // meant for its own bookkeeping. So 4 MB asked and granted reads back as 8 MB. 0: not read
    // back.
    [[nodiscard]] int receive_buffer() const noexcept { return receive_buffer_; }
    [[nodiscard]] int send_buffer() const noexcept { return send_buffer_; }

    [[nodiscard]] bool gso_enabled() const noexcept { return gso_enabled_; }
    // UdpSender calls it when the device turns out not to do it; there is no way back.
    void disable_gso() noexcept { gso_enabled_ = false; }

    // UdpReceiver's memory of SO_RXQ_OVFL: takes the kernel's running total, which wraps at 2^32,
    // and returns what was lost since the last call.
    [[nodiscard]] std::uint32_t drops_since(std::uint32_t running_total) noexcept;

private:
    friend std::expected<UdpSocket, std::error_code> open_udp(const Endpoint&,
                                                              const UdpSocketOptions&);
    UdpSocket() noexcept = default;

    FileDescriptor fd_;
    Endpoint local_;
    int receive_buffer_ = 0;
    int send_buffer_ = 0;
    std::uint32_t last_drops_ = 0;
    bool wildcard_ = false;
    bool gso_enabled_ = false;
};

// Binds to `local`; port 0 lets the kernel choose, and local() then tells which.
[[nodiscard]] std::expected<UdpSocket, std::error_code> open_udp(
    const Endpoint& local, const UdpSocketOptions& options = {});

}  // namespace turnbuckle::net
