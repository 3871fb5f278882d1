#include "turnbuckle/stun/integrity.hpp"

#include <zlib.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

namespace turnbuckle::stun {
namespace {

template <auto Free>
struct Deleter {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using Mac = std::unique_ptr<EVP_MAC, Deleter<EVP_MAC_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Deleter<EVP_MAC_CTX_free>>;
using Md = std::unique_ptr<EVP_MD, Deleter<EVP_MD_free>>;
using MdContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;

void require(bool ok, const char* what) {
    if (!ok) throw std::runtime_error(std::string("OpenSSL: ") + what + " is not available");
}

// Fetching walks the providers and takes locks: once per process.
EVP_MAC* hmac_algorithm() {
    static const Mac mac{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
    require(mac != nullptr, "HMAC");
    return mac.get();
}

Md fetch_digest(const char* name) {
    Md md{EVP_MD_fetch(nullptr, name, nullptr)};
    require(md != nullptr, name);
    return md;
}

EVP_MD* md5() {
    static const Md md = fetch_digest("MD5");
    return md.get();
}

EVP_MD* sha256() {
    static const Md md = fetch_digest("SHA256");
    return md.get();
}

// Setting the digest is the slow part of starting an HMAC: done once, the context then only gets a
// key at a time.
MacContext make_hmac(const char* digest) {
    MacContext context{EVP_MAC_CTX_new(hmac_algorithm())};
    require(context != nullptr, digest);
    const std::string name = digest;
    const std::array parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(name.c_str()),
                                         name.size()),
        OSSL_PARAM_construct_end()};
    require(EVP_MAC_CTX_set_params(context.get(), parameters.data()) == 1, digest);
    return context;
}

EVP_MAC_CTX* hmac_sha1_context() {
    thread_local const MacContext context = make_hmac("SHA1");
    return context.get();
}

EVP_MAC_CTX* hmac_sha256_context() {
    thread_local const MacContext context = make_hmac("SHA256");
    return context.get();
}

template <class Digest>
Digest hmac(EVP_MAC_CTX* context, ByteView key, ByteView head, ByteView rest) {
    // A null key would mean "the one of the last call" to OpenSSL.
    constexpr std::uint8_t kNoKey = 0;
    const std::uint8_t* bytes = key.empty() ? &kNoKey : key.data();
    Digest digest{};
    std::size_t size = 0;
    const bool ok = EVP_MAC_init(context, bytes, key.size(), nullptr) == 1 &&
                    EVP_MAC_update(context, head.data(), head.size()) == 1 &&
                    EVP_MAC_update(context, rest.data(), rest.size()) == 1 &&
                    EVP_MAC_final(context, digest.data(), &size, digest.size()) == 1;
    require(ok && size == digest.size(), "HMAC");
    return digest;
}

// The texts with a colon between each two.
template <class Digest>
Digest digest_joined(const EVP_MD* md, std::initializer_list<std::string_view> texts) {
    thread_local const MdContext context{EVP_MD_CTX_new()};
    Digest digest{};
    unsigned size = 0;
    bool ok = context != nullptr && EVP_DigestInit_ex2(context.get(), md, nullptr) == 1;
    for (const std::string_view* text = texts.begin(); text != texts.end(); ++text) {
        if (text != texts.begin()) ok = ok && EVP_DigestUpdate(context.get(), ":", 1) == 1;
        ok = ok && EVP_DigestUpdate(context.get(), text->data(), text->size()) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1;
    require(ok && size == digest.size(), "digest");
    return digest;
}

}  // namespace

void require_digests() {
    static_cast<void>(md5());
    static_cast<void>(sha256());
    static_cast<void>(hmac_sha1_context());
    static_cast<void>(hmac_sha256_context());
}

Sha1Digest hmac_sha1(ByteView key, ByteView head, ByteView rest) noexcept {
    return hmac<Sha1Digest>(hmac_sha1_context(), key, head, rest);
}

Sha256Digest hmac_sha256(ByteView key, ByteView head, ByteView rest) noexcept {
    return hmac<Sha256Digest>(hmac_sha256_context(), key, head, rest);
}

Md5Digest long_term_key_md5(std::string_view username, std::string_view realm,
                            std::string_view password) noexcept {
    return digest_joined<Md5Digest>(md5(), {username, realm, password});
}

Sha256Digest long_term_key_sha256(std::string_view username, std::string_view realm,
                                  std::string_view password) noexcept {
    return digest_joined<Sha256Digest>(sha256(), {username, realm, password});
}

Sha256Digest user_hash(std::string_view username, std::string_view realm) noexcept {
    return digest_joined<Sha256Digest>(sha256(), {username, realm});
}

std::uint32_t fingerprint(ByteView bytes) noexcept {
    constexpr std::uint32_t kFingerprintXor = 0x5354554e;
    return static_cast<std::uint32_t>(crc32_z(0, bytes.data(), bytes.size())) ^ kFingerprintXor;
}

}  // namespace turnbuckle::stun
