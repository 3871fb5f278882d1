// Sends to a client over whatever link it has: UDP, a stream, DTLS, or a proxy's UDP.
//
// One per worker, on its thread. Everything leaves at the worker's next flush, at the latest.
#pragma once

#include <vector>

#include "turnbuckle/net/udp_sender.hpp"
#include "turnbuckle/server/datagram_output.hpp"
#include "turnbuckle/server/dtls_links.hpp"
#include "turnbuckle/server/proxied_flows.hpp"
#include "turnbuckle/server/send_arena.hpp"
#include "turnbuckle/server/streams.hpp"
#include "turnbuckle/server/udp_listener.hpp"
#include "turnbuckle/turn/relay_decision.hpp"

namespace turnbuckle::server {

class ClientLinks {
public:
    struct Parts {
        net::UdpSender& sender;
        SendArena& arena;
        std::vector<UdpListener>& udp;
        Streams& streams;
        DtlsLinks& dtls;
        ProxiedFlows& proxied;
        turn::Statistics& statistics;
    };

    explicit ClientLinks(Parts parts) noexcept
        : parts_(parts), output_(parts.sender, parts.arena, parts.udp) {}

    // What a peer sent; `payload` stays until the flush, and `item` has the header that the engine
    // wrote. The rest of `item` is filled in here.
    void relay(const turn::RelayDecision& decision, net::SendItem& item, ByteView payload,
               Time now);
    // A message of the server's own; it is copied.
    void answer(const turn::ClientPath& to, ByteView message, Time now);

private:
    Parts parts_;
    DatagramOutput output_;
};

}  // namespace turnbuckle::server
