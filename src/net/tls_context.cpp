#include "turnbuckle/net/tls_context.hpp"

#include <algorithm>
#include <array>
#include <new>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "turnbuckle/net/dtls_acceptor.hpp"

namespace turnbuckle::net {

void SslFree::operator()(SSL* ssl) const noexcept {
    SSL_free(ssl);
}

void SslContextFree::operator()(SSL_CTX* context) const noexcept {
    SSL_CTX_free(context);
}

namespace {

// RFC 7443 section 2.
constexpr std::array<std::string_view, 2> kAlpnLabels{"stun.turn", "stun.nat-discovery"};

// What RFC 9325 section 4.2 recommends, and at the end the one that RFC 8489 section 6.2.3 (and
// RFC 7350 section 4 for DTLS) wants beside ECDHE_RSA for the sake of old clients.
constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256";
constexpr const char* kTls13Ciphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

bool is_stun_label(std::string_view protocol) noexcept {
    return std::ranges::find(kAlpnLabels, protocol) != kAlpnLabels.end();
}

// The entries of a list whose entries follow their length in one byte each (RFC 7301 section 3.1);
// a malformed rest is left out, OpenSSL judges it later.
std::vector<std::string_view> protocols_in(ByteView list) {
    std::vector<std::string_view> protocols;
    while (!list.empty() && list.size() > list[0]) {
        protocols.push_back(as_text(list.subspan(1, list[0])));
        list = list.subspan(1 + std::size_t{list[0]});
    }
    return protocols;
}

ByteView extension(SSL* ssl, unsigned type) noexcept {
    const unsigned char* data = nullptr;
    std::size_t length = 0;
    if (SSL_client_hello_get0_ext(ssl, type, &data, &length) != 1) return {};
    return {data, length};
}

// RFC 6066 section 3: a list with one host_name, in practice and by rule. "" if there is none.
std::string_view server_name_in(ByteView extension) noexcept {
    constexpr std::size_t kHeader = 5;  // length of the list, type, length of the name
    if (extension.size() < kHeader || extension[2] != TLSEXT_NAMETYPE_host_name) return {};
    const std::size_t length = load_be16(&extension[3]);
    if (extension.size() - kHeader < length) return {};
    return as_text(extension.subspan(kHeader, length));
}

bool same_name(std::string_view a, std::string_view b) noexcept {
    constexpr auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : int{c}; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_web(const WebRule& rule, SSL* ssl) {
    const std::string_view name = server_name_in(extension(ssl, TLSEXT_TYPE_server_name));
    if (std::ranges::any_of(rule.names, [&](const auto& own) { return same_name(own, name); }))
        return true;
    ByteView alpn = extension(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation);
    if (alpn.size() < 2) return false;
    const auto offered = protocols_in(alpn.subspan(2));
    return std::ranges::none_of(offered, is_stun_label) &&
           std::ranges::any_of(offered, [&](std::string_view protocol) {
               return std::ranges::find(rule.protocols, protocol) != rule.protocols.end();
           });
}

std::string refused() {
    return fmt::format("is refused by OpenSSL: {}", take_openssl_error());
}

void set_rules(SSL_CTX* context, TlsTransport transport) {
    if (transport == TlsTransport::Stream)
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    else
        SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, kTls12Ciphers);
    SSL_CTX_set_ciphersuites(context, kTls13Ciphers);
    SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384");
    SSL_CTX_set_dh_auto(context, 1);
    // ChaCha20 for those who ask for it first: they have no AES in hardware.
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    // The owner of a datagram session knows its MTU; OpenSSL would ask the socket.
    if (transport == TlsTransport::Datagram) SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_timeout(context,
                        std::chrono::seconds(kTicketKeyPeriod / std::chrono::seconds(1)).count());
    // A ticket is good with every certificate of the listener; OpenSSL compares this.
    constexpr std::string_view kSessions = "turnbuckle";
    SSL_CTX_set_session_id_context(context, as_bytes(kSessions).data(), kSessions.size());
}

std::expected<void, std::string> install(SSL_CTX* context, const Certificate& certificate) {
    if (SSL_CTX_use_certificate(context, certificate.leaf.get()) != 1)
        return std::unexpected(refused());
    for (const X509Pointer& intermediate : certificate.intermediates)
        if (SSL_CTX_add1_chain_cert(context, intermediate.get()) != 1)
            return std::unexpected(refused());
    if (SSL_CTX_use_PrivateKey(context, certificate.key.get()) != 1)
        return std::unexpected(refused());
    return {};
}

}  // namespace

struct TlsContext::Callbacks {
    static const TlsContext& context_of(SSL* ssl) noexcept {
        return *static_cast<const TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    }

    static int client_hello(SSL* ssl, int*, void* self) noexcept {
        try {
            const auto& context = *static_cast<const TlsContext*>(self);
            return is_web(*context.web_, ssl) ? SSL_CLIENT_HELLO_RETRY : SSL_CLIENT_HELLO_SUCCESS;
        } catch (const std::bad_alloc&) {
            return SSL_CLIENT_HELLO_ERROR;
        }
    }

    static int server_name(SSL* ssl, int*, void* self) noexcept {
        const auto& context = *static_cast<const TlsContext*>(self);
        const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
        const auto found = std::ranges::find_if(
            context.certificates_, [&](const Certificate& own) { return own.is_for(name); });
        // Unknown names meet the first certificate, and the client judges it: a client may well
        // have been told a name that only its own trust store knows.
        if (found != context.certificates_.end() && found != context.certificates_.begin())
            SSL_set_SSL_CTX(
                ssl,
                context.contexts_[static_cast<std::size_t>(found - context.certificates_.begin())]
                    .get());
        return SSL_TLSEXT_ERR_OK;
    }

    // RFC 7301 section 3.2: no common protocol is fatal, no_application_protocol.
    static int alpn(SSL*, const unsigned char** out, unsigned char* out_length,
                    const unsigned char* in, unsigned in_length, void*) noexcept {
        try {
            for (const std::string_view offered : protocols_in({in, in_length})) {
                if (!is_stun_label(offered)) continue;
                *out = as_bytes(offered).data();
                *out_length = static_cast<unsigned char>(offered.size());
                return SSL_TLSEXT_ERR_OK;
            }
        } catch (const std::bad_alloc&) {
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }

    static int ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                      EVP_MAC_CTX* mac, int encrypt) noexcept {
        const int verdict =
            context_of(ssl).ticket_keys_->set_up(name, iv, cipher, mac, encrypt != 0);
        // RFC 8446 appendix C.4: a client uses a ticket once, so each one is answered by another.
        return verdict == 1 && encrypt == 0 && SSL_version(ssl) == TLS1_3_VERSION ? 2 : verdict;
    }

    static void install(const TlsContext& self, SSL_CTX* context) {
        auto* argument = const_cast<TlsContext*>(&self);  // OpenSSL's types know no const
        SSL_CTX_set_app_data(context, argument);
        if (self.web_) SSL_CTX_set_client_hello_cb(context, client_hello, argument);
        // What SSL_CTX_set_tlsext_servername_callback() does, without its C cast.
        SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                              reinterpret_cast<void (*)()>(server_name));
        SSL_CTX_set_tlsext_servername_arg(context, argument);
        SSL_CTX_set_alpn_select_cb(context, alpn, nullptr);
        SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket);
        if (self.transport_ == TlsTransport::Datagram) use_dtls_cookies(context);
    }
};

TlsContext::~TlsContext() = default;

std::expected<std::shared_ptr<const TlsContext>, std::vector<TlsLoadError>> TlsContext::load(
    const TlsOptions& options) {
    std::shared_ptr<TlsContext> self(new TlsContext);
    self->transport_ = options.transport;
    if (options.transport == TlsTransport::Stream) self->web_ = options.web;
    self->ticket_keys_ = options.ticket_keys ? options.ticket_keys : std::make_shared<TicketKeys>();

    std::vector<TlsLoadError> errors;
    for (std::size_t i = 0; i < options.certificates.size(); ++i) {
        auto certificate = read_certificate(options.certificates[i]);
        if (!certificate) {
            for (TlsLoadError& error : certificate.error()) {
                error.pair = i;
                errors.push_back(std::move(error));
            }
            continue;
        }
        SslContextPointer context = self->context_for(*certificate);
        if (const auto installed = install(context.get(), *certificate); !installed) {
            errors.push_back({i, false, certificate->info.file, installed.error()});
            continue;
        }
        self->infos_.push_back(certificate->info);
        self->certificates_.push_back(std::move(*certificate));
        self->contexts_.push_back(std::move(context));
    }
    if (options.certificates.empty()) errors.push_back({0, false, "", "no certificate is given"});
    if (!errors.empty()) return std::unexpected(std::move(errors));
    return self;
}

SslContextPointer TlsContext::context_for(const Certificate& certificate) const {
    // OpenSSL keeps one certificate of each kind of key and shows what the client can verify.
    const auto twin = std::ranges::find_if(
        certificates_, [&](const Certificate& other) { return certificate.accompanies(other); });
    if (twin != certificates_.end()) {
        SSL_CTX* shared = contexts_[static_cast<std::size_t>(twin - certificates_.begin())].get();
        SSL_CTX_up_ref(shared);
        return SslContextPointer(shared);
    }
    SslContextPointer context(SSL_CTX_new(
        transport_ == TlsTransport::Stream ? TLS_server_method() : DTLS_server_method()));
    if (!context) throw std::bad_alloc();
    set_rules(context.get(), transport_);
    Callbacks::install(*this, context.get());
    return context;
}

SslPointer TlsContext::new_session() const {
    SslPointer ssl(SSL_new(contexts_.front().get()));
    ERR_clear_error();
    if (!ssl) throw std::bad_alloc();
    SSL_set_accept_state(ssl.get());
    return ssl;
}

}  // namespace turnbuckle::net
