// Turns what a handler decided into a response: the one place where answers are made, signed,
// budgeted and counted (RFC 8489 sections 6.3.1 and 9.2.4, RFC 8656 section 5).
#pragma once

#include <array>

#include "turnbuckle/stun/attributes.hpp"
#include "turnbuckle/stun/message_builder.hpp"
#include "turnbuckle/turn/core.hpp"

namespace turnbuckle::turn {

// A success response under construction. Add attributes to `message`, then send().
class SuccessAnswer {
public:
    explicit SuccessAnswer(const Request& request);
    SuccessAnswer(const SuccessAnswer&) = delete;
    SuccessAnswer& operator=(const SuccessAnswer&) = delete;

    stun::MessageBuilder& message() noexcept { return builder_; }
    // Signs it as the request was signed, adds FINGERPRINT if the request had it, hands it over.
    void send(Core& core);

private:
    const Request& request_;
    std::array<std::uint8_t, kMaxAnswerSize> buffer_;
    stun::MessageBuilder builder_;
};

void refuse(Core& core, const Request& request, const Refusal& refusal);

// 420 with the list, if the request has comprehension-required attributes that the server does not
// know (RFC 8489 section 6.3.1). True if it was refused.
[[nodiscard]] bool refuse_unknown_attributes(Core& core, const Request& request);

// Whether the server understands `type` in a request or indication that it receives.
[[nodiscard]] bool is_known_attribute(stun::AttributeType type) noexcept;

[[nodiscard]] RequestMethod label_of(stun::Method method) noexcept;

}  // namespace turnbuckle::turn
