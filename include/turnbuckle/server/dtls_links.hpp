// One worker's DTLS associations with clients (RFC 7350, RFC 6347): let in, decrypted, encrypted,
// limited.
//
// On the worker's thread. What a client says is given to the owner at once, and its bytes stay
// until the sender's flush. Who has not returned a cookie costs no memory; who has, a place among
// the connections that have not authenticated, until it has an allocation. Handshakes cost the
// most, so only some of their steps are taken in one round of the worker's loop; the rest wait,
// bounded.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "turnbuckle/base/log_limiter.hpp"
#include "turnbuckle/base/random.hpp"
#include "turnbuckle/base/secret.hpp"
#include "turnbuckle/base/timer_wheel.hpp"
#include "turnbuckle/net/dtls_acceptor.hpp"
#include "turnbuckle/net/statistics.hpp"
#include "turnbuckle/server/connection_limits.hpp"
#include "turnbuckle/server/datagram_output.hpp"
#include "turnbuckle/turn/answer_limiter.hpp"
#include "turnbuckle/turn/engine.hpp"

namespace turnbuckle::server {

// The worker, as its associations see it. May call send() from within, nothing else.
class DtlsOwner {
public:
    virtual ~DtlsOwner() = default;

    virtual void on_dtls_message(const turn::ClientPath& from, ByteView message, Time now) = 0;
    virtual void on_dtls_closed(const turn::ClientPath& from, Time now) = 0;
};

class DtlsLinks {
public:
    struct Parts {
        turn::Engine& engine;
        net::UdpSender& sender;
        SendArena& arena;
        std::vector<UdpListener>& listeners;
        turn::Statistics& statistics;
        net::Statistics& io_statistics;
        ConnectionLimits& limits;
        Random& random;
        DtlsOwner& owner;
    };

    // How long a handshake may take, and then how long an association may live without an
    // allocation.
    static constexpr Duration kUnprovenLifetime = std::chrono::seconds(10);
    // As a share of a round a signature is long: RSA takes up to a millisecond.
    static constexpr unsigned kHandshakesPerRound = 4;
    static constexpr std::size_t kMaxPostponed = 64;

    // `cookie_key`: the same for all workers (net::DtlsCookies).
    DtlsLinks(Parts parts, Secret cookie_key, turn::AnswerLimits answers, Time now);
    ~DtlsLinks();

    // A datagram that net::is_dtls(), on a listener that has certificates.
    void receive(const DatagramRoute& route, const Endpoint& client, const Endpoint& server,
                 ByteView datagram, Time now);
    // One message to the client of an association, whole or not at all.
    void send(std::uint32_t index, ByteView header, ByteView payload);
    // Ends the association of this client, if there is one: its place is another's now.
    void end(const Endpoint& client, const Endpoint& server, Time now);

    // Retransmissions and postponed steps: call on_timeout() at next_timeout() or later.
    [[nodiscard]] std::optional<Time> next_timeout() const noexcept;
    void on_timeout(Time now);
    // Closes what is overdue; at least once a second.
    void keep_house(Time now);
    // The server ends: tells every client.
    void close_all(Time now);

    void set_answer_limits(turn::AnswerLimits limits) noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return by_client_.size(); }

private:
    struct Link {
        std::unique_ptr<net::DtlsSession> session;
        DatagramRoute route;
        turn::ClientPath path;
        ConnectionLimits::Ticket place;
        Time deadline{};  // for the handshake or for an allocation
        bool proven = false;
        bool scheduled = false;        // the wheel has an entry for it
        std::uint32_t generation = 0;  // tells it from others that had its index
    };
    // In the order of the deadlines; some entries are outdated.
    struct Unproven {
        std::uint32_t index;
        Time deadline;
    };
    struct Acceptor {
        std::shared_ptr<const net::TlsContext> context;
        std::unique_ptr<net::DtlsAcceptor> acceptor;
    };
    struct Postponed {
        DatagramRoute route;
        Endpoint client;
        Endpoint server;
        std::vector<std::uint8_t> datagram;
    };

    [[nodiscard]] Link* find(std::uint32_t index) noexcept;
    [[nodiscard]] Link* find(const turn::FiveTuple& tuple) noexcept;
    void greet(const DatagramRoute& route, const turn::FiveTuple& tuple,
               const net::DtlsHello& hello, ByteView datagram, Time now);
    void welcome(const DatagramRoute& route, const turn::FiveTuple& tuple, ByteView datagram,
                 Time now);
    void serve(Link& link, ByteView datagram, Time now);
    void deliver(Link& link, Time now);
    void close(std::uint32_t index, net::ConnectionEnd reason, Time now);
    void close_if_ended(std::uint32_t index, Time now);

    [[nodiscard]] net::DtlsAcceptor& acceptor_of(std::uint32_t listener);
    [[nodiscard]] std::optional<ConnectionLimits::Ticket> find_place(const Endpoint& client,
                                                                     Time now);
    bool push_out_oldest(Time now);
    void expect_proof(Link& link, Time now);
    void look_for_proof(Link& link) noexcept;
    void audit(Time now);

    void begin_round(Time now) noexcept;
    [[nodiscard]] bool take_step() noexcept;
    void postpone(const DatagramRoute& route, const turn::FiveTuple& tuple, ByteView datagram);
    void schedule(Link& link);
    void transmit(const DatagramRoute& route);

    Parts parts_;
    DatagramOutput output_;
    net::DtlsCookies cookies_;
    turn::AnswerLimits answer_limits_;
    std::optional<turn::AnswerLimiter> answers_;  // made when the first ClientHello comes
    std::vector<Acceptor> acceptors_;             // by listener
    std::vector<std::unique_ptr<Link>> links_;
    std::vector<std::uint32_t> free_;
    boost::unordered_flat_map<turn::FiveTuple, std::uint32_t, std::hash<turn::FiveTuple>>
        by_client_;
    std::deque<Unproven> unproven_;
    TimerWheel wheel_;
    std::vector<TimerWheel::Token> fired_;
    std::deque<Postponed> postponed_;
    Time round_{};
    unsigned steps_left_ = kHandshakesPerRound;
    std::uint32_t generation_ = 0;
    std::size_t audited_ = 0;
    LogLimiter refusals_;
    // Of the call in hand.
    net::DatagramBatch wire_;
    net::DatagramBatch plaintext_;
    std::vector<std::uint8_t> message_;
};

}  // namespace turnbuckle::server
