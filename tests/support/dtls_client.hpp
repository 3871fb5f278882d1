// A DTLS client of OpenSSL's over spans, and a certificate for whoever it talks to: what the tests
// of DTLS associations and the fuzzer play against the server's side.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "turnbuckle/base/time.hpp"
#include "turnbuckle/net/span_bio.hpp"
#include "turnbuckle/net/tls_context.hpp"

namespace turnbuckle::net::test {

using Bytes = std::vector<std::uint8_t>;

// The datagrams of a batch, each for itself.
[[nodiscard]] std::vector<Bytes> datagrams_of(const DatagramBatch& batch);

// A context for datagrams with a fresh self-signed certificate.
[[nodiscard]] std::shared_ptr<const TlsContext> make_dtls_context();

class DtlsClient {
public:
    static constexpr std::size_t kMtu = 1200;

    DtlsClient();
    // Begins another handshake as a client that lost its state would, from the same address.
    void restart();

    // Goes on with the handshake; what it sends is what comes back.
    std::vector<Bytes> start();
    std::vector<Bytes> receive(const Bytes& datagram);
    // Repeats its last flight if its timer has run out (gettimeofday() tells).
    std::vector<Bytes> on_timeout();
    std::vector<Bytes> write(const Bytes& plaintext);
    std::vector<Bytes> close();

    [[nodiscard]] bool is_open() const;
    [[nodiscard]] bool was_closed() const;
    // What the server has said since the last call.
    std::vector<Bytes> take_plaintext();

    [[nodiscard]] SSL* ssl() { return ssl_.get(); }

private:
    std::vector<Bytes> advance(const Bytes& datagram);

    SslContextPointer context_;
    SslPointer ssl_;
    std::vector<Bytes> plaintext_;
};

}  // namespace turnbuckle::net::test
