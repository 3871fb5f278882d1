// The admin plane's HTTP/1.1 server (RFC 9112): GET and HEAD over a table of handlers, plus an
// index page "/" that lists them.
//
// It has one thread of its own and never touches a worker. The constructor binds and listens (and
// throws std::system_error), so that this can happen before privileges are dropped; start() starts
// the thread; stop() closes every connection and joins. start, stop and the destructor belong to
// one thread, the owner's. Bad input is answered 400, too large a header 431, then the connection
// is closed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "turnbuckle/admin/http_handler.hpp"
#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/secret.hpp"

namespace turnbuckle::admin {

class HttpServer {
public:
    struct Options {
        Endpoint listen{IpAddress::v4(127, 0, 0, 1), 0};  // port 0: the kernel chooses
        // If set, required as "Authorization: Bearer ..." except where Access::Anyone.
        std::optional<Secret> token = {};
        std::size_t max_header_bytes = 8192;
        // For a whole request header to arrive, a response to be taken, and between requests.
        std::chrono::milliseconds timeout{5000};
        // When so many are open, further ones wait in the kernel's queue, and answers close their
        // connection instead of keeping it alive.
        std::size_t max_connections = 64;
    };

    HttpServer(Options options, std::vector<HttpHandler> handlers);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    void start();
    void stop();

    [[nodiscard]] Endpoint local_endpoint() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace turnbuckle::admin
