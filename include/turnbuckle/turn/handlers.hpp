// One handler per method, each in its own file under turn/handlers/, with the RFC's checklist above
// the code of each step. A handler validates everything first and changes state after; it answers
// through SuccessAnswer, or returns the refusal.
#pragma once

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

// RFC 8656 sections 7.2 and 8.2: the lifetime that a LIFETIME attribute (or none) leads to.
[[nodiscard]] std::chrono::seconds granted_lifetime(const EngineConfig& config,
                                                    std::optional<std::chrono::seconds> asked);

}  // namespace turnbuckle::turn
