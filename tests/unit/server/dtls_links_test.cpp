// OpenSSL's client over loopback sockets, virtual time, and a whole engine behind.
#include "turnbuckle/server/dtls_links.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "turnbuckle/net/udp_socket.hpp"
#include "turnbuckle/server/link_kind.hpp"

#include "support/dtls_client.hpp"
#include "support/engine_rig.hpp"
#include "support/stun_client.hpp"
#include "support/wall_clock.hpp"

namespace turnbuckle::server {
namespace {

using namespace std::chrono_literals;
using net::ConnectionEnd;
using net::test::Bytes;
using Datagrams = std::vector<Bytes>;

const Endpoint kAnywhere{IpAddress::v4(127, 0, 0, 1), 0};

Bytes text(std::string_view words) {
    const ByteView view = as_bytes(words);
    return {view.begin(), view.end()};
}

// A client of DTLS at a loopback socket.
class Client {
public:
    [[nodiscard]] Endpoint endpoint() const { return socket_.local(); }

    // What has come: whoever sent it has flushed, and loopback does not wait.
    [[nodiscard]] Datagrams take() const {
        Datagrams datagrams;
        for (;;) {
            Bytes bytes(65536);
            const ssize_t n = ::recv(socket_.fd(), bytes.data(), bytes.size(), MSG_DONTWAIT);
            if (n < 0) return datagrams;
            bytes.resize(static_cast<std::size_t>(n));
            datagrams.push_back(std::move(bytes));
        }
    }

    net::test::DtlsClient dtls;

private:
    net::UdpSocket socket_ = net::open_udp(kAnywhere).value();
};

class Rig final : private DtlsOwner {
public:
    explicit Rig(ConnectionLimits::Limits limits = {}, turn::AnswerLimits answers = {})
        : limits_(limits),
          links(DtlsLinks::Parts{engine.engine(), sender_, arena_, listeners_, statistics, io,
                                 limits_, random_, *this},
                Secret(std::string(net::DtlsCookies::kMasterKeyLength, 'k')), answers, now) {}

    [[nodiscard]] Endpoint server() const { return listeners_[0].socket.local(); }

    Datagrams give(const Client& client, const Datagrams& datagrams) {
        for (const Bytes& datagram : datagrams)
            links.receive({0, client.endpoint(), server().ip}, client.endpoint(), server(),
                          datagram, now);
        return flush(client);
    }
    Datagrams flush(const Client& client) {
        sender_.flush();
        arena_.recycle();
        return client.take();
    }
    // As the worker's loop: another round, and what was put off to it.
    Datagrams next_round(const Client& client) {
        pass(1ns);
        return flush(client);
    }
    void converse(Client& client, Datagrams from_client) {
        while (!from_client.empty()) {
            Datagrams answers = give(client, from_client);
            for (Bytes& late : next_round(client))
                answers.push_back(std::move(late));
            from_client.clear();
            for (const Bytes& answer : answers)
                for (Bytes& next : client.dtls.receive(answer))
                    from_client.push_back(std::move(next));
        }
    }
    void open(Client& client) {
        converse(client, client.dtls.start());
        ASSERT_TRUE(client.dtls.is_open());
    }
    // Up to the client's last flight, which is returned.
    Datagrams half_open(Client& client) {
        Datagrams last;
        for (const Bytes& datagram : give(client, hello(client)))
            for (Bytes& answer : client.dtls.receive(datagram))
                last.push_back(std::move(answer));
        return last;
    }
    // Up to the client's ClientHello with a cookie, which is returned.
    Datagrams hello(Client& client) {
        const Datagrams asked = give(client, client.dtls.start());
        return asked.empty() ? Datagrams{} : client.dtls.receive(asked[0]);
    }
    void say(Client& client, const Bytes& words) { converse(client, client.dtls.write(words)); }

    void allocate(Client& client) {
        say(client, text("?"));
        test::StunClient stun({.link = heard.back().first.link, .tuple = heard.back().first.tuple},
                              1);
        stun.use_credential("alice", "secret");
        for (int i = 0; i < 2; ++i) {
            say(client, stun.compose(std::vector<std::string>{"allocate"}));
            for (const Bytes& answer : client.dtls.take_plaintext())
                static_cast<void>(stun.read(answer));
        }
        ASSERT_TRUE(engine.engine().serves(heard.back().first.tuple));
    }

    void pass(Duration time) {
        now += time;
        wall_clock_.advance(time);
        engine.advance(time);
        links.on_timeout(now);
        links.keep_house(now);
    }

    [[nodiscard]] std::uint64_t drops(turn::DropReason reason) const {
        return statistics.drops[static_cast<std::size_t>(reason)].value();
    }
    [[nodiscard]] std::uint64_t closed(ConnectionEnd reason) {
        return io.dtls.closed[reason].value();
    }

    Time now = Time{} + 1h;
    turn::Statistics statistics;
    net::Statistics io;
    test::EngineRig engine;
    std::vector<std::pair<turn::ClientPath, Bytes>> heard;
    std::vector<turn::ClientPath> ended;
    std::shared_ptr<const net::TlsContext> context = shared_context();

private:
    static const std::shared_ptr<const net::TlsContext>& shared_context() {
        static const auto made = net::test::make_dtls_context();
        return made;
    }

    static std::vector<UdpListener> one_listener(Rig& rig) {
        std::vector<UdpListener> listeners;
        listeners.push_back({net::open_udp(kAnywhere).value(),
                             turn::Transport::Dtls,
                             [&rig] { return rig.context; },
                             {}});
        return listeners;
    }

    void on_dtls_message(const turn::ClientPath& from, ByteView message, Time) override {
        heard.emplace_back(from, Bytes(message.begin(), message.end()));
        engine.datagram(from, message);
        for (const test::Event& event : engine.take_events())
            if (event.kind == test::Event::Kind::Answer)
                links.send(index_of(event.client.link), {}, event.bytes);
    }
    void on_dtls_closed(const turn::ClientPath& from, Time) override {
        ended.push_back(from);
        engine.disconnect(from);
    }

    turnbuckle::test::StoppedWallClock wall_clock_;
    test::DeterministicRandom random_{1};
    std::vector<UdpListener> listeners_ = one_listener(*this);
    net::UdpSender sender_{io, [](net::SendError, const net::SendItem&) {}};
    SendArena arena_{sender_};
    ConnectionLimits limits_;

public:
    DtlsLinks links;
};

TEST(DtlsLinks, CarryMessagesBothWays) {
    const auto rig = std::make_unique<Rig>();
    Client client;
    rig->open(client);
    rig->say(client, text("hello"));
    ASSERT_EQ(rig->heard.size(), 1U);
    const auto& [from, words] = rig->heard[0];
    EXPECT_EQ(words, text("hello"));
    EXPECT_EQ(from.tuple,
              (turn::FiveTuple{client.endpoint(), rig->server(), turn::Transport::Dtls}));
    EXPECT_EQ(kind_of(from.link), LinkKind::Dtls);

    rig->links.send(index_of(from.link), text("head, "), text("body"));
    for (const Bytes& datagram : rig->flush(client))
        static_cast<void>(client.dtls.receive(datagram));
    EXPECT_EQ(client.dtls.take_plaintext(), Datagrams{text("head, body")});
    EXPECT_EQ(rig->io.dtls.handshakes.value(), 1U);
    EXPECT_EQ(rig->io.dtls.open.value(), 1);
}

TEST(DtlsLinks, KeepClientsApart) {
    const auto rig = std::make_unique<Rig>();
    std::vector<Client> clients(5);
    for (Client& client : clients)
        rig->open(client);
    for (Client& client : clients)
        rig->say(client, text(client.endpoint().to_string()));
    ASSERT_EQ(rig->heard.size(), clients.size());
    for (const auto& [from, words] : rig->heard)
        EXPECT_EQ(words, text(from.tuple.client.to_string()));
}

TEST(DtlsLinks, KeepNothingOfWhoReturnsNoCookie) {
    const auto rig = std::make_unique<Rig>();
    Client client;
    EXPECT_EQ(rig->give(client, client.dtls.start()).size(), 1U);
    EXPECT_EQ(rig->links.size(), 0U);
    EXPECT_EQ(rig->io.dtls.cookies_sent.value(), 1U);
    EXPECT_TRUE(
        rig->give(client, {Bytes{23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0}}).empty());
    EXPECT_EQ(rig->drops(turn::DropReason::NoAssociation), 1U);
}

TEST(DtlsLinks, AskForCookiesNoMoreOftenThanAnyoneIsAnswered) {
    const auto rig = std::make_unique<Rig>(ConnectionLimits::Limits{},
                                           turn::AnswerLimits{.answers_per_second = 1, .burst = 3});
    Client client;
    const Datagrams hello = client.dtls.start();
    std::size_t answers = 0;
    for (int i = 0; i < 10; ++i)
        answers += rig->give(client, hello).size();
    EXPECT_EQ(answers, 3U);
    EXPECT_EQ(rig->drops(turn::DropReason::RateLimited), 7U);
}

TEST(DtlsLinks, EndAHandshakeThatTakesTooLong) {
    const auto rig = std::make_unique<Rig>();
    Client client;
    rig->give(client, rig->hello(client));
    EXPECT_EQ(rig->links.size(), 1U);
    rig->pass(9999ms);
    EXPECT_EQ(rig->links.size(), 1U);
    rig->pass(1ms);
    EXPECT_EQ(rig->links.size(), 0U);
    EXPECT_EQ(rig->closed(ConnectionEnd::Unauthenticated), 1U);
    EXPECT_EQ(rig->ended.size(), 1U);
    EXPECT_EQ(rig->io.dtls.open.value(), 0);
}

TEST(DtlsLinks, RepeatAFlightThatWasLost) {
    const auto rig = std::make_unique<Rig>();
    Client client;
    EXPECT_FALSE(rig->give(client, rig->hello(client)).empty());  // lost
    ASSERT_TRUE(rig->links.next_timeout());
    Datagrams repeated;
    for (int i = 0; i < 6 && repeated.empty(); ++i) {
        rig->pass(250ms);
        repeated = rig->flush(client);
    }
    ASSERT_FALSE(repeated.empty());
    Datagrams next;
    for (const Bytes& datagram : repeated)
        for (Bytes& answer : client.dtls.receive(datagram))
            next.push_back(std::move(answer));
    rig->converse(client, next);
    EXPECT_TRUE(client.dtls.is_open());
}

TEST(DtlsLinks, EndAnAssociationWithoutAnAllocation) {
    const auto rig = std::make_unique<Rig>();
    Client client;
    rig->open(client);
    rig->pass(9s);
    rig->say(client, text("still no allocation"));
    EXPECT_EQ(rig->links.size(), 1U);
    rig->pass(1s);
    EXPECT_EQ(rig->links.size(), 0U);
    for (const Bytes& datagram : rig->flush(client))
        static_cast<void>(client.dtls.receive(datagram));
    EXPECT_TRUE(client.dtls.was_closed());
}

TEST(DtlsLinks, CountTheTimeForAnAllocationFromTheEndOfTheHandshake) {
    const auto rig = std::make_unique<Rig>();
    Client client;
    const Datagrams next = rig->half_open(client);
    rig->pass(6s);
    rig->converse(client, next);
    ASSERT_TRUE(client.dtls.is_open());
    rig->pass(9s);
    EXPECT_EQ(rig->links.size(), 1U);
    rig->pass(1s);
    EXPECT_EQ(rig->links.size(), 0U);
}

TEST(DtlsLinks, KeepAnAssociationAsLongAsItsAllocation) {
    const auto rig = std::make_unique<Rig>();
    Client client;
    rig->open(client);
    rig->allocate(client);
    for (int i = 0; i < 590; ++i)
        rig->pass(1s);
    EXPECT_EQ(rig->links.size(), 1U);
    for (int i = 0; i < 40; ++i)
        rig->pass(1s);
    EXPECT_EQ(rig->engine.engine().allocations(), 0U);
    EXPECT_EQ(rig->links.size(), 0U);
    EXPECT_EQ(rig->closed(ConnectionEnd::Unauthenticated), 1U);
}

TEST(DtlsLinks, EndTheAllocationWithTheClientsCloseNotify) {
    const auto rig = std::make_unique<Rig>();
    Client client;
    rig->open(client);
    rig->allocate(client);
    rig->give(client, client.dtls.close());
    EXPECT_EQ(rig->links.size(), 0U);
    EXPECT_EQ(rig->engine.engine().allocations(), 0U);
    EXPECT_EQ(rig->closed(ConnectionEnd::ClosedByClient), 1U);
}

TEST(DtlsLinks, EndTheOldAssociationOnlyWhenTheNewOneHasItsCookie) {
    const auto rig = std::make_unique<Rig>();
    Client client;
    rig->open(client);
    rig->allocate(client);
    client.dtls.restart();
    const Datagrams with_cookie = rig->hello(client);
    EXPECT_EQ(rig->engine.engine().allocations(), 1U);
    EXPECT_TRUE(rig->ended.empty());
    Datagrams next;
    for (const Bytes& datagram : rig->give(client, with_cookie))
        for (Bytes& answer : client.dtls.receive(datagram))
            next.push_back(std::move(answer));
    EXPECT_EQ(rig->engine.engine().allocations(), 0U);
    EXPECT_EQ(rig->ended.size(), 1U);
    rig->converse(client, next);
    EXPECT_TRUE(client.dtls.is_open());
    EXPECT_EQ(rig->links.size(), 1U);
    rig->allocate(client);
}

TEST(DtlsLinks, AreNotImpressedByTheClientHelloOfTheAssociationComingAgain) {
    const auto rig = std::make_unique<Rig>();
    Client client;
    const Datagrams hello = rig->hello(client);
    Datagrams next;
    for (const Bytes& datagram : rig->give(client, hello))
        for (Bytes& answer : client.dtls.receive(datagram))
            next.push_back(std::move(answer));
    rig->give(client, hello);  // while it shakes hands
    rig->converse(client, next);
    ASSERT_TRUE(client.dtls.is_open());
    rig->give(client, hello);  // and when it is open
    rig->say(client, text("still here"));
    ASSERT_EQ(rig->heard.size(), 1U);
    EXPECT_TRUE(rig->ended.empty());
}

TEST(DtlsLinks, CapThoseWhoHaveNotAuthenticated) {
    const auto rig = std::make_unique<Rig>(ConnectionLimits::Limits{.per_prefix = 2, .total = 9});
    std::vector<Client> clients(3);
    rig->open(clients[0]);
    rig->open(clients[1]);
    rig->converse(clients[2], clients[2].dtls.start());
    EXPECT_FALSE(clients[2].dtls.is_open());
    EXPECT_EQ(rig->links.size(), 2U);
    EXPECT_EQ(rig->io.dtls.refused[net::ConnectionRefusal::SourcePrefix].value(), 1U);

    rig->allocate(clients[0]);  // no longer counted
    clients[2].dtls.restart();
    rig->open(clients[2]);
    EXPECT_EQ(rig->links.size(), 3U);
}

TEST(DtlsLinks, PushOutTheOldestWhenThereAreTooManyInAll) {
    const auto rig = std::make_unique<Rig>(ConnectionLimits::Limits{.per_prefix = 9, .total = 2});
    std::vector<Client> clients(3);
    for (Client& client : clients) {
        rig->open(client);
        rig->pass(1s);
    }
    EXPECT_EQ(rig->links.size(), 2U);
    ASSERT_EQ(rig->ended.size(), 1U);
    EXPECT_EQ(rig->ended[0].tuple.client, clients[0].endpoint());
    EXPECT_EQ(rig->closed(ConnectionEnd::PushedOut), 1U);
}

TEST(DtlsLinks, TakeForTheOldestWhoHasTheLeastTimeLeft) {
    const auto rig = std::make_unique<Rig>(ConnectionLimits::Limits{.per_prefix = 9, .total = 2});
    std::vector<Client> clients(3);
    const Datagrams next = rig->half_open(clients[0]);
    rig->pass(1s);
    rig->open(clients[1]);
    rig->pass(1s);
    rig->converse(clients[0], next);
    rig->open(clients[2]);
    ASSERT_EQ(rig->ended.size(), 1U);
    EXPECT_EQ(rig->ended[0].tuple.client, clients[1].endpoint());
}

TEST(DtlsLinks, TakeSomeStepsOfHandshakesInARoundAndTheOthersInTheNext) {
    const auto rig = std::make_unique<Rig>();
    std::vector<Client> clients(DtlsLinks::kHandshakesPerRound + 3);
    std::vector<Datagrams> hellos;
    for (Client& client : clients)
        hellos.push_back(rig->hello(client));
    rig->pass(1ns);
    for (std::size_t i = 0; i < clients.size(); ++i)
        rig->give(clients[i], hellos[i]);
    EXPECT_EQ(rig->links.size(), DtlsLinks::kHandshakesPerRound);
    EXPECT_EQ(rig->links.next_timeout(), rig->now);
    rig->pass(1ns);
    EXPECT_EQ(rig->links.size(), clients.size());
}

TEST(DtlsLinks, PostponeNoMoreThanABoundedNumber) {
    const auto rig = std::make_unique<Rig>();
    Client client;
    const Datagrams hello = rig->hello(client);
    rig->give(client, hello);
    for (std::size_t i = 0; i < DtlsLinks::kHandshakesPerRound + DtlsLinks::kMaxPostponed + 5; ++i)
        rig->give(client, {Bytes(60, 22)});
    EXPECT_EQ(rig->drops(turn::DropReason::Overloaded), 6U);
}

TEST(DtlsLinks, UseTheCertificatesOfNowForNewAssociations) {
    const auto rig = std::make_unique<Rig>();
    Client before;
    rig->open(before);
    rig->context = net::test::make_dtls_context();
    Client after;
    rig->open(after);
    EXPECT_NE(X509_cmp(SSL_get0_peer_certificate(before.dtls.ssl()),
                       SSL_get0_peer_certificate(after.dtls.ssl())),
              0);
    rig->say(before, text("old"));
    rig->say(after, text("new"));
    EXPECT_EQ(rig->heard.size(), 2U);
}

TEST(DtlsLinks, DropWhatARecordDoesNotHold) {
    const auto rig = std::make_unique<Rig>();
    Client client;
    rig->open(client);
    rig->say(client, text("hello"));
    rig->links.send(index_of(rig->heard[0].first.link), {}, Bytes(16385));
    EXPECT_EQ(rig->drops(turn::DropReason::MessageTooLong), 1U);
    rig->links.send(99, {}, text("nobody"));
    EXPECT_EQ(rig->drops(turn::DropReason::ClientGone), 1U);
}

TEST(DtlsLinks, TellEveryClientThatTheServerEnds) {
    const auto rig = std::make_unique<Rig>();
    std::vector<Client> clients(2);
    for (Client& client : clients)
        rig->open(client);
    rig->links.close_all(rig->now);
    for (Client& client : clients) {
        for (const Bytes& datagram : rig->flush(client))
            static_cast<void>(client.dtls.receive(datagram));
        EXPECT_TRUE(client.dtls.was_closed());
    }
    EXPECT_EQ(rig->closed(ConnectionEnd::Stopped), 2U);
}

}  // namespace
}  // namespace turnbuckle::server
