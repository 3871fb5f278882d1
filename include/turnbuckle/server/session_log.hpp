// What a worker tells the log about sessions: one line when a session ends, one for each failed
// authentication with the client's address, one for each peer that was refused; the latter two are
// summarised under flood. One per worker, on its thread.
#pragma once

#include <optional>

#include "turnbuckle/base/log_limiter.hpp"
#include "turnbuckle/turn/effects.hpp"

namespace turnbuckle::server {

class SessionLog {
public:
    void started(const turn::SessionStarted& session);
    void ended(const turn::SessionEnded& session);
    void authentication_failed(const turn::AuthenticationFailed& failure, Time now);
    void peer_refused(const turn::PeerRefused& refusal, Time now);

    // Writes the summaries that are due.
    void summarise(Time now);
    // And those that are not, when the worker ends.
    void close(Time now);

private:
    LogLimiter failures_;
    LogLimiter refusals_;
};

}  // namespace turnbuckle::server
