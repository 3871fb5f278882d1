#include "turnbuckle/server/worker.hpp"

#include <algorithm>
#include <utility>

#include "turnbuckle/base/log.hpp"

namespace turnbuckle::server {

namespace {

// Poller tokens: relay handles fit 32 bits, so a bit above them marks a listener.
constexpr std::uint64_t kListenerBit = std::uint64_t{1} << 32;

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

Worker::Worker(SharedState shared, const Rules& rules, std::vector<net::UdpSocket> listeners)
    : shared_(shared),
      nonces_(shared_.nonces),
      engine_(rules.engine,
              turn::EngineDependencies{random_, nonces_, shared_.quota, shared_.relay_addresses,
                                       protocol_statistics_},
              monotonic_now()),
      listeners_(std::move(listeners)),
      receiver_(io_statistics_),
      sender_(io_statistics_,
              [this](net::SendError error, const net::SendItem&) {
                  protocol_statistics_.drop(reason_of(error));
              }),
      opener_(shared_.relay_addresses, shared_.reservations, random_, shared_.relay_socket_options),
      driver_(EffectDriver::Parts{engine_, poller_, sender_, relays_, opener_, log_,
                                  protocol_statistics_, listeners_, mailbox_},
              rules.credentials) {
    for (std::size_t i = 0; i < listeners_.size(); ++i)
        poller_.add(listeners_[i].fd(), kListenerBit | i);
    const auto smallest = [&](auto size_of) {
        std::int64_t result = 0;
        for (const auto& listener : listeners_)
            result =
                result == 0 ? size_of(listener) : std::min<std::int64_t>(result, size_of(listener));
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
        engine_.reconfigure(std::move(rules.engine), effects_);
        driver_.perform(effects_, monotonic_now());
        driver_.use(std::move(rules.credentials));
    });
}

void Worker::set_draining(bool draining) {
    mailbox_->post([this, draining] { engine_.set_draining(draining); });
}

void Worker::run() {
    Time now = monotonic_now();
    while (!stopping_.load(std::memory_order_relaxed)) {
        const Time deadline =
            std::min(next_housekeeping_, engine_.next_timeout().value_or(Time::max()));
        const auto ready = poller_.wait(std::max(deadline - now, Duration(0)));
        const Time woke = monotonic_now();
        now = woke;
        for (const auto& each : ready)
            serve(each, now);
        flush();
        if (poller_.woken()) mailbox_->drain();
        if (now >= deadline) keep_house(now);
        flush();
        heartbeat_.fetch_add(1, std::memory_order_relaxed);
        now = monotonic_now();
        io_statistics_.wakeups.add();
        io_statistics_.busy_nanoseconds.add(static_cast<std::uint64_t>((now - woke).count()));
    }
    engine_.end_all(turn::EndReason::Drained, now, effects_);
    driver_.perform(effects_, now);
    flush();
    log_.close(now);
}

void Worker::serve(const net::Poller::Ready& ready, Time now) {
    if (receiver_.free_slots() < kSlotsPerRead) flush();
    if ((ready.token & kListenerBit) != 0) {
        serve_listener(static_cast<std::size_t>(ready.token & ~kListenerBit), now);
    } else {
        serve_relay(turn::RelayHandle{static_cast<std::uint32_t>(ready.token)}, now);
    }
}

void Worker::serve_listener(std::size_t index, Time now) {
    net::UdpSocket& listener = listeners_[index];
    turn::ClientPath from{.link = turn::LinkId{static_cast<std::uint32_t>(index)}, .tuple = {}};
    from.tuple.server.port = listener.local().port;
    for (const net::Datagram& datagram : receiver_.receive(listener, receiver_.free_slots())) {
        from.tuple.client = datagram.source;
        from.tuple.server.ip = datagram.destination;
        if (turn::Engine::is_data(datagram.data)) {
            const auto decision = engine_.client_to_peer(from, datagram.data, now);
            if (decision.action == turn::RelayAction::ToPeer)
                relay_to_peer(decision, datagram.data);
        } else {
            engine_.on_datagram(from, datagram.data, now, effects_);
            driver_.perform(effects_, now);
        }
    }
}

void Worker::relay_to_peer(const turn::RelayDecision& decision, ByteView datagram) {
    RelaySocket* relay = relays_.find(decision.relay);
    if (relay == nullptr) return protocol_statistics_.drop(turn::DropReason::InternalError);
    net::SendItem item;
    item.socket = &relay->socket();
    item.destination = decision.own_endpoint ? shared_.relay_addresses.to_local(decision.endpoint)
                                             : decision.endpoint;
    item.dont_fragment = decision.dont_fragment;
    item.payload = datagram.subspan(decision.payload_offset, decision.payload_length);
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
        if (decision.action != turn::RelayAction::ToClient) continue;
        item.socket = &listeners_[static_cast<std::size_t>(decision.link)];
        item.destination = decision.endpoint;
        item.source = decision.source;
        item.header_length = decision.header_length;
        item.padding = decision.padding;
        item.payload = datagram.data;
        sender_.queue(item);
    }
}

void Worker::flush() {
    sender_.flush();
    receiver_.recycle();
    driver_.answers_sent();
}

void Worker::keep_house(Time now) {
    engine_.on_timeout(now, effects_);
    driver_.perform(effects_, now);
    if (now < next_housekeeping_) return;
    next_housekeeping_ = now + kHousekeepingInterval;
    shared_.reservations.expire(now);
    log_.summarise(now);
}

}  // namespace turnbuckle::server
