// One DTLS association as a server, after its cookie (RFC 6347): datagrams and `now` in, plaintext
// and datagrams out.
//
// Owns the OpenSSL session and nothing else: no socket, buffer or timer. Everything is appended to
// the caller's batches, and one pair of batches serves all sessions of a worker. Made by
// DtlsAcceptor. Records that are corrupted, replayed or late are dropped in silence and never end
// an association that is open (section 4.1.2.7). Retransmission follows OpenSSL's own timer, which
// runs on the system's clock: call on_timeout() when deadline() has come. A clock that is set back
// delays retransmissions, but not beyond what the caller allows a handshake. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <openssl/types.h>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/base/time.hpp"
#include "turnbuckle/net/dtls_hello.hpp"
#include "turnbuckle/net/span_bio.hpp"
#include "turnbuckle/net/tls_context.hpp"

namespace turnbuckle::net {

// The largest UDP payload that a flight of the handshake is cut into: RFC 8085 section 3.2 asks for
// less than the smallest IPv6 MTU of 1280, and tunnels take some of it.
inline constexpr std::size_t kDefaultDtlsMtu = 1200;

enum class DtlsState : std::uint8_t {
    Handshaking,
    Open,
    Closed,  // by either side's close_notify
    Failed,  // a handshake that came to nothing, or a client that broke the protocol
};

enum class DtlsWriteResult : std::uint8_t {
    Written,
    TooLong,  // more than a record takes; DTLS does not cut application data (section 4.1.1)
    NotOpen,
};

class DtlsSession {
public:
    // What a record takes (section 4.1).
    static constexpr std::size_t kMaxPlaintext = 16384;
    // What encryption adds at most: the record's header, explicit nonce and tag.
    static constexpr std::size_t kMaxOverhead = 64;

    // `ssl` has just succeeded in DTLSv1_listen(), with a BIO of make_datagram_bio().
    DtlsSession(std::shared_ptr<const TlsContext> context, SslPointer ssl, std::size_t mtu);
    DtlsSession(const DtlsSession&) = delete;
    DtlsSession& operator=(const DtlsSession&) = delete;
    ~DtlsSession();

    // Appends what the client says to `plaintext`, a datagram for each record, and what must be
    // sent to `wire`. Without effect once Closed or Failed.
    void receive(ByteView datagram, Time now, DatagramBatch& plaintext, DatagramBatch& wire);

    // Appends one datagram to `wire` if written.
    DtlsWriteResult write(ByteView plaintext, DatagramBatch& wire);

    // When on_timeout() wants to be called; nothing unless a flight is on its way.
    [[nodiscard]] std::optional<Time> deadline() const noexcept { return deadline_; }
    // Appends the last flight once more if the time has come, or ends the handshake after many.
    void on_timeout(Time now, DatagramBatch& wire);

    // Appends a close_notify if Open. The session is Closed then, unless it Failed before.
    void close(DatagramBatch& wire);

    [[nodiscard]] DtlsState state() const noexcept { return state_; }
    // OpenSSL's words for why it Failed, "" if it did not.
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

    // Whether this ClientHello began this association: then it is a copy that came late or that
    // somebody replays, and must not begin another (section 4.2.8).
    [[nodiscard]] bool began_with(const DtlsHello& hello) const noexcept;

private:
    friend class DtlsAcceptor;

    // Goes on with the handshake, then reads; within a DatagramSpan.
    void advance(Time now, std::size_t input_size, DatagramBatch* plaintext);
    void read_records(std::size_t input_size, DatagramBatch& plaintext);
    // Takes the outcome of an OpenSSL call that was not a success.
    void judge(int result);
    void follow_timer(Time now);
    void release_buffers() noexcept;

    std::shared_ptr<const TlsContext> context_;
    SslPointer ssl_;
    std::size_t mtu_;
    std::optional<Time> deadline_;
    DtlsState state_ = DtlsState::Handshaking;
    std::string failure_;
};

}  // namespace turnbuckle::net
