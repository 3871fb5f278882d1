// One page of the admin plane: a record in the server's table of handlers.
//
// Callbacks run on the admin thread, one at a time, and must not block: they read counters and
// snapshots. A callback that throws becomes a 500 without details.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace turnbuckle::admin {

struct HttpRequest {
    std::string_view path;           // as sent, without the query
    std::string_view query;          // what follows '?', undecoded
    std::string_view authorization;  // the header's value, empty if absent
};

struct HttpResponse {
    std::uint16_t status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body = {};
    std::vector<std::pair<std::string, std::string>> headers = {};  // further ones
};

// Who may ask when a bearer token is configured.
enum class Access : std::uint8_t { Token, Anyone };

struct HttpHandler {
    std::string path;  // exact match, begins with '/'
    std::string help;  // one line for the index page
    std::function<HttpResponse(const HttpRequest&)> respond;
    Access access = Access::Token;
};

}  // namespace turnbuckle::admin
