// Stands between the code under test and sendmsg(), sendmmsg(): what they were asked for is
// counted, and errors that no loopback produces are played back. The test program's own definitions
// of these functions take the place of the C library's.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

namespace turnbuckle::net::test {

struct SendStep {
    std::optional<int> error;               // fail with this errno
    std::optional<unsigned> messages = {};  // or let only so many of a sendmmsg() through
    bool only_joined = false;               // wait for a call whose first message uses GSO
};

// In force from construction to destruction; one at a time, in one thread.
class SendScript {
public:
    explicit SendScript(std::deque<SendStep> steps = {});
    SendScript(const SendScript&) = delete;
    SendScript& operator=(const SendScript&) = delete;
    ~SendScript();

    [[nodiscard]] std::size_t single_calls() const { return single_calls_; }
    [[nodiscard]] std::size_t batch_calls() const { return batch_calls_; }
    [[nodiscard]] bool played_to_the_end() const { return steps_.empty(); }

    // For the replaced functions.
    std::optional<SendStep> next(bool batch, bool joined);

private:
    std::deque<SendStep> steps_;
    std::size_t single_calls_ = 0;
    std::size_t batch_calls_ = 0;
};

}  // namespace turnbuckle::net::test
