#include "turnbuckle/server/session_log.hpp"

#include <chrono>
#include <string>

#include "turnbuckle/base/log.hpp"

namespace turnbuckle::server {

namespace {

std::string relayed_text(const std::array<std::optional<Endpoint>, 2>& relayed) {
    std::string text;
    for (const auto& endpoint : relayed) {
        if (!endpoint) continue;
        if (!text.empty()) text += ' ';
        text += endpoint->to_string();
    }
    return text;
}

void write_summary(std::string_view message, const std::optional<LogLimiter::Summary>& summary) {
    if (summary) log::warn(message, {{"summary", summary->to_string()}});
}

constexpr std::string_view kFailure = "authentication failed";
constexpr std::string_view kRefusal = "peer refused";

}  // namespace

void SessionLog::started(const turn::SessionStarted& session) {
    if (!log::enabled(log::Level::Debug)) return;
    log::debug("session started", {{"user", session.user},
                                   {"client", session.client.client},
                                   {"transport", name_of(session.client.transport)},
                                   {"relayed", relayed_text(session.relayed)}});
}

void SessionLog::ended(const turn::SessionEnded& session) {
    if (!log::enabled(log::Level::Info)) return;
    const auto& up = session.relayed_data[turn::Direction::ClientToPeer];
    const auto& down = session.relayed_data[turn::Direction::PeerToClient];
    log::info("session ended",
              {{"user", session.user},
               {"client", session.client.client},
               {"server", session.client.server},
               {"transport", name_of(session.client.transport)},
               {"relayed", relayed_text(session.relayed)},
               {"reason", name_of(session.reason)},
               {"seconds", std::chrono::duration<double>(session.duration).count()},
               {"packets_to_peers", up.packets},
               {"bytes_to_peers", up.bytes},
               {"packets_to_client", down.packets},
               {"bytes_to_client", down.bytes}});
}

void SessionLog::authentication_failed(const turn::AuthenticationFailed& failure, Time now) {
    if (!failures_.admit(failure.client.client.ip, now)) return;
    log::warn(kFailure, {{"client", failure.client.client},
                         {"user", failure.username},
                         {"reason", name_of(failure.reason)}});
}

void SessionLog::peer_refused(const turn::PeerRefused& refusal, Time now) {
    if (!refusals_.admit(refusal.client.client.ip, now)) return;
    log::warn(kRefusal, {{"client", refusal.client.client},
                         {"user", refusal.user},
                         {"peer", refusal.peer},
                         {"why", refusal.why}});
}

void SessionLog::summarise(Time now) {
    write_summary(kFailure, failures_.take_summary(now));
    write_summary(kRefusal, refusals_.take_summary(now));
}

void SessionLog::close(Time now) {
    write_summary(kFailure, failures_.take_rest(now));
    write_summary(kRefusal, refusals_.take_rest(now));
}

}  // namespace turnbuckle::server
