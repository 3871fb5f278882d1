// Binding: RFC 8489 section 12 (Basic STUN Server) with sections 6.3.1 and 14.2.
#include "turnbuckle/turn/answer.hpp"
#include "turnbuckle/turn/handlers.hpp"

namespace turnbuckle::turn {

// "A STUN server [...] will process Binding requests [...] it MUST NOT utilize the short-term or
// long-term credential mechanism." The answer carries the reflexive address and nothing more: it
// may be on its way to somebody who never asked.
void handle_binding(Core& core, const Request& request) {
    if (refuse_unknown_attributes(core, request)) return;
    SuccessAnswer answer(request);
    answer.message().add(stun::XorMappedAddress{request.from.tuple.client});
    answer.send(core);
}

}  // namespace turnbuckle::turn
