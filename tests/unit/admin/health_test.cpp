#include "turnbuckle/admin/health.hpp"

#include <gtest/gtest.h>

namespace turnbuckle::admin {
namespace {

TEST(Health, IsOkAndOpenToAnyone) {
    const HttpHandler handler = healthz();
    EXPECT_EQ(handler.path, "/healthz");
    EXPECT_EQ(handler.access, Access::Anyone);
    EXPECT_EQ(handler.respond({}).status, 200);
    EXPECT_EQ(handler.respond({}).body, "ok\n");
}

TEST(Readiness, FollowsTheServer) {
    Readiness now{.ready = true, .reason = "serving"};
    const HttpHandler handler = readyz([&] { return now; });
    EXPECT_EQ(handler.path, "/readyz");
    EXPECT_EQ(handler.access, Access::Anyone);
    EXPECT_EQ(handler.respond({}).status, 200);
    EXPECT_EQ(handler.respond({}).body, "serving\n");
    now = {.ready = false, .reason = "draining"};
    EXPECT_EQ(handler.respond({}).status, 503);
    EXPECT_EQ(handler.respond({}).body, "draining\n");
}

TEST(Readiness, IsNotGivenWithoutASource) {
    EXPECT_EQ(readyz({}).respond({}).status, 503);
}

}  // namespace
}  // namespace turnbuckle::admin
