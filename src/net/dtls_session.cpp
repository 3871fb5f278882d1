#include "turnbuckle/net/dtls_session.hpp"

#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace turnbuckle::net {

namespace {

// RFC 6347 section 4.2.4.1: timers grow up to a minute. More is a clock that was set.
constexpr Duration kLongestTimer = std::chrono::seconds(60);

}  // namespace

DtlsSession::DtlsSession(std::shared_ptr<const TlsContext> context, SslPointer ssl, std::size_t mtu)
    : context_(std::move(context)), ssl_(std::move(ssl)), mtu_(mtu) {}

DtlsSession::~DtlsSession() = default;

void DtlsSession::receive(ByteView datagram, Time now, DatagramBatch& plaintext,
                          DatagramBatch& wire) {
    if (state_ == DtlsState::Closed || state_ == DtlsState::Failed) return;
    SSL_alloc_buffers(ssl_.get());
    const DatagramSpan span(SSL_get_rbio(ssl_.get()), datagram, wire, mtu_);
    advance(now, datagram.size(), &plaintext);
}

void DtlsSession::advance(Time now, std::size_t input_size, DatagramBatch* plaintext) {
    ERR_clear_error();
    if (state_ == DtlsState::Handshaking) {
        const int result = SSL_accept(ssl_.get());
        if (result == 1) {
            state_ = DtlsState::Open;
        } else {
            judge(result);
        }
    }
    if (state_ == DtlsState::Open && plaintext != nullptr) read_records(input_size, *plaintext);
    follow_timer(now);
    release_buffers();
}

void DtlsSession::read_records(std::size_t input_size, DatagramBatch& plaintext) {
    // A record is longer than what it carries.
    while (state_ == DtlsState::Open) {
        const std::size_t before = plaintext.bytes.size();
        plaintext.bytes.resize(before + input_size);
        std::size_t length = 0;
        const int result =
            SSL_read_ex(ssl_.get(), plaintext.bytes.data() + before, input_size, &length);
        plaintext.bytes.resize(before + length);
        if (result != 1) return judge(result);
        plaintext.sizes.push_back(length);
    }
}

void DtlsSession::judge(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            return;
        case SSL_ERROR_ZERO_RETURN:
            // RFC 5246 section 7.2.1: answered in kind.
            SSL_shutdown(ssl_.get());
            state_ = DtlsState::Closed;
            return;
        default:
            state_ = DtlsState::Failed;
            failure_ = take_openssl_error();
    }
}

void DtlsSession::follow_timer(Time now) {
    deadline_.reset();
    if (state_ != DtlsState::Handshaking) return;
    timeval left{};
    if (DTLSv1_get_timeout(ssl_.get(), &left) != 1) return;
    const Duration timer =
        std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
    deadline_ = now + std::min(timer, kLongestTimer);
}

void DtlsSession::on_timeout(Time now, DatagramBatch& wire) {
    if (!deadline_ || now < *deadline_) return;
    const DatagramSpan span(SSL_get_rbio(ssl_.get()), {}, wire, mtu_);
    ERR_clear_error();
    SSL_alloc_buffers(ssl_.get());
    if (DTLSv1_handle_timeout(ssl_.get()) < 0) judge(-1);
    follow_timer(now);
    release_buffers();
}

DtlsWriteResult DtlsSession::write(ByteView plaintext, DatagramBatch& wire) {
    if (state_ != DtlsState::Open) return DtlsWriteResult::NotOpen;
    if (plaintext.size() > kMaxPlaintext) return DtlsWriteResult::TooLong;
    const DatagramSpan span(SSL_get_rbio(ssl_.get()), {}, wire, mtu_);
    ERR_clear_error();
    SSL_alloc_buffers(ssl_.get());
    std::size_t written = 0;
    const int result = SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &written);
    if (result != 1) judge(result);
    release_buffers();
    return result == 1 ? DtlsWriteResult::Written : DtlsWriteResult::NotOpen;
}

void DtlsSession::close(DatagramBatch& wire) {
    if (state_ == DtlsState::Failed || state_ == DtlsState::Closed) return;
    if (state_ == DtlsState::Open) {
        const DatagramSpan span(SSL_get_rbio(ssl_.get()), {}, wire, mtu_);
        ERR_clear_error();
        SSL_alloc_buffers(ssl_.get());
        SSL_shutdown(ssl_.get());
    }
    state_ = DtlsState::Closed;
    deadline_.reset();
}

void DtlsSession::release_buffers() noexcept {
    // OpenSSL keeps two buffers of 16 KiB for each DTLS session, whatever SSL_MODE_RELEASE_BUFFERS
    // says, but they are needed only within a call. It refuses while one still holds something.
    SSL_free_buffers(ssl_.get());
}

bool DtlsSession::began_with(const DtlsHello& hello) const noexcept {
    std::array<std::uint8_t, SSL3_RANDOM_SIZE> random{};
    return SSL_get_client_random(ssl_.get(), random.data(), random.size()) == random.size() &&
           std::ranges::equal(hello.random, random);
}

}  // namespace turnbuckle::net
