#include "turnbuckle/admin/health.hpp"

#include <utility>

namespace turnbuckle::admin {

HttpHandler healthz() {
    return {.path = "/healthz",
            .help = "200 while the process answers",
            .respond = [](const HttpRequest&) { return HttpResponse{.body = "ok\n"}; },
            .access = Access::Anyone};
}

HttpHandler readyz(std::function<Readiness()> readiness) {
    return {.path = "/readyz",
            .help = "200 if new clients should come here, 503 if not, and why",
            .respond =
                [ask = std::move(readiness)](const HttpRequest&) {
                    const Readiness now = ask ? ask() : Readiness{.reason = "starting"};
                    return HttpResponse{.status = static_cast<std::uint16_t>(now.ready ? 200 : 503),
                                        .body = now.reason + "\n"};
                },
            .access = Access::Anyone};
}

}  // namespace turnbuckle::admin
