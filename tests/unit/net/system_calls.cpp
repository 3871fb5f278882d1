#include "unit/net/system_calls.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace turnbuckle::net::test {

namespace {

SendScript* current = nullptr;

bool uses_gso(const msghdr& message) {
    msghdr copy = message;
    for (cmsghdr* header = CMSG_FIRSTHDR(&copy); header != nullptr;
         header = CMSG_NXTHDR(&copy, header))
        if (header->cmsg_level == IPPROTO_UDP && header->cmsg_type == UDP_SEGMENT) return true;
    return false;
}

}  // namespace

SendScript::SendScript(std::deque<SendStep> steps) : steps_(std::move(steps)) {
    current = this;
}

SendScript::~SendScript() {
    current = nullptr;
}

std::optional<SendStep> SendScript::next(bool batch, bool joined) {
    ++(batch ? batch_calls_ : single_calls_);
    if (steps_.empty() || (steps_.front().only_joined && !joined)) return std::nullopt;
    const SendStep step = steps_.front();
    steps_.pop_front();
    return step;
}

}  // namespace turnbuckle::net::test

using turnbuckle::net::test::current;
using turnbuckle::net::test::uses_gso;

extern "C" ssize_t sendmsg(int fd, const msghdr* message, int flags) {
    const auto step = current ? current->next(false, uses_gso(*message)) : std::nullopt;
    if (step && step->error) {
        errno = *step->error;
        return -1;
    }
    return ::syscall(SYS_sendmsg, fd, message, flags);
}

extern "C" int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
    const auto step = current ? current->next(true, uses_gso(messages->msg_hdr)) : std::nullopt;
    if (step && step->error) {
        errno = *step->error;
        return -1;
    }
    if (step && step->messages) count = std::min(count, *step->messages);
    return static_cast<int>(::syscall(SYS_sendmmsg, fd, messages, count, flags));
}
