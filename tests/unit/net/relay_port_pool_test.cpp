#include "turnbuckle/net/relay_port_pool.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <latch>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace turnbuckle::net {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{1000s};

class RelayPortPoolTest : public testing::Test {
protected:
    SecureRandom random_;
};

TEST_F(RelayPortPoolTest, gives_out_every_port_exactly_once) {
    RelayPortPool pool(49152, 65535);
    std::set<std::uint16_t> seen;
    for (std::size_t i = 0; i < 16384; ++i) {
        const auto port = pool.take_random(random_, kStart);
        ASSERT_TRUE(port) << i;
        ASSERT_GE(*port, 49152);
        ASSERT_TRUE(seen.insert(*port).second);
        ASSERT_TRUE(pool.in_use(*port));
    }
    EXPECT_FALSE(pool.take_random(random_, kStart));
    EXPECT_FALSE(pool.take_even(random_, false, kStart));
    EXPECT_EQ(pool.used(), 16384u);
    EXPECT_EQ(pool.free_ports(kStart), 0u);
}

TEST_F(RelayPortPoolTest, keeps_to_ranges_that_do_not_fit_its_words) {
    for (const auto& [min, max] : {std::pair{49153, 49153},
                                   {1, 3},
                                   {50000, 50100},
                                   {65535, 65535},
                                   {60031, 60032},
                                   {63, 129}}) {
        RelayPortPool pool(static_cast<std::uint16_t>(min), static_cast<std::uint16_t>(max));
        std::set<int> seen;
        while (const auto port = pool.take_random(random_, kStart)) {
            EXPECT_TRUE(*port >= min && *port <= max) << *port;
            EXPECT_TRUE(seen.insert(*port).second) << *port;
        }
        EXPECT_EQ(seen.size(), pool.size());
        EXPECT_FALSE(pool.in_use(static_cast<std::uint16_t>(max + 1)));
    }
}

TEST_F(RelayPortPoolTest, chooses_at_random_over_the_whole_range) {
    std::set<std::uint16_t> first;
    for (int i = 0; i < 50; ++i) {
        RelayPortPool pool(49152, 65535);
        first.insert(*pool.take_random(random_, kStart));
    }
    EXPECT_GT(first.size(), 40u) << "50 draws out of 16,384 hardly ever meet";
    EXPECT_GT(*first.rbegin() - *first.begin(), 8192);
}

TEST_F(RelayPortPoolTest, gives_even_ports_on_request) {
    RelayPortPool pool(50001, 50100);
    std::set<std::uint16_t> seen;
    while (const auto port = pool.take_even(random_, false, kStart)) {
        EXPECT_EQ(*port % 2, 0);
        EXPECT_TRUE(seen.insert(*port).second);
    }
    EXPECT_EQ(seen.size(), 50u);
    EXPECT_TRUE(pool.take_random(random_, kStart)) << "the odd ones are left";
}

TEST_F(RelayPortPoolTest, takes_the_next_port_along_with_an_even_one) {
    RelayPortPool pool(50001, 50100);
    std::set<std::uint16_t> seen;
    while (const auto port = pool.take_even(random_, true, kStart)) {
        EXPECT_EQ(*port % 2, 0);
        EXPECT_TRUE(pool.in_use(*port));
        EXPECT_TRUE(pool.in_use(static_cast<std::uint16_t>(*port + 1)));
        EXPECT_TRUE(seen.insert(*port).second);
    }
    EXPECT_EQ(seen.size(), 49u) << "50001 has no even one before it, 50100 no odd one after it";
    EXPECT_EQ(pool.used(), 98u);
    EXPECT_EQ(pool.take_even(random_, false, kStart), 50100);
    EXPECT_EQ(pool.take_random(random_, kStart), 50001);
}

TEST_F(RelayPortPoolTest, finds_no_pair_where_only_single_ports_are_free) {
    RelayPortPool pool(50000, 50001, 0s);
    ASSERT_EQ(pool.take_even(random_, true, kStart), 50000);
    pool.release(50000, kStart);
    EXPECT_FALSE(pool.take_even(random_, true, kStart));
    EXPECT_EQ(pool.take_even(random_, false, kStart), 50000);
    pool.release(50000, kStart);
    pool.release(50001, kStart);
    EXPECT_EQ(pool.take_even(random_, true, kStart), 50000);
}

TEST_F(RelayPortPoolTest, lets_a_released_port_rest) {
    RelayPortPool pool(50000, 50001, 30s);
    const auto port = pool.take_even(random_, false, kStart);
    ASSERT_EQ(port, 50000);
    pool.release(*port, kStart);
    EXPECT_FALSE(pool.in_use(50000)) << "no allocation has it";
    EXPECT_EQ(pool.used(), 0u);
    EXPECT_EQ(pool.quarantined(kStart + 30s - 1ns), 1u);
    EXPECT_EQ(pool.free_ports(kStart + 30s - 1ns), 1u);
    EXPECT_EQ(pool.take_random(random_, kStart + 29s), 50001) << "the other one";
    EXPECT_EQ(pool.quarantined(kStart + 30s), 0u);
    EXPECT_EQ(pool.free_ports(kStart + 30s), 1u);
    EXPECT_EQ(pool.take_random(random_, kStart + 30s), 50000);
}

TEST_F(RelayPortPoolTest, returns_rested_ports_when_it_is_asked_for_one) {
    RelayPortPool pool(50000, 50000, 30s);
    ASSERT_TRUE(pool.take_random(random_, kStart));
    pool.release(50000, kStart);
    EXPECT_EQ(pool.take_random(random_, kStart + 31s), 50000);
    EXPECT_EQ(pool.quarantined(kStart + 31s), 0u);
    EXPECT_EQ(pool.used(), 1u);
}

TEST_F(RelayPortPoolTest, shortens_the_rest_rather_than_refuse) {
    RelayPortPool pool(50000, 50003, 30s);
    for (int i = 0; i < 4; ++i)
        ASSERT_TRUE(pool.take_random(random_, kStart));
    for (const int port : {50002, 50001, 50003})
        pool.release(static_cast<std::uint16_t>(port), kStart);
    EXPECT_EQ(pool.take_random(random_, kStart), 50002) << "the one that has rested longest";
    EXPECT_EQ(pool.take_random(random_, kStart), 50001);
    EXPECT_EQ(pool.quarantined(kStart), 1u);
    EXPECT_EQ(pool.take_random(random_, kStart), 50003);
    EXPECT_FALSE(pool.take_random(random_, kStart));
}

TEST_F(RelayPortPoolTest, ignores_the_release_of_a_port_that_is_not_in_use) {
    RelayPortPool pool(50000, 50009, 30s);
    const auto port = pool.take_random(random_, kStart);
    pool.release(*port, kStart);
    pool.release(*port, kStart);
    pool.release(1, kStart);
    EXPECT_EQ(pool.used(), 0u);
    EXPECT_EQ(pool.quarantined(kStart), 1u);
    EXPECT_EQ(pool.free_ports(kStart), 9u);
}

TEST_F(RelayPortPoolTest, is_emptied_by_four_threads_without_giving_a_port_twice) {
    RelayPortPool pool(49152, 65535);
    std::array<std::vector<std::uint16_t>, 4> taken;
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < taken.size(); ++i)
            threads.emplace_back([&pool, &mine = taken[i], i] {
                SecureRandom random;
                for (;;) {
                    // Half of the threads take pairs for as long as there are any.
                    if (const auto pair =
                            i % 2 == 0 ? pool.take_even(random, true, kStart) : std::nullopt) {
                        mine.push_back(*pair);
                        mine.push_back(static_cast<std::uint16_t>(*pair + 1));
                    } else if (const auto port = pool.take_random(random, kStart)) {
                        mine.push_back(*port);
                    } else {
                        return;
                    }
                }
            });
    }
    std::vector<std::uint16_t> all;
    for (const auto& mine : taken)
        all.insert(all.end(), mine.begin(), mine.end());
    std::ranges::sort(all);
    EXPECT_EQ(all.size(), 16384u);
    EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
    EXPECT_EQ(pool.used(), 16384u);
}

TEST_F(RelayPortPoolTest, keeps_its_books_while_four_threads_contend_for_three_ports) {
    RelayPortPool pool(50000, 50002, 0s);
    std::array<std::atomic<int>, 3> owners{};
    std::atomic<bool> shared{false};
    std::latch together{4};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                SecureRandom random;
                together.arrive_and_wait();
                for (int round = 0; round < 100'000; ++round) {
                    const auto port = pool.take_random(random, kStart);
                    if (!port) continue;
                    std::atomic<int>& owner = owners[*port - 50000u];
                    if (owner.fetch_add(1) != 0) shared = true;
                    owner.fetch_sub(1);
                    pool.release(*port, kStart);
                }
            });
    }
    EXPECT_FALSE(shared) << "a port had two owners at once";
    EXPECT_EQ(pool.used(), 0u);
    EXPECT_EQ(pool.free_ports(kStart), 3u);
}

}  // namespace
}  // namespace turnbuckle::net
