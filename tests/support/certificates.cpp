#include "support/certificates.hpp"

#include <stdlib.h>

#include <cstdint>
#include <fstream>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace turnbuckle::test {

namespace {

struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

template <class T>
T* need(T* made) {
    if (made == nullptr) throw std::runtime_error("OpenSSL cannot make a certificate");
    return made;
}

Owned<EVP_PKEY> make_key(bool rsa, unsigned bits = 2048) {
    return Owned<EVP_PKEY>(need(rsa ? EVP_RSA_gen(bits) : EVP_EC_gen("P-256")));
}

std::string text_of(BIO* bio) {
    const char* text = nullptr;
    const long length = BIO_get_mem_data(bio, &text);
    return {text, static_cast<std::size_t>(length)};
}

std::string pem_of(X509* certificate) {
    const Owned<BIO> bio(need(BIO_new(BIO_s_mem())));
    PEM_write_bio_X509(bio.get(), certificate);
    return text_of(bio.get());
}

std::string pem_of(EVP_PKEY* key, std::string_view passphrase = {}) {
    const Owned<BIO> bio(need(BIO_new(BIO_s_mem())));
    const bool plain = passphrase.empty();
    std::string copy(passphrase);
    PEM_write_bio_PKCS8PrivateKey(bio.get(), key, plain ? nullptr : EVP_aes_256_cbc(),
                                  plain ? nullptr : copy.data(),
                                  plain ? 0 : static_cast<int>(copy.size()), nullptr, nullptr);
    return text_of(bio.get());
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const Owned<X509_EXTENSION> extension(
        need(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str())));
    X509_add_ext(certificate, extension.get(), -1);
}

std::string alternative_names(const CertificateRequest& request) {
    std::string names;
    const auto add = [&](const char* kind, const std::string& name) {
        names += (names.empty() ? "" : ",") + std::string(kind) + name;
    };
    for (const std::string& name : request.dns_names)
        add("DNS:", name);
    for (const std::string& address : request.ip_addresses)
        add("IP:", address);
    return names;
}

// Signed by `issuer` and its key, or by itself if there is none.
Owned<X509> make(const CertificateRequest& request, EVP_PKEY* key, X509* issuer,
                 EVP_PKEY* issuer_key, bool authority) {
    Owned<X509> certificate(need(X509_new()));
    X509* made = certificate.get();
    X509_set_version(made, X509_VERSION_3);
    std::uint32_t serial = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
    ASN1_INTEGER_set(X509_get_serialNumber(made), static_cast<long>(serial) + 1);
    X509_gmtime_adj(X509_getm_notBefore(made), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made), static_cast<long>(request.valid_for.count()));
    X509_set_pubkey(made, key);
    if (!request.common_name.empty())
        X509_NAME_add_entry_by_txt(
            X509_get_subject_name(made), "CN", MBSTRING_UTF8,
            reinterpret_cast<const unsigned char*>(request.common_name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(issuer != nullptr ? issuer : made));
    X509* signer = issuer != nullptr ? issuer : made;
    add_extension(made, signer, NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (const std::string names = alternative_names(request); !names.empty())
        add_extension(made, signer, NID_subject_alt_name, names);
    if (X509_sign(made, issuer_key != nullptr ? issuer_key : key, EVP_sha256()) == 0)
        need<X509>(nullptr);
    return certificate;
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "turnbuckle-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::operator/(std::string_view name) const {
    return (path_ / name).string();
}

CertificatePem make_certificate(const CertificateRequest& request) {
    const auto key = make_key(request.rsa, request.rsa_bits);
    const auto certificate = make(request, key.get(), nullptr, nullptr, false);
    return {pem_of(certificate.get()), pem_of(key.get())};
}

std::string make_encrypted_key(std::string_view passphrase) {
    return pem_of(make_key(false).get(), passphrase);
}

CertificateAuthority::CertificateAuthority() {
    const auto key = make_key(false);
    const CertificateRequest request{
        .common_name = "test authority", .dns_names = {}, .ip_addresses = {}};
    own_ = {pem_of(make(request, key.get(), nullptr, nullptr, true).get()), pem_of(key.get())};
}

CertificateAuthority::~CertificateAuthority() = default;

CertificatePem CertificateAuthority::issue(const CertificateRequest& request) const {
    const auto read = [](const std::string& text) {
        return Owned<BIO>(need(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))));
    };
    const Owned<X509> issuer(
        need(PEM_read_bio_X509(read(own_.certificate).get(), nullptr, nullptr, nullptr)));
    const Owned<EVP_PKEY> issuer_key(
        need(PEM_read_bio_PrivateKey(read(own_.private_key).get(), nullptr, nullptr, nullptr)));
    const auto key = make_key(request.rsa, request.rsa_bits);
    const auto certificate = make(request, key.get(), issuer.get(), issuer_key.get(), false);
    return {pem_of(certificate.get()) + own_.certificate, pem_of(key.get())};
}

void write_file(const std::string& path, std::string_view content) {
    const std::string beside = path + ".new";
    std::ofstream(beside, std::ios::binary) << content;
    std::filesystem::rename(beside, path);
}

}  // namespace turnbuckle::test
