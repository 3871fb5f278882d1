#include "turnbuckle/net/file_descriptor.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <utility>

#include <gtest/gtest.h>

namespace turnbuckle::net {
namespace {

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(FileDescriptor, closes_when_it_goes) {
    int raw = -1;
    {
        const FileDescriptor fd(::eventfd(0, 0));
        raw = fd.get();
        ASSERT_TRUE(is_open(raw));
    }
    EXPECT_FALSE(is_open(raw));
}

TEST(FileDescriptor, moving_hands_over_and_closes_what_was_there) {
    FileDescriptor a(::eventfd(0, 0));
    FileDescriptor b(::eventfd(0, 0));
    const int kept = a.get();
    const int replaced = b.get();
    b = std::move(a);
    EXPECT_FALSE(a.valid());
    EXPECT_EQ(b.get(), kept);
    EXPECT_TRUE(is_open(kept));
    EXPECT_FALSE(is_open(replaced));
}

TEST(FileDescriptor, releasing_gives_it_away_open) {
    int raw = -1;
    {
        FileDescriptor fd(::eventfd(0, 0));
        raw = fd.release();
        EXPECT_FALSE(fd.valid());
    }
    EXPECT_TRUE(is_open(raw));
    const FileDescriptor owner(raw);
}

}  // namespace
}  // namespace turnbuckle::net
