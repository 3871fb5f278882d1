#include "support/dtls_client.hpp"

#include <fstream>
#include <stdexcept>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "support/certificates.hpp"

namespace turnbuckle::net::test {

namespace {

void require(bool holds) {
    if (!holds) throw std::runtime_error("OpenSSL refused: " + take_openssl_error());
}

}  // namespace

std::vector<Bytes> datagrams_of(const DatagramBatch& batch) {
    std::vector<Bytes> datagrams;
    auto at = batch.bytes.begin();
    for (const std::size_t size : batch.sizes) {
        const auto end = at + static_cast<std::ptrdiff_t>(size);
        datagrams.emplace_back(at, end);
        at = end;
    }
    return datagrams;
}

std::shared_ptr<const TlsContext> make_dtls_context() {
    const turnbuckle::test::TemporaryDirectory directory;
    const auto pem = turnbuckle::test::make_certificate();
    const std::string certificate_file = directory / "certificate.pem";
    const std::string key_file = directory / "key.pem";
    std::ofstream(certificate_file) << pem.certificate;
    std::ofstream(key_file) << pem.private_key;

    TlsOptions options;
    options.transport = TlsTransport::Datagram;
    options.certificates = {{certificate_file, key_file}};
    auto context = TlsContext::load(options);
    if (!context) throw std::runtime_error(context.error().front().reason);
    return *context;
}

DtlsClient::DtlsClient() : context_(SSL_CTX_new(DTLS_client_method())) {
    require(context_ != nullptr);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
    restart();
}

void DtlsClient::restart() {
    ssl_.reset(SSL_new(context_.get()));
    require(ssl_ != nullptr);
    BIO* bio = make_datagram_bio().release();
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_options(ssl_.get(), SSL_OP_NO_QUERY_MTU);
    DTLS_set_link_mtu(ssl_.get(), kMtu);
    SSL_set_connect_state(ssl_.get());
}

std::vector<Bytes> DtlsClient::start() {
    return advance({});
}

std::vector<Bytes> DtlsClient::receive(const Bytes& datagram) {
    return advance(datagram);
}

std::vector<Bytes> DtlsClient::advance(const Bytes& datagram) {
    DatagramBatch wire;
    const DatagramSpan span(SSL_get_rbio(ssl_.get()), datagram, wire, kMtu);
    ERR_clear_error();
    if (!is_open()) SSL_do_handshake(ssl_.get());
    while (is_open()) {
        Bytes record(16384);
        const int n = SSL_read(ssl_.get(), record.data(), static_cast<int>(record.size()));
        if (n <= 0) break;
        record.resize(static_cast<std::size_t>(n));
        plaintext_.push_back(std::move(record));
    }
    ERR_clear_error();
    return datagrams_of(wire);
}

std::vector<Bytes> DtlsClient::on_timeout() {
    DatagramBatch wire;
    const DatagramSpan span(SSL_get_rbio(ssl_.get()), {}, wire, kMtu);
    DTLSv1_handle_timeout(ssl_.get());
    ERR_clear_error();
    return datagrams_of(wire);
}

std::vector<Bytes> DtlsClient::write(const Bytes& plaintext) {
    DatagramBatch wire;
    const DatagramSpan span(SSL_get_rbio(ssl_.get()), {}, wire, kMtu);
    SSL_write(ssl_.get(), plaintext.data(), static_cast<int>(plaintext.size()));
    return datagrams_of(wire);
}

std::vector<Bytes> DtlsClient::close() {
    DatagramBatch wire;
    const DatagramSpan span(SSL_get_rbio(ssl_.get()), {}, wire, kMtu);
    SSL_shutdown(ssl_.get());
    return datagrams_of(wire);
}

bool DtlsClient::is_open() const {
    return SSL_is_init_finished(ssl_.get()) == 1;
}

bool DtlsClient::was_closed() const {
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

std::vector<Bytes> DtlsClient::take_plaintext() {
    return std::exchange(plaintext_, {});
}

}  // namespace turnbuckle::net::test
