#include "turnbuckle/server/dtls_links.hpp"

#include <algorithm>
#include <utility>

#include "turnbuckle/base/log.hpp"
#include "turnbuckle/server/link_kind.hpp"

namespace turnbuckle::server {

namespace {

using net::ConnectionEnd;
using net::ConnectionRefusal;
using net::DtlsState;

// Every so many house-keepings each association has been looked at once.
constexpr std::size_t kAuditRounds = 10;

// No flight of a handshake is cut into longer datagrams than this; what is longer is not worth
// keeping.
constexpr std::size_t kMaxPostponedSize = 2048;

constexpr std::uint64_t token_of(std::uint32_t index, std::uint32_t generation) noexcept {
    return std::uint64_t{generation} << 32 | index;
}

}  // namespace

DtlsLinks::DtlsLinks(Parts parts, Secret cookie_key, turn::AnswerLimits answers, Time now)
    : parts_(parts),
      output_(parts.sender, parts.arena, parts.listeners),
      cookies_(std::move(cookie_key)),
      answer_limits_(answers),
      acceptors_(parts.listeners.size()),
      wheel_(now) {}

DtlsLinks::~DtlsLinks() = default;

DtlsLinks::Link* DtlsLinks::find(std::uint32_t index) noexcept {
    return index < links_.size() ? links_[index].get() : nullptr;
}

DtlsLinks::Link* DtlsLinks::find(const turn::FiveTuple& tuple) noexcept {
    const auto found = by_client_.find(tuple);
    return found == by_client_.end() ? nullptr : links_[found->second].get();
}

void DtlsLinks::receive(const DatagramRoute& route, const Endpoint& client, const Endpoint& server,
                        ByteView datagram, Time now) {
    begin_round(now);
    const turn::FiveTuple tuple{client, server, turn::Transport::Dtls};
    Link* link = find(tuple);
    const auto hello = net::parse_dtls_hello(datagram);
    if (hello && !(link && link->session->began_with(*hello)))
        return greet(route, tuple, *hello, datagram, now);
    if (link == nullptr) return parts_.statistics.drop(turn::DropReason::NoAssociation);
    if (link->session->state() == DtlsState::Handshaking && !take_step())
        return postpone(route, tuple, datagram);
    link->route = route;
    serve(*link, datagram, now);
}

// RFC 6347 section 4.2.8: whoever begins anew from the address of an association is asked for a
// cookie first, and the association stands until it comes.
void DtlsLinks::greet(const DatagramRoute& route, const turn::FiveTuple& tuple,
                      const net::DtlsHello& hello, ByteView datagram, Time now) {
    if (cookies_.check(hello.cookie, tuple.client, tuple.server, hello.parameters, now)) {
        if (!take_step()) return postpone(route, tuple, datagram);
        return welcome(route, tuple, datagram, now);
    }
    if (!answers_) answers_.emplace(answer_limits_, parts_.random);
    if (!answers_->allow(tuple.client.ip, now))
        return parts_.statistics.drop(turn::DropReason::RateLimited);
    wire_.clear();
    static_cast<void>(
        acceptor_of(route.listener).receive(datagram, tuple.client, tuple.server, now, wire_));
    parts_.io_statistics.dtls.cookies_sent.add(wire_.sizes.size());
    transmit(route);
}

void DtlsLinks::welcome(const DatagramRoute& route, const turn::FiveTuple& tuple, ByteView datagram,
                        Time now) {
    auto place = find_place(tuple.client, now);
    if (!place) return parts_.statistics.drop(turn::DropReason::Overloaded);
    wire_.clear();
    auto session =
        acceptor_of(route.listener).receive(datagram, tuple.client, tuple.server, now, wire_);
    transmit(route);
    if (!session) return parts_.statistics.drop(turn::DropReason::Malformed);
    end(tuple.client, tuple.server, now);
    if (session->state() != DtlsState::Handshaking)
        return parts_.io_statistics.dtls.closed[ConnectionEnd::TlsFailed].add();

    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(links_.size()));
        links_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    auto link = std::make_unique<Link>();
    link->session = std::move(session);
    link->route = route;
    link->path = {link_of(LinkKind::Dtls, index), tuple};
    link->place = std::move(*place);
    link->generation = ++generation_;
    expect_proof(*link, now);
    schedule(*link);
    by_client_[tuple] = index;
    links_[index] = std::move(link);
    parts_.io_statistics.dtls.open.add(1);
}

void DtlsLinks::serve(Link& link, ByteView datagram, Time now) {
    const bool was_open = link.session->state() == DtlsState::Open;
    wire_.clear();
    plaintext_.clear();
    link.session->receive(datagram, now, plaintext_, wire_);
    transmit(link.route);
    if (!was_open && link.session->state() == DtlsState::Open) {
        parts_.io_statistics.dtls.handshakes.add();
        expect_proof(link, now);
    }
    schedule(link);
    deliver(link, now);
    look_for_proof(link);
    close_if_ended(index_of(link.path.link), now);
}

void DtlsLinks::deliver(Link& link, Time now) {
    const ByteView all = plaintext_.bytes;
    std::size_t at = 0;
    for (const std::size_t size : plaintext_.sizes) {
        const ByteView message = output_.keep(all.subspan(at, size));
        at += size;
        if (!message.empty()) parts_.owner.on_dtls_message(link.path, message, now);
    }
}

void DtlsLinks::send(std::uint32_t index, ByteView header, ByteView payload) {
    Link* link = find(index);
    if (link == nullptr) return parts_.statistics.drop(turn::DropReason::ClientGone);
    message_.assign(header.begin(), header.end());
    message_.insert(message_.end(), payload.begin(), payload.end());
    wire_.clear();
    switch (link->session->write(message_, wire_)) {
        case net::DtlsWriteResult::Written:
            return transmit(link->route);
        case net::DtlsWriteResult::TooLong:
            return parts_.statistics.drop(turn::DropReason::MessageTooLong);
        case net::DtlsWriteResult::NotOpen:
            return parts_.statistics.drop(turn::DropReason::ClientGone);
    }
}

void DtlsLinks::end(const Endpoint& client, const Endpoint& server, Time now) {
    const auto found = by_client_.find({client, server, turn::Transport::Dtls});
    if (found != by_client_.end()) close(found->second, ConnectionEnd::ClosedByClient, now);
}

void DtlsLinks::close_if_ended(std::uint32_t index, Time now) {
    switch (links_[index]->session->state()) {
        case DtlsState::Handshaking:
        case DtlsState::Open:
            return;
        case DtlsState::Closed:
            return close(index, ConnectionEnd::ClosedByClient, now);
        case DtlsState::Failed:
            return close(index, ConnectionEnd::TlsFailed, now);
    }
}

void DtlsLinks::close(std::uint32_t index, ConnectionEnd reason, Time now) {
    const std::unique_ptr<Link> link = std::exchange(links_[index], nullptr);
    free_.push_back(index);
    by_client_.erase(link->path.tuple);
    // A client that begins anew would take a close_notify of the old association for a forgery;
    // it is harmless, and for all others it is the end that RFC 5246 section 7.2.1 asks for.
    wire_.clear();
    link->session->close(wire_);
    transmit(link->route);
    parts_.io_statistics.dtls.open.add(-1);
    parts_.io_statistics.dtls.closed[reason].add();
    parts_.owner.on_dtls_closed(link->path, now);
}

net::DtlsAcceptor& DtlsLinks::acceptor_of(std::uint32_t listener) {
    Acceptor& kept = acceptors_[listener];
    auto context = parts_.listeners[listener].tls();
    if (kept.context != context) {
        kept.acceptor = std::make_unique<net::DtlsAcceptor>(context, cookies_);
        kept.context = std::move(context);
    }
    return *kept.acceptor;
}

// As with connections: when there are too many in all, the one that has gone longest without
// authenticating makes room for who has just come.
std::optional<ConnectionLimits::Ticket> DtlsLinks::find_place(const Endpoint& client, Time now) {
    auto place = parts_.limits.admit(client.ip);
    // Another worker may be quicker to take the place that this frees.
    while (!place && place.error() == ConnectionLimits::Refusal::Total && push_out_oldest(now))
        place = parts_.limits.admit(client.ip);
    if (place) return std::move(*place);
    const bool prefix = place.error() == ConnectionLimits::Refusal::Prefix;
    parts_.io_statistics.dtls
        .refused[prefix ? ConnectionRefusal::SourcePrefix : ConnectionRefusal::Total]
        .add();
    if (refusals_.admit(client.ip, now))
        log::warn("DTLS refused: too many that have not authenticated",
                  {{"client", client}, {"limit", prefix ? "prefix" : "total"}});
    return std::nullopt;
}

bool DtlsLinks::push_out_oldest(Time now) {
    while (!unproven_.empty()) {
        const Unproven oldest = unproven_.front();
        unproven_.pop_front();
        const Link* link = find(oldest.index);
        if (link == nullptr || link->proven || link->deadline != oldest.deadline) continue;
        close(oldest.index, ConnectionEnd::PushedOut, now);
        return true;
    }
    return false;
}

void DtlsLinks::expect_proof(Link& link, Time now) {
    link.proven = false;
    link.deadline = now + kUnprovenLifetime;
    unproven_.push_back({index_of(link.path.link), link.deadline});
}

void DtlsLinks::look_for_proof(Link& link) noexcept {
    if (link.proven || !parts_.engine.serves(link.path.tuple)) return;
    link.proven = true;
    link.place.release();
}

void DtlsLinks::keep_house(Time now) {
    while (!unproven_.empty() && unproven_.front().deadline <= now) {
        const Unproven overdue = unproven_.front();
        unproven_.pop_front();
        Link* link = find(overdue.index);
        if (link == nullptr || link->proven || link->deadline != overdue.deadline) continue;
        look_for_proof(*link);
        if (!link->proven) close(overdue.index, ConnectionEnd::Unauthenticated, now);
    }
    audit(now);
    if (const auto summary = refusals_.take_summary(now))
        log::warn("DTLS refused", {{"summary", summary->to_string()}});
}

// A client whose allocation has ended may make another one in time.
void DtlsLinks::audit(Time now) {
    const std::size_t count = links_.size() / kAuditRounds + 1;
    for (std::size_t i = 0; i < count && !links_.empty(); ++i) {
        audited_ = (audited_ + 1) % links_.size();
        Link* link = links_[audited_].get();
        if (link == nullptr || !link->proven || parts_.engine.serves(link->path.tuple)) continue;
        expect_proof(*link, now);
        auto place = find_place(link->path.tuple.client, now);
        // Making room for it may have closed it.
        link = links_[audited_].get();
        if (link == nullptr) continue;
        if (place) {
            link->place = std::move(*place);
        } else {
            close(static_cast<std::uint32_t>(audited_), ConnectionEnd::PushedOut, now);
        }
    }
}

void DtlsLinks::close_all(Time now) {
    for (std::uint32_t index = 0; index < links_.size(); ++index)
        if (links_[index]) close(index, ConnectionEnd::Stopped, now);
}

void DtlsLinks::set_answer_limits(turn::AnswerLimits limits) noexcept {
    answer_limits_ = limits;
    if (answers_) answers_->set_limits(limits);
}

void DtlsLinks::begin_round(Time now) noexcept {
    // The worker takes the time once for each round.
    if (now == round_) return;
    round_ = now;
    steps_left_ = kHandshakesPerRound;
}

bool DtlsLinks::take_step() noexcept {
    if (steps_left_ == 0) return false;
    --steps_left_;
    return true;
}

void DtlsLinks::postpone(const DatagramRoute& route, const turn::FiveTuple& tuple,
                         ByteView datagram) {
    // What is lost here the client sends again.
    if (postponed_.size() == kMaxPostponed || datagram.size() > kMaxPostponedSize)
        return parts_.statistics.drop(turn::DropReason::Overloaded);
    postponed_.push_back({route, tuple.client, tuple.server, {datagram.begin(), datagram.end()}});
}

void DtlsLinks::schedule(Link& link) {
    const auto deadline = link.session->deadline();
    if (!deadline || link.scheduled) return;
    link.scheduled = true;
    wheel_.schedule(*deadline, token_of(index_of(link.path.link), link.generation));
}

std::optional<Time> DtlsLinks::next_timeout() const noexcept {
    if (!postponed_.empty()) return round_;
    return wheel_.next();
}

void DtlsLinks::on_timeout(Time now) {
    begin_round(now);
    while (!postponed_.empty() && steps_left_ > 0) {
        const Postponed next = std::move(postponed_.front());
        postponed_.pop_front();
        receive(next.route, next.client, next.server, next.datagram, now);
    }
    fired_.clear();
    wheel_.advance(now, fired_);
    for (const TimerWheel::Token token : fired_) {
        Link* link = find(static_cast<std::uint32_t>(token));
        if (link == nullptr || link->generation != token >> 32) continue;
        link->scheduled = false;
        wire_.clear();
        link->session->on_timeout(now, wire_);
        transmit(link->route);
        schedule(*link);
        close_if_ended(index_of(link->path.link), now);
    }
}

void DtlsLinks::transmit(const DatagramRoute& route) {
    const ByteView all = wire_.bytes;
    std::size_t at = 0;
    for (const std::size_t size : wire_.sizes) {
        output_.send(route, all.subspan(at, size));
        at += size;
    }
}

}  // namespace turnbuckle::server
