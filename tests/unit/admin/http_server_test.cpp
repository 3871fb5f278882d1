#include "turnbuckle/admin/http_server.hpp"

#include <atomic>
#include <system_error>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "turnbuckle/admin/health.hpp"
#include "turnbuckle/base/log.hpp"

#include "unit/admin/raw_client.hpp"

namespace turnbuckle::admin {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawClient;
using ::testing::StartsWith;

std::vector<HttpHandler> pages() {
    return {
        {.path = "/hello",
         .help = "says hello",
         .respond =
             [](const HttpRequest& request) {
                 return HttpResponse{.body = "hello " + std::string(request.query)};
             }},
        {.path = "/big",
         .help = "does not fit a socket's buffer",
         .respond =
             [](const HttpRequest&) { return HttpResponse{.body = std::string(16 << 20, 'x')}; }},
        healthz(),
    };
}

class HttpServerTest : public ::testing::Test {
protected:
    void start(HttpServer::Options options = {}) {
        server_ = std::make_unique<HttpServer>(std::move(options), pages());
        server_->start();
    }
    [[nodiscard]] RawClient connect() const { return RawClient(server_->local_endpoint()); }
    // The whole answer of a connection that only sends this.
    [[nodiscard]] std::string exchange(std::string_view bytes) const {
        RawClient client = connect();
        client.send(bytes);
        return client.read_all();
    }

    std::unique_ptr<HttpServer> server_;
};

constexpr std::string_view kGet = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view kGetAndClose =
    "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

TEST_F(HttpServerTest, AnswersAGet) {
    start();
    const std::string answer = exchange(kGetAndClose);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nContent-Type: text/plain; charset=utf-8\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 6\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nDate: "));
    EXPECT_THAT(answer, HasSubstr(" GMT\r\n"));
    EXPECT_THAT(answer, EndsWith("\r\n\r\nhello "));
}

TEST_F(HttpServerTest, HandsTheQueryToThePage) {
    start();
    EXPECT_THAT(exchange("GET /hello?a=%20b HTTP/1.0\r\n\r\n"), EndsWith("\r\n\r\nhello a=%20b"));
}

TEST_F(HttpServerTest, AnswersHeadWithTheSameHeaderAndNoBody) {
    start();
    const std::string answer =
        exchange("HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 6\r\n"));
    EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, ListsThePagesAtTheRoot) {
    start();
    const std::string answer = exchange("GET / HTTP/1.0\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("/hello    says hello\n"));
    EXPECT_THAT(answer, HasSubstr("/healthz  "));
}

TEST_F(HttpServerTest, AnUnknownPathIs404) {
    start();
    EXPECT_THAT(exchange("GET /nothing HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.0 404 "));
    EXPECT_THAT(exchange("GET /hello/ HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.0 404 "));
}

TEST_F(HttpServerTest, AnotherMethodIs405AndIsToldWhichAreAllowed) {
    start();
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
        const std::string answer = exchange(
            fmt::format("{} /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody", method));
        EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 ")) << method;
        EXPECT_THAT(answer, HasSubstr("\r\nAllow: GET, HEAD\r\n")) << method;
        EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n")) << method;
    }
}

TEST_F(HttpServerTest, KeepsTheConnectionForFurtherRequests) {
    start();
    RawClient client = connect();
    for (int i = 0; i < 3; ++i) {
        client.send(kGet);
        EXPECT_THAT(client.read_response(), EndsWith("\r\n\r\nhello "));
    }
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
    start();
    RawClient client = connect();
    client.send(
        "GET /hello?1 HTTP/1.1\r\nHost: x\r\n\r\n"
        "HEAD /hello?2 HTTP/1.1\r\nHost: x\r\n\r\n"
        "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
        "GET /hello?3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(client.read_response(), EndsWith("\r\n\r\nhello 1"));
    EXPECT_THAT(client.read_response(true), EndsWith("\r\n\r\n"));
    EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 404 "));
    EXPECT_THAT(client.read_all(), EndsWith("\r\n\r\nhello 3"));
}

TEST_F(HttpServerTest, BadInputIs400AndClose) {
    start();
    for (const std::string_view garbage : {
             std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15),  // TLS
             std::string_view("hello\r\n\r\n"),
             std::string_view("GET /hello HTTP/9.9\r\nHost: x\r\n\r\n"),
             std::string_view("GET /hello HTTP/1.1\r\nHost : x\r\n\r\n"),
             std::string_view("GET /hello HTTP/1.1\r\n\r\n"),  // no Host
             std::string_view("GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"),
             std::string_view("GET http://x/hello HTTP/1.1\r\nHost: x\r\n\r\n"),
             std::string_view("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"),
             std::string_view("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
             std::string_view("GET /hello HTTP/1.1\r\nHost: x\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"),
             std::string_view("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         }) {
        const std::string answer = exchange(garbage);
        EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << garbage;
        EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n")) << garbage;
    }
    EXPECT_THAT(exchange(kGetAndClose), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, NothingAfterBadInputIsTakenForARequest) {
    start();
    const std::string answer = exchange(
        "GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
        "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
    EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << answer;
}

TEST_F(HttpServerTest, ARefusedBodyIsDrainedSoThatTheRefusalArrives) {
    start();
    RawClient client = connect();
    client.send("POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 40000\r\n\r\n" +
                std::string(40'000, 'b'));
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 405 "));
    EXPECT_FALSE(client.was_reset());
}

TEST_F(HttpServerTest, TooLargeAHeaderIs431) {
    start({.max_header_bytes = 1000});
    const std::string filler(950, 'a');
    EXPECT_THAT(exchange("GET /hello HTTP/1.0\r\nX: " + filler.substr(0, 900) + "\r\n\r\n"),
                StartsWith("HTTP/1.0 200 "));
    EXPECT_THAT(exchange("GET /hello HTTP/1.0\r\nX: " + filler + filler + "\r\n\r\n"),
                StartsWith("HTTP/1.1 431 "));
    EXPECT_THAT(exchange("GET /" + std::string(100'000, 'a')), StartsWith("HTTP/1.1 431 "));
}

TEST_F(HttpServerTest, AClientThatNeverFinishesItsHeaderIsCutOff) {
    start({.timeout = std::chrono::milliseconds(100)});
    EXPECT_EQ(exchange("GET /hello HTTP/1.1\r\nHost"), "");
}

TEST_F(HttpServerTest, TheTimeoutIsForTheWholeHeaderNotForEachByte) {
    start({.timeout = std::chrono::milliseconds(200)});
    RawClient client = connect();
    std::thread dripping([&] {
        // A byte every 20 ms: each in time, together never.
        for (int i = 0; i < 500 && client.send(i == 0 ? "G" : "E"); ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    });
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(client.read_all(), "");
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
    dripping.join();
}

TEST_F(HttpServerTest, AClientThatDoesNotReadHindersNobody) {
    start();
    RawClient lazy = connect();
    lazy.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(exchange(kGetAndClose), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, AClientThatDoesNotReadIsCutOff) {
    start({.timeout = std::chrono::milliseconds(300), .max_connections = 1});
    RawClient lazy = connect();
    lazy.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    // There is one place only: that this is answered shows that the lazy client has lost it.
    EXPECT_THAT(exchange(kGetAndClose), StartsWith("HTTP/1.1 200 "));
    EXPECT_LT(lazy.read_all().size(), std::size_t{16} << 20);
}

TEST_F(HttpServerTest, ASlowClientHindersNobody) {
    start();
    RawClient slow = connect();
    slow.send("GET /hel");
    EXPECT_THAT(exchange(kGetAndClose), StartsWith("HTTP/1.1 200 "));
    slow.send("lo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(slow.read_all(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, ALargeAnswerArrivesWhole) {
    start();
    const std::string answer = exchange("GET /big HTTP/1.0\r\n\r\n");
    EXPECT_EQ(answer.size() - (answer.find("\r\n\r\n") + 4), std::size_t{16} << 20);
}

TEST_F(HttpServerTest, ConnectionsBeyondTheLimitWaitForTheirTurn) {
    start({.max_connections = 2});
    RawClient first = connect();
    first.send(kGet);
    EXPECT_THAT(first.read_response(), HasSubstr("200 OK"));
    RawClient second = connect();
    second.send(kGet);
    // The limit is reached, so the answer gives the place up for the next one.
    EXPECT_THAT(second.read_response(), HasSubstr("\r\nConnection: close\r\n"));
    RawClient third = connect();
    third.send(kGet);
    { const RawClient gone = std::move(second); }
    EXPECT_THAT(third.read_response(), HasSubstr("200 OK"));
}

TEST_F(HttpServerTest, ServesManyConnectionsAtOnce) {
    start();
    std::vector<std::thread> threads;
    std::atomic<int> answered = 0;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            std::vector<RawClient> clients;
            for (int i = 0; i < 50; ++i)
                clients.push_back(connect());
            for (RawClient& client : clients)
                client.send(kGetAndClose);
            for (RawClient& client : clients) {
                if (client.read_all().starts_with("HTTP/1.1 200 ")) ++answered;
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(answered, 200);
}

TEST_F(HttpServerTest, StopsWhileConnectionsAreOpen) {
    start();
    RawClient idle = connect();
    RawClient half = connect();
    half.send("GET /hello HT");
    RawClient unread = connect();
    unread.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    RawClient kept = connect();
    kept.send(kGet);
    EXPECT_THAT(kept.read_response(), HasSubstr("200 OK"));  // so the server has seen them all
    const auto began = std::chrono::steady_clock::now();
    server_->stop();
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
    EXPECT_EQ(idle.read_all(), "");
    EXPECT_EQ(half.read_all(), "");
    EXPECT_EQ(kept.read_all(), "");
    EXPECT_THROW(RawClient{server_->local_endpoint()}, std::runtime_error);
    server_->stop();  // harmless
}

TEST_F(HttpServerTest, CanGoWithoutEverHavingStarted) {
    const HttpServer never_started({}, pages());
    EXPECT_NE(never_started.local_endpoint().port, 0);
}

TEST_F(HttpServerTest, AnAddressInUseIsReportedByName) {
    start();
    try {
        const HttpServer second({.listen = server_->local_endpoint()}, pages());
        FAIL() << "two servers listen on one port";
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), std::errc::address_in_use);
        EXPECT_THAT(e.what(), HasSubstr(server_->local_endpoint().to_string()));
    }
}

TEST_F(HttpServerTest, ListensOnIpv6) {
    start({.listen = {*IpAddress::parse("::1"), 0}});
    EXPECT_EQ(server_->local_endpoint().ip, *IpAddress::parse("::1"));
    EXPECT_NE(server_->local_endpoint().port, 0);
}

TEST_F(HttpServerTest, WithATokenOnlyOpenPagesAnswerWithoutIt) {
    start({.token = Secret("s3cret")});
    const auto get = [&](std::string_view path, std::string_view header) {
        return exchange(fmt::format("GET {} HTTP/1.0\r\n{}\r\n", path, header));
    };
    EXPECT_THAT(get("/healthz", ""), StartsWith("HTTP/1.0 200 "));
    const std::string refused = get("/hello", "");
    EXPECT_THAT(refused, StartsWith("HTTP/1.0 401 "));
    EXPECT_THAT(refused, HasSubstr("\r\nWWW-Authenticate: Bearer realm=\"turnbuckle\"\r\n"));
    EXPECT_THAT(refused, Not(HasSubstr("hello")));
    EXPECT_THAT(get("/hello", "Authorization: Bearer s3cret\r\n"), StartsWith("HTTP/1.0 200 "));
}

TEST_F(HttpServerTest, ARefusedTokenIsLoggedWithTheClientsAddressButNotTheToken) {
    const log::Capture captured;
    start({.token = Secret("s3cret")});
    for (int i = 0; i < 50; ++i) {
        EXPECT_THAT(exchange("GET /hello HTTP/1.0\r\nAuthorization: Bearer guess\r\n\r\n"),
                    StartsWith("HTTP/1.0 401 "));
    }
    EXPECT_TRUE(captured.contains("warn admin request refused client=127.0.0.1:"));
    EXPECT_FALSE(captured.contains("guess"));
    EXPECT_LT(captured.lines().size(), 50U);
}

}  // namespace
}  // namespace turnbuckle::admin
