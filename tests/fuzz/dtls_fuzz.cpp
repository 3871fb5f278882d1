// A server's side of DTLS under any sequence of datagrams: of an honest client, whole, changed,
// repeated, late or lost, and of anybody. Who proved nothing gets less than was sent and leaves
// nothing behind; an open association ends only by the client's own close; and what it says is what
// the client wrote. Each byte of the input is a step, some take bytes behind them.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "turnbuckle/net/dtls_acceptor.hpp"

#include "fuzz/check.hpp"
#include "support/dtls_client.hpp"
#include "support/wall_clock.hpp"

namespace turnbuckle::net {
namespace {

using namespace std::chrono_literals;
using fuzz::check;
using test::Bytes;
using test::datagrams_of;

const Endpoint kClient{IpAddress::v4(192, 0, 2, 1), 40000};
const Endpoint kStranger{IpAddress::v4(192, 0, 2, 2), 40000};
const Endpoint kServer{IpAddress::v4(198, 51, 100, 1), 5349};

class Conversation {
public:
    Conversation(std::shared_ptr<const TlsContext> context, ByteView input)
        : acceptor_(std::move(context), cookies_), input_(input) {}

    void play() {
        for (int steps = 0; !input_.empty() && steps < 200; ++steps)
            step(take());
    }

private:
    std::uint8_t take() {
        if (input_.empty()) return 0;
        const std::uint8_t byte = input_[0];
        input_ = input_.subspan(1);
        return byte;
    }

    void step(std::uint8_t op) {
        switch (op % 16) {
            case 0:
                return restart();
            case 1:
                return to_server(true);
            case 2:
                return to_client(true);
            case 3:
                return to_server(false);  // a copy of it comes again
            case 4:
                return to_client(false);
            case 5:
                return lose(client_sent_);
            case 6:
                return lose(server_sent_);
            case 7:
                return change();
            case 8:
                return forge(kClient);
            case 9:
                return forge(kStranger);
            case 10:
                return pass_time(std::chrono::milliseconds(250 * (1 + take())));
            case 11:
                return client_says();
            case 12:
                return server_says();
            case 13:
                return client_closes();
            case 14:
                return steal();
            case 15:
                return turn_round(client_sent_);
        }
    }

    void restart() {
        client_.restart();
        send(client_.start());
    }

    void send(std::vector<Bytes> datagrams) {
        for (Bytes& datagram : datagrams)
            client_sent_.push_back(std::move(datagram));
    }

    static void lose(std::deque<Bytes>& queue) {
        if (!queue.empty()) queue.pop_front();
    }

    static void turn_round(std::deque<Bytes>& queue) { std::ranges::reverse(queue); }

    void to_server(bool once) {
        if (client_sent_.empty()) return;
        const Bytes datagram = client_sent_.front();
        if (once) client_sent_.pop_front();
        receive(datagram, kClient, true);
    }

    void to_client(bool once) {
        if (server_sent_.empty()) return;
        const Bytes datagram = server_sent_.front();
        if (once) server_sent_.pop_front();
        send(client_.receive(datagram));
    }

    // The next datagram of the client comes changed, and then as it was.
    void change() {
        if (client_sent_.empty()) return;
        Bytes datagram = client_sent_.front();
        const std::size_t at = std::size_t{take()} * 256 + take();
        const std::uint8_t by = take();
        if (by == 0) {
            datagram.resize(at % (datagram.size() + 1));
        } else {
            datagram[at % datagram.size()] ^= by;
        }
        receive(datagram, kClient, by == 0);
    }

    void forge(const Endpoint& from) {
        const std::size_t length = std::min<std::size_t>(take(), input_.size());
        const Bytes datagram(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(length));
        input_ = input_.subspan(length);
        receive(datagram, from, false);
    }

    // Somebody else sends what the client sent.
    void steal() {
        if (!client_sent_.empty()) receive(Bytes(client_sent_.front()), kStranger, false);
    }

    void receive(const Bytes& datagram, const Endpoint& from, bool honest) {
        wire_.clear();
        plaintext_.clear();
        const auto hello = parse_dtls_hello(datagram);
        const bool begins = hello && !(session_ && session_->began_with(*hello));
        if (from != kClient || !session_ || begins) {
            auto session = acceptor_.receive(datagram, from, kServer, now_, wire_);
            if (session) {
                check(from == kClient && hello && !hello->cookie.empty());
                session_ = std::move(session);
            } else {
                check(wire_.sizes.size() <= 1 && wire_.bytes.size() < datagram.size() + 1);
                check(hello || wire_.bytes.empty());
            }
        } else {
            const DtlsState before = session_->state();
            session_->receive(datagram, now_, plaintext_, wire_);
            if (before == DtlsState::Closed || before == DtlsState::Failed) {
                check(wire_.sizes.empty() && plaintext_.sizes.empty());
                check(session_->state() == before);
            }
            if (before == DtlsState::Open && !(honest && client_closed_))
                check(session_->state() == DtlsState::Open);
        }
        if (session_ && session_->state() == DtlsState::Handshaking)
            for (const std::size_t size : wire_.sizes)
                check(size <= kDefaultDtlsMtu);
        for (const Bytes& heard : datagrams_of(plaintext_))
            check(std::ranges::find(said_, heard) != said_.end());
        if (from == kClient) keep_answers();
    }

    void keep_answers() {
        for (Bytes& datagram : datagrams_of(wire_))
            if (server_sent_.size() < 64) server_sent_.push_back(std::move(datagram));
    }

    void pass_time(Duration by) {
        now_ += by;
        wall_clock_.advance(by);
        wire_.clear();
        if (session_) {
            session_->on_timeout(now_, wire_);
            check(session_->deadline().value_or(now_) >= now_);
        }
        keep_answers();
        send(client_.on_timeout());
    }

    void client_says() {
        if (!client_.is_open() || client_closed_) return;
        said_.emplace_back(1 + take(), std::uint8_t{7});
        send(client_.write(said_.back()));
    }

    void server_says() {
        if (!session_) return;
        wire_.clear();
        const Bytes words(take(), 9);
        const auto result = session_->write(words, wire_);
        check((result == DtlsWriteResult::Written) == (wire_.sizes.size() == 1));
        keep_answers();
    }

    void client_closes() {
        if (!client_.is_open()) return;
        client_closed_ = true;
        send(client_.close());
    }

    turnbuckle::test::StoppedWallClock wall_clock_;
    Time now_{1h};
    DtlsCookies cookies_{Secret(std::string(DtlsCookies::kMasterKeyLength, 'k'))};
    DtlsAcceptor acceptor_;
    ByteView input_;
    test::DtlsClient client_;
    std::unique_ptr<DtlsSession> session_;
    std::deque<Bytes> client_sent_;
    std::deque<Bytes> server_sent_;
    std::vector<Bytes> said_;
    bool client_closed_ = false;
    DatagramBatch wire_;
    DatagramBatch plaintext_;
};

}  // namespace
}  // namespace turnbuckle::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace turnbuckle::net;
    static const auto context = test::make_dtls_context();
    Conversation(context, {data, size}).play();
    return 0;
}
