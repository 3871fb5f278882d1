// The pages /healthz (the process answers) and /readyz (it should be given new clients), for
// orchestrators and load balancers. Both are open to anyone, also when a token is configured.
#pragma once

#include <functional>
#include <string>

#include "turnbuckle/admin/http_handler.hpp"

namespace turnbuckle::admin {

struct Readiness {
    bool ready = false;
    std::string reason = {};  // one line, for people: "draining", "listening on 4 sockets"
};

[[nodiscard]] HttpHandler healthz();
// 200 or 503 with the reason; an empty function is never ready. Called on the admin thread.
[[nodiscard]] HttpHandler readyz(std::function<Readiness()> readiness);

}  // namespace turnbuckle::admin
