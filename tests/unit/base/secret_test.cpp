#include "turnbuckle/base/secret.hpp"

#include <ostream>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace turnbuckle {
namespace {

TEST(Secret, AMoveLeavesNothingBehind) {
    Secret from(std::string("short"));  // short enough to live inside the string object
    const Secret to(std::move(from));
    EXPECT_EQ(to.reveal(), "short");
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that is the point
}

TEST(Secret, AnAssignmentLeavesNothingBehindEither) {
    Secret from(std::string(100, 's'));
    Secret to(std::string("old"));
    to = std::move(from);
    EXPECT_EQ(to.reveal(), std::string(100, 's'));
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that is the point
    const Secret copy(to);
    EXPECT_EQ(copy.reveal(), to.reveal());
}

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) {
    out << value;
};

TEST(Secret, CannotBePrintedByAccident) {
    static_assert(!fmt::is_formattable<Secret>::value);
    static_assert(Streamable<std::string> && !Streamable<Secret>);
}

TEST(ConstantTimeEqual, ComparesContentAndLength) {
    EXPECT_TRUE(constant_time_equal(as_bytes("abc"), as_bytes("abc")));
    EXPECT_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("abd")));
    EXPECT_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("abcd")));
    EXPECT_TRUE(constant_time_equal({}, {}));
}

}  // namespace
}  // namespace turnbuckle
