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

bool uses_gso(const mmsghdr& message) {
    msghdr copy = message.msg_hdr;
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

int SendScript::allow(const mmsghdr* messages, unsigned count, bool batch) {
    ++(batch ? batch_calls_ : single_calls_);
    if (steps_.empty()) return static_cast<int>(count);
    const SendStep step = steps_.front();
    if (step.joined) {
        // As the kernel does: those before it leave, and the error is for the next call to tell.
        const auto failing = std::find_if(messages, messages + count, uses_gso) - messages;
        if (failing != 0) return static_cast<int>(failing);
    }
    steps_.pop_front();
    if (step.messages) return static_cast<int>(std::min(count, *step.messages));
    errno = *step.error;
    return -1;
}

}  // namespace turnbuckle::net::test

using turnbuckle::net::test::current;

extern "C" ssize_t sendmsg(int fd, const msghdr* message, int flags) {
    const mmsghdr only{*message, 0};
    if (current && current->allow(&only, 1, false) < 0) return -1;
    return ::syscall(SYS_sendmsg, fd, message, flags);
}

extern "C" int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
    const int allowed = current ? current->allow(messages, count, true) : static_cast<int>(count);
    if (allowed < 0) return -1;
    return static_cast<int>(::syscall(SYS_sendmmsg, fd, messages, allowed, flags));
}
