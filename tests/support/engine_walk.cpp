#include "support/engine_walk.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "support/engine_rig.hpp"
#include "support/stun_client.hpp"
#include "support/words.hpp"

namespace turnbuckle::test {

namespace {

using Words = std::vector<std::string>;
using namespace std::chrono_literals;

// Mostly what belongs together, so that a walk gets somewhere.
const std::vector<Words>& messages() {
    static const std::vector<Words> kMessages{
        {"allocate"},
        {"allocate", "additional=ipv6"},
        {"allocate", "family=ipv6", "fingerprint"},
        {"allocate", "even_port=reserve", "lifetime=3600"},
        {"allocate", "even_port"},
        {"allocate", "token=last"},
        {"allocate", "same_id"},
        {"allocate", "unsigned"},
        {"allocate", "transport=99"},
        {"allocate", "password=wrong"},
        {"allocate", "username=nobody"},
        {"refresh"},
        {"refresh", "lifetime=3600"},
        {"refresh", "lifetime=0"},
        {"refresh", "lifetime=0", "family=ipv4"},
        {"refresh", "lifetime=0", "family=ipv6"},
        {"refresh", "username=bob", "password=hunter2"},
        {"refresh", "attr=0x7f01"},
        {"create_permission", "peer=198.51.100.1"},
        {"create_permission", "peer=198.51.100.2", "peer=2001:db8:1::1"},
        {"create_permission", "peer=203.0.113.1", "peer=198.51.100.3"},
        {"create_permission", "peer=10.0.0.1"},
        {"channel_bind", "channel=0x4000", "peer=198.51.100.1:5000"},
        {"channel_bind", "channel=0x4001", "peer=[2001:db8:1::1]:5000"},
        {"channel_bind", "channel=0x4001", "peer=198.51.100.1:5000"},
        {"channel_bind", "channel=0x4000", "peer=203.0.113.1:50000"},
        {"channel_bind", "channel=0x5000", "peer=198.51.100.1:5000"},
        {"send", "peer=198.51.100.1:5000", "data=x"},
        {"send", "peer=[2001:db8:1::1]:5000", "data=payload", "dont_fragment"},
        {"send", "peer=203.0.113.1:50001", "data=hairpin"},
        {"send", "peer=203.0.113.1:3478", "data=x"},
        {"channel_data", "channel=0x4000", "data=payload"},
        {"channel_data", "channel=0x4001", "data=x", "padding=3"},
        {"channel_data", "channel=0x4000", "data=x", "length=60000"},
        {"binding"},
        {"binding", "fingerprint"},
        {"binding_indication"},
        {"allocate_response"},
        {"method=0x0ff"},
    };
    return kMessages;
}

// RFC 6062, which takes a client over a stream.
const std::vector<Words>& tcp_messages() {
    static const std::vector<Words> kMessages{
        {"allocate", "transport=6"},
        {"allocate", "transport=6"},
        {"allocate", "transport=6", "additional=ipv6"},
        {"create_permission", "peer=198.51.100.1"},
        {"create_permission", "peer=198.51.100.1", "peer=2001:db8:1::1"},
        {"create_permission", "peer=203.0.113.1"},
        {"connect", "peer=198.51.100.1:5000"},
        {"connect", "peer=198.51.100.1:5001"},
        {"connect", "peer=[2001:db8:1::1]:5000"},
        {"connect", "peer=203.0.113.1:50001"},
        {"connect", "peer=10.0.0.1:5000"},
        {"connect"},
        {"channel_bind", "channel=0x4000", "peer=198.51.100.1:5000"},
        {"send", "peer=198.51.100.1:5000", "data=x"},
        {"connection_bind"},
        {"connection_bind", "connection=0x01000001"},
        {"refresh"},
        {"refresh", "lifetime=0", "family=ipv4"},
    };
    return kMessages;
}

constexpr std::array<Duration, 16> kSpans{1ms, 1ms, 1ms, 250ms, 250ms, 1s,   1s,   1s,
                                          5s,  20s, 20s, 60s,   60s,   300s, 601s, 3600s};
constexpr std::array kPeers{"198.51.100.1:5000",    "198.51.100.1:5001", "198.51.100.2:5000",
                            "[2001:db8:1::1]:5000", "203.0.113.1:50001", "203.0.113.1:3478"};

constexpr std::size_t kTcpClient = 4;

class Walker {
public:
    explicit Walker(ByteView decisions) : rest_(decisions), rig_(options()) {
        add_client("192.0.2.1:4000", turn::Transport::Udp, "alice", "secret");
        add_client("192.0.2.2:4000", turn::Transport::Udp, "alice", "secret");
        add_client("192.0.2.1:4000", turn::Transport::Tcp, "bob", "hunter2");
        add_client("[2001:db8:1::7]:4000", turn::Transport::Dtls, "alice", "secret");
        // One that relays TCP, and two that its data comes over.
        add_client("192.0.2.3:4000", turn::Transport::Tls, "bob", "hunter2");
        add_client("192.0.2.3:4001", turn::Transport::Tcp, "bob", "hunter2");
        add_client("192.0.2.3:4002", turn::Transport::Tls, "bob", "hunter2");
    }

    WalkSummary run() {
        while (!rest_.empty()) {
            step();
            listen();
        }
        rig_.finish();
        WalkSummary summary;
        const auto& statistics = rig_.statistics();
        for (const Counter& each : statistics.allocations_created)
            summary.created += each.value();
        for (const auto& transport : statistics.relayed)
            for (const auto& each : transport)
                summary.relayed += each.packets.value();
        for (const auto& method : statistics.responses)
            for (const Counter& each : method)
                summary.answers += each.value();
        summary.bound = bound_;
        return summary;
    }

private:
    static EngineRig::Options options() {
        EngineRig::Options options{
            .config = EngineRig::default_config(), .quota = {4, 6}, .workers = 2};
        options.config.max_connections = 4;
        options.config.max_permissions = 3;
        options.config.max_channels = 2;
        options.config.answers = {100, 200};
        return options;
    }

    void add_client(const char* address, turn::Transport transport, const char* user,
                    const char* password) {
        turn::ClientPath path;
        path.link = turn::LinkId{static_cast<std::uint32_t>(clients_.size())};
        path.tuple.client = *Endpoint::parse(address);
        path.tuple.server = FakeHost::listener(path.tuple.client.ip.family());
        path.tuple.transport = transport;
        clients_.emplace_back(path, static_cast<std::uint8_t>(clients_.size() + 1))
            .use_credential(user, password);
    }

    std::uint8_t decide() {
        if (rest_.empty()) return 0;
        const std::uint8_t byte = rest_.front();
        rest_ = rest_.subspan(1);
        return byte;
    }
    bool coin() { return decide() % 2 == 0; }
    template <class List>
    auto& pick(List& list) {
        return list[decide() % list.size()];
    }

    void step() {
        const unsigned what = decide() % 64;
        if (what < 21) return send();
        if (what < 30) return send_tcp();
        if (what < 32) return settle();
        if (what < 36) return bind();
        if (what < 43) return from_peer();
        if (what < 50) return from_tcp_peer();
        if (what < 53) return repeat();
        if (what < 56) return pass_time();
        if (what < 57) return send_garbage();
        if (what < 58) return steer_store();
        if (what < 60) return steer_relays();
        if (what < 62) return steer_peers();
        if (what < 63) return rig_.disconnect(pick(clients_).path());
        disturb();
    }

    // Whatever waits is answered, and at once from now on.
    void settle() {
        rig_.set_store_down(false);
        rig_.set_store(EngineRig::Promptness::AtOnce);
        rig_.set_relays(EngineRig::Promptness::AtOnce);
        rig_.set_peers(EngineRig::Promptness::AtOnce);
        rig_.answer_lookups();
        rig_.answer_openings();
        rig_.answer_connects();
    }

    StunClient& client(std::size_t index) { return clients_.at(index); }

    void send_tcp() {
        StunClient& who = decide() % 8 != 0 ? client(kTcpClient) : pick(clients_);
        rig_.datagram(who.path(), who.compose(pick(tcp_messages())));
    }

    // Its newest connection, over whichever link.
    void bind() {
        StunClient& who =
            decide() % 8 != 0 ? client(kTcpClient + 1 + decide() % 2u) : pick(clients_);
        const auto id = std::to_string(client(kTcpClient).connection());
        rig_.datagram(who.path(), who.compose(Words{"connection_bind", "connection=" + id}));
    }

    void from_tcp_peer() {
        const auto relays = rig_.host().open_relays();
        if (relays.empty()) return;
        const Endpoint relayed = *rig_.host().endpoint_of(pick(relays));
        const auto open = rig_.peers().all();
        const auto some_peer = [&] {
            return open.empty() ? *Endpoint::parse(pick(kPeers)) : rig_.peers().at(pick(open)).peer;
        };
        switch (decide() % 8) {
            case 0:
                return rig_.peer_closes(some_peer());
            case 1:
            case 2:
                return rig_.peer_streams(some_peer(), decide());
            default: {
                const Endpoint peer = *Endpoint::parse(pick(kPeers));
                if (peer.ip.family() == relayed.ip.family()) rig_.accept_peer(peer, relayed);
            }
        }
    }

    void steer_peers() {
        switch (decide() % 5) {
            case 0:
                return rig_.set_peers(EngineRig::Promptness::WhenTold);
            case 1:
                rig_.set_peers(EngineRig::Promptness::AtOnce);
                return rig_.answer_connects();
            case 2:
                return rig_.answer_connects(static_cast<turn::PeerConnectError>(decide() % 3));
            case 3:
                return rig_.answer_connects();
            default:
                return rig_.answer_unknown_connect();
        }
    }

    void repeat() {
        StunClient& client = pick(clients_);
        rig_.datagram(client.path(), std::vector(client.last_sent()));
    }

    void pass_time() {
        // What ends everything is rare, or the walk never gets far.
        Duration span = pick(kSpans);
        if (span > 60s && decide() % 4 != 0) span = 1s;
        rig_.advance(span, decide() % 4 != 0);
    }

    void send() {
        StunClient& client = pick(clients_);
        auto bytes = client.compose(pick(messages()));
        // A few are damaged: a byte, the end, or something behind it.
        switch (decide() % 16) {
            case 0:
                if (!bytes.empty()) pick(bytes) ^= static_cast<std::uint8_t>(1u << decide() % 8);
                break;
            case 1:
                bytes.resize(bytes.size() - decide() % (bytes.size() + 1));
                break;
            case 2:
                bytes.insert(bytes.end(), decide(), decide());
                break;
            default:
                break;
        }
        rig_.datagram(client.path(), bytes);
    }

    void send_garbage() {
        const std::size_t wanted = decide();
        const std::size_t length = std::min(wanted, rest_.size());
        const ByteView garbage = rest_.first(length);
        rest_ = rest_.subspan(length);
        rig_.datagram(pick(clients_).path(), garbage);
    }

    void from_peer() {
        const auto relays = rig_.host().open_relays();
        if (relays.empty()) return;
        const Endpoint relayed = *rig_.host().endpoint_of(pick(relays));
        const Endpoint peer = *Endpoint::parse(pick(kPeers));
        // A socket hears its own family only.
        if (peer.ip.family() != relayed.ip.family()) return;
        const std::vector<std::uint8_t> payload(coin() ? decide() : 65507 - decide(), 'p');
        rig_.peer_datagram(peer, relayed, payload);
    }

    void steer_store() {
        switch (decide() % 4) {
            case 0:
                return rig_.set_store(EngineRig::Promptness::WhenTold);
            case 1:
                rig_.set_store(EngineRig::Promptness::AtOnce);
                return rig_.answer_lookups();
            case 2:
                return rig_.set_store_down(decide() % 4 == 0);
            default:
                return coin() ? rig_.answer_lookups() : rig_.answer_unknown_lookup();
        }
    }

    void steer_relays() {
        const auto family = coin() ? AddressFamily::IPv4 : AddressFamily::IPv6;
        switch (decide() % 5) {
            case 0:
                return rig_.set_relays(EngineRig::Promptness::WhenTold);
            case 1:
                rig_.set_relays(EngineRig::Promptness::AtOnce);
                return rig_.answer_openings();
            case 2:
                return rig_.host().set_supply(family, static_cast<FakeHost::Supply>(decide() % 3));
            case 3:
                return rig_.host().set_supply(family, FakeHost::Supply::Ready);
            default:
                return coin() ? rig_.answer_openings() : rig_.answer_unknown_opening();
        }
    }

    void disturb() {
        switch (decide() % 16) {
            case 0: {
                auto config = rig_.config();
                config.max_permissions = decide() % 4;
                config.max_channels = decide() % 3;
                if (coin())
                    config.peers = turn::PeerPolicy({*Cidr::parse("198.51.100.0/24")},
                                                    {*Cidr::parse("198.51.100.2")});
                return rig_.reconfigure(std::move(config));
            }
            case 1:
                return rig_.quota().set_limits({decide() % 4u, decide() % 6u});
            case 2:
                return rig_.engine().set_draining(true);
            case 3:
                return rig_.end_all(turn::EndReason::Revoked);
            case 4:
                return rig_.host().forget_reservations();
            case 5: {
                const auto relays = rig_.host().open_relays();
                if (!relays.empty()) rig_.break_relay(pick(relays));
                return;
            }
            default:
                // All is well again, so that the walk gets on.
                rig_.engine().set_draining(false);
                rig_.quota().set_limits(options().quota);
                return rig_.reconfigure(options().config);
        }
    }

    // Clients learn from what they get, and it must be well-formed.
    void listen() {
        for (const Event& event : rig_.take_events()) {
            if (event.kind == Event::Kind::Bind) ++bound_;
            if (event.kind != Event::Kind::Answer && event.kind != Event::Kind::Data &&
                event.kind != Event::Kind::Attempt)
                continue;
            StunClient& client = clients_.at(static_cast<std::size_t>(event.client.link));
            if (client.path().tuple.client != event.client.tuple.client)
                throw BrokenInvariant("sent to the wrong address");
            const auto words = client.read(event.bytes);
            for (const std::string& word : words)
                if (word == "malformed" || word == "bad_fingerprint")
                    throw BrokenInvariant("a client is sent what it cannot read");
        }
    }

    ByteView rest_;
    EngineRig rig_;
    std::vector<StunClient> clients_;
    std::uint64_t bound_ = 0;
};

}  // namespace

WalkSummary walk(ByteView decisions) {
    return Walker(decisions).run();
}

}  // namespace turnbuckle::test
