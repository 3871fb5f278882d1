#include "turnbuckle/net/poller.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <limits>
#include <system_error>

namespace turnbuckle::net {

namespace {

int to_milliseconds(std::optional<Duration> timeout) noexcept {
    if (!timeout) return -1;
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(*timeout).count();
    using Count = decltype(ms);
    return static_cast<int>(
        std::clamp<Count>(ms, Count{0}, Count{std::numeric_limits<int>::max()}));
}

std::uint32_t events_of(Interest interest) noexcept {
    return (interest.read ? std::uint32_t{EPOLLIN} : 0) |
           (interest.write ? std::uint32_t{EPOLLOUT} : 0) |
           (interest.hang_up ? std::uint32_t{EPOLLRDHUP} : 0);
}

}  // namespace

Poller::Poller()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!epoll_.valid() || !event_.valid())
        throw std::system_error(errno, std::generic_category(), "epoll or eventfd");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kWakeToken;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, event_.get(), &event) != 0)
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void Poller::add(int fd, std::uint64_t token, Interest interest) {
    assert(token != kWakeToken);
    epoll_event event{};
    event.events = events_of(interest);
    event.data.u64 = token;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void Poller::change(int fd, std::uint64_t token, Interest interest) noexcept {
    epoll_event event{};
    event.events = events_of(interest);
    event.data.u64 = token;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Poller::remove(int fd) noexcept {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

std::span<const Poller::Ready> Poller::wait(std::optional<Duration> timeout) noexcept {
    woken_ = false;
    const int n = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                               to_milliseconds(timeout));
    std::size_t ready = 0;
    for (int i = 0; i < n; ++i) {
        const epoll_event& event = events_[static_cast<std::size_t>(i)];
        if (event.data.u64 == kWakeToken) {
            std::uint64_t wakes = 0;
            woken_ = ::read(event_.get(), &wakes, sizeof wakes) == sizeof wakes;
            continue;
        }
        ready_[ready++] = {event.data.u64, (event.events & EPOLLIN) != 0,
                           (event.events & EPOLLOUT) != 0, (event.events & EPOLLRDHUP) != 0,
                           (event.events & (EPOLLERR | EPOLLHUP)) != 0};
    }
    return {ready_.data(), ready};
}

void Poller::wake() noexcept {
    const std::uint64_t one = 1;
    // It fails only when the counter is full, and then a wake is pending anyway.
    [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
}

}  // namespace turnbuckle::net
