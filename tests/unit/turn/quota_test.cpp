#include "turnbuckle/turn/quota.hpp"

#include <array>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace turnbuckle::turn {
namespace {

TEST(Quota, GrantsAUserExactlyItsLimit) {
    Quota quota({.per_user = 2, .total = 0});
    const auto first = quota.acquire("alice");
    const auto second = quota.acquire("alice");
    EXPECT_TRUE(first && second);
    EXPECT_EQ(quota.acquire("alice").error(), QuotaExceeded::User);
    EXPECT_TRUE(quota.acquire("bob"));
    EXPECT_EQ(quota.held_by("alice"), 2u);
}

TEST(Quota, GrantsAllTogetherExactlyTheTotal) {
    Quota quota({.per_user = 0, .total = 2});
    const auto first = quota.acquire("alice");
    const auto second = quota.acquire("bob");
    EXPECT_TRUE(first && second);
    EXPECT_EQ(quota.acquire("carol").error(), QuotaExceeded::Total);
    EXPECT_EQ(quota.held(), 2u);
    EXPECT_EQ(quota.users(), 2u);  // the refused one left nothing behind
}

TEST(Quota, ZeroIsNoLimit) {
    Quota quota({.per_user = 0, .total = 0});
    std::vector<QuotaTicket> tickets;
    for (int i = 0; i < 1000; ++i)
        tickets.push_back(quota.acquire("alice").value());
    EXPECT_EQ(quota.held_by("alice"), 1000u);
}

TEST(Quota, TheLastTicketTakesTheUserWithIt) {
    Quota quota({.per_user = 2, .total = 2});
    {
        const auto first = quota.acquire("alice");
        {
            const auto second = quota.acquire("alice");
            EXPECT_EQ(quota.held(), 2u);
        }
        EXPECT_EQ(quota.held_by("alice"), 1u);
        EXPECT_EQ(quota.users(), 1u);
    }
    EXPECT_EQ(quota.held(), 0u);
    EXPECT_EQ(quota.users(), 0u);
    EXPECT_TRUE(quota.acquire("alice"));
}

TEST(Quota, ARefusalTakesNothing) {
    Quota quota({.per_user = 1, .total = 2});
    const auto alice = quota.acquire("alice");
    for (int i = 0; i < 10; ++i)
        EXPECT_FALSE(quota.acquire("alice"));
    EXPECT_EQ(quota.held(), 1u);
    const auto bob = quota.acquire("bob");
    EXPECT_TRUE(bob);
    for (int i = 0; i < 10; ++i)
        EXPECT_FALSE(quota.acquire("carol"));
    EXPECT_EQ(quota.held(), 2u);
}

TEST(QuotaTicket, MovesWithoutGivingBackTwice) {
    Quota quota({.per_user = 4, .total = 4});
    QuotaTicket first = quota.acquire("alice").value();
    QuotaTicket moved(std::move(first));
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that is the point
    EXPECT_EQ(first.user(), "");
    EXPECT_EQ(moved.user(), "alice");
    EXPECT_EQ(quota.held(), 1u);

    QuotaTicket other = quota.acquire("bob").value();
    other = std::move(moved);  // gives bob's back
    EXPECT_EQ(quota.held_by("bob"), 0u);
    EXPECT_EQ(quota.held_by("alice"), 1u);

    QuotaTicket& same = other;
    other = std::move(same);
    EXPECT_EQ(quota.held_by("alice"), 1u);

    other.release();
    other.release();
    EXPECT_FALSE(other);
    EXPECT_EQ(quota.held(), 0u);
}

TEST(QuotaTicket, OutlivesTheQuota) {
    QuotaTicket ticket;
    {
        Quota quota({});
        ticket = quota.acquire("alice").value();
    }
    EXPECT_EQ(ticket.user(), "alice");
}

TEST(QuotaTicket, KeepsItsUserWhileTheTableGrows) {
    Quota quota({});
    const QuotaTicket alice = quota.acquire("alice").value();
    std::vector<QuotaTicket> others;
    for (int i = 0; i < 10000; ++i)
        others.push_back(quota.acquire(std::to_string(i)).value());
    EXPECT_EQ(alice.user(), "alice");
    EXPECT_EQ(quota.users(), 10001u);
}

TEST(Quota, LimitsChangeWhileTicketsAreHeld) {
    Quota quota({.per_user = 2, .total = 0});
    auto first = quota.acquire("alice");
    const auto second = quota.acquire("alice");
    quota.set_limits({.per_user = 1, .total = 0});
    EXPECT_EQ(quota.held_by("alice"), 2u);
    first->release();
    EXPECT_EQ(quota.acquire("alice").error(), QuotaExceeded::User);
    quota.set_limits({.per_user = 0, .total = 1});
    EXPECT_EQ(quota.acquire("alice").error(), QuotaExceeded::Total);
    quota.set_limits({});
    EXPECT_TRUE(quota.acquire("alice"));
}

TEST(Quota, NeverExceedsItsLimitsAndLosesNothingBetweenThreads) {
    constexpr std::uint32_t kPerUser = 5;
    constexpr std::uint32_t kTotal = 12;
    constexpr unsigned kUsers = 4;
    Quota quota({.per_user = kPerUser, .total = kTotal});
    // Counted up after a ticket is had and down before it is given back: never above the truth.
    std::array<std::atomic<std::uint32_t>, kUsers> seen_by_user{};
    std::atomic<std::uint32_t> seen{0};
    std::atomic<bool> exceeded{false};

    std::vector<std::thread> threads;
    for (unsigned seed = 0; seed < 4; ++seed) {
        threads.emplace_back([&, seed] {
            std::mt19937 random(seed);
            std::vector<std::pair<unsigned, QuotaTicket>> mine;
            for (int i = 0; i < 20000; ++i) {
                const unsigned user = static_cast<unsigned>(random() % kUsers);
                if (random() % 2 == 0) {
                    if (auto ticket = quota.acquire("user" + std::to_string(user))) {
                        if (seen_by_user[user].fetch_add(1) + 1 > kPerUser) exceeded = true;
                        if (seen.fetch_add(1) + 1 > kTotal) exceeded = true;
                        mine.emplace_back(user, std::move(*ticket));
                    }
                } else if (!mine.empty()) {
                    seen_by_user[mine.back().first].fetch_sub(1);
                    seen.fetch_sub(1);
                    mine.pop_back();
                }
            }
            for (const auto& [user, ticket] : mine) {
                seen_by_user[user].fetch_sub(1);
                seen.fetch_sub(1);
            }
        });
    }
    for (auto& thread : threads)
        thread.join();

    EXPECT_FALSE(exceeded);
    EXPECT_EQ(quota.held(), 0u);
    EXPECT_EQ(quota.users(), 0u);
}

}  // namespace
}  // namespace turnbuckle::turn
