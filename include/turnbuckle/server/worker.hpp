// A worker: one thread with its own sockets, engine, timers and counters. It shares nothing with
// the other workers but what control paths need (docs/architecture.md, Threads).
//
// Constructed, started and stopped by the Server's thread; everything between runs on its own.
// A packet that is relayed over UDP costs it a share of one epoll_wait, one recvmmsg and one
// sendmsg; over a stream, of one recv or send instead.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "turnbuckle/base/random.hpp"
#include "turnbuckle/net/poller.hpp"
#include "turnbuckle/net/statistics.hpp"
#include "turnbuckle/net/udp_receiver.hpp"
#include "turnbuckle/net/udp_sender.hpp"
#include "turnbuckle/server/client_links.hpp"
#include "turnbuckle/server/connection_limits.hpp"
#include "turnbuckle/server/dtls_links.hpp"
#include "turnbuckle/server/effect_driver.hpp"
#include "turnbuckle/server/mailbox.hpp"
#include "turnbuckle/server/passages.hpp"
#include "turnbuckle/server/peer_connections.hpp"
#include "turnbuckle/server/proxied_flows.hpp"
#include "turnbuckle/server/relay_addresses.hpp"
#include "turnbuckle/server/relay_opener.hpp"
#include "turnbuckle/server/relay_sockets.hpp"
#include "turnbuckle/server/send_arena.hpp"
#include "turnbuckle/server/session_log.hpp"
#include "turnbuckle/server/streams.hpp"
#include "turnbuckle/server/udp_listener.hpp"
#include "turnbuckle/turn/engine.hpp"

namespace turnbuckle::server {

// What all workers share; outlives them.
struct SharedState {
    RelayAddresses& relay_addresses;
    Reservations& reservations;
    turn::Quota& quota;
    // Apart, so that a flood of one kind leaves the other its places.
    ConnectionLimits& connection_limits;   // of TCP and TLS
    ConnectionLimits& association_limits;  // of DTLS
    const turn::NonceAuthority& nonces;    // each worker has a copy
    Secret dtls_cookie_key;
    net::UdpSocketOptions relay_socket_options;
    // Gives a stream to another worker; from any thread.
    std::function<void(std::uint8_t worker, std::unique_ptr<Stream> stream)> hand_over;
    std::uint16_t workers = 1;
};

// What a reload replaces.
struct Rules {
    std::shared_ptr<const turn::EngineConfig> engine;
    std::shared_ptr<auth::CredentialSource> credentials;
    FrameQueueLimits stream_queue;
};

// A worker's own socket of each listening endpoint.
struct WorkerListeners {
    std::vector<UdpListener> udp;
    std::vector<StreamListener> streams;
};

class Worker final : private StreamOwner, private PeerOwner, private DtlsOwner, private FlowOwner {
public:
    Worker(SharedState shared, std::uint8_t index, const Rules& rules, WorkerListeners listeners);
    ~Worker() override;
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void start();
    // Ends all sessions, then the thread; returns when it has ended.
    void stop();

    // From any thread.
    void reconfigure(Rules rules);
    void set_draining(bool draining);
    // A stream that another worker hands over. It is closed if this worker has ended.
    void adopt(std::unique_ptr<Stream> stream);
    // Grows while the worker's loop turns, at least once a second: for a watchdog.
    [[nodiscard]] std::uint64_t heartbeat() const noexcept {
        return heartbeat_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] const turn::Statistics& protocol_statistics() const noexcept {
        return protocol_statistics_;
    }
    [[nodiscard]] const net::Statistics& io_statistics() const noexcept { return io_statistics_; }

private:
    void run();
    void serve(const net::Poller::Ready& ready, Time now);
    void serve_listener(std::uint32_t index, Time now);
    void serve_datagram(const turn::ClientPath& from, const DatagramRoute& route, ByteView datagram,
                        Time now);
    void serve_relay(turn::RelayHandle handle, Time now);
    void on_client_packet(const turn::ClientPath& from, ByteView packet, Time now);
    void relay_to_peer(const turn::RelayDecision& decision, ByteView packet);
    void flush(Time now);
    void keep_house(Time now);

    void on_frame(const turn::ClientPath& from, ByteView frame, Time now) override;
    void on_stream_closed(const turn::ClientPath& from, Time now) override;
    void on_stream_departed(std::unique_ptr<Stream> stream, Time now) override;
    void on_peer_connected(turn::Ticket ticket,
                           std::expected<turn::PeerConnection, turn::PeerConnectError> result,
                           Time now) override;
    void on_peer_accepted(turn::RelayHandle relay, const Endpoint& peer,
                          turn::PeerConnection connection, Time now) override;
    void on_peer_closed(turn::PeerConnection connection, Time now) override;

    void on_dtls_message(const turn::ClientPath& from, ByteView message, Time now) override;
    void on_dtls_closed(const turn::ClientPath& from, Time now) override;
    void on_flow_ended(const turn::ClientPath& from, Time now) override;
    void disconnect(const turn::ClientPath& from, Time now);

    SharedState shared_;
    turn::Statistics protocol_statistics_;
    net::Statistics io_statistics_;
    SecureRandom random_;
    turn::NonceAuthority nonces_;
    turn::Engine engine_;
    std::vector<UdpListener> listeners_;
    RelaySockets relays_;
    net::Poller poller_;
    net::UdpReceiver receiver_;
    net::UdpSender sender_;
    SendArena arena_;
    Streams streams_;
    PeerConnections peers_;
    Passages passages_;
    DtlsLinks dtls_;
    ProxiedFlows proxied_;
    ClientLinks links_;
    RelayOpener opener_;
    SessionLog log_;
    std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
    EffectDriver driver_;
    turn::Effects effects_;
    Time next_housekeeping_{};
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> heartbeat_{0};
    std::thread thread_;
};

}  // namespace turnbuckle::server
