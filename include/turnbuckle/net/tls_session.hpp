// One TLS connection, server side, without I/O: ciphertext and plaintext in, the other out.
//
// The owner (a worker's connection) passes what the socket brought and then reads until there is no
// more; whatever must go to the client, handshake and alerts included, is appended to `wire`:
//
//     session.input(ciphertext);
//     while ((n = session.read(plaintext, wire)) > 0) ...;   // then look at state()
//
// `ciphertext` must stay until read() returned 0. Between calls a session holds nothing but the
// bytes of a record that is not whole yet, and nothing of OpenSSL's before its ClientHello is
// whole: a client that trickles costs what it sent. May move to another thread between calls.
// Peers that send record after record without data are cut off. Nothing throws but std::bad_alloc;
// a failure is State::Failed and error(), for good.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/net/tls_context.hpp"

namespace turnbuckle::net {

class TlsSession {
public:
    enum class State : std::uint8_t {
        Handshaking,
        Open,
        Closed,       // the client sent close_notify: nothing more to read, writing is still fine
        Failed,       // `wire` may hold an alert to send before the connection is closed
        PassThrough,  // WebRule: a web server's; nothing was answered, raw() is what it sent
    };

    static constexpr std::size_t kMaxClientHello = 16'384;
    static constexpr unsigned kMaxHandshakeRecords = 256;
    static constexpr unsigned kMaxIdleRecords = 64;  // in a row, without a byte of data

    explicit TlsSession(std::shared_ptr<const TlsContext> context) noexcept;
    TlsSession(TlsSession&&) noexcept = default;
    TlsSession& operator=(TlsSession&&) noexcept = default;
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;
    ~TlsSession();

    void input(ByteView ciphertext);
    // The number of bytes put into `plaintext` (not empty; a record holds up to 16,384); 0: all of
    // the input is used up, or the session has ended.
    [[nodiscard]] std::size_t read(MutableBytes plaintext, std::vector<std::uint8_t>& wire);
    // False if the session is not open (or Closed, see there): then nothing was written.
    bool write(ByteView plaintext, std::vector<std::uint8_t>& wire);
    // Appends close_notify, once; nothing can be written after it.
    void close(std::vector<std::uint8_t>& wire);

    [[nodiscard]] State state() const noexcept { return state_; }
    // Why it failed, in OpenSSL's words; "" otherwise.
    [[nodiscard]] std::string_view error() const noexcept { return error_; }

    // Of the handshake; "" before it, and if the client did not say.
    [[nodiscard]] std::string_view alpn() const noexcept;
    [[nodiscard]] std::string_view server_name() const noexcept;
    [[nodiscard]] std::string_view version() const noexcept;  // "TLSv1.3"
    [[nodiscard]] bool resumed() const noexcept;

    // PassThrough only: everything that the client has sent so far, as it came.
    [[nodiscard]] ByteView raw() const noexcept;
    // The bytes that this session holds of its own, without OpenSSL's: for limits and tests.
    [[nodiscard]] std::size_t held() const noexcept { return pending_.capacity(); }

private:
    [[nodiscard]] ByteView take(std::size_t size) noexcept;
    void keep(ByteView bytes);
    [[nodiscard]] ByteView take_pending(std::size_t size, std::vector<std::uint8_t>& own);
    // Whole records from the front of what has come, none if there is none yet. `own` keeps them
    // alive if they had to be put together.
    [[nodiscard]] ByteView first_records(std::vector<std::uint8_t>& own);  // up to the ClientHello
    [[nodiscard]] ByteView next_record(std::vector<std::uint8_t>& own);
    [[nodiscard]] std::size_t decrypt(ByteView records, MutableBytes plaintext,
                                      std::vector<std::uint8_t>& wire);
    void pass_through(ByteView first);
    void fail(std::string reason);

    std::shared_ptr<const TlsContext> context_;
    SslPointer ssl_;      // none before a whole ClientHello, and after an end that needs none
    BIO* bio_ = nullptr;  // belongs to ssl_
    ByteView input_;
    std::vector<std::uint8_t> pending_;  // what is not a whole record yet; raw() in PassThrough
    std::string error_;
    unsigned records_ = 0;  // of the handshake, or in a row without data
    State state_ = State::Handshaking;
    bool closed_ = false;  // close_notify was written
};

}  // namespace turnbuckle::net
