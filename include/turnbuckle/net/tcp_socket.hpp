// Non-blocking TCP sockets: listening, accepting, connecting, and the options that a relay's
// streams need.
//
// Everything here is one system call or a few; nothing waits. Listeners are opened before the first
// packet, one for each worker on one endpoint (SO_REUSEPORT), and accept_stream() runs on the
// worker that owns the listener. Errors are values: what an error of accept() means to the loop
// around it is a written policy, accept_policy(), as in udp_sender.hpp for datagrams.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <system_error>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/net/file_descriptor.hpp"

namespace turnbuckle::net {

struct TcpListenerOptions {
    bool reuse_port = false;    // one listener for each worker; RFC 6062 relays need it as well
    bool reuse_address = true;  // bind although connections of an earlier process are in TIME_WAIT
    int backlog = 4096;         // the kernel cuts it to net.core.somaxconn
};

class TcpListener {
public:
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] const Endpoint& local() const noexcept { return local_; }
    [[nodiscard]] bool is_wildcard() const noexcept { return wildcard_; }

private:
    friend std::expected<TcpListener, std::error_code> open_tcp_listener(const Endpoint&,
                                                                         const TcpListenerOptions&);
    TcpListener() noexcept = default;

    FileDescriptor fd_;
    Endpoint local_;
    bool wildcard_ = false;
};

// Binds to `local` and listens; port 0 lets the kernel choose, and local() then tells which.
[[nodiscard]] std::expected<TcpListener, std::error_code> open_tcp_listener(
    const Endpoint& local, const TcpListenerOptions& options = {});

struct AcceptedStream {
    FileDescriptor fd;  // non-blocking, close-on-exec
    Endpoint remote;
    Endpoint local;  // the address that the client used, also behind a wildcard listener
};

// What the loop around accept_stream() does after an error.
enum class AcceptPolicy : std::uint8_t {
    Nothing,  // none is waiting: back to epoll
    Next,     // that connection died in the queue, or was interrupted: go on with the next one
    BackOff,  // no descriptor or memory for it, or the listener is broken: leave the listener alone
              // for a while (it stays readable, so polling it would spin)
};

[[nodiscard]] AcceptPolicy accept_policy(int error) noexcept;

[[nodiscard]] std::expected<AcceptedStream, AcceptPolicy> accept_stream(
    const TcpListener& listener) noexcept;

// Begins a connection from `local` to `peer`; the socket is writable once it is decided, and
// connect_result() then tells how. `local` may be the endpoint of a listener with reuse_port
// (RFC 6062 section 5.2: the connection's source is the relayed transport address).
[[nodiscard]] std::expected<FileDescriptor, std::error_code> start_connect(const Endpoint& local,
                                                                           const Endpoint& peer);

// No error: connected. To be asked once, when the socket has become writable.
[[nodiscard]] std::error_code connect_result(int fd) noexcept;

// TCP_NODELAY; keepalive probes after `user_timeout`/2 of silence; and TCP_USER_TIMEOUT: a peer
// that acknowledges nothing for so long is gone (whole milliseconds, 0 leaves the system's
// defaults).
void tune_stream(int fd, std::chrono::milliseconds user_timeout) noexcept;

// TCP_NOTSENT_LOWAT: the kernel takes no more than this ahead of what the path has room for, so
// that what waits does so where it can still be dropped.
void limit_unsent(int fd, std::size_t bytes) noexcept;

}  // namespace turnbuckle::net
