#include "turnbuckle/net/ticket_keys.hpp"

#include <algorithm>
#include <stdexcept>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

namespace turnbuckle::net {

namespace {

void fill(MutableBytes out) {
    if (RAND_priv_bytes(out.data(), static_cast<int>(out.size())) != 1)
        throw std::runtime_error("the system has no randomness for session ticket keys");
}

}  // namespace

TicketKeys::Generation::~Generation() {
    OPENSSL_cleanse(cipher_key.data(), cipher_key.size());
    OPENSSL_cleanse(mac_key.data(), mac_key.size());
}

TicketKeys::TicketKeys() {
    renew(current_);
}

void TicketKeys::renew(Generation& generation) {
    Generation fresh;
    fill(fresh.name);
    fill(fresh.cipher_key);
    fill(fresh.mac_key);
    fresh.live = true;
    generation = fresh;
}

void TicketKeys::rotate(Time now) {
    const std::scoped_lock lock(mutex_);
    if (!started_) {
        started_ = true;
        changed_ = now;
        return;
    }
    const Duration age = now - changed_;
    if (age < kTicketKeyPeriod) return;
    Generation fresh;
    renew(fresh);
    previous_ = age < 2 * kTicketKeyPeriod ? current_ : Generation{};
    current_ = fresh;
    changed_ = now;
}

bool TicketKeys::find(ByteView name, Generation& found, bool& current) const noexcept {
    const std::scoped_lock lock(mutex_);
    for (const Generation* generation : {&current_, &previous_}) {
        if (!generation->live || !std::ranges::equal(generation->name, name)) continue;
        found = *generation;
        current = generation == &current_;
        return true;
    }
    return false;
}

int TicketKeys::set_up(std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, bool encrypt) noexcept {
    Generation keys;
    bool current = true;
    if (encrypt) {
        const std::scoped_lock lock(mutex_);
        keys = current_;
    } else if (!find({name, keys.name.size()}, keys, current)) {
        return 0;
    }
    if (encrypt) {
        std::ranges::copy(keys.name, name);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    }
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, keys.mac_key.data(),
                                          keys.mac_key.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    if (EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, keys.cipher_key.data(), iv,
                          encrypt ? 1 : 0) != 1)
        return -1;
    if (EVP_MAC_CTX_set_params(mac, parameters) != 1) return -1;
    return current ? 1 : 2;
}

}  // namespace turnbuckle::net
