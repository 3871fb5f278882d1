#include "turnbuckle/net/splice_pump.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace turnbuckle::net {

namespace {

constexpr std::size_t kCopySize = 16 * 1024;

// A source that had at least this much may have more: it is asked again at once. Less, and waiting
// for it to be readable costs no more than being told that it is not.
constexpr std::size_t kWorthAskingAgain = 64 * 1024;

std::optional<Flow> flow_of_error(int error, Flow would_block) noexcept {
    if (error == EINTR) return std::nullopt;
    return error == EAGAIN || error == EWOULDBLOCK ? would_block : Flow::Failed;
}

}  // namespace

std::optional<Pipe> PipePool::take() {
    if (!pipes_.empty()) {
        Pipe pipe = std::move(pipes_.back());
        pipes_.pop_back();
        ++in_use_;
        return pipe;
    }
    int ends[2];
    if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return std::nullopt;
    Pipe pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
    // Beyond the user's share of pipe memory it stays at 64 KiB, which works as well.
    ::fcntl(pipe.in.get(), F_SETPIPE_SZ, kPipeSize);
    ++in_use_;
    return pipe;
}

void PipePool::give_back(Pipe pipe) {
    --in_use_;
    if (pipes_.size() < kKept) pipes_.push_back(std::move(pipe));
}

std::optional<Flow> send_pending(int sink, std::vector<std::uint8_t>& bytes,
                                 std::size_t& begin) noexcept {
    while (begin < bytes.size()) {
        const ssize_t n =
            ::send(sink, bytes.data() + begin, bytes.size() - begin, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            begin += static_cast<std::size_t>(n);
        } else if (const auto flow = flow_of_error(errno, Flow::Sink)) {
            return flow;
        }
    }
    begin = 0;
    std::vector<std::uint8_t>().swap(bytes);
    return std::nullopt;
}

Flow SplicePump::move(int source, int sink, PipePool& pipes, std::size_t& moved) {
    const std::size_t before = moved;
    bool dry = false;
    for (;;) {
        if (const auto flow = drain(sink, pipes, moved)) return *flow;
        if (source_ended_) {
            ::shutdown(sink, SHUT_WR);
            return Flow::Ended;
        }
        if (dry || moved - before >= kBudget) return Flow::Source;
        if (const auto flow = fill(source, pipes, dry)) return *flow;
    }
}

std::optional<Flow> SplicePump::drain(int sink, PipePool& pipes, std::size_t& moved) {
    const std::size_t waiting = first_.size() - first_begin_;
    const auto flow = send_pending(sink, first_, first_begin_);
    moved += waiting - (first_.size() - first_begin_);
    if (flow) return flow;
    while (in_pipe_ > 0) {
        const ssize_t n = ::splice(pipe_->out.get(), nullptr, sink, nullptr, in_pipe_,
                                   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (n > 0) {
            in_pipe_ -= static_cast<std::size_t>(n);
            moved += static_cast<std::size_t>(n);
        } else if (n == 0) {
            return Flow::Failed;
        } else if (const auto blocked = flow_of_error(errno, Flow::Sink)) {
            return blocked;
        }
    }
    if (pipe_) pipes.give_back(*std::exchange(pipe_, std::nullopt));
    return std::nullopt;
}

std::optional<Flow> SplicePump::fill(int source, PipePool& pipes, bool& dry) {
    pipe_ = pipes.take();
    if (!pipe_) return fill_by_copying(source, dry);
    const ssize_t n = ::splice(source, nullptr, pipe_->in.get(), nullptr, PipePool::kPipeSize,
                               SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    const int error = errno;
    if (n <= 0) pipes.give_back(*std::exchange(pipe_, std::nullopt));
    if (n < 0) return flow_of_error(error, Flow::Source);
    in_pipe_ = static_cast<std::size_t>(n);
    source_ended_ = n == 0;
    dry = in_pipe_ < kWorthAskingAgain;
    return std::nullopt;
}

std::optional<Flow> SplicePump::fill_by_copying(int source, bool& dry) {
    first_.resize(kCopySize);
    const ssize_t n = ::recv(source, first_.data(), first_.size(), MSG_DONTWAIT);
    const int error = errno;
    first_.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    if (n < 0) return flow_of_error(error, Flow::Source);
    source_ended_ = n == 0;
    dry = first_.size() < kCopySize;
    return std::nullopt;
}

void SplicePump::abandon(PipePool& pipes) noexcept {
    if (!pipe_) return;
    pipe_.reset();
    in_pipe_ = 0;
    pipes.forget_one();
}

}  // namespace turnbuckle::net
