// The TCP side of a driver, for an engine under test: who connects to whom, which connections are
// open, and which of them are bound to a client's link (RFC 6062).
//
// Throws std::logic_error where an engine breaks the contract of effects.hpp: closing twice,
// binding what is bound, cancelling what nobody connects.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "turnbuckle/turn/effects.hpp"

namespace turnbuckle::test {

class FakePeers {
public:
    struct Connection {
        Endpoint relayed;
        Endpoint peer;
        std::optional<turn::LinkId> link;  // once it is bound
    };

    void connect(const turn::ConnectPeer& effect) { connecting_.push_back(effect); }
    // Gives back what it was about. An engine may also cancel what is being answered just now.
    turn::ConnectPeer cancel(turn::Ticket ticket);
    // The oldest Connect that is under way, or nothing; it is no longer under way then.
    [[nodiscard]] std::optional<turn::ConnectPeer> next_connect();
    [[nodiscard]] std::size_t connecting() const { return connecting_.size(); }

    // A closed one's number is given out again, as in a driver's table.
    turn::PeerConnection open(const Endpoint& relayed, const Endpoint& peer);
    Connection close(turn::PeerConnection connection);
    const Connection& bind(turn::PeerConnection connection, turn::LinkId link);

    [[nodiscard]] std::vector<turn::PeerConnection> all() const;
    [[nodiscard]] const Connection& at(turn::PeerConnection connection) const;
    [[nodiscard]] std::optional<turn::PeerConnection> bound_to(turn::LinkId link) const;
    [[nodiscard]] std::optional<turn::PeerConnection> with(const Endpoint& peer) const;

private:
    [[nodiscard]] Connection& open_one(turn::PeerConnection connection, const char* complaint);

    std::vector<turn::ConnectPeer> connecting_;
    std::optional<turn::ConnectPeer> answered_last_;
    std::vector<std::optional<Connection>> connections_;
};

}  // namespace turnbuckle::test
