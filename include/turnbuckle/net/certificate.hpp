// A server's certificate with its intermediates and its private key, read from PEM files and
// checked: what a TLS context is made of.
//
// Reading reports all that is wrong as values, naming the file, because the same errors are shown
// by `turnbuckle check`, at start and at each reload (where the old pair stays in use). Immutable
// once read. The names that a certificate is good for are judged by OpenSSL (RFC 6125).
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/types.h>

#include "turnbuckle/base/time.hpp"

namespace turnbuckle::net {

// PEM files; `certificate` holds the server's certificate and then its intermediates. Both may be
// the same file.
struct CertificateFiles {
    std::string certificate;
    std::string private_key;

    friend bool operator==(const CertificateFiles&, const CertificateFiles&) = default;
};

struct TlsLoadError {
    std::size_t pair = 0;         // which of several pairs; 0 from read_certificate()
    bool in_private_key = false;  // else in the certificate's file
    std::string file;
    std::string reason;  // "cannot be read: Permission denied"
};

struct CertificateInfo {
    std::string file;
    std::string subject;  // RFC 2253 form; may be empty, the names are elsewhere then
    WallTime not_after{};
};

struct CertificateFree {
    void operator()(X509* certificate) const noexcept;
    void operator()(EVP_PKEY* key) const noexcept;
};
using X509Pointer = std::unique_ptr<X509, CertificateFree>;
using KeyPointer = std::unique_ptr<EVP_PKEY, CertificateFree>;

struct Certificate {
    X509Pointer leaf;
    std::vector<X509Pointer> intermediates;
    KeyPointer key;
    CertificateInfo info;

    // Whether one of its DNS names is `name` or a wildcard for it.
    [[nodiscard]] bool is_for(std::string_view name) const noexcept;
    // The same alternative names on another kind of key: RSA beside EC.
    [[nodiscard]] bool accompanies(const Certificate& other) const noexcept;
};

[[nodiscard]] std::expected<Certificate, std::vector<TlsLoadError>> read_certificate(
    const CertificateFiles& files);

// The text of the thread's oldest OpenSSL error ("no shared cipher"), "" if there is none. Clears
// the thread's queue: one session's error must never be taken for another's.
[[nodiscard]] std::string take_openssl_error();

}  // namespace turnbuckle::net
