#include "turnbuckle/net/udp_receiver.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace turnbuckle::net {

namespace {

template <typename T>
T read_data(const cmsghdr& header) noexcept {
    T value;
    std::memcpy(&value, CMSG_DATA(&header), sizeof value);
    return value;
}

bool carries(const cmsghdr& header, int level, int type, std::size_t size) noexcept {
    return header.cmsg_level == level && header.cmsg_type == type &&
           header.cmsg_len >= CMSG_LEN(size);
}

}  // namespace

ReceivePolicy receive_policy(int error) noexcept {
    switch (error) {
        case EAGAIN:
        case EINTR:  // level-triggered: the next wait reports it again
            return ReceivePolicy::Nothing;
        case ECONNREFUSED:  // the ICMP errors that answer a datagram sent earlier
        case EHOSTUNREACH:
        case ENETUNREACH:
        case EHOSTDOWN:
        case ENETDOWN:
        case EMSGSIZE:
        case EPROTO:
        case ENOPROTOOPT:
        case EACCES:
        case ENOMEM:  // a passing shortage
        case ENOBUFS:
        default:
            return ReceivePolicy::Count;
    }
}

UdpReceiver::UdpReceiver(Statistics& statistics)
    : statistics_(statistics),
      memory_(std::make_unique_for_overwrite<std::uint8_t[]>(kSlots * kStride)),
      datagrams_(std::make_unique_for_overwrite<Datagram[]>(kSlots * kMaxSegments)) {
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
        iovecs_[slot] = {memory_.get() + slot * kStride, kSlotBytes};
        reset_message(slot);
    }
}

std::span<const Datagram> UdpReceiver::receive(UdpSocket& socket, std::size_t max_slots) noexcept {
    const std::size_t first = datagram_count_;
    const std::size_t wanted = std::min(max_slots, free_slots());
    if (wanted == 0) return {};

    const int got = ::recvmmsg(socket.fd(), &messages_[used_], static_cast<unsigned>(wanted),
                               MSG_DONTWAIT, nullptr);
    statistics_.receive_calls.add();
    if (got < 0) {
        if (receive_policy(errno) == ReceivePolicy::Count) statistics_.receive_errors.add();
        return {};
    }
    std::uint64_t bytes = 0;
    const std::size_t end = used_ + static_cast<std::size_t>(got);
    for (; used_ < end; ++used_) {
        bytes += messages_[used_].msg_len;
        split(used_, messages_[used_].msg_len, socket);
        reset_message(used_);
    }
    statistics_.received_datagrams.add(datagram_count_ - first);
    statistics_.received_bytes.add(bytes);
    return {datagrams_.get() + first, datagram_count_ - first};
}

void UdpReceiver::recycle() noexcept {
    used_ = 0;
    datagram_count_ = 0;
}

UdpReceiver::Ancillary UdpReceiver::read_ancillary(msghdr& message, UdpSocket& socket) noexcept {
    Ancillary found{0, socket.local().ip};
    for (const cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(header))) {
        if (carries(*header, IPPROTO_IP, IP_PKTINFO, sizeof(in_pktinfo))) {
            // Not ipi_addr: for a broadcast that is nothing one could answer from.
            found.destination = to_ip_address(read_data<in_pktinfo>(*header).ipi_spec_dst);
        } else if (carries(*header, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(in6_pktinfo))) {
            found.destination = to_ip_address(read_data<in6_pktinfo>(*header).ipi6_addr);
        } else if (carries(*header, IPPROTO_UDP, UDP_GRO, sizeof(int))) {
            found.segment_size = static_cast<std::size_t>(std::max(0, read_data<int>(*header)));
        } else if (carries(*header, SOL_SOCKET, SO_RXQ_OVFL, sizeof(std::uint32_t))) {
            statistics_.kernel_drops.add(socket.drops_since(read_data<std::uint32_t>(*header)));
        }
    }
    return found;
}

void UdpReceiver::split(std::size_t slot, std::size_t length, UdpSocket& socket) noexcept {
    msghdr& message = messages_[slot].msg_hdr;
    const Ancillary ancillary = read_ancillary(message, socket);
    if ((message.msg_flags & MSG_TRUNC) != 0) {
        statistics_.receive_errors.add();
        return;
    }
    const Endpoint source = to_endpoint(sources_[slot]);
    const MutableBytes buffer{memory_.get() + slot * kStride, length};
    // An empty datagram is a datagram: hence at least one piece.
    const std::size_t piece = ancillary.segment_size == 0 ? length : ancillary.segment_size;
    std::size_t offset = 0;
    std::size_t pieces = 0;
    do {
        const MutableBytes data = buffer.subspan(offset, std::min(piece, length - offset));
        datagrams_[datagram_count_++] = {data, source, ancillary.destination};
        offset += data.size();
    } while (++pieces < kMaxSegments && offset < length);
    if (offset < length) statistics_.receive_errors.add((length - offset + piece - 1) / piece);
}

void UdpReceiver::reset_message(std::size_t slot) noexcept {
    msghdr& message = messages_[slot].msg_hdr;
    message.msg_name = &sources_[slot];
    message.msg_namelen = sizeof sources_[slot];
    message.msg_iov = &iovecs_[slot];
    message.msg_iovlen = 1;
    message.msg_control = controls_[slot].bytes.data();
    message.msg_controllen = kControlBytes;
    message.msg_flags = 0;
}

}  // namespace turnbuckle::net
