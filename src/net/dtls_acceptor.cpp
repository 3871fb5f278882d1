#include "turnbuckle/net/dtls_acceptor.hpp"

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "turnbuckle/net/dtls_hello.hpp"

namespace turnbuckle::net {

struct DtlsCookieCallbacks {
    // Where a session keeps the question that its acceptor is busy with.
    static int slot() {
        static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
        return index;
    }

    static const DtlsAcceptor::Asking* asking(const SSL* ssl) noexcept {
        return static_cast<const DtlsAcceptor::Asking*>(SSL_get_ex_data(ssl, slot()));
    }

    static int generate(SSL* ssl, unsigned char* cookie, unsigned int* length) noexcept {
        const DtlsAcceptor::Asking* ask = asking(ssl);
        if (ask == nullptr) return 0;
        const auto issued =
            ask->acceptor.cookies_.issue(ask->client, ask->server, ask->parameters, ask->now);
        std::ranges::copy(issued, cookie);  // DTLS1_COOKIE_LENGTH is more
        *length = issued.size();
        return 1;
    }

    static int verify(SSL* ssl, const unsigned char* cookie, unsigned int length) noexcept {
        const DtlsAcceptor::Asking* ask = asking(ssl);
        // The handshake asks once more, when the ClientHello is whole; DTLSv1_listen() has accepted
        // this cookie then, and is never called without a question.
        if (ask == nullptr) return 1;
        return ask->acceptor.cookies_.check({cookie, length}, ask->client, ask->server,
                                            ask->parameters, ask->now);
    }
};

void use_dtls_cookies(SSL_CTX* context) noexcept {
    SSL_CTX_set_cookie_generate_cb(context, DtlsCookieCallbacks::generate);
    SSL_CTX_set_cookie_verify_cb(context, DtlsCookieCallbacks::verify);
}

DtlsAcceptor::DtlsAcceptor(std::shared_ptr<const TlsContext> context, const DtlsCookies& cookies,
                           std::size_t mtu)
    : context_(std::move(context)), cookies_(cookies), mtu_(mtu), listening_(make_listening()) {}

DtlsAcceptor::~DtlsAcceptor() = default;

SslPointer DtlsAcceptor::make_listening() const {
    SslPointer ssl = context_->new_session();
    BIO* bio = make_datagram_bio().release();
    SSL_set_bio(ssl.get(), bio, bio);
    SSL_set_options(ssl.get(), SSL_OP_NO_QUERY_MTU);
    DTLS_set_link_mtu(ssl.get(), static_cast<long>(mtu_));
    return ssl;
}

std::unique_ptr<DtlsSession> DtlsAcceptor::receive(ByteView datagram, const Endpoint& client,
                                                   const Endpoint& server, Time now,
                                                   DatagramBatch& wire) {
    const auto hello = parse_dtls_hello(datagram);
    if (!hello) return nullptr;

    SSL* ssl = listening_.get();
    const DatagramSpan span(SSL_get_rbio(ssl), datagram, wire, mtu_);
    const Asking asking{*this, client, server, hello->parameters, now};
    SSL_set_ex_data(ssl, DtlsCookieCallbacks::slot(), const_cast<Asking*>(&asking));
    BIO_ADDR* unused = BIO_ADDR_new();
    if (unused == nullptr) throw std::bad_alloc();
    const int listened = DTLSv1_listen(ssl, unused);
    BIO_ADDR_free(unused);
    SSL_set_ex_data(ssl, DtlsCookieCallbacks::slot(), nullptr);
    ERR_clear_error();
    if (listened != 1) return nullptr;

    auto session =
        std::make_unique<DtlsSession>(context_, std::exchange(listening_, make_listening()), mtu_);
    session->advance(now, datagram.size(), nullptr);
    return session;
}

}  // namespace turnbuckle::net
