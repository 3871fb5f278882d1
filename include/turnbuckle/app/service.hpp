// The process as its supervisor sees it: signals, systemd's notifications, privileges.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace turnbuckle::app {

// Blocks the signals that the server acts on, in this thread and in all that it starts later; a
// ServiceSignals then waits for them. SIGPIPE is ignored.
class ServiceSignals {
public:
    ServiceSignals();

    // The signal that came, or nothing after `timeout`.
    [[nodiscard]] std::optional<int> wait(std::chrono::milliseconds timeout);
};

// Tells systemd (Type=notify); does nothing without it. "READY=1", "STOPPING=1", "WATCHDOG=1" ...
void notify_supervisor(const std::string& state);
// How often systemd wants to hear WATCHDOG=1; nothing if it does not.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval();

// Gives up every capability of this thread and of those it starts later. The sockets are open; no
// later step needs one. Also forbids gaining any by executing a file.
void drop_capabilities();

// As many open files as the hard limit allows: each allocation is one.
void raise_file_limit();

}  // namespace turnbuckle::app
