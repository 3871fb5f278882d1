// Asks a store that answers at once, and checks that it answers exactly once.
#pragma once

#include <optional>

#include <gtest/gtest.h>

#include "turnbuckle/auth/credential_source.hpp"

namespace turnbuckle::auth {

inline turn::CredentialResult ask(CredentialSource& source, const turn::CredentialQuery& query,
                                  WallTime now = WallTime{}) {
    std::optional<turn::CredentialResult> answer;
    source.lookup(query, now, [&](turn::CredentialResult result) {
        EXPECT_FALSE(answer) << "answered twice";
        answer = std::move(result);
    });
    EXPECT_TRUE(answer) << "not answered";
    return answer.value_or(std::unexpected(turn::CredentialError::Unavailable));
}

// What went wrong; nothing if the store gave a credential.
inline std::optional<turn::CredentialError> error_of(const turn::CredentialResult& result) {
    if (result) return std::nullopt;
    return result.error();
}

}  // namespace turnbuckle::auth
