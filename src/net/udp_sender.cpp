#include "turnbuckle/net/udp_sender.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

namespace turnbuckle::net {

namespace {

constexpr std::array<std::uint8_t, UdpSender::kMaxPadding> kZeros{};
const IpAddress kRouteDecides;

std::size_t length_of(const SendItem& item) noexcept {
    return item.header_length + item.payload.size() + item.padding;
}

// Only a wildcard socket has a choice; another one sends from where it is bound.
const IpAddress& source_of(const SendItem& item) noexcept {
    return item.socket->is_wildcard() ? item.source : kRouteDecides;
}

GsoCandidate candidate(const SendItem& item, bool may_join) noexcept {
    return {length_of(item), item.destination, source_of(item),
            may_join && item.socket->gso_enabled()};
}

// Appends one control message; returns where the next begins.
template <typename T>
std::uint8_t* put_control(std::uint8_t* at, int level, int type, const T& value) noexcept {
    cmsghdr header{};
    header.cmsg_level = level;
    header.cmsg_type = type;
    header.cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(at, &header, sizeof header);
    std::memcpy(at + CMSG_LEN(0), &value, sizeof value);
    return at + CMSG_SPACE(sizeof value);
}

std::uint8_t* put_source(std::uint8_t* at, const IpAddress& source) noexcept {
    if (source.is_v4()) {
        in_pktinfo info{};
        info.ipi_spec_dst = to_in_addr(source);
        return put_control(at, IPPROTO_IP, IP_PKTINFO, info);
    }
    in6_pktinfo info{};
    info.ipi6_addr = to_in6_addr(source);
    return put_control(at, IPPROTO_IPV6, IPV6_PKTINFO, info);
}

// DF belongs to the socket, not to a datagram, in Linux's IPv4. PROBE rather than DO: the client
// that asks for it looks for the path's MTU itself and wants its datagrams to leave.
void set_dont_fragment(const UdpSocket& socket, bool on) noexcept {
    const bool v4 = socket.local().ip.is_v4();
    const int value = v4 ? (on ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT)
                         : (on ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT);
    ::setsockopt(socket.fd(), v4 ? IPPROTO_IP : IPPROTO_IPV6,
                 v4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &value, sizeof value);
}

}  // namespace

SendPolicy send_policy(int error) noexcept {
    using enum SendPolicy::Action;
    switch (error) {
        case EAGAIN:  // the send buffer is full, for the next one too
            return {SendError::WouldBlock, LoseRun};
        case ENOBUFS:
        case ENOMEM:
            return {SendError::WouldBlock, LoseOne};
        case EINTR:
            return {SendError::WouldBlock, RetryOnce};
        case ECONNREFUSED:  // an ICMP error that an earlier datagram has met
            return {SendError::Unreachable, RetryOnce};
        case ENETUNREACH:
        case EHOSTUNREACH:
        case ENETDOWN:
        case EHOSTDOWN:
        case EADDRNOTAVAIL:  // no address of ours can reach it
        case EACCES:         // a broadcast address, or a prohibiting route
        case EPERM:          // a firewall rule on this machine
            return {SendError::Unreachable, LoseOne};
        case EMSGSIZE:  // larger than UDP can carry; joined: pieces larger than the path's MTU
            return {SendError::MessageTooLong, PlainOnce};
        case EINVAL:  // joined: a device that cannot; otherwise a source address that is not ours
            return {SendError::Other, PlainOnce};
        case EIO:  // joined: the device does not fill in checksums, and never will
            return {SendError::Other, DisableGso};
        default:
            return {SendError::Other, LoseOne};
    }
}

UdpSender::UdpSender(Statistics& statistics, LossHandler on_loss)
    : statistics_(statistics), on_loss_(std::move(on_loss)) {
    assert(on_loss_);
}

void UdpSender::queue(const SendItem& item) noexcept {
    assert(item.padding <= kMaxPadding && item.header_length <= item.header.size());
    if (count_ == kCapacity) flush();
    items_[count_++] = item;
}

void UdpSender::flush() noexcept {
    for (std::size_t first = 0; first < count_;) {
        std::size_t last = first + 1;
        while (last < count_ && items_[last].socket == items_[first].socket &&
               items_[last].dont_fragment == items_[first].dont_fragment)
            ++last;
        send_run(first, last);
        first = last;
    }
    count_ = 0;
}

void UdpSender::send_run(std::size_t first, std::size_t last) noexcept {
    const bool dont_fragment = items_[first].dont_fragment;
    UdpSocket& socket = *items_[first].socket;
    if (dont_fragment) set_dont_fragment(socket, true);
    std::size_t plain_until = first;
    while (first < last) {
        const std::size_t messages = build(first, last, plain_until);
        first = transmit(messages, last, plain_until);
    }
    if (dont_fragment) set_dont_fragment(socket, false);
}

std::size_t UdpSender::build(std::size_t first, std::size_t last,
                             std::size_t plain_until) noexcept {
    std::size_t messages = 0;
    std::size_t first_iovec = 0;
    GsoBatch batch;
    const auto finish = [&] {
        finish_message(messages++, first_iovec, batch);
        batch = {};
    };
    iovec_count_ = 0;
    for (std::size_t i = first; i < last; ++i) {
        const GsoCandidate next = candidate(items_[i], i >= plain_until);
        GsoDecision decision = decide_gso(batch, next);
        if (!decision.join) {
            finish();
            decision = decide_gso(batch, next);
        }
        if (batch.segments == 0) {
            built_[messages].first = i;
            first_iovec = iovec_count_;
        }
        append_gso(batch, next);
        add_iovecs(items_[i]);
        if (decision.flush_after) finish();
    }
    if (batch.segments > 0) finish();
    return messages;
}

void UdpSender::add_iovecs(SendItem& item) noexcept {
    // The kernel only reads, but iovec has no const.
    if (item.header_length > 0) iovecs_[iovec_count_++] = {item.header.data(), item.header_length};
    if (!item.payload.empty())
        iovecs_[iovec_count_++] = {const_cast<std::uint8_t*>(item.payload.data()),
                                   item.payload.size()};
    if (item.padding > 0)
        iovecs_[iovec_count_++] = {const_cast<std::uint8_t*>(kZeros.data()), item.padding};
}

void UdpSender::finish_message(std::size_t message, std::size_t first_iovec,
                               const GsoBatch& batch) noexcept {
    built_[message].count = batch.segments;
    built_[message].bytes = batch.bytes;
    msghdr& header = messages_[message].msg_hdr;
    header.msg_name = &destinations_[message];
    header.msg_namelen = to_socket_address(batch.destination, destinations_[message]);
    header.msg_iov = &iovecs_[first_iovec];
    header.msg_iovlen = iovec_count_ - first_iovec;

    std::uint8_t* const control = controls_[message].bytes.data();
    std::uint8_t* end = control;
    if (!batch.source.is_unspecified()) end = put_source(end, batch.source);
    if (batch.segments > 1)
        end = put_control(end, IPPROTO_UDP, UDP_SEGMENT,
                          static_cast<std::uint16_t>(batch.segment_size));
    header.msg_control = end == control ? nullptr : control;
    header.msg_controllen = static_cast<std::size_t>(end - control);
}

std::size_t UdpSender::transmit(std::size_t messages, std::size_t last,
                                std::size_t& plain_until) noexcept {
    bool retried = false;  // the message at `at`
    for (std::size_t at = 0; at < messages;) {
        if (const int sent = send_messages(at, messages); sent > 0) {
            for (const std::size_t end = at + static_cast<std::size_t>(sent); at < end; ++at) {
                statistics_.sent_datagrams.add(built_[at].count);
                statistics_.sent_bytes.add(built_[at].bytes);
            }
            retried = false;
            continue;
        }
        const auto [error, action] = send_policy(errno);
        const auto [first, count, bytes] = built_[at];
        const bool joined = count > 1;
        if (action == SendPolicy::Action::RetryOnce && !retried) {
            retried = true;
            continue;
        }
        if (action == SendPolicy::Action::DisableGso && joined) {
            items_[first].socket->disable_gso();
            statistics_.gso_disabled.add();
            return first;
        }
        if (action == SendPolicy::Action::PlainOnce && joined) {
            plain_until = first + count;
            return first;
        }
        if (action == SendPolicy::Action::LoseRun) {
            lose(first, last, error);
            return last;
        }
        lose(first, first + count, error);
        ++at;
        retried = false;
    }
    return last;
}

int UdpSender::send_messages(std::size_t from, std::size_t to) noexcept {
    const int fd = items_[built_[from].first].socket->fd();
    statistics_.send_calls.add();
    if (to - from == 1)
        return ::sendmsg(fd, &messages_[from].msg_hdr, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 1;
    return ::sendmmsg(fd, &messages_[from], static_cast<unsigned>(to - from),
                      MSG_DONTWAIT | MSG_NOSIGNAL);
}

void UdpSender::lose(std::size_t first, std::size_t last, SendError error) noexcept {
    for (std::size_t i = first; i < last; ++i)
        on_loss_(error, items_[i]);
}

}  // namespace turnbuckle::net
