// The keys of session tickets (RFC 5077; RFC 8446 section 4.6.1): one set for the process.
//
// Tickets are all that the server keeps of a session, and it keeps them at the client, encrypted
// under these keys (AES-256-CBC and HMAC-SHA256, each ticket under a fresh IV). Two generations
// live: the current one encrypts, the one before it still decrypts, so a ticket is good for one to
// two periods and a stolen key opens two periods of tickets at most. The keys never leave memory,
// and are wiped when their time is over. They outlive TlsContexts, so resumption survives the
// reload of certificates. Any thread; a lock for each handshake that meets a ticket.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>

#include <openssl/types.h>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/base/time.hpp"

namespace turnbuckle::net {

inline constexpr Duration kTicketKeyPeriod = std::chrono::hours(12);

class TicketKeys {
public:
    // Throws std::runtime_error if the system has no entropy to give.
    TicketKeys();
    TicketKeys(const TicketKeys&) = delete;
    TicketKeys& operator=(const TicketKeys&) = delete;

    // New keys when a period is over since the last change; to be called now and then. A gap of
    // two periods or more leaves no old generation.
    void rotate(Time now);

    // OpenSSL's callback (SSL_CTX_set_tlsext_ticket_key_evp_cb) in terms of this object: fills or
    // recognises `name` and `iv`, and sets up both contexts. Returns what the callback shall: 1 use
    // it, 2 use it and issue a new ticket, 0 unknown key (full handshake), -1 error.
    [[nodiscard]] int set_up(std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher,
                             EVP_MAC_CTX* mac, bool encrypt) noexcept;

private:
    struct Generation {
        std::array<std::uint8_t, 16> name{};
        std::array<std::uint8_t, 32> cipher_key{};
        std::array<std::uint8_t, 32> mac_key{};
        bool live = false;

        Generation() noexcept = default;
        Generation(const Generation&) noexcept = default;
        Generation& operator=(const Generation&) noexcept = default;
        ~Generation();  // wipes
    };

    static void renew(Generation& generation);
    [[nodiscard]] bool find(ByteView name, Generation& found, bool& current) const noexcept;

    mutable std::mutex mutex_;
    Generation current_;
    Generation previous_;
    Time changed_{};
    bool started_ = false;  // the first rotate() only tells the time
};

}  // namespace turnbuckle::net
