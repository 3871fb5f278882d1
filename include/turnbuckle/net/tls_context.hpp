// What all TLS or DTLS sessions of a listener have in common: certificates, keys and the rules of
// the handshake. Immutable once loaded, shared by all workers; a reload makes another one, and
// sessions keep the one they began with.
//
// TLS 1.2 and 1.3 on streams, DTLS 1.2 on datagrams; RFC 8489 section 6.2.3's cipher suites first
// and otherwise only AEAD with forward secrecy; no compression, renegotiation, early data or client
// certificates; session tickets instead of a session cache. The certificate is chosen by SNI among
// the DNS names of each (RFC 6125, wildcards included), else it is the first; of several with the
// same names and different kinds of keys, it is the one that the client can verify. ALPN: RFC
// 7443's labels; a client that offers only others is refused (RFC 7301 section 3.2), one that
// offers none is served.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/types.h>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/net/certificate.hpp"
#include "turnbuckle/net/ticket_keys.hpp"

namespace turnbuckle::net {

struct SslFree {
    void operator()(SSL* ssl) const noexcept;
};
using SslPointer = std::unique_ptr<SSL, SslFree>;

struct SslContextFree {
    void operator()(SSL_CTX* context) const noexcept;
};
using SslContextPointer = std::unique_ptr<SSL_CTX, SslContextFree>;

// Which connections of a stream listener are a web server's: those whose SNI is one of `names`, and
// those whose ALPN list has one of `protocols` (h2, http/1.1) but no label of STUN.
struct WebRule {
    std::vector<std::string> names;
    std::vector<std::string> protocols;
};

enum class TlsTransport : std::uint8_t { Stream, Datagram };

struct TlsOptions {
    TlsTransport transport = TlsTransport::Stream;
    std::vector<CertificateFiles> certificates;  // at least one
    std::optional<WebRule> web = {};             // streams only
    // Shared by all contexts of the process; none: keys of its own.
    std::shared_ptr<TicketKeys> ticket_keys = {};
};

class TlsContext {
public:
    // All that is wrong with all pairs, not only the first.
    [[nodiscard]] static std::expected<std::shared_ptr<const TlsContext>, std::vector<TlsLoadError>>
    load(const TlsOptions& options);

    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    ~TlsContext();

    [[nodiscard]] TlsTransport transport() const noexcept { return transport_; }
    [[nodiscard]] bool has_web_rule() const noexcept { return web_.has_value(); }
    [[nodiscard]] std::span<const CertificateInfo> certificates() const noexcept { return infos_; }

    // A server session in accept state, without BIOs; throws std::bad_alloc. This context must
    // outlive it. A session that the web rule claims stops with SSL_ERROR_WANT_CLIENT_HELLO_CB
    // before anything is written.
    [[nodiscard]] SslPointer new_session() const;

private:
    TlsContext() = default;
    // A new one, or that of an earlier certificate which this one accompanies.
    [[nodiscard]] SslContextPointer context_for(const Certificate& certificate) const;
    struct Callbacks;  // OpenSSL's side: C functions that find their TlsContext in the SSL_CTX

    TlsTransport transport_ = TlsTransport::Stream;
    std::vector<Certificate> certificates_;
    std::vector<SslContextPointer> contexts_;  // of the certificate with the same index
    std::vector<CertificateInfo> infos_;
    std::optional<WebRule> web_;
    std::shared_ptr<TicketKeys> ticket_keys_;
};

}  // namespace turnbuckle::net
