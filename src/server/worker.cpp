#include "turnbuckle/server/worker.hpp"

#include <algorithm>
#include <utility>

#include "turnbuckle/base/log.hpp"
#include "turnbuckle/server/link_kind.hpp"
#include "turnbuckle/server/watch.hpp"

namespace turnbuckle::server {

namespace {

// Reading stops short of using every receive slot, so that one busy socket leaves room for others.
constexpr std::size_t kSlotsPerRead = 32;

constexpr Duration kHousekeepingInterval = std::chrono::seconds(1);

turn::DropReason reason_of(net::SendError error) noexcept {
    switch (error) {
        case net::SendError::WouldBlock:
            return turn::DropReason::SendQueueFull;
        case net::SendError::Unreachable:
            return turn::DropReason::Unreachable;
        case net::SendError::MessageTooLong:
            return turn::DropReason::MessageTooLong;
        case net::SendError::Other:
            break;
    }
    return turn::DropReason::SendFailed;
}

}  // namespace

Worker::Worker(SharedState shared, std::uint8_t index, const Rules& rules,
               WorkerListeners listeners)
    : shared_(std::move(shared)),
      nonces_(shared_.nonces),
      engine_(rules.engine,
              turn::EngineDependencies{random_, nonces_, shared_.quota, shared_.relay_addresses,
                                       protocol_statistics_, index, shared_.workers},
              monotonic_now()),
      listeners_(std::move(listeners.udp)),
      receiver_(io_statistics_),
      sender_(io_statistics_,
              [this](net::SendError error, const net::SendItem&) {
                  protocol_statistics_.drop(reason_of(error));
              }),
      arena_(sender_),
      streams_(Streams::Parts{engine_, poller_, sender_, protocol_statistics_, io_statistics_,
                              shared_.connection_limits, *this},
               std::move(listeners.streams), rules.stream_queue),
      peers_(PeerConnections::Parts{engine_, poller_, relays_, shared_.relay_addresses, *this}),
      passages_(Passages::Parts{poller_, io_statistics_}),
      dtls_(DtlsLinks::Parts{engine_, sender_, arena_, listeners_, protocol_statistics_,
                             io_statistics_, shared_.association_limits, random_, *this},
            shared_.dtls_cookie_key, rules.engine->answers, monotonic_now()),
      proxied_(
          ProxiedFlows::Parts{engine_, listeners_, protocol_statistics_, io_statistics_, *this}),
      links_(ClientLinks::Parts{sender_, arena_, listeners_, streams_, dtls_, proxied_,
                                protocol_statistics_}),
      opener_(shared_.relay_addresses, shared_.reservations, random_, shared_.relay_socket_options),
      driver_(EffectDriver::Parts{engine_, poller_, sender_, relays_, opener_, log_,
                                  protocol_statistics_, links_, streams_, peers_, mailbox_},
              rules.credentials) {
    for (std::uint32_t i = 0; i < listeners_.size(); ++i)
        poller_.add(listeners_[i].socket.fd(), token_of(Watch::UdpListener, i));
    const auto smallest = [&](auto size_of) {
        std::int64_t result = 0;
        for (const auto& listener : listeners_)
            result = result == 0 ? size_of(listener.socket)
                                 : std::min<std::int64_t>(result, size_of(listener.socket));
        return result;
    };
    io_statistics_.receive_buffer_bytes.set(
        smallest([](const net::UdpSocket& s) { return s.receive_buffer(); }));
    io_statistics_.send_buffer_bytes.set(
        smallest([](const net::UdpSocket& s) { return s.send_buffer(); }));
    mailbox_->open(poller_);
}

Worker::~Worker() {
    stop();
}

void Worker::start() {
    thread_ = std::thread([this] { run(); });
}

void Worker::stop() {
    if (!thread_.joinable()) return;
    stopping_.store(true, std::memory_order_relaxed);
    poller_.wake();
    thread_.join();
    mailbox_->close();
}

void Worker::reconfigure(Rules rules) {
    mailbox_->post([this, rules = std::move(rules)]() mutable {
        dtls_.set_answer_limits(rules.engine->answers);
        engine_.reconfigure(std::move(rules.engine), effects_);
        driver_.perform(effects_, monotonic_now());
        driver_.use(std::move(rules.credentials));
        streams_.set_queue_limits(rules.stream_queue);
    });
}

void Worker::set_draining(bool draining) {
    mailbox_->post([this, draining] { engine_.set_draining(draining); });
}

void Worker::adopt(std::unique_ptr<Stream> stream) {
    mailbox_->post([this, stream = std::move(stream)]() mutable {
        streams_.adopt(std::move(stream), monotonic_now());
    });
}

void Worker::run() {
    Time now = monotonic_now();
    while (!stopping_.load(std::memory_order_relaxed)) {
        const Time deadline =
            std::min({next_housekeeping_, engine_.next_timeout().value_or(Time::max()),
                      dtls_.next_timeout().value_or(Time::max())});
        const auto ready = poller_.wait(std::max(deadline - now, Duration(0)));
        const Time woke = monotonic_now();
        now = woke;
        for (const auto& each : ready)
            serve(each, now);
        flush(now);
        if (poller_.woken()) mailbox_->drain();
        if (now >= deadline) keep_house(now);
        flush(now);
        heartbeat_.fetch_add(1, std::memory_order_relaxed);
        now = monotonic_now();
        io_statistics_.wakeups.add();
        io_statistics_.busy_nanoseconds.add(static_cast<std::uint64_t>((now - woke).count()));
    }
    engine_.end_all(turn::EndReason::Drained, now, effects_);
    driver_.perform(effects_, now);
    dtls_.close_all(now);
    streams_.close_all(now);
    flush(now);
    log_.close(now);
}

void Worker::serve(const net::Poller::Ready& ready, Time now) {
    if (receiver_.free_slots() < kSlotsPerRead) flush(now);
    const std::uint32_t index = index_of(ready.token);
    switch (watch_of(ready.token)) {
        case Watch::Relay:
            return serve_relay(turn::RelayHandle{index}, now);
        case Watch::UdpListener:
            return serve_listener(index, now);
        case Watch::StreamListener:
            return streams_.accept(index, now);
        case Watch::Stream:
            return streams_.serve(index, ready, now);
        case Watch::TcpRelay:
            return peers_.accept(turn::RelayHandle{index}, now);
        case Watch::PeerConnection:
            return peers_.serve(net::StreamPair::Side::Peer, turn::PeerConnection{index}, ready,
                                now);
        case Watch::DataConnection:
            return peers_.serve(net::StreamPair::Side::Client, turn::PeerConnection{index}, ready,
                                now);
        case Watch::Passage:
            return passages_.serve(net::StreamPair::Side::Client, index, ready);
        case Watch::PassageBackend:
            return passages_.serve(net::StreamPair::Side::Peer, index, ready);
    }
}

void Worker::serve_listener(std::uint32_t index, Time now) {
    net::UdpSocket& listener = listeners_[index].socket;
    turn::ClientPath from{.link = link_of(LinkKind::Udp, index), .tuple = {}};
    from.tuple.server.port = listener.local().port;
    for (const net::Datagram& datagram : receiver_.receive(listener, receiver_.free_slots())) {
        const DatagramRoute route{index, datagram.source, datagram.destination};
        if (proxied_.trusts(index, datagram.source.ip)) {
            if (const auto forwarded = proxied_.receive(index, datagram, now))
                serve_datagram(forwarded->from, route, forwarded->datagram, now);
            continue;
        }
        from.tuple.client = datagram.source;
        from.tuple.server.ip = datagram.destination;
        serve_datagram(from, route, datagram.data, now);
    }
}

void Worker::serve_datagram(const turn::ClientPath& from, const DatagramRoute& route,
                            ByteView datagram, Time now) {
    const UdpListener& listener = listeners_[route.listener];
    if (listener.tls && net::is_dtls(datagram))
        return dtls_.receive(route, from.tuple.client, from.tuple.server, datagram, now);
    if (listener.transport == turn::Transport::Dtls)
        return protocol_statistics_.drop(turn::DropReason::NotStun);
    on_client_packet(from, datagram, now);
}

// A datagram or a frame. Its bytes stay until the flush.
void Worker::on_client_packet(const turn::ClientPath& from, ByteView packet, Time now) {
    if (turn::Engine::is_data(packet)) {
        const auto decision = engine_.client_to_peer(from, packet, now);
        if (decision.action == turn::RelayAction::ToPeer) relay_to_peer(decision, packet);
        return;
    }
    engine_.on_datagram(from, packet, now, effects_);
    driver_.perform(effects_, now);
}

void Worker::relay_to_peer(const turn::RelayDecision& decision, ByteView packet) {
    RelaySocket* relay = relays_.find(decision.relay);
    if (relay == nullptr) return protocol_statistics_.drop(turn::DropReason::InternalError);
    net::SendItem item;
    item.socket = &relay->socket();
    item.destination = decision.own_endpoint ? shared_.relay_addresses.to_local(decision.endpoint)
                                             : decision.endpoint;
    item.dont_fragment = decision.dont_fragment;
    item.payload = packet.subspan(decision.payload_offset, decision.payload_length);
    sender_.queue(item);
}

void Worker::serve_relay(turn::RelayHandle handle, Time now) {
    // An event of this round may have closed it.
    RelaySocket* relay = relays_.find(handle);
    if (relay == nullptr) return;
    net::SendItem item;
    for (const net::Datagram& datagram : receiver_.receive(relay->socket(), kSlotsPerRead)) {
        const Endpoint peer = shared_.relay_addresses.to_advertised(datagram.source);
        const auto decision =
            engine_.peer_to_client(handle, peer, datagram.data.size(), now, item.header);
        if (decision.action == turn::RelayAction::ToClient)
            links_.relay(decision, item, datagram.data, now);
    }
}

void Worker::on_frame(const turn::ClientPath& from, ByteView frame, Time now) {
    on_client_packet(from, frame, now);
}

void Worker::on_stream_closed(const turn::ClientPath& from, Time now) {
    if (peers_.abandon(from.link, now)) return;
    disconnect(from, now);
}

void Worker::on_dtls_message(const turn::ClientPath& from, ByteView message, Time now) {
    on_client_packet(from, message, now);
}

void Worker::on_dtls_closed(const turn::ClientPath& from, Time now) {
    disconnect(from, now);
}

void Worker::on_flow_ended(const turn::ClientPath& from, Time now) {
    dtls_.end(from.tuple.client, from.tuple.server, now);
    disconnect(from, now);
}

void Worker::disconnect(const turn::ClientPath& from, Time now) {
    engine_.on_disconnect(from, now, effects_);
    driver_.perform(effects_, now);
}

void Worker::on_stream_departed(std::unique_ptr<Stream> stream, Time now) {
    switch (stream->departure->to) {
        case Stream::Departure::To::Worker: {
            const std::uint8_t worker = stream->departure->worker;
            io_statistics_.streams.handed_over.add();
            return shared_.hand_over(worker, std::move(stream));
        }
        case Stream::Departure::To::Peer:
            return peers_.bind(std::move(stream), now);
        case Stream::Departure::To::Web: {
            const WebBackend backend = *streams_.listeners()[stream->listener].web;
            return passages_.open(std::move(stream), backend, now);
        }
    }
}

void Worker::on_peer_connected(turn::Ticket ticket,
                               std::expected<turn::PeerConnection, turn::PeerConnectError> result,
                               Time now) {
    engine_.on_peer_connected(ticket, result, now, effects_);
    driver_.perform(effects_, now);
}

void Worker::on_peer_accepted(turn::RelayHandle relay, const Endpoint& peer,
                              turn::PeerConnection connection, Time now) {
    engine_.on_peer_accepted(relay, peer, connection, now, effects_);
    driver_.perform(effects_, now);
}

void Worker::on_peer_closed(turn::PeerConnection connection, Time now) {
    engine_.on_peer_closed(connection, now, effects_);
    driver_.perform(effects_, now);
}

void Worker::flush(Time now) {
    sender_.flush();
    receiver_.recycle();
    arena_.recycle();
    streams_.flush(now);
}

void Worker::keep_house(Time now) {
    engine_.on_timeout(now, effects_);
    driver_.perform(effects_, now);
    dtls_.on_timeout(now);
    if (now < next_housekeeping_) return;
    next_housekeeping_ = now + kHousekeepingInterval;
    shared_.reservations.expire(now);
    streams_.keep_house(now);
    peers_.keep_house(now);
    passages_.keep_house(now);
    dtls_.keep_house(now);
    proxied_.keep_house(now);
    log_.summarise(now);
}

}  // namespace turnbuckle::server
