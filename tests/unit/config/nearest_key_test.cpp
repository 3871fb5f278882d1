#include "turnbuckle/config/nearest_key.hpp"

namespace turnbuckle::config {
namespace {

constexpr std::array<std::string_view, 4> kKnown{"realm", "listeners", "relay", "limits"};

TEST(NearestKey, CountsEachEditOnce) {
    EXPECT_EQ(edit_distance("", ""), 0u);
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("port", "port"), 0u);
    EXPECT_EQ(edit_distance("port", "ports"), 1u);
    EXPECT_EQ(edit_distance("post", "port"), 1u);
    EXPECT_EQ(edit_distance("rots", "ports"), 2u);
    EXPECT_EQ(edit_distance("prots", "ports"), 1u) << "a swap of neighbours is one slip";
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(NearestKey, TakesAbsurdlyLongTextAsAllDifferent) {
    EXPECT_EQ(edit_distance(std::string(100'000, 'a'), "port"), 100'000u);
}

TEST(NearestKey, NamesTheKeyThatWasMeant) {
    EXPECT_EQ(unknown_key("realms", kKnown), "unknown key 'realms'; did you mean 'realm'?");
    EXPECT_EQ(unknown_key("listners", kKnown), "unknown key 'listners'; did you mean 'listeners'?");
}

TEST(NearestKey, ListsAllKeysWhenNoneIsNear) {
    EXPECT_EQ(unknown_key("x", kKnown),
              "unknown key 'x'; known here: realm, listeners, relay, limits");
}

}  // namespace
}  // namespace turnbuckle::config
