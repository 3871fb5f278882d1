// The host that an engine under test believes to run on: its addresses, its relay ports, and a
// relay opener that hands out predictable endpoints (port 50000 of the family and protocol, then
// the next).
//
// Own: 203.0.113.1 and 2001:db8:2::1, where listeners (3478) and relays live, 203.0.113.2 and
// 2001:db8:2::2 without either, and loopback. Everything else is foreign.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <vector>

#include "turnbuckle/turn/effects.hpp"
#include "turnbuckle/turn/own_addresses.hpp"

namespace turnbuckle::test {

class FakeHost final : public turn::OwnAddresses {
public:
    enum class Supply : std::uint8_t { Ready, Full, Lacking };

    FakeHost();

    [[nodiscard]] static IpAddress relay_address(AddressFamily family);
    [[nodiscard]] static Endpoint listener(AddressFamily family);

    // What opening a relay of this family comes to from now on.
    void set_supply(AddressFamily family, Supply supply) { supply_[index(family)] = supply; }

    [[nodiscard]] turn::RelayResult open(turn::OpenRelay& request);
    // Throws std::logic_error if it is not open: closing twice is a bug of the engine.
    void close(turn::RelayHandle handle);
    [[nodiscard]] const Endpoint* endpoint_of(turn::RelayHandle handle) const;
    [[nodiscard]] turn::RelayProtocol protocol_of(turn::RelayHandle handle) const;
    [[nodiscard]] std::optional<turn::RelayHandle> handle_of(
        const Endpoint& relayed, turn::RelayProtocol protocol = turn::RelayProtocol::Udp) const;
    [[nodiscard]] std::vector<turn::RelayHandle> open_relays() const;
    // Ends every reservation, as the driver does when their time is over.
    void forget_reservations() { reservations_.clear(); }

    [[nodiscard]] turn::Ownership of(const Endpoint& endpoint,
                                     turn::RelayProtocol protocol) const noexcept override;
    [[nodiscard]] bool is_relay_address(const IpAddress& ip) const noexcept override;
    [[nodiscard]] bool is_own(const IpAddress& ip) const noexcept override;

private:
    struct Reservation {
        Endpoint relayed;
        turn::QuotaTicket quota;
    };
    struct Relay {
        Endpoint relayed;
        turn::RelayProtocol protocol{};
        friend bool operator==(const Relay&, const Relay&) = default;
    };
    using Opened = std::expected<turn::OpenedRelay, turn::RelayError>;

    static std::size_t index(AddressFamily family) { return family == AddressFamily::IPv4 ? 0 : 1; }
    [[nodiscard]] Opened open_one(AddressFamily family, const turn::OpenRelay& request);
    [[nodiscard]] turn::OpenedRelay adopt(const Endpoint& relayed, turn::RelayProtocol protocol);

    std::array<Supply, 2> supply_{};
    // Of UDP and of TCP; the two know nothing of each other.
    std::array<std::array<std::uint16_t, 2>, 2> next_port_{{{50000, 50000}, {50000, 50000}}};
    // By handle; a closed one is free for the next, as in the driver's table.
    std::vector<std::optional<Relay>> relays_;
    std::map<turn::ReservationTokenBytes, Reservation> reservations_;
    std::uint8_t last_token_ = 0;
};

}  // namespace turnbuckle::test
