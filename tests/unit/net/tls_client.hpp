// A TLS client over memory, OpenSSL's own, to put beside a TlsSession: no sockets, no waiting.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/net/tls_context.hpp"
#include "turnbuckle/net/tls_session.hpp"

namespace turnbuckle::net::test {

struct TlsClientOptions {
    std::string server_name = {};
    std::vector<std::string> alpn = {};
    int version = 0;            // TLS1_2_VERSION; 0: what both can
    std::string ciphers = {};   // of TLS 1.2
    std::string groups = {};    // "P-256:X25519"
    SSL_SESSION* session = {};  // to resume
};

class TlsClient {
public:
    explicit TlsClient(const TlsClientOptions& options = {})
        : context_(SSL_CTX_new(TLS_client_method())) {
        SSL_CTX* context = context_.get();
        if (options.version != 0) {
            SSL_CTX_set_min_proto_version(context, options.version);
            SSL_CTX_set_max_proto_version(context, options.version);
        }
        if (options.version != 0 && options.version < TLS1_2_VERSION)
            SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
        else if (!options.ciphers.empty())
            SSL_CTX_set_cipher_list(context, options.ciphers.c_str());
        if (!options.groups.empty()) SSL_CTX_set1_groups_list(context, options.groups.c_str());
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
        SSL_CTX_set_app_data(context, this);
        SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION* session) {
            auto* self = static_cast<TlsClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
            self->sessions_.emplace_back(session, SSL_SESSION_free);
            return 1;
        });

        ssl_.reset(SSL_new(context));
        incoming_ = BIO_new(BIO_s_mem());
        outgoing_ = BIO_new(BIO_s_mem());
        BIO_set_mem_eof_return(incoming_, -1);
        SSL_set_bio(ssl_.get(), incoming_, outgoing_);
        SSL_set_connect_state(ssl_.get());
        if (!options.server_name.empty())
            SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                     const_cast<char*>(options.server_name.c_str()));
        std::string alpn;
        for (const std::string& label : options.alpn)
            alpn += static_cast<char>(label.size()) + label;
        if (!alpn.empty())
            SSL_set_alpn_protos(ssl_.get(), as_bytes(alpn).data(),
                                static_cast<unsigned>(alpn.size()));
        if (options.session != nullptr) SSL_set_session(ssl_.get(), options.session);
    }
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

    [[nodiscard]] SSL* ssl() const noexcept { return ssl_.get(); }

    // What the client wants to send now, its handshake driven as far as it goes.
    [[nodiscard]] std::vector<std::uint8_t> outgoing() {
        if (!SSL_is_init_finished(ssl_.get())) step();
        std::vector<std::uint8_t> bytes(BIO_ctrl_pending(outgoing_));
        if (!bytes.empty()) BIO_read(outgoing_, bytes.data(), static_cast<int>(bytes.size()));
        return bytes;
    }

    void incoming(ByteView bytes) {
        if (!bytes.empty()) BIO_write(incoming_, bytes.data(), static_cast<int>(bytes.size()));
        step();
    }

    void send(std::string_view text) {
        ERR_clear_error();
        if (SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) <= 0)
            throw std::runtime_error("the client cannot write");
    }
    void close() { SSL_shutdown(ssl_.get()); }

    [[nodiscard]] bool connected() const { return SSL_is_init_finished(ssl_.get()) != 0; }
    [[nodiscard]] const std::string& received() const noexcept { return received_; }
    // The server's close_notify has come.
    [[nodiscard]] bool closed() const {
        return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
    }
    // "tlsv1 alert no application protocol", or whatever else made it fail.
    [[nodiscard]] const std::string& error() const noexcept { return error_; }
    [[nodiscard]] std::string alpn() const {
        const unsigned char* name = nullptr;
        unsigned length = 0;
        SSL_get0_alpn_selected(ssl_.get(), &name, &length);
        return std::string(as_text({name, length}));
    }
    [[nodiscard]] std::string server_common_name() const {
        char name[256] = {};
        X509* certificate = SSL_get0_peer_certificate(ssl_.get());
        if (certificate != nullptr)
            X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                                      sizeof name);
        return name;
    }
    [[nodiscard]] SSL_SESSION* session() const {
        return sessions_.empty() ? nullptr : sessions_.back().get();
    }
    [[nodiscard]] std::size_t tickets() const noexcept { return sessions_.size(); }

private:
    void step() {
        char buffer[20'000];
        for (;;) {
            ERR_clear_error();
            const int n = SSL_read(ssl_.get(), buffer, sizeof buffer);
            if (n > 0) {
                received_.append(buffer, static_cast<std::size_t>(n));
                continue;
            }
            if (SSL_get_error(ssl_.get(), n) == SSL_ERROR_SSL && error_.empty())
                error_ = take_openssl_error();
            ERR_clear_error();
            return;
        }
    }

    SslContextPointer context_;
    std::vector<std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>> sessions_;
    SslPointer ssl_;
    BIO* incoming_ = nullptr;
    BIO* outgoing_ = nullptr;
    std::string received_;
    std::string error_;
};

// Gives a session bytes as a connection would, and keeps what comes of them.
struct TlsServerSide {
    explicit TlsServerSide(std::shared_ptr<const TlsContext> context)
        : session(std::move(context)) {}

    void input(ByteView bytes) {
        session.input(bytes);
        std::vector<std::uint8_t> plaintext(buffer_size);
        while (const std::size_t n = session.read(plaintext, wire))
            received.append(as_text(ByteView(plaintext).first(n)));
    }
    [[nodiscard]] std::vector<std::uint8_t> outgoing() { return std::exchange(wire, {}); }

    TlsSession session;
    std::vector<std::uint8_t> wire;
    std::string received;
    std::size_t buffer_size = 16'384;
};

// Carries bytes both ways, `chunk` at a time, until both sides are silent.
inline void exchange(TlsClient& client, TlsServerSide& server, std::size_t chunk = 1 << 20) {
    for (;;) {
        const auto up = client.outgoing();
        for (ByteView rest = up; !rest.empty(); rest = rest.subspan(std::min(chunk, rest.size())))
            server.input(rest.first(std::min(chunk, rest.size())));
        const auto down = server.outgoing();
        if (!down.empty()) client.incoming(down);
        if (up.empty() && down.empty()) return;
    }
}

}  // namespace turnbuckle::net::test
