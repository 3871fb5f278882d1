#include "support/fake_peers.hpp"

#include <algorithm>
#include <stdexcept>

namespace turnbuckle::test {

turn::ConnectPeer FakePeers::cancel(turn::Ticket ticket) {
    if (answered_last_ && answered_last_->ticket == ticket) return *answered_last_;
    const auto at = std::ranges::find(connecting_, ticket, &turn::ConnectPeer::ticket);
    if (at == connecting_.end()) throw std::logic_error("a Connect is cancelled that is not");
    const auto cancelled = *at;
    connecting_.erase(at);
    return cancelled;
}

std::optional<turn::ConnectPeer> FakePeers::next_connect() {
    answered_last_.reset();
    if (connecting_.empty()) return std::nullopt;
    answered_last_ = connecting_.front();
    connecting_.erase(connecting_.begin());
    return answered_last_;
}

turn::PeerConnection FakePeers::open(const Endpoint& relayed, const Endpoint& peer) {
    auto free = std::ranges::find_if(connections_, [](const auto& each) { return !each; });
    if (free == connections_.end()) free = connections_.insert(free, std::nullopt);
    *free = Connection{relayed, peer, std::nullopt};
    return turn::PeerConnection{static_cast<std::uint32_t>(free - connections_.begin())};
}

FakePeers::Connection& FakePeers::open_one(turn::PeerConnection connection, const char* complaint) {
    const auto index = static_cast<std::size_t>(connection);
    if (index >= connections_.size() || !connections_[index]) throw std::logic_error(complaint);
    return *connections_[index];
}

FakePeers::Connection FakePeers::close(turn::PeerConnection connection) {
    const Connection closed = open_one(connection, "a connection is closed that is not open");
    connections_[static_cast<std::size_t>(connection)].reset();
    return closed;
}

const FakePeers::Connection& FakePeers::bind(turn::PeerConnection connection, turn::LinkId link) {
    if (bound_to(link)) throw std::logic_error("a link is bound twice");
    Connection& bound = open_one(connection, "a connection is bound that is not open");
    if (bound.link) throw std::logic_error("a connection is bound twice");
    bound.link = link;
    return bound;
}

std::vector<turn::PeerConnection> FakePeers::all() const {
    std::vector<turn::PeerConnection> all;
    for (std::size_t i = 0; i < connections_.size(); ++i)
        if (connections_[i]) all.push_back(turn::PeerConnection{static_cast<std::uint32_t>(i)});
    return all;
}

const FakePeers::Connection& FakePeers::at(turn::PeerConnection connection) const {
    return connections_.at(static_cast<std::size_t>(connection)).value();
}

std::optional<turn::PeerConnection> FakePeers::bound_to(turn::LinkId link) const {
    for (const auto connection : all())
        if (at(connection).link == link) return connection;
    return std::nullopt;
}

std::optional<turn::PeerConnection> FakePeers::with(const Endpoint& peer) const {
    for (const auto connection : all())
        if (at(connection).peer == peer) return connection;
    return std::nullopt;
}

}  // namespace turnbuckle::test
