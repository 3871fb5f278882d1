#include "turnbuckle/base/timer_wheel.hpp"

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace turnbuckle {
namespace {

using namespace std::chrono_literals;

class TimerWheelTest : public ::testing::Test {
protected:
    std::vector<TimerWheel::Token> advance_to(Duration since_start) {
        std::vector<TimerWheel::Token> fired;
        wheel_.advance(start_ + since_start, fired);
        return fired;
    }

    Time start_{1000s};
    TimerWheel wheel_{start_};
};

TEST_F(TimerWheelTest, FiresNeverEarlyAndAtMostOneTickLate) {
    wheel_.schedule(start_ + 10s + 1ms, 7);
    EXPECT_TRUE(advance_to(10s).empty());
    EXPECT_EQ(advance_to(10s + TimerWheel::kTick), std::vector<TimerWheel::Token>{7});
    EXPECT_EQ(wheel_.size(), 0u);
}

TEST_F(TimerWheelTest, KeepsDeadlinesBeyondOneTurnUntilTheyAreDue) {
    wheel_.schedule(start_ + 3600s, 1);
    for (auto t = 1s; t < 3600s; t += 1s)
        ASSERT_TRUE(advance_to(t).empty()) << t.count();
    EXPECT_EQ(advance_to(3600s).size(), 1u);
}

TEST_F(TimerWheelTest, FiresEverythingDueAfterALongPause) {
    for (unsigned i = 0; i < 100; ++i)
        wheel_.schedule(start_ + i * 10s, i);
    EXPECT_EQ(advance_to(5000s).size(), 100u);
}

TEST_F(TimerWheelTest, APastDeadlineFiresAtTheNextTick) {
    EXPECT_TRUE(advance_to(100s).empty());
    wheel_.schedule(start_ + 1s, 3);
    EXPECT_EQ(advance_to(100s + TimerWheel::kTick).size(), 1u);
}

TEST_F(TimerWheelTest, FiresEveryTokenOnceAndOnTimeHoweverItIsDriven) {
    std::mt19937 random(7);
    std::vector<Duration> deadline(2000);
    std::vector<int> fired(deadline.size());
    Duration now = 0s;
    std::size_t scheduled = 0;
    for (int step = 0; step < 4000; ++step) {
        if (scheduled < deadline.size()) {
            deadline[scheduled] = now + std::chrono::milliseconds(random() % 1'000'000);
            wheel_.schedule(start_ + deadline[scheduled], scheduled);
            ++scheduled;
        }
        // Mostly fractions of a tick, now and then more than a whole turn.
        const Duration before = now;
        now += random() % 100 == 0 ? Duration(300s) : std::chrono::milliseconds(random() % 500);
        for (const auto token : advance_to(now)) {
            ++fired[token];
            ASSERT_GE(now, deadline[token]);
            ASSERT_LT(before, deadline[token] + TimerWheel::kTick);
        }
        ASSERT_EQ(wheel_.size(), scheduled - static_cast<std::size_t>(
                                                 std::accumulate(fired.begin(), fired.end(), 0)));
    }
    advance_to(now + 2000s);
    EXPECT_EQ(wheel_.size(), 0u);
    EXPECT_TRUE(std::ranges::all_of(fired, [](int n) { return n <= 1; }));
}

TEST_F(TimerWheelTest, AsksForNothingWhenEmpty) {
    EXPECT_FALSE(wheel_.next());
    wheel_.schedule(start_ + 60s, 1);
    EXPECT_EQ(wheel_.next(), start_ + TimerWheel::kTick);
}

}  // namespace
}  // namespace turnbuckle
