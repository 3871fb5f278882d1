#include "turnbuckle/server/mailbox.hpp"

#include <gtest/gtest.h>

namespace turnbuckle::server {
namespace {

TEST(Mailbox, TakesNothingUnlessOpen) {
    Mailbox mailbox;
    EXPECT_FALSE(mailbox.is_open());
    EXPECT_FALSE(mailbox.post([] {}));
    net::Poller poller;
    mailbox.open(poller);
    EXPECT_TRUE(mailbox.post([] { FAIL() << "what is closed is not run"; }));
    mailbox.close();
    EXPECT_FALSE(mailbox.post([] {}));
    mailbox.drain();
}

TEST(Mailbox, RunsTasksInOrderAndWhatTheyPostTheNextTime) {
    net::Poller poller;
    Mailbox mailbox;
    mailbox.open(poller);
    std::vector<int> ran;
    mailbox.post([&] {
        ran.push_back(1);
        mailbox.post([&] { ran.push_back(3); });
    });
    mailbox.post([&] { ran.push_back(2); });
    mailbox.drain();
    EXPECT_EQ(ran, (std::vector<int>{1, 2}));
    mailbox.drain();
    EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
}

TEST(Mailbox, WakesThePollerForWhatIsPosted) {
    net::Poller poller;
    Mailbox mailbox;
    mailbox.open(poller);
    mailbox.post([] {});
    (void)poller.wait(std::chrono::seconds(10));
    EXPECT_TRUE(poller.woken());
}

TEST(Mailbox, IsBounded) {
    net::Poller poller;
    Mailbox mailbox;
    mailbox.open(poller);
    for (std::size_t i = 0; i < Mailbox::kCapacity; ++i)
        ASSERT_TRUE(mailbox.post([] {}));
    EXPECT_FALSE(mailbox.post([] {}));
}

}  // namespace
}  // namespace turnbuckle::server
