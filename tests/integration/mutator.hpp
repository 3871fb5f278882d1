// Turns valid STUN messages and ChannelData into nearly valid ones: flipped bits, lengths that lie,
// cuts, splices, garbage, and requests whose attributes are mutated but whose integrity is right.
//
// Repeatable from its seed. The bytes that it returns live until the next call.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "turnbuckle/base/bytes.hpp"

namespace turnbuckle::test {

class Mutator {
public:
    using Datagram = std::vector<std::uint8_t>;

    struct Signer {
        std::string user;
        std::string password;
        std::string realm;
        std::string nonce;
    };

    explicit Mutator(std::uint64_t seed) : state_(seed) {}

    // `unsigned_requests` are mutated and then signed; `datagrams` go out mutated, or as they are.
    void use(std::vector<Datagram> datagrams, std::vector<Datagram> unsigned_requests,
             const Signer& signer);

    [[nodiscard]] const Datagram& next();

private:
    [[nodiscard]] std::uint64_t random();
    [[nodiscard]] std::size_t below(std::size_t limit) { return random() % limit; }
    [[nodiscard]] std::uint8_t byte() { return static_cast<std::uint8_t>(random()); }
    [[nodiscard]] const Datagram& any_of(const std::vector<Datagram>& from) {
        return from[below(from.size())];
    }

    void mutate(std::size_t from);
    void flip_bits(std::size_t from);
    void overwrite(std::size_t from);
    void lie_about_a_length(std::size_t from);
    void splice();
    void garble();
    void make_header_plausible();
    void sign();

    std::uint64_t state_;
    std::vector<Datagram> datagrams_;
    std::vector<Datagram> unsigned_;
    Datagram credentials_;  // USERNAME, REALM and NONCE as on the wire
    std::array<std::uint8_t, 16> key_{};
    Datagram now_;
};

}  // namespace turnbuckle::test
