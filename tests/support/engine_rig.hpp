// A turn::Engine with everything around it faked: virtual time, a scripted credential store, a fake
// host, repeatable randomness, and a driver that performs effects as the server's does.
//
// What happens comes out as Events. After every call the rig checks what must hold whatever the
// input (BrokenInvariant is thrown): sessions created - ended = live; no state for a sender that
// has not authenticated; each packet of the data path is relayed or dropped, once; each connection
// to a peer is closed once; and, when nothing is under way, each datagram of the control path was
// answered, dropped or handed over, once.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "turnbuckle/turn/engine.hpp"

#include "support/deterministic_random.hpp"
#include "support/fake_host.hpp"
#include "support/fake_peers.hpp"

namespace turnbuckle::test {

struct BrokenInvariant : std::logic_error {
    using std::logic_error::logic_error;
};

struct Event {
    enum class Kind : std::uint8_t {
        Answer,       // a STUN response to `client`
        Data,         // a Data indication or ChannelData to `client`, padding included
        ToPeer,       // `bytes` from the relay `from` to `to`; `text`: dont_fragment or nothing
        Drop,         // `text`: the reason
        Lookup,       // `text`: the username
        CloseRelay,   // `from`
        Started,      // `text`: who is charged
        Ended,        // `text`: who is charged, `reason`
        AuthFailed,   // `text`: the username, `reason`
        PeerRefused,  // `text`: the address
        Attempt,      // an indication for `client`, in `bytes`
        Connect,      // from the relay `from` to `to`; `text`: own or nothing
        Cancel,       // of a Connect to `to`
        ClosePeer,    // `from` the relay, `to` the peer
        Bind,         // of a connection to `to`, to `client.link`
        HandOver,     // of `client.link` to the worker `text`
    };
    Kind kind{};
    turn::ClientPath client;
    std::vector<std::uint8_t> bytes;
    Endpoint from;
    Endpoint to;
    std::string text;
    std::string_view reason;
};

class EngineRig {
public:
    enum class Promptness : std::uint8_t { AtOnce, WhenTold };

    struct Options {
        turn::EngineConfig config;
        turn::QuotaLimits quota;
        Duration nonce_lifetime = std::chrono::hours(1);
        std::uint64_t seed = 1;
        std::uint8_t worker = 0;
        std::uint8_t workers = 1;
    };

    struct User {
        std::string charged;
        std::vector<std::string> passwords;
        std::optional<WallTime> expires;
    };

    // A configuration under which 192.0.2.0/24, 198.51.100.0/24 and 2001:db8:1::/48 may be peers.
    [[nodiscard]] static turn::EngineConfig default_config();

    EngineRig();  // default_config(), and users alice (secret) and bob (hunter2)
    explicit EngineRig(Options options);

    // As a worker does: ChannelData and Send take the data path, the rest the control path; and
    // what comes over a data connection (RFC 6062) is passed on as it is.
    void datagram(const turn::ClientPath& from, ByteView bytes);
    // What arrives for a relay that is closed is lost, as in the kernel.
    void peer_datagram(const Endpoint& peer, const Endpoint& relayed, ByteView payload);
    // The client closes its connection, be it one for messages or for a peer's data.
    void disconnect(const turn::ClientPath& from);

    // What TCP peers do. Nothing where there is no such relay, or no such connection.
    void accept_peer(const Endpoint& peer, const Endpoint& relayed);
    void peer_streams(const Endpoint& peer, std::size_t bytes);
    void peer_closes(const Endpoint& peer);

    // `fire_timers` = false: the timer is late, so only comparisons with now can tell.
    void advance(Duration by, bool fire_timers = true);

    void set_store(Promptness promptness) { store_promptness_ = promptness; }
    void set_store_down(bool down) { store_down_ = down; }
    void set_relays(Promptness promptness) { relay_promptness_ = promptness; }
    void answer_lookups();
    void answer_openings();
    // Connects succeed, or come to this error.
    void set_peers(Promptness promptness) { peer_promptness_ = promptness; }
    void answer_connects(std::optional<turn::PeerConnectError> error = std::nullopt);
    // An answer to a request that is not (or no longer) waiting.
    void answer_unknown_opening();
    void answer_unknown_lookup();
    void answer_unknown_connect();

    void reconfigure(turn::EngineConfig config);
    void break_relay(turn::RelayHandle relay);
    void end_all(turn::EndReason reason);
    // Answers what is open, ends all sessions and checks that nothing is left of them.
    void finish();

    [[nodiscard]] std::vector<Event> take_events() { return std::exchange(events_, {}); }

    turn::Engine& engine() { return *engine_; }
    FakeHost& host() { return host_; }
    [[nodiscard]] const FakePeers& peers() const { return peers_; }
    turn::Quota& quota() { return quota_; }
    turn::Statistics& statistics() { return statistics_; }
    const turn::EngineConfig& config() const { return config_; }
    std::map<std::string, User, std::less<>>& users() { return users_; }
    [[nodiscard]] Time now() const { return now_; }
    [[nodiscard]] WallTime wall_now() const { return wall_start_ + since_start(); }

private:
    [[nodiscard]] std::chrono::seconds since_start() const {
        return std::chrono::duration_cast<std::chrono::seconds>(now_ - start_);
    }
    [[nodiscard]] turn::CredentialResult look_up(const turn::CredentialQuery& query) const;
    void control(const turn::ClientPath& from, ByteView bytes);
    void data(const turn::ClientPath& from, ByteView bytes);
    void perform();
    void perform_one(turn::SendToClient& send);
    void perform_one(turn::LookupCredential& lookup);
    void perform_one(turn::OpenRelay& open);
    void perform_one(turn::CloseRelay& close);
    void perform_one(turn::ConnectPeer& connect);
    void perform_one(turn::CancelConnect& cancel);
    void perform_one(turn::ClosePeer& close);
    void perform_one(turn::BindPeer& bind);
    void perform_one(turn::HandOver& hand_over);
    void perform_one(turn::SessionStarted& started);
    void perform_one(turn::SessionEnded& ended);
    void perform_one(turn::AuthenticationFailed& failed);
    void perform_one(turn::PeerRefused& refused);
    Event& note(Event::Kind kind);
    void streamed(turn::PeerConnection connection, turn::Direction direction, std::size_t bytes);
    void note_drops();
    void check() const;
    void check_settled() const;
    [[nodiscard]] bool waits() const {
        return !lookups_.empty() || !openings_.empty() || peers_.connecting() != 0;
    }
    [[nodiscard]] std::uint64_t total_drops() const;
    [[nodiscard]] std::uint64_t total_responses() const;
    [[nodiscard]] std::uint64_t total_relayed() const;

    Time start_{std::chrono::hours(1000)};
    Time now_ = start_;
    WallTime wall_start_{std::chrono::seconds(1'700'000'000)};
    turn::EngineConfig config_;
    DeterministicRandom random_;
    turn::NonceAuthority nonces_;
    turn::Quota quota_;
    FakeHost host_;
    FakePeers peers_;
    turn::Statistics statistics_;
    std::unique_ptr<turn::Engine> engine_;

    std::map<std::string, User, std::less<>> users_;
    Promptness store_promptness_ = Promptness::AtOnce;
    Promptness relay_promptness_ = Promptness::AtOnce;
    Promptness peer_promptness_ = Promptness::AtOnce;
    bool store_down_ = false;
    std::deque<turn::LookupCredential> lookups_;
    std::deque<turn::OpenRelay> openings_;

    turn::Effects effects_;
    std::vector<Event> events_;
    std::array<std::uint64_t, turn::kDropReasonCount> drops_seen_{};
    std::uint64_t answers_ = 0;
    std::uint64_t outcomes_due_ = 0;  // datagrams of the control path that must come to something
    std::uint64_t data_drops_ = 0;
    std::uint64_t handed_over_ = 0;
    std::optional<turn::LinkId> answered_last_;  // by the effect before
};

}  // namespace turnbuckle::test
