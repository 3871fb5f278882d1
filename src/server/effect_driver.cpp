#include "turnbuckle/server/effect_driver.hpp"

#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include "turnbuckle/base/log.hpp"
#include "turnbuckle/server/link_kind.hpp"
#include "turnbuckle/server/watch.hpp"

namespace turnbuckle::server {

EffectDriver::EffectDriver(Parts parts, std::shared_ptr<auth::CredentialSource> credentials)
    : parts_(std::move(parts)), credentials_(std::move(credentials)) {}

void EffectDriver::perform(turn::Effects& effects, Time now) {
    for (;;) {
        for (turn::Effect& effect : effects.list())
            std::visit([&](auto& each) { perform_one(each, effects, now); }, effect);
        effects.clear();
        if (answers_.empty()) return;
        Answer answer = std::move(answers_.back());
        answers_.pop_back();
        std::visit([&](auto& each) { give(each, effects, now); }, answer);
    }
}

void EffectDriver::give(CredentialAnswer& answer, turn::Effects& effects, Time now) {
    parts_.engine.on_credential(answer.ticket, answer.result, now, wall_now(), effects);
}

void EffectDriver::give(RelayAnswer& answer, turn::Effects& effects, Time now) {
    parts_.engine.on_relay_opened(answer.ticket, std::move(answer.result), now, effects);
}

void EffectDriver::give(ConnectAnswer& answer, turn::Effects& effects, Time now) {
    parts_.engine.on_peer_connected(answer.ticket, std::unexpected(answer.error), now, effects);
}

void EffectDriver::perform_one(turn::SendToClient& send, turn::Effects& effects, Time now) {
    parts_.links.answer(send.path, effects.bytes(send), now);
    if (!send.received_at) return;
    parts_.statistics.request_seconds.observe(
        std::chrono::duration<double>(monotonic_now() - *send.received_at).count());
}

void EffectDriver::perform_one(turn::LookupCredential& lookup, turn::Effects&, Time) {
    // A store that answers before lookup() returns needs no detour. One that answers later may
    // outlive this driver, which is only touched where it is sure to be alive: on its own thread,
    // while the mailbox is open.
    auto done = [this, ticket = lookup.ticket, worker = std::this_thread::get_id(),
                 mailbox = parts_.mailbox](turn::CredentialResult result) mutable {
        if (std::this_thread::get_id() == worker && mailbox->is_open() && looking_up_ == ticket) {
            answers_.emplace_back(CredentialAnswer{ticket, std::move(result)});
            return;
        }
        mailbox->post([this, ticket, answer = std::move(result)]() mutable {
            turn::Effects effects;
            const Time now = monotonic_now();
            parts_.engine.on_credential(ticket, answer, now, wall_now(), effects);
            perform(effects, now);
        });
    };
    looking_up_ = lookup.ticket;
    credentials_->lookup(lookup.query, wall_now(), std::move(done));
    looking_up_ = {};
}

EffectDriver::AdoptedRelay EffectDriver::adopt(
    std::expected<std::unique_ptr<RelaySocket>, turn::RelayError>& opened) {
    if (!opened) return std::unexpected(opened.error());
    const int fd = (*opened)->socket().fd();
    const Endpoint relayed = (*opened)->relayed();
    return watch(parts_.relays.add(std::move(*opened)), fd, Watch::Relay, relayed);
}

EffectDriver::AdoptedRelay EffectDriver::adopt(
    std::expected<std::unique_ptr<TcpRelay>, turn::RelayError>& opened) {
    if (!opened) return std::unexpected(opened.error());
    const int fd = (*opened)->listener().fd();
    const Endpoint relayed = (*opened)->relayed();
    return watch(parts_.relays.add(std::move(*opened)), fd, Watch::TcpRelay, relayed);
}

EffectDriver::AdoptedRelay EffectDriver::watch(turn::RelayHandle handle, int fd, Watch kind,
                                               const Endpoint& relayed) {
    try {
        parts_.poller.add(fd, token_of(kind, static_cast<std::uint32_t>(handle)));
    } catch (const std::system_error& error) {  // the system's limit of watches
        log::error("relay socket cannot be watched", {{"error", error.what()}});
        parts_.relays.remove(handle);
        return std::unexpected(turn::RelayError::NoPorts);
    }
    return turn::OpenedRelay{handle, relayed};
}

void EffectDriver::perform_one(turn::OpenRelay& open, turn::Effects&, Time now) {
    if (open.protocol == turn::RelayProtocol::Tcp) {
        answer(open.ticket, parts_.opener.open_tcp(open, now));
    } else {
        answer(open.ticket, parts_.opener.open(open, now));
    }
}

template <class Relay>
void EffectDriver::answer(turn::Ticket ticket, Opened<Relay> opened) {
    turn::RelayResult result{.relay = adopt(opened.relay),
                             .additional = std::nullopt,
                             .reservation = opened.reservation};
    if (opened.additional) result.additional = adopt(*opened.additional);
    answers_.emplace_back(RelayAnswer{ticket, std::move(result)});
}

void EffectDriver::perform_one(turn::CloseRelay& close, turn::Effects&, Time) {
    if (RelaySocket* relay = parts_.relays.find(close.relay)) {
        // What is queued on this socket leaves before it closes.
        parts_.sender.flush();
        parts_.poller.remove(relay->socket().fd());
    } else if (TcpRelay* tcp = parts_.relays.find_tcp(close.relay)) {
        parts_.poller.remove(tcp->listener().fd());
    } else {
        return;
    }
    parts_.relays.remove(close.relay);
}

void EffectDriver::perform_one(turn::ConnectPeer& connect, turn::Effects&, Time) {
    if (const auto error = parts_.peers.connect(connect))
        answers_.emplace_back(ConnectAnswer{connect.ticket, *error});
}

void EffectDriver::perform_one(turn::CancelConnect& cancel, turn::Effects&, Time) {
    parts_.peers.cancel(cancel.ticket);
}

void EffectDriver::perform_one(turn::ClosePeer& close, turn::Effects&, Time) {
    parts_.peers.close(close.peer);
}

void EffectDriver::perform_one(turn::BindPeer& bind, turn::Effects&, Time) {
    parts_.peers.expect(bind);
    parts_.streams.bind(index_of(bind.link), bind.peer);
}

void EffectDriver::perform_one(turn::HandOver& hand_over, turn::Effects&, Time) {
    parts_.streams.hand_over(index_of(hand_over.link), hand_over.worker);
}

void EffectDriver::perform_one(turn::SessionStarted& session, turn::Effects&, Time) {
    parts_.log.started(session);
}

void EffectDriver::perform_one(turn::SessionEnded& session, turn::Effects&, Time) {
    parts_.log.ended(session);
}

void EffectDriver::perform_one(turn::AuthenticationFailed& failure, turn::Effects&, Time now) {
    parts_.log.authentication_failed(failure, now);
}

void EffectDriver::perform_one(turn::PeerRefused& refusal, turn::Effects&, Time now) {
    parts_.log.peer_refused(refusal, now);
}

}  // namespace turnbuckle::server
