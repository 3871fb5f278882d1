// What EngineRig does in the place of a driver: it performs effects and notes them, and lets peers
// act on what was performed.
#include <string>
#include <utility>
#include <variant>

#include "turnbuckle/stun/attributes.hpp"
#include "turnbuckle/stun/message_view.hpp"

#include "support/engine_rig.hpp"

namespace turnbuckle::test {

namespace {

void require(bool holds, const char* what) {
    if (!holds) throw BrokenInvariant(what);
}

}  // namespace

void EngineRig::perform() {
    for (turn::Effect& effect : effects_.list()) {
        std::visit([this](auto& each) { perform_one(each); }, effect);
        if (!std::holds_alternative<turn::SendToClient>(effect)) answered_last_.reset();
    }
    answered_last_.reset();
    effects_.clear();
    note_drops();
    if (store_promptness_ == Promptness::AtOnce && !lookups_.empty()) answer_lookups();
    if (relay_promptness_ == Promptness::AtOnce && !openings_.empty()) answer_openings();
    if (peer_promptness_ == Promptness::AtOnce && peers_.connecting() != 0) answer_connects();
}

Event& EngineRig::note(Event::Kind kind) {
    Event& event = events_.emplace_back();
    event.kind = kind;
    return event;
}

void EngineRig::perform_one(turn::SendToClient& send) {
    const ByteView bytes = effects_.bytes(send);
    require(!bytes.empty() && bytes.size() <= turn::kMaxAnswerSize, "size of an answer");
    require(!peers_.bound_to(send.path.link), "a message on a data connection");
    const auto message = stun::MessageView::parse(bytes);
    const bool indication = message && message->message_class() == stun::MessageClass::Indication;
    require(indication != send.received_at.has_value(), "only an answer answers a request");
    Event& event = note(indication ? Event::Kind::Attempt : Event::Kind::Answer);
    event.client = send.path;
    event.bytes = {bytes.begin(), bytes.end()};
    if (!indication) ++answers_;
    answered_last_ = send.path.link;
}

void EngineRig::perform_one(turn::LookupCredential& lookup) {
    note(Event::Kind::Lookup).text = lookup.query.username;
    lookups_.push_back(std::move(lookup));
}

void EngineRig::perform_one(turn::OpenRelay& open) {
    openings_.push_back(std::move(open));
}

void EngineRig::perform_one(turn::CloseRelay& close) {
    const Endpoint* relayed = host_.endpoint_of(close.relay);
    require(relayed != nullptr, "a relay is closed that is not open");
    note(Event::Kind::CloseRelay).from = *relayed;
    host_.close(close.relay);
}

void EngineRig::perform_one(turn::ConnectPeer& connect) {
    const Endpoint* relayed = host_.endpoint_of(connect.relay);
    require(relayed != nullptr && host_.protocol_of(connect.relay) == turn::RelayProtocol::Tcp,
            "connecting from a relay that is none, or relays UDP");
    require(connect.own_endpoint ==
                (host_.of(connect.peer, turn::RelayProtocol::Tcp) == turn::Ownership::Relayed),
            "own_endpoint does not say whether it is a relayed transport address");
    peers_.connect(connect);
    Event& event = note(Event::Kind::Connect);
    event.from = *relayed;
    event.to = connect.peer;
    event.text = connect.own_endpoint ? "own" : "";
}

void EngineRig::perform_one(turn::CancelConnect& cancel) {
    note(Event::Kind::Cancel).to = peers_.cancel(cancel.ticket).peer;
}

void EngineRig::perform_one(turn::ClosePeer& close) {
    const auto closed = peers_.close(close.peer);
    Event& event = note(Event::Kind::ClosePeer);
    event.from = closed.relayed;
    event.to = closed.peer;
}

void EngineRig::perform_one(turn::BindPeer& bind) {
    require(answered_last_ == bind.link, "a connection is bound without an answer before it");
    Event& event = note(Event::Kind::Bind);
    event.to = peers_.bind(bind.peer, bind.link).peer;
    event.client.link = bind.link;
}

void EngineRig::perform_one(turn::HandOver& hand_over) {
    ++handed_over_;
    Event& event = note(Event::Kind::HandOver);
    event.client.link = hand_over.link;
    event.text = std::to_string(hand_over.worker);
}

void EngineRig::perform_one(turn::SessionStarted& started) {
    note(Event::Kind::Started).text = started.user;
}

void EngineRig::perform_one(turn::SessionEnded& ended) {
    Event& event = note(Event::Kind::Ended);
    event.text = ended.user;
    event.reason = turn::name_of(ended.reason);
}

void EngineRig::perform_one(turn::AuthenticationFailed& failed) {
    Event& event = note(Event::Kind::AuthFailed);
    event.text = failed.username;
    event.reason = turn::name_of(failed.reason);
}

void EngineRig::perform_one(turn::PeerRefused& refused) {
    note(Event::Kind::PeerRefused).text = refused.peer.to_string();
}

void EngineRig::disconnect(const turn::ClientPath& from) {
    if (const auto connection = peers_.bound_to(from.link)) {
        peers_.close(*connection);
        engine_->on_peer_closed(*connection, now_, effects_);
    } else {
        engine_->on_disconnect(from, now_, effects_);
    }
    perform();
    check();
}

void EngineRig::accept_peer(const Endpoint& peer, const Endpoint& relayed) {
    const auto handle = host_.handle_of(relayed, turn::RelayProtocol::Tcp);
    if (!handle) return;
    const auto dropped = total_drops();
    engine_->on_peer_accepted(*handle, peer, peers_.open(relayed, peer), now_, effects_);
    data_drops_ += total_drops() - dropped;
    perform();
    check();
}

void EngineRig::peer_closes(const Endpoint& peer) {
    const auto connection = peers_.with(peer);
    if (!connection) return;
    peers_.close(*connection);
    engine_->on_peer_closed(*connection, now_, effects_);
    perform();
    check();
}

void EngineRig::peer_streams(const Endpoint& peer, std::size_t bytes) {
    // What comes before the bind stays where it is.
    const auto connection = peers_.with(peer);
    if (!connection || !peers_.at(*connection).link) return;
    streamed(*connection, turn::Direction::PeerToClient, bytes);
    check();
}

void EngineRig::streamed(turn::PeerConnection connection, turn::Direction direction,
                         std::size_t bytes) {
    const auto relayed = total_relayed();
    engine_->on_peer_data(connection, direction, bytes);
    require(total_relayed() == relayed + 1, "a chunk of a stream is not counted once");
}

void EngineRig::answer_connects(std::optional<turn::PeerConnectError> error) {
    while (const auto connect = peers_.next_connect()) {
        if (error) {
            engine_->on_peer_connected(connect->ticket, std::unexpected(*error), now_, effects_);
        } else {
            const Endpoint relayed = *host_.endpoint_of(connect->relay);
            engine_->on_peer_connected(connect->ticket, peers_.open(relayed, connect->peer), now_,
                                       effects_);
        }
        perform();
    }
    check();
}

void EngineRig::answer_unknown_connect() {
    const Endpoint nowhere;
    engine_->on_peer_connected(turn::Ticket{UINT64_MAX}, peers_.open(nowhere, nowhere), now_,
                               effects_);
    perform();
    engine_->on_peer_connected(turn::Ticket{UINT64_MAX},
                               std::unexpected(turn::PeerConnectError::Failed), now_, effects_);
    perform();
    check();
}

}  // namespace turnbuckle::test
