// Stands between the code under test and sendmsg(), sendmmsg(): what they were asked for is
// counted, and errors that no loopback produces are played back. The test program's own definitions
// of these functions take the place of the C library's.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

struct mmsghdr;

namespace turnbuckle::net::test {

// What happens to one call instead of its going through.
struct SendStep {
    std::optional<int> error = {};          // it fails with this errno,
    bool joined = false;                    // once it comes to a message that uses UDP_SEGMENT,
    std::optional<unsigned> messages = {};  // or sends no more than so many messages
};

inline SendStep fail(int error) {
    return {.error = error};
}
inline SendStep fail_joined(int error) {
    return {.error = error, .joined = true};
}
inline SendStep send_only(unsigned messages) {
    return {.messages = messages};
}

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

    // For the replaced functions: how many of these messages may go, or -1 with errno set.
    int allow(const mmsghdr* messages, unsigned count, bool batch);

private:
    std::deque<SendStep> steps_;
    std::size_t single_calls_ = 0;
    std::size_t batch_calls_ = 0;
};

}  // namespace turnbuckle::net::test
