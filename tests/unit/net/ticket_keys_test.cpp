#include "turnbuckle/net/ticket_keys.hpp"

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <openssl/evp.h>

namespace turnbuckle::net {
namespace {

// What OpenSSL does with the callback's contexts, for one small "ticket".
struct Ticket {
    std::array<std::uint8_t, 16> name{};
    std::array<std::uint8_t, 16> iv{};
    std::string body;
    std::string tag;
};

struct Contexts {
    struct Free {
        void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
        void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
        void operator()(EVP_MAC* digest) const { EVP_MAC_free(digest); }
    };
    std::unique_ptr<EVP_CIPHER_CTX, Free> cipher{EVP_CIPHER_CTX_new()};
    std::unique_ptr<EVP_MAC, Free> hmac{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
    std::unique_ptr<EVP_MAC_CTX, Free> mac{EVP_MAC_CTX_new(hmac.get())};

    std::string pass(std::string_view text) const {
        std::string out(text.size() + 32, '\0');
        auto* bytes = reinterpret_cast<unsigned char*>(out.data());
        int first = 0;
        int last = 0;
        EVP_CipherUpdate(cipher.get(), bytes, &first, as_bytes(text).data(),
                         static_cast<int>(text.size()));
        EVP_CipherFinal_ex(cipher.get(), bytes + first, &last);
        out.resize(static_cast<std::size_t>(first + last));
        return out;
    }
    std::string tag(std::string_view text) const {
        std::string out(64, '\0');
        std::size_t length = 0;
        EVP_MAC_init(mac.get(), nullptr, 0, nullptr);
        EVP_MAC_update(mac.get(), as_bytes(text).data(), text.size());
        EVP_MAC_final(mac.get(), reinterpret_cast<unsigned char*>(out.data()), &length, out.size());
        out.resize(length);
        return out;
    }
};

Ticket issue(TicketKeys& keys, std::string_view text) {
    const Contexts contexts;
    Ticket ticket;
    EXPECT_EQ(keys.set_up(ticket.name.data(), ticket.iv.data(), contexts.cipher.get(),
                          contexts.mac.get(), true),
              1);
    ticket.body = contexts.pass(text);
    ticket.tag = contexts.tag(ticket.body);
    return ticket;
}

// What the callback says of it; the text is compared if it is recognised.
int open(TicketKeys& keys, Ticket ticket, std::string_view text) {
    const Contexts contexts;
    const int verdict = keys.set_up(ticket.name.data(), ticket.iv.data(), contexts.cipher.get(),
                                    contexts.mac.get(), false);
    if (verdict > 0) {
        EXPECT_EQ(contexts.tag(ticket.body), ticket.tag);
        EXPECT_EQ(contexts.pass(ticket.body), text);
    }
    return verdict;
}

const Time kStart{std::chrono::hours(1000)};

TEST(TicketKeys, recognise_what_they_issued) {
    TicketKeys keys;
    const Ticket ticket = issue(keys, "a session");
    EXPECT_NE(ticket.body, "a session");
    EXPECT_EQ(ticket.tag.size(), 32u);
    EXPECT_EQ(open(keys, ticket, "a session"), 1);
}

TEST(TicketKeys, never_use_an_initialisation_vector_again) {
    TicketKeys keys;
    EXPECT_NE(issue(keys, "x").iv, issue(keys, "x").iv);
}

TEST(TicketKeys, do_not_know_those_of_another_process) {
    TicketKeys keys;
    TicketKeys others;
    EXPECT_EQ(open(keys, issue(others, "x"), "x"), 0);
}

TEST(TicketKeys, renew_tickets_of_the_period_before_and_forget_older_ones) {
    TicketKeys keys;
    keys.rotate(kStart);
    const Ticket first = issue(keys, "first");
    keys.rotate(kStart + kTicketKeyPeriod - std::chrono::seconds(1));
    EXPECT_EQ(open(keys, first, "first"), 1);
    keys.rotate(kStart + kTicketKeyPeriod);
    EXPECT_EQ(open(keys, first, "first"), 2);
    const Ticket second = issue(keys, "second");
    EXPECT_EQ(open(keys, second, "second"), 1);
    keys.rotate(kStart + 2 * kTicketKeyPeriod);
    EXPECT_EQ(open(keys, first, "first"), 0);
    EXPECT_EQ(open(keys, second, "second"), 2);
}

TEST(TicketKeys, that_slept_for_two_periods_forget_everything) {
    TicketKeys keys;
    keys.rotate(kStart);
    const Ticket ticket = issue(keys, "x");
    keys.rotate(kStart + 2 * kTicketKeyPeriod);
    EXPECT_EQ(open(keys, ticket, "x"), 0);
}

TEST(TicketKeys, are_not_recognised_by_an_empty_name) {
    TicketKeys keys;
    keys.rotate(kStart);
    EXPECT_EQ(open(keys, {}, ""), 0);
}

}  // namespace
}  // namespace turnbuckle::net
