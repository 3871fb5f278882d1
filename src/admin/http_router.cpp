#include "turnbuckle/admin/http_router.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "turnbuckle/base/log.hpp"

namespace turnbuckle::admin {

namespace {

HttpHandler index_of(const std::vector<HttpHandler>& handlers) {
    std::size_t width = 0;
    for (const HttpHandler& handler : handlers)
        width = std::max(width, handler.path.size());
    std::string page = "turnbuckle\n\n";
    for (const HttpHandler& handler : handlers) {
        page += fmt::format("{:<{}}  {}\n", handler.path, width, handler.help);
    }
    return {.path = "/", .help = "this list", .respond = [page](const HttpRequest&) {
                return HttpResponse{.body = page};
            }};
}

// Schemes are compared without regard to case (RFC 9110 section 11.1).
bool is_bearer(std::string_view scheme) {
    return std::ranges::equal(scheme, std::string_view("bearer"), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
    });
}

}  // namespace

HttpRouter::HttpRouter(std::vector<HttpHandler> handlers, std::optional<Secret> token)
    : token_(std::move(token)) {
    handlers_.push_back(index_of(handlers));
    std::ranges::move(handlers, std::back_inserter(handlers_));
}

HttpResponse HttpRouter::refusal(std::uint16_t status, std::string_view line) {
    return {.status = status, .body = fmt::format("{}\n", line)};
}

const HttpHandler* HttpRouter::find(std::string_view path) const {
    const auto found = std::ranges::find(handlers_, path, &HttpHandler::path);
    return found == handlers_.end() ? nullptr : &*found;
}

bool HttpRouter::is_authorized(std::string_view authorization) const {
    if (!token_) return true;
    const std::size_t space = authorization.find(' ');
    if (space == std::string_view::npos || !is_bearer(authorization.substr(0, space))) return false;
    authorization.remove_prefix(
        std::min(authorization.find_first_not_of(' ', space), authorization.size()));
    // An empty token is a mistake of whoever configured it, and must not open the door.
    return !token_->empty() &&
           constant_time_equal(as_bytes(authorization), as_bytes(token_->reveal()));
}

HttpResponse HttpRouter::answer(std::string_view target, std::string_view authorization) const {
    const std::size_t question = std::min(target.find('?'), target.size());
    const HttpRequest request{.path = target.substr(0, question),
                              .query = target.substr(std::min(question + 1, target.size())),
                              .authorization = authorization};
    const HttpHandler* handler = find(request.path);
    const bool open = handler != nullptr && handler->access == Access::Anyone;
    if (!open && !is_authorized(authorization)) {
        HttpResponse response = refusal(401, "A bearer token is required.");
        response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"turnbuckle\"");
        return response;
    }
    if (handler == nullptr) return refusal(404, "There is no such page.");
    try {
        return handler->respond(request);
    } catch (const std::exception& e) {
        log::error("admin page failed", {{"path", request.path}, {"error", e.what()}});
        return refusal(500, "The page could not be made.");
    }
}

}  // namespace turnbuckle::admin
