// What one worker's sockets count: written by that worker's thread only, read by any.
#pragma once

#include <cstdint>
#include <string_view>

#include "turnbuckle/base/metrics.hpp"
#include "turnbuckle/turn/statistics.hpp"

namespace turnbuckle::net {

// Why a client's TCP or TLS connection was closed.
enum class ConnectionEnd : std::uint8_t {
    ClosedByClient,
    Reset,            // or timed out: the kernel gave it up
    Unauthenticated,  // no allocation in time
    BadFrame,         // neither STUN nor ChannelData where a frame had to begin
    NotTurn,          // opened with another protocol, or with plain STUN where TLS is spoken
    TlsFailed,        // in the handshake or after it
    BadProxyHeader,
    PushedOut,  // the longest without authentication when there were too many of them
    Stopped,    // the server ends
    Count_
};
[[nodiscard]] std::string_view name_of(ConnectionEnd reason) noexcept;

// Why a connection was refused as soon as it was accepted.
enum class ConnectionRefusal : std::uint8_t { SourcePrefix, Total, NoDescriptors, Count_ };
[[nodiscard]] std::string_view name_of(ConnectionRefusal reason) noexcept;

struct StreamStatistics {
    turn::PerEnum<Gauge, turn::Transport> open;  // Tcp and Tls; Tcp until the first byte tells
    Counter accepted;
    turn::PerEnum<Counter, ConnectionRefusal> refused;
    turn::PerEnum<Counter, ConnectionEnd> closed;
    Gauge passages;       // connections that are passed through to a web server
    Counter handed_over;  // to another worker (RFC 6062)
    Counter handshakes;
    Counter resumed_handshakes;
    Counter read_calls;
    Counter read_bytes;
    Counter write_calls;
    Counter written_bytes;
};

// Associations with clients over DTLS.
struct DtlsStatistics {
    Gauge open;            // half-open ones included
    Counter cookies_sent;  // HelloVerifyRequests
    Counter handshakes;    // that were completed
    turn::PerEnum<Counter, ConnectionRefusal> refused;
    turn::PerEnum<Counter, ConnectionEnd> closed;
};

struct Statistics {
    Counter receive_calls;
    Counter received_datagrams;
    Counter received_bytes;
    Counter send_calls;
    Counter sent_datagrams;
    Counter sent_bytes;
    Counter kernel_drops;    // datagrams that a full receive buffer lost (SO_RXQ_OVFL)
    Counter receive_errors;  // errors a socket reported for earlier datagrams, ECONNREFUSED and the
                             // like
    Counter gso_disabled;    // sockets whose device refused UDP_SEGMENT
    Gauge receive_buffer_bytes;  // smallest granted SO_RCVBUF of the listeners
    Gauge send_buffer_bytes;
    Counter wakeups;
    Counter busy_nanoseconds;  // time not spent waiting
    StreamStatistics streams;
    DtlsStatistics dtls;
    Gauge proxied_flows;  // clients that proxies forward over UDP
};

}  // namespace turnbuckle::net
