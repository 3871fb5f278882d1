#include "turnbuckle/admin/http_server.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <exception>
#include <system_error>
#include <thread>
#include <unordered_set>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/chrono.h>

#include "turnbuckle/admin/http_router.hpp"
#include "turnbuckle/base/log.hpp"
#include "turnbuckle/base/log_limiter.hpp"
#include "turnbuckle/base/time.hpp"

namespace turnbuckle::admin {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kLinger{1};
constexpr std::size_t kLingerBytes = 64 * 1024;
constexpr std::chrono::milliseconds kAcceptPause{100};

tcp::endpoint to_asio(const Endpoint& endpoint) {
    const ByteView bytes = endpoint.ip.bytes();
    if (endpoint.ip.is_v4()) {
        asio::ip::address_v4::bytes_type v4;
        std::ranges::copy(bytes, v4.begin());
        return {asio::ip::address_v4(v4), endpoint.port};
    }
    asio::ip::address_v6::bytes_type v6;
    std::ranges::copy(bytes, v6.begin());
    return {asio::ip::address_v6(v6), endpoint.port};
}

Endpoint from_asio(const tcp::endpoint& endpoint) {
    if (endpoint.address().is_v4()) {
        return {IpAddress::from_bytes(endpoint.address().to_v4().to_bytes()), endpoint.port()};
    }
    return {IpAddress::from_bytes(endpoint.address().to_v6().to_bytes()), endpoint.port()};
}

std::string http_date() {
    return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT",
                       fmt::gmtime(wall_now().time_since_epoch().count()));
}

bool is_http_error(const beast::error_code& ec) {
    return ec.category() == http::make_error_code(http::error::bad_method).category();
}

using Parser = http::request_parser<http::empty_body>;

// What a request gets, and whether the connection may be used for another one.
struct Outcome {
    HttpResponse response = {};
    bool head = false;
    bool keep_alive = false;
    unsigned version = 11;
};

Outcome decide(const HttpRouter& router, const Parser& parser) {
    const auto& request = parser.get();
    Outcome out{.head = request.method() == http::verb::head, .version = request.version()};
    // A body is never read, so whatever follows it cannot be understood.
    const bool whole = parser.is_done();
    if (!out.head && request.method() != http::verb::get) {
        out.response = HttpRouter::refusal(405, "Only GET and HEAD are served here.");
        out.response.headers.emplace_back("Allow", "GET, HEAD");
        out.keep_alive = whole && request.keep_alive();
        return out;
    }
    // RFC 9112 section 3.2: exactly one Host in HTTP/1.1.
    const bool bad_host = request.version() >= 11 && request.count(http::field::host) != 1;
    if (!whole || bad_host || !request.target().starts_with('/')) {
        out.response = HttpRouter::refusal(400, "The request is not understood.");
        return out;
    }
    const auto authorization = request[http::field::authorization];
    out.response = router.answer({request.target().data(), request.target().size()},
                                 {authorization.data(), authorization.size()});
    out.keep_alive = request.keep_alive();
    return out;
}

// For HEAD the header is the same and the body is left away (RFC 9110 section 9.3.2).
http::response<http::string_body> to_message(Outcome outcome) {
    HttpResponse& response = outcome.response;
    http::response<http::string_body> message(http::int_to_status(response.status),
                                              outcome.version);
    message.set(http::field::date, http_date());
    message.set(http::field::content_type, response.content_type);
    message.set(http::field::cache_control, "no-store");
    message.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : response.headers)
        message.set(name, value);
    message.keep_alive(outcome.keep_alive);
    message.content_length(response.body.size());
    if (!outcome.head) message.body() = std::move(response.body);
    return message;
}

}  // namespace

class HttpServer::Impl {
public:
    Impl(Options options, std::vector<HttpHandler> handlers)
        : options_(std::move(options)), router_(std::move(handlers), std::move(options_.token)) {
        try {
            const tcp::endpoint endpoint = to_asio(options_.listen);
            acceptor_.open(endpoint.protocol());
            acceptor_.set_option(tcp::acceptor::reuse_address(true));
            acceptor_.bind(endpoint);
            acceptor_.listen();
            local_ = from_asio(acceptor_.local_endpoint());
        } catch (const boost::system::system_error& e) {
            throw std::system_error(std::error_code(e.code()),
                                    "cannot listen on " + options_.listen.to_string());
        }
    }

    ~Impl() { stop(); }

    void start() {
        spawn(accept());
        thread_ = std::thread([this] {
            pthread_setname_np(pthread_self(), "turnbuckle-http");
            io_.run();
        });
    }

    void stop() {
        if (!thread_.joinable()) return;
        asio::post(io_, [this] {
            acceptor_.close();
            slot_.cancel();
            for (beast::tcp_stream* stream : open_)
                stream->close();
        });
        thread_.join();
    }

    Endpoint local_endpoint() const { return local_; }

private:
    void spawn(asio::awaitable<void> work) {
        asio::co_spawn(io_, std::move(work), [](const std::exception_ptr& failure) {
            if (!failure) return;
            try {
                std::rethrow_exception(failure);
            } catch (const std::exception& e) {
                log::error("admin connection failed", {{"error", e.what()}});
            }
        });
    }

    asio::awaitable<void> accept() {
        while (acceptor_.is_open()) {
            if (open_.size() >= options_.max_connections) {
                slot_.expires_at(std::chrono::steady_clock::time_point::max());
                co_await slot_.async_wait(kAsTuple);
                continue;
            }
            auto [ec, socket] = co_await acceptor_.async_accept(kAsTuple);
            if (!acceptor_.is_open()) co_return;
            if (ec) {
                // Out of descriptors or memory: the connection stays queued, try again later.
                log::warn("admin accept failed", {{"error", ec.message()}});
                slot_.expires_after(kAcceptPause);
                co_await slot_.async_wait(kAsTuple);
                continue;
            }
            auto connection = std::make_unique<Connection>(*this, std::move(socket));
            spawn(serve(std::move(connection)));
        }
    }

    // A stream that stop() can find and close.
    struct Connection {
        Connection(Impl& server, tcp::socket socket)
            : impl(server),
              stream(std::move(socket)),
              buffer(server.options_.max_header_bytes * 2) {
            impl.open_.insert(&stream);
        }
        Connection(const Connection&) = delete;
        Connection& operator=(const Connection&) = delete;
        ~Connection() {
            impl.open_.erase(&stream);
            impl.slot_.cancel();
        }

        Impl& impl;
        beast::tcp_stream stream;
        beast::flat_buffer buffer;
    };

    asio::awaitable<void> serve(std::unique_ptr<Connection> connection) {
        beast::tcp_stream& stream = connection->stream;
        for (bool keep_alive = true; keep_alive;) {
            Parser parser;
            parser.header_limit(static_cast<std::uint32_t>(options_.max_header_bytes));
            stream.expires_after(options_.timeout);
            const auto [read_error, size] =
                co_await http::async_read_header(stream, connection->buffer, parser, kAsTuple);
            Outcome outcome;
            if (!read_error) {
                outcome = decide(router_, parser);
            } else if (!is_http_error(read_error) || read_error == http::error::end_of_stream ||
                       read_error == http::error::partial_message) {
                co_return;
            } else if (read_error == http::error::header_limit) {
                outcome.response = HttpRouter::refusal(431, "The header is too large.");
            } else {
                outcome.response = HttpRouter::refusal(400, "The request is not understood.");
            }
            if (outcome.response.status == 401) report_refusal(stream);
            if (open_.size() >= options_.max_connections) outcome.keep_alive = false;
            keep_alive = outcome.keep_alive;

            const http::response<http::string_body> message = to_message(std::move(outcome));
            http::response_serializer<http::string_body> serializer(message);
            stream.expires_after(options_.timeout);
            const auto [write_error, sent] =
                co_await http::async_write(stream, serializer, kAsTuple);
            if (write_error) co_return;
        }
        co_await linger(stream);
    }

    // Names who tries tokens, for people and for tools that ban by the log.
    void report_refusal(const beast::tcp_stream& stream) {
        beast::error_code ec;
        const Endpoint client = from_asio(stream.socket().remote_endpoint(ec));
        const Time now = monotonic_now();
        if (const auto summary = refusals_.take_summary(now)) {
            log::warn("admin requests refused", {{"summary", summary->to_string()}});
        }
        if (refusals_.admit(client.ip, now)) {
            log::warn("admin request refused", {{"client", client}, {"reason", "token"}});
        }
    }

    // Closing with unread input would reset the connection and could take the response with it, so
    // the input is drained for a moment (RFC 9112 section 9.6).
    static asio::awaitable<void> linger(beast::tcp_stream& stream) {
        beast::error_code ignored;
        stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
        stream.expires_after(kLinger);
        std::array<char, 4096> sink;
        for (std::size_t drained = 0; drained < kLingerBytes;) {
            const auto [ec, n] = co_await stream.async_read_some(asio::buffer(sink), kAsTuple);
            if (ec) co_return;
            drained += n;
        }
    }

    Options options_;
    HttpRouter router_;
    asio::io_context io_{1};
    tcp::acceptor acceptor_{io_};
    asio::steady_timer slot_{io_};  // ends the wait for a free connection
    std::unordered_set<beast::tcp_stream*> open_;
    LogLimiter refusals_;
    Endpoint local_;
    std::thread thread_;
};

HttpServer::HttpServer(Options options, std::vector<HttpHandler> handlers)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handlers))) {}

HttpServer::~HttpServer() = default;

void HttpServer::start() {
    impl_->start();
}

void HttpServer::stop() {
    impl_->stop();
}

Endpoint HttpServer::local_endpoint() const {
    return impl_->local_endpoint();
}

}  // namespace turnbuckle::admin
