// The rules that an engine runs by, as one immutable value shared by all workers.
//
// A reload builds a new one and hands it to each engine (Engine::reconfigure).
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "turnbuckle/turn/answer_limiter.hpp"
#include "turnbuckle/turn/peer_policy.hpp"

namespace turnbuckle::turn {

struct EngineConfig {
    std::string realm = "turnbuckle";
    std::string software;  // SOFTWARE in answers to authenticated requests; empty: not sent

    std::chrono::seconds default_lifetime{600};  // RFC 8656 section 7.2
    std::chrono::seconds max_lifetime{3600};

    std::size_t max_permissions = 256;  // per allocation
    std::size_t max_channels = 256;     // per allocation
    std::size_t max_connections = 64;   // to TCP peers, per allocation (RFC 6062)

    bool legacy_channels = false;  // bind 0x5000 to 0x7FFF too, as RFC 5766 allowed

    AnswerLimits answers;  // to senders that have not authenticated
    PeerPolicy peers;
};

// RFC 8656 sections 9 and 12.
inline constexpr std::chrono::seconds kPermissionLifetime{300};
inline constexpr std::chrono::seconds kChannelLifetime{600};
// RFC 6062 sections 5.2 and 5.3: how long a Connect may take, and how long a connection waits for
// its ConnectionBind.
inline constexpr std::chrono::seconds kConnectTimeout{30};
inline constexpr std::chrono::seconds kConnectionBindTimeout{30};

}  // namespace turnbuckle::turn
