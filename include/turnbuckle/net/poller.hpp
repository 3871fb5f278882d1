// Waits for sockets to become readable or writable: a thin epoll, level-triggered, that any thread
// can wake.
//
// Level-triggered on purpose: whoever reads may stop early, and a relayed packet never costs a
// second read that only returns EAGAIN. One thread adds, removes and waits; only wake() may be
// called from elsewhere. It does not own the descriptors; remove one before closing it. Throws
// std::system_error where the process is out of descriptors or memory, never from wait().
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "turnbuckle/base/time.hpp"
#include "turnbuckle/net/file_descriptor.hpp"

namespace turnbuckle::net {

// What to wait for. Errors and a connection that is gone in both directions are always reported.
struct Interest {
    bool read = false;
    bool write = false;
    bool hang_up = false;  // the other side will send no more; also while nothing is read

    friend bool operator==(const Interest&, const Interest&) noexcept = default;
};
inline constexpr Interest kReadable{.read = true};

class Poller {
public:
    struct Ready {
        std::uint64_t token;
        bool readable;
        bool writable;
        bool hung_up;  // EPOLLRDHUP, if it was asked for
        bool error;    // EPOLLERR or EPOLLHUP: the next read tells which and clears it
    };

    static constexpr std::size_t kBatch = 256;  // what a wait returns at most
    // The only token that add() does not take.
    static constexpr std::uint64_t kWakeToken = ~std::uint64_t{0};

    Poller();

    void add(int fd, std::uint64_t token, Interest interest = kReadable);
    // Of a socket that was added; it is reported under this token from now on.
    void change(int fd, std::uint64_t token, Interest interest) noexcept;
    // An event of `fd` that the last wait returned may still be in its span: the caller looks the
    // token up again before using it.
    void remove(int fd) noexcept;

    // Without a timeout it waits for ever; zero or less does not wait. Rounds up to milliseconds,
    // so that a timer is never early. A signal ends it with an empty span. The span is valid until
    // the next call and does not contain the wake; woken() tells.
    [[nodiscard]] std::span<const Ready> wait(std::optional<Duration> timeout) noexcept;

    // Whether wake() was called since the wait before the last one.
    [[nodiscard]] bool woken() const noexcept { return woken_; }

    // Thread-safe and async-signal-safe; several before one wait count as one.
    void wake() noexcept;

private:
    FileDescriptor epoll_;
    FileDescriptor event_;
    bool woken_ = false;
    std::array<epoll_event, kBatch> events_;
    std::array<Ready, kBatch> ready_;
};

}  // namespace turnbuckle::net
