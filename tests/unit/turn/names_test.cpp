#include <algorithm>
#include <cctype>
#include <set>

#include <gtest/gtest.h>

#include "turnbuckle/turn/drop_reason.hpp"
#include "turnbuckle/turn/statistics.hpp"

namespace turnbuckle::turn {
namespace {

template <class Enum>
class Names : public testing::Test {};

using Labels =
    testing::Types<DropReason, Transport, Direction, RequestMethod, EndReason, AuthFailure>;
TYPED_TEST_SUITE(Names, Labels);

TYPED_TEST(Names, AreDistinctAndInSnakeCase) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < kCount<TypeParam>; ++i) {
        const std::string_view name = name_of(static_cast<TypeParam>(i));
        EXPECT_TRUE(seen.insert(name).second) << name << " is there twice";
        EXPECT_NE(name, "invalid") << "enumerator " << i;
        EXPECT_TRUE(!name.empty() && std::ranges::all_of(name, [](char c) {
            return c == '_' || std::islower(static_cast<unsigned char>(c)) != 0;
        })) << name;
    }
    EXPECT_EQ(name_of(TypeParam::Count_), "invalid");
}

TEST(NameOf, SpellsTheLabelsThatDashboardsRelyOn) {
    EXPECT_EQ(name_of(DropReason::PeerDenied), "peer_denied");
    EXPECT_EQ(name_of(Transport::Dtls), "dtls");
    EXPECT_EQ(name_of(Direction::ClientToPeer), "client_to_peer");
    EXPECT_EQ(name_of(RequestMethod::CreatePermission), "create_permission");
    EXPECT_EQ(name_of(EndReason::Released), "released");
    EXPECT_EQ(name_of(AuthFailure::WrongPassword), "wrong_password");
}

TEST(CodeIndex, FindsEveryCountedCode) {
    for (std::size_t i = 0; i < kCountedCodes.size(); ++i) {
        EXPECT_EQ(code_index(kCountedCodes[i]), i);
    }
}

TEST(CodeIndex, CountsAnUnlistedCodeAs500) {
    EXPECT_EQ(kCountedCodes[code_index(599)], 500);
    EXPECT_EQ(kCountedCodes[code_index(65535)], 500);
}

}  // namespace
}  // namespace turnbuckle::turn
