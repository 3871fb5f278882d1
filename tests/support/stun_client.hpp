// A client as scenarios script it: composes requests, right or wrong ones, signs them with what it
// learned from the last challenge, and puts what it receives into words.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/stun/types.hpp"
#include "turnbuckle/turn/client_path.hpp"

namespace turnbuckle::test {

class StunClient {
public:
    explicit StunClient(const turn::ClientPath& path, std::uint8_t number)
        : path_(path), number_(number) {}

    [[nodiscard]] const turn::ClientPath& path() const { return path_; }

    void use_credential(std::string username, std::string password) {
        username_ = std::move(username);
        password_ = std::move(password);
    }
    [[nodiscard]] bool has_credential() const { return !username_.empty(); }

    // What the words describe: "allocate lifetime=600", "channel_data channel=0x4000 data=x" ...
    // (tests/scenarios/README.md). Throws std::invalid_argument for a word that means nothing.
    [[nodiscard]] std::vector<std::uint8_t> compose(std::span<const std::string> words);

    // An answer, Data indication or ChannelData as words: "error", "allocate", "401", "realm=..".
    // Learns from it: realm and nonce, relayed addresses, the reservation token, a CONNECTION-ID.
    [[nodiscard]] std::vector<std::string> read(ByteView bytes);

    [[nodiscard]] const std::vector<std::uint8_t>& last_sent() const { return last_sent_; }
    [[nodiscard]] const std::vector<Endpoint>& relayed() const { return relayed_; }
    [[nodiscard]] const std::string& nonce() const { return nonce_; }
    // The CONNECTION-ID that was heard last, in an answer or an indication.
    [[nodiscard]] std::uint32_t connection() const { return connection_; }
    void use_nonce(std::string nonce) { nonce_ = std::move(nonce); }

private:
    struct Composition;

    [[nodiscard]] stun::TransactionId next_id();
    [[nodiscard]] std::vector<std::string> read_response(ByteView bytes);
    [[nodiscard]] std::vector<std::string> read_data_indication(ByteView bytes) const;
    [[nodiscard]] std::vector<std::string> read_attempt(ByteView bytes);

    turn::ClientPath path_;
    std::uint8_t number_;
    std::string username_;
    std::string password_;
    std::string realm_;
    std::string nonce_;
    std::optional<std::string> token_;
    std::vector<Endpoint> relayed_;
    std::uint32_t connection_ = 0;
    std::vector<std::uint8_t> last_sent_;
    stun::TransactionId last_id_;
    std::uint32_t requests_ = 0;
    std::map<stun::TransactionId, std::string> keys_;  // what each request was signed with
};

}  // namespace turnbuckle::test
