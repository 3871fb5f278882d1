// From a request to its response, without HTTP's wire format: the table of handlers, the index page
// and the bearer token (RFC 6750 section 2.1). Owned by HttpServer, used on its thread.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "turnbuckle/admin/http_handler.hpp"
#include "turnbuckle/base/secret.hpp"

namespace turnbuckle::admin {

class HttpRouter {
public:
    HttpRouter(std::vector<HttpHandler> handlers, std::optional<Secret> token);

    // For GET and HEAD. `target` is the request's target as sent. Without the token every path that
    // is not open to anyone looks the same, whether it exists or not.
    [[nodiscard]] HttpResponse answer(std::string_view target,
                                      std::string_view authorization) const;

    // A response without a handler: the status and one line of text.
    [[nodiscard]] static HttpResponse refusal(std::uint16_t status, std::string_view line);

private:
    [[nodiscard]] const HttpHandler* find(std::string_view path) const;
    [[nodiscard]] bool is_authorized(std::string_view authorization) const;

    std::vector<HttpHandler> handlers_;  // the index page first
    std::optional<Secret> token_;
};

}  // namespace turnbuckle::admin
