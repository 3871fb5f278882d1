// One handler per method, each in its own file under turn/handlers/, with the RFC's checklist above
// the code of each step. A handler validates everything first and changes state after; it answers
// through SuccessAnswer, or returns the refusal.
#pragma once

#include <cstdint>
#include <optional>

#include "turnbuckle/turn/core.hpp"

namespace turnbuckle::turn {

void handle_binding(Core& core, const Request& request);

// Ends in an OpenRelay effect; complete_allocate makes the allocation when the relay is open.
[[nodiscard]] std::optional<Refusal> handle_allocate(Core& core, const Request& request);
[[nodiscard]] std::optional<Refusal> complete_allocate(Core& core, const Request& request,
                                                       PendingRequest& pending,
                                                       RelayResult& result);

[[nodiscard]] std::optional<Refusal> handle_refresh(Core& core, const Request& request,
                                                    Allocation& allocation);
[[nodiscard]] std::optional<Refusal> handle_create_permission(Core& core, const Request& request,
                                                              Allocation& allocation);
[[nodiscard]] std::optional<Refusal> handle_channel_bind(Core& core, const Request& request,
                                                         Allocation& allocation);

// RFC 6062. Ends in a ConnectPeer effect; Engine::on_peer_connected goes on.
[[nodiscard]] std::optional<Refusal> handle_connect(Core& core, const Request& request,
                                                    Allocation& allocation);
[[nodiscard]] std::optional<Refusal> handle_connection_bind(Core& core, const Request& request);
// The worker that this ConnectionBind is for, if it is another.
[[nodiscard]] std::optional<std::uint8_t> worker_for_bind(const Core& core, const Request& request);

// RFC 8656 sections 7.2 and 8.2: the lifetime that a LIFETIME attribute (or none) leads to.
[[nodiscard]] std::chrono::seconds granted_lifetime(const EngineConfig& config,
                                                    std::optional<std::chrono::seconds> asked);

}  // namespace turnbuckle::turn
