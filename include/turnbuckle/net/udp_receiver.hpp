// Reads datagrams in batches into preallocated slots that stay put until they are recycled.
//
// One per worker, for all of its sockets. A receive() is one recvmmsg(); buffers that UDP_GRO
// joined are split into their datagrams again, in place. The bytes belong to the receiver and are
// valid until recycle(), so that UdpSender sends them from here without a copy:
//   receive(a); receive(b); ...; when free_slots() runs low or nothing is left: flush(); recycle().
// No allocation after construction. Errors are counted and never end a socket.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/net/socket_address.hpp"
#include "turnbuckle/net/statistics.hpp"
#include "turnbuckle/net/udp_socket.hpp"

namespace turnbuckle::net {

struct Datagram {
    MutableBytes data;
    Endpoint source;
    IpAddress destination;  // the local address it was sent to, to answer from
};

// What an errno of recvmmsg() means for the socket.
enum class ReceivePolicy : std::uint8_t {
    Nothing,  // no datagram is there
    Count     // an earlier datagram's fate or a passing shortage: counted, the socket stays
};
[[nodiscard]] ReceivePolicy receive_policy(int error) noexcept;

class UdpReceiver {
public:
    static constexpr std::size_t kSlots = 64;
    // A slot takes the largest datagram and the largest GRO buffer there can be.
    static constexpr std::size_t kSlotBytes = 65536;
    // The largest number of datagrams in one slot: Linux joins up to 64 on receipt, and since 6.9
    // hands on up to 128 that a local sender joined. What a later kernel puts beyond is dropped and
    // counted as receive errors.
    static constexpr std::size_t kMaxSegments = 128;

    explicit UdpReceiver(Statistics& statistics);
    UdpReceiver(const UdpReceiver&) = delete;
    UdpReceiver& operator=(const UdpReceiver&) = delete;

    // Reads up to `max_slots` buffers, as many as are free at most; empty if none is free or
    // nothing has come. The span and the bytes are valid until recycle().
    [[nodiscard]] std::span<const Datagram> receive(UdpSocket& socket,
                                                    std::size_t max_slots = kSlots) noexcept;

    [[nodiscard]] std::size_t free_slots() const noexcept { return kSlots - used_; }

    // Makes all slots free; every span and all bytes handed out are invalid from here on.
    void recycle() noexcept;

private:
    // Not a multiple of 4096, or the heads of all slots would compete for the same cache lines.
    static constexpr std::size_t kStride = kSlotBytes + 192;
    static constexpr std::size_t kControlBytes = 128;

    struct Ancillary {
        std::size_t segment_size = 0;  // 0: not joined by GRO
        IpAddress destination;
    };

    Ancillary read_ancillary(msghdr& message, UdpSocket& socket) noexcept;
    void split(std::size_t slot, std::size_t length, UdpSocket& socket) noexcept;
    void reset_message(std::size_t slot) noexcept;

    Statistics& statistics_;
    std::size_t used_ = 0;
    std::size_t datagram_count_ = 0;
    // Reserved once, touched only as far as packets fill it: an idle worker pays for almost
    // nothing.
    std::unique_ptr<std::uint8_t[]> memory_;
    std::unique_ptr<Datagram[]> datagrams_;
    std::array<mmsghdr, kSlots> messages_{};
    std::array<iovec, kSlots> iovecs_{};
    std::array<SocketAddress, kSlots> sources_{};
    struct alignas(cmsghdr) Control {
        std::array<std::uint8_t, kControlBytes> bytes;
    };
    std::array<Control, kSlots> controls_{};
};

}  // namespace turnbuckle::net
