#include "turnbuckle/admin/http_router.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

#include "turnbuckle/base/log.hpp"

namespace turnbuckle::admin {
namespace {

HttpRouter router(std::optional<Secret> token = std::nullopt) {
    return {
        {{.path = "/page",
          .help = "a page",
          .respond =
              [](const HttpRequest& request) {
                  return HttpResponse{.body = fmt::format("[{}][{}]", request.path, request.query)};
              }},
         {.path = "/open",
          .help = "open to anyone",
          .respond = [](const HttpRequest&) { return HttpResponse{}; },
          .access = Access::Anyone},
         {.path = "/broken",
          .help = "throws",
          .respond = [](const HttpRequest&) -> HttpResponse {
              throw std::runtime_error("the reason");
          }}},
        std::move(token)};
}

TEST(HttpRouter, SplitsTheTargetAtTheFirstQuestionMark) {
    EXPECT_EQ(router().answer("/page", "").body, "[/page][]");
    EXPECT_EQ(router().answer("/page?", "").body, "[/page][]");
    EXPECT_EQ(router().answer("/page?a?b", "").body, "[/page][a?b]");
}

TEST(HttpRouter, MatchesPathsExactly) {
    for (const char* path :
         {"/Page", "/page/", "//page", "/pag", "/pagex", "/%70age", "/x/../page"}) {
        EXPECT_EQ(router().answer(path, "").status, 404) << path;
    }
}

TEST(HttpRouter, APageThatThrowsIsA500WithoutDetails) {
    const log::Capture captured;
    const HttpResponse response = router().answer("/broken", "");
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(response.body.find("the reason"), std::string::npos);
    EXPECT_TRUE(captured.contains("the reason"));
}

TEST(HttpRouter, TheTokenMustMatchWhole) {
    const HttpRouter guarded = router(Secret("s3cret"));
    for (const char* right : {"Bearer s3cret", "bearer s3cret", "BEARER  s3cret"}) {
        EXPECT_EQ(guarded.answer("/page", right).status, 200) << right;
    }
    for (const char* wrong : {"", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret1",
                              "Bearer S3cret", "Bearer s3cret ", "Basic s3cret", "s3cret",
                              " Bearer s3cret", "Bearers3cret", "Bearer x s3cret"}) {
        EXPECT_EQ(guarded.answer("/page", wrong).status, 401) << wrong;
    }
}

TEST(HttpRouter, WithoutTheTokenAnUnknownPageLooksLikeAKnownOne) {
    const HttpRouter guarded = router(Secret("s3cret"));
    EXPECT_EQ(guarded.answer("/nothing", "").status, 401);
    EXPECT_EQ(guarded.answer("/", "").status, 401);
    EXPECT_EQ(guarded.answer("/nothing", "Bearer s3cret").status, 404);
}

TEST(HttpRouter, OpenPagesNeedNoToken) {
    EXPECT_EQ(router(Secret("s3cret")).answer("/open", "").status, 200);
}

TEST(HttpRouter, AnEmptyTokenOpensNothing) {
    const HttpRouter guarded = router(Secret(""));
    EXPECT_EQ(guarded.answer("/page", "").status, 401);
    EXPECT_EQ(guarded.answer("/page", "Bearer ").status, 401);
}

}  // namespace
}  // namespace turnbuckle::admin
