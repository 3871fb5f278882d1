#include "turnbuckle/base/secret.hpp"

#include <gtest/gtest.h>

namespace turnbuckle {
namespace {

TEST(Secret, AMoveLeavesNothingBehind) {
    Secret from(std::string("short"));  // short enough to live inside the string object
    const Secret to(std::move(from));
    EXPECT_EQ(to.reveal(), "short");
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that is the point
}

TEST(ConstantTimeEqual, ComparesContentAndLength) {
    EXPECT_TRUE(constant_time_equal(as_bytes("abc"), as_bytes("abc")));
    EXPECT_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("abd")));
    EXPECT_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("abcd")));
    EXPECT_TRUE(constant_time_equal({}, {}));
}

}  // namespace
}  // namespace turnbuckle
