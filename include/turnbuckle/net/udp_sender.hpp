// Sends datagrams in batches, from where their bytes lie.
//
// One per worker, for all of its sockets. Consecutive datagrams of one socket leave in one
// sendmmsg(), runs of equal size to one destination as one UDP_SEGMENT message; a single one leaves
// by sendmsg(). Nothing waits: what a full socket does not take is lost and reported. A datagram
// that fails costs only itself, and what has left is never sent again. No allocation after
// construction.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/net/gso_policy.hpp"
#include "turnbuckle/net/socket_address.hpp"
#include "turnbuckle/net/statistics.hpp"
#include "turnbuckle/net/udp_socket.hpp"

namespace turnbuckle::net {

// One datagram: header, payload and zero padding, in this order. The socket and the payload must
// stay until the flush (flush before closing a socket); the rest is copied.
struct SendItem {
    UdpSocket* socket = nullptr;
    Endpoint destination;
    IpAddress source;  // to send from; used only if the socket is bound to a wildcard address
    ByteView payload;
    std::uint64_t cookie = 0;  // the caller's, given back if the datagram is lost
    std::array<std::uint8_t, 48> header;
    std::uint8_t header_length = 0;
    std::uint8_t padding = 0;    // at most UdpSender::kMaxPadding zero bytes
    bool dont_fragment = false;  // RFC 8656 section 14: set DF on this one
};

enum class SendError : std::uint8_t { WouldBlock, Unreachable, MessageTooLong, Other };
inline constexpr std::size_t kSendErrorCount = 4;

// The written policy for an errno of sendmsg() and sendmmsg().
struct SendPolicy {
    enum class Action : std::uint8_t {
        LoseOne,    // this datagram (or joined message) is lost, go on with the next
        LoseRun,    // so is all that is queued behind it on the same socket
        RetryOnce,  // not this datagram's error: try it again, then lose it
        PlainOnce,  // if joined, send its datagrams one by one; otherwise lose it
        DisableGso  // as PlainOnce, and never join on this socket again
    };
    SendError error;
    Action action;
};
[[nodiscard]] SendPolicy send_policy(int error) noexcept;

class UdpSender {
public:
    static constexpr std::size_t kCapacity = 256;
    static constexpr std::size_t kMaxPadding = 3;

    // Called for each datagram that is lost, from within queue() or flush(); must not call back.
    using LossHandler = std::function<void(SendError error, const SendItem& item)>;

    UdpSender(Statistics& statistics, LossHandler on_loss);
    UdpSender(const UdpSender&) = delete;
    UdpSender& operator=(const UdpSender&) = delete;

    // Sends everything first if there is no room.
    void queue(const SendItem& item) noexcept;
    void flush() noexcept;
    [[nodiscard]] std::size_t pending() const noexcept { return count_; }

private:
    // One entry of sendmmsg: items [first, first + count).
    struct Message {
        std::size_t first;
        std::size_t count;
        std::size_t bytes;
    };
    // IP_PKTINFO or IPV6_PKTINFO, and UDP_SEGMENT.
    struct alignas(cmsghdr) Control {
        std::array<std::uint8_t, 64> bytes;
    };

    void send_run(std::size_t first, std::size_t last) noexcept;
    // Builds messages for items [first, last); those before `plain_until` each get their own.
    [[nodiscard]] std::size_t build(std::size_t first, std::size_t last,
                                    std::size_t plain_until) noexcept;
    void add_iovecs(SendItem& item) noexcept;
    void finish_message(std::size_t message, std::size_t first_iovec,
                        const GsoBatch& batch) noexcept;
    // Sends what was built. Nothing is left to do with items before the one it returns; a joined
    // message that was refused ends before `plain_until`.
    [[nodiscard]] std::size_t transmit(std::size_t messages, std::size_t last,
                                       std::size_t& plain_until) noexcept;
    // As sendmmsg(): how many messages left, or -1 with errno of the first.
    [[nodiscard]] int send_messages(std::size_t from, std::size_t to) noexcept;
    void lose(std::size_t first, std::size_t last, SendError error) noexcept;

    Statistics& statistics_;
    LossHandler on_loss_;
    std::size_t count_ = 0;
    std::size_t iovec_count_ = 0;
    std::array<SendItem, kCapacity> items_;
    std::array<Message, kCapacity> built_;
    std::array<mmsghdr, kCapacity> messages_{};
    std::array<iovec, 3 * kCapacity> iovecs_{};
    std::array<SocketAddress, kCapacity> destinations_{};
    std::array<Control, kCapacity> controls_{};
};

}  // namespace turnbuckle::net
