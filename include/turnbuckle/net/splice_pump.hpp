// Moves bytes from one TCP socket to another inside the kernel: splice(2) through a pipe.
//
// One pump is one direction of a pair; both sockets are non-blocking and belong to the caller. The
// end of the source's stream is passed on behind its last byte (shutdown), so either side may close
// its half first. Back-pressure is the sockets' own: nothing is read while the sink takes nothing.
// A pump holds a pipe only while bytes are in it; an idle one holds nothing. If there are no
// descriptors for a pipe, bytes are copied through memory instead. One thread; the process must
// ignore SIGPIPE, which splice() cannot be told not to raise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/net/file_descriptor.hpp"

namespace turnbuckle::net {

struct Pipe {
    FileDescriptor out;  // reading end
    FileDescriptor in;
};

// Empty pipes, kept for the next pump that needs one. One per worker.
class PipePool {
public:
    // Each holds 256 KiB at most, and costs two descriptors.
    static constexpr int kPipeSize = 256 * 1024;
    static constexpr std::size_t kKept = 16;

    // Nothing if the process is out of descriptors.
    [[nodiscard]] std::optional<Pipe> take();
    // It must be empty; one that is not is simply closed instead.
    void give_back(Pipe pipe);

    [[nodiscard]] std::size_t kept() const noexcept { return pipes_.size(); }
    // How many take() gave out that have not come back.
    [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }
    void forget_one() noexcept { --in_use_; }

private:
    std::vector<Pipe> pipes_;
    std::size_t in_use_ = 0;
};

// What a direction waits for.
enum class Flow : std::uint8_t {
    Source,  // to become readable
    Sink,    // to become writable
    Ended,   // everything has been passed on, the end of the stream included
    Failed,  // one of the two sockets is broken
};

// Sends what it can of `bytes` from `begin` on, which moves along. Failed, Sink, or nothing: all of
// it has left, and the vector's memory is freed.
[[nodiscard]] std::optional<Flow> send_pending(int sink, std::vector<std::uint8_t>& bytes,
                                               std::size_t& begin) noexcept;

class SplicePump {
public:
    // What is moved at once, so that one pair leaves room for the others.
    static constexpr std::size_t kBudget = 256 * 1024;

    SplicePump() noexcept = default;
    SplicePump(const SplicePump&) = delete;
    SplicePump& operator=(const SplicePump&) = delete;

    // Goes in front of everything that has not left yet; before the first move() only.
    void put_first(ByteView bytes) { first_.insert(first_.end(), bytes.begin(), bytes.end()); }

    // Adds what has left for the sink to `moved`.
    [[nodiscard]] Flow move(int source, int sink, PipePool& pipes, std::size_t& moved);
    // Gives the pipe back with whatever is in it: the pair is being closed.
    void abandon(PipePool& pipes) noexcept;

    [[nodiscard]] bool holds_pipe() const noexcept { return pipe_.has_value(); }

private:
    [[nodiscard]] std::optional<Flow> drain(int sink, PipePool& pipes, std::size_t& moved);
    [[nodiscard]] std::optional<Flow> fill(int source, PipePool& pipes, bool& dry);
    [[nodiscard]] std::optional<Flow> fill_by_copying(int source, bool& dry);

    std::vector<std::uint8_t> first_;
    std::size_t first_begin_ = 0;
    std::optional<Pipe> pipe_;
    std::size_t in_pipe_ = 0;
    bool source_ended_ = false;
};

}  // namespace turnbuckle::net
