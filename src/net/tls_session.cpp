#include "turnbuckle/net/tls_session.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "turnbuckle/net/span_bio.hpp"

namespace turnbuckle::net {

namespace {

using Buffer = std::vector<std::uint8_t>;

// RFC 8446 section 5.1: type, two bytes of version, length. Section 5.2 and RFC 5246 section 6.2.3
// say how much a protected record may be longer than its 2^14 bytes; the older rule is the wider.
constexpr std::size_t kRecordHeader = 5;
constexpr std::size_t kMaxRecord = (1 << 14) + 2048;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kClientHello = 1;
constexpr std::size_t kMessageHeader = 4;

bool is_record_header(ByteView bytes) noexcept {
    return bytes[1] == 3 && load_be16(&bytes[3]) <= kMaxRecord;
}

// How many of `bytes` are to be shown to OpenSSL next: a whole record; only the header of one that
// breaks the rules, so that it answers with its alert; 0 if the record is not whole.
std::size_t record_size(ByteView bytes) noexcept {
    if (bytes.size() < kRecordHeader) return 0;
    if (!is_record_header(bytes)) return kRecordHeader;
    const std::size_t size = kRecordHeader + load_be16(&bytes[3]);
    return bytes.size() < size ? 0 : size;
}

enum class Hello : std::uint8_t { Partial, Whole, Bad };

struct HelloScan {
    Hello verdict;
    std::size_t size = 0;  // of the records that hold it, if it is whole
};

// Whether the records at the front of `bytes` hold a ClientHello to its end. It may be spread over
// several records (RFC 8446 section 5.1), with nothing between them.
HelloScan scan_hello(ByteView bytes) noexcept {
    std::array<std::uint8_t, kMessageHeader> header{};
    std::size_t message = 0;  // bytes of the message seen so far
    std::size_t at = 0;
    for (unsigned records = 0; records < TlsSession::kMaxHandshakeRecords; ++records) {
        const ByteView rest = bytes.subspan(at);
        if (!rest.empty() && rest[0] != kHandshake) return {Hello::Bad};
        if (rest.size() < kRecordHeader) return {Hello::Partial};
        const std::size_t length = load_be16(&rest[3]);
        if (!is_record_header(rest) || length == 0) return {Hello::Bad};

        const ByteView body = rest.subspan(kRecordHeader);
        for (std::size_t i = 0; i < body.size() && i < length && message + i < header.size(); ++i)
            header[message + i] = body[i];
        message += std::min(length, body.size());
        if (message >= 1 && header[0] != kClientHello) return {Hello::Bad};
        if (message >= kMessageHeader) {
            const std::size_t size = load_be32(header.data()) & 0xff'ffff;
            if (size > TlsSession::kMaxClientHello) return {Hello::Bad};
            if (message >= kMessageHeader + size && body.size() >= length)
                return {Hello::Whole, at + kRecordHeader + length};
        }
        if (body.size() < length) return {Hello::Partial};
        at += kRecordHeader + length;
    }
    return {Hello::Bad};
}

}  // namespace

TlsSession::TlsSession(std::shared_ptr<const TlsContext> context) noexcept
    : context_(std::move(context)) {
    assert(context_->transport() == TlsTransport::Stream);
}

TlsSession::~TlsSession() = default;

void TlsSession::input(ByteView ciphertext) {
    assert(input_.empty());
    input_ = ciphertext;
}

std::size_t TlsSession::read(MutableBytes plaintext, Buffer& wire) {
    assert(!plaintext.empty());
    while (state_ == State::Handshaking || state_ == State::Open) {
        Buffer own;
        ByteView records;
        if (!ssl_ || SSL_pending(ssl_.get()) == 0) {
            records = ssl_ ? next_record(own) : first_records(own);
            if (records.empty()) break;
        }
        if (const std::size_t n = decrypt(records, plaintext, wire); n > 0) return n;
    }
    input_ = {};
    return 0;
}

ByteView TlsSession::take(std::size_t size) noexcept {
    const ByteView taken = input_.first(size);
    input_ = input_.subspan(size);
    return taken;
}

ByteView TlsSession::first_records(Buffer& own) {
    const bool gathered = !pending_.empty();
    if (gathered) keep(take(input_.size()));
    const ByteView all = gathered ? ByteView(pending_) : input_;
    const HelloScan scan = scan_hello(all);
    if (scan.verdict == Hello::Bad) {
        fail("no TLS ClientHello");
        return {};
    }
    if (scan.verdict == Hello::Partial) {
        if (!gathered) keep(take(input_.size()));
        return {};
    }
    return gathered ? take_pending(scan.size, own) : take(scan.size);
}

ByteView TlsSession::next_record(Buffer& own) {
    if (pending_.empty()) {
        const std::size_t size = record_size(input_);
        if (size > 0) return take(size);
    }
    for (;;) {
        if (const std::size_t size = record_size(pending_); size > 0)
            return take_pending(size, own);
        if (input_.empty()) return {};
        const std::size_t wanted = pending_.size() < kRecordHeader
                                       ? kRecordHeader
                                       : kRecordHeader + load_be16(&pending_[3]);
        keep(take(std::min(input_.size(), wanted - pending_.size())));
    }
}

void TlsSession::keep(ByteView bytes) {
    pending_.insert(pending_.end(), bytes.begin(), bytes.end());
}

ByteView TlsSession::take_pending(std::size_t size, Buffer& own) {
    own = std::exchange(pending_, {});
    keep(ByteView(own).subspan(size));
    return ByteView(own).first(size);
}

std::size_t TlsSession::decrypt(ByteView records, MutableBytes plaintext, Buffer& wire) {
    const bool handshaking = state_ == State::Handshaking;
    if (!records.empty() && ++records_ > (handshaking ? kMaxHandshakeRecords : kMaxIdleRecords)) {
        fail("too many records without data");
        return 0;
    }
    if (!ssl_) {
        ssl_ = context_->new_session();
        bio_ = make_stream_bio().release();
        SSL_set_bio(ssl_.get(), bio_, bio_);
    }
    ERR_clear_error();
    std::size_t n = 0;
    int error = SSL_ERROR_NONE;
    bool used_up = false;
    {
        const StreamSpan span(bio_, records, wire);
        const int done = SSL_read_ex(ssl_.get(), plaintext.data(), plaintext.size(), &n);
        if (done != 1) error = SSL_get_error(ssl_.get(), done);
        used_up = span.left().empty();
    }
    if (handshaking && SSL_is_init_finished(ssl_.get()) == 1) {
        state_ = State::Open;
        records_ = 0;
    }
    switch (error) {
        case SSL_ERROR_NONE:
            records_ = 0;
            return n;
        case SSL_ERROR_WANT_READ:
            // A header that breaks the rules comes without its body: OpenSSL is done with it, or
            // would wait for ever.
            if (!used_up || (!records.empty() && !is_record_header(records))) fail("broken record");
            break;
        case SSL_ERROR_ZERO_RETURN:
            state_ = State::Closed;
            break;
        case SSL_ERROR_WANT_CLIENT_HELLO_CB:
            pass_through(records);
            break;
        default:
            fail(take_openssl_error());
            break;
    }
    ERR_clear_error();
    return 0;
}

void TlsSession::pass_through(ByteView first) {
    Buffer raw(first.begin(), first.end());
    raw.insert(raw.end(), pending_.begin(), pending_.end());
    raw.insert(raw.end(), input_.begin(), input_.end());
    pending_ = std::move(raw);
    state_ = State::PassThrough;
    bio_ = nullptr;
    ssl_.reset();
}

bool TlsSession::write(ByteView plaintext, Buffer& wire) {
    if ((state_ != State::Open && state_ != State::Closed) || closed_) return false;
    if (plaintext.empty()) return true;
    ERR_clear_error();
    std::size_t n = 0;
    int done = 0;
    {
        const StreamSpan span(bio_, {}, wire);
        done = SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &n);
    }
    if (done == 1 && n == plaintext.size()) return true;
    fail(take_openssl_error());
    return false;
}

void TlsSession::close(Buffer& wire) {
    if ((state_ != State::Open && state_ != State::Closed) || closed_) return;
    closed_ = true;
    ERR_clear_error();
    const StreamSpan span(bio_, {}, wire);
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

void TlsSession::fail(std::string reason) {
    error_ = reason.empty() ? "the connection broke" : std::move(reason);
    state_ = State::Failed;
    input_ = {};
    pending_ = {};
    bio_ = nullptr;
    ssl_.reset();
}

std::string_view TlsSession::alpn() const noexcept {
    const unsigned char* name = nullptr;
    unsigned length = 0;
    if (ssl_) SSL_get0_alpn_selected(ssl_.get(), &name, &length);
    return as_text({name, length});
}

std::string_view TlsSession::server_name() const noexcept {
    const char* name = ssl_ ? SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name) : nullptr;
    return name != nullptr ? name : std::string_view();
}

std::string_view TlsSession::version() const noexcept {
    return ssl_ && state_ != State::Handshaking ? SSL_get_version(ssl_.get()) : std::string_view();
}

bool TlsSession::resumed() const noexcept {
    return ssl_ && SSL_session_reused(ssl_.get()) == 1;
}

ByteView TlsSession::raw() const noexcept {
    return state_ == State::PassThrough ? ByteView(pending_) : ByteView();
}

}  // namespace turnbuckle::net
