// Decides who may begin a DTLS association, without memory of anybody (RFC 6347 section 4.2.1).
//
// A ClientHello without a good cookie is answered with one HelloVerifyRequest, which is smaller
// than it; one with a good cookie becomes a DtlsSession; anything else is ignored without an
// answer. One per worker and context; a reload makes another one. Uses OpenSSL's DTLSv1_listen() on
// a session that waits here for the next client, so that unproven senders cost no memory. One
// thread.
#pragma once

#include <cstddef>
#include <memory>

#include <openssl/types.h>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/base/time.hpp"
#include "turnbuckle/net/dtls_cookies.hpp"
#include "turnbuckle/net/dtls_session.hpp"
#include "turnbuckle/net/span_bio.hpp"
#include "turnbuckle/net/tls_context.hpp"

namespace turnbuckle::net {

// Makes DTLSv1_listen() ask the DtlsAcceptor that calls it. For every SSL_CTX that sessions on
// datagrams are made from; TlsContext::load() does so.
void use_dtls_cookies(SSL_CTX* context) noexcept;

class DtlsAcceptor {
public:
    // `context` is for datagrams; `cookies` must outlive the acceptor. `mtu` as in DtlsSession.
    DtlsAcceptor(std::shared_ptr<const TlsContext> context, const DtlsCookies& cookies,
                 std::size_t mtu = kDefaultDtlsMtu);
    DtlsAcceptor(const DtlsAcceptor&) = delete;
    DtlsAcceptor& operator=(const DtlsAcceptor&) = delete;
    ~DtlsAcceptor();

    // A datagram of a client that has no session, or that begins anew. `server`: the address that
    // it was sent to. Appends the answer to `wire`: a HelloVerifyRequest or, with a session, its
    // first flight, which took the certificate's key.
    [[nodiscard]] std::unique_ptr<DtlsSession> receive(ByteView datagram, const Endpoint& client,
                                                       const Endpoint& server, Time now,
                                                       DatagramBatch& wire);

private:
    friend struct DtlsCookieCallbacks;

    // What the callbacks of OpenSSL need to know of the datagram in hand.
    struct Asking {
        const DtlsAcceptor& acceptor;
        const Endpoint& client;
        const Endpoint& server;
        ByteView parameters;
        Time now;
    };

    [[nodiscard]] SslPointer make_listening() const;

    std::shared_ptr<const TlsContext> context_;
    const DtlsCookies& cookies_;
    std::size_t mtu_;
    SslPointer listening_;
};

}  // namespace turnbuckle::net
