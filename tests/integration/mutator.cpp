#include "integration/mutator.hpp"

#include <algorithm>
#include <utility>

#include "turnbuckle/stun/integrity.hpp"
#include "turnbuckle/stun/types.hpp"

namespace turnbuckle::test {

namespace {

constexpr std::array<std::uint8_t, 6> kEdgeBytes{0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
constexpr std::array<std::uint16_t, 8> kEdgeLengths{0, 1, 3, 4, 0x7fff, 0x8000, 0xfffc, 0xffff};

void append_attribute(Mutator::Datagram& out, stun::AttributeType type, ByteView value) {
    const std::size_t at = out.size();
    out.resize(at + stun::kAttributeHeaderSize + padded_to_4(value.size()));
    store_be16(out.data() + at, static_cast<std::uint16_t>(type));
    store_be16(out.data() + at + 2, static_cast<std::uint16_t>(value.size()));
    std::ranges::copy(value, out.begin() + static_cast<std::ptrdiff_t>(at) + 4);
}

void set_length(Mutator::Datagram& message, std::size_t body) {
    store_be16(message.data() + 2, static_cast<std::uint16_t>(body));
}

}  // namespace

void Mutator::use(std::vector<Datagram> datagrams, std::vector<Datagram> unsigned_requests,
                  const Signer& signer) {
    datagrams_ = std::move(datagrams);
    unsigned_ = std::move(unsigned_requests);
    credentials_.clear();
    append_attribute(credentials_, stun::AttributeType::Username, as_bytes(signer.user));
    append_attribute(credentials_, stun::AttributeType::Realm, as_bytes(signer.realm));
    append_attribute(credentials_, stun::AttributeType::Nonce, as_bytes(signer.nonce));
    key_ = stun::long_term_key_md5(signer.user, signer.realm, signer.password);
}

const Mutator::Datagram& Mutator::next() {
    switch (below(8)) {
        case 0:  // as it should be
            now_ = any_of(datagrams_);
            break;
        case 1:
            garble();
            break;
        case 2:
            splice();
            break;
        case 3:
        case 4:
            now_ = any_of(unsigned_);
            if (now_.size() > stun::kHeaderSize) mutate(stun::kHeaderSize);
            sign();
            break;
        default:
            now_ = any_of(datagrams_);
            mutate(0);
            if (below(2) == 0) make_header_plausible();
            break;
    }
    return now_;
}

// splitmix64
std::uint64_t Mutator::random() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

void Mutator::mutate(std::size_t from) {
    for (std::size_t rounds = 1 + below(3); rounds > 0; --rounds) {
        if (now_.size() <= from) return;
        switch (below(5)) {
            case 0:
                flip_bits(from);
                break;
            case 1:
                overwrite(from);
                break;
            case 2:
                lie_about_a_length(from);
                break;
            case 3:
                now_.resize(from + below(now_.size() - from + 1));
                break;
            default:
                for (std::size_t more = 1 + below(32); more > 0; --more)
                    now_.push_back(byte());
                break;
        }
    }
}

void Mutator::flip_bits(std::size_t from) {
    for (std::size_t flips = 1 + below(8); flips > 0; --flips)
        now_[from + below(now_.size() - from)] ^= static_cast<std::uint8_t>(1u << below(8));
}

void Mutator::overwrite(std::size_t from) {
    for (std::size_t bytes = 1 + below(4); bytes > 0; --bytes)
        now_[from + below(now_.size() - from)] =
            below(2) == 0 ? byte() : kEdgeBytes[below(kEdgeBytes.size())];
}

// Types and lengths stand in the halves of 32-bit words.
void Mutator::lie_about_a_length(std::size_t from) {
    const std::size_t words = (now_.size() - from) / 4;
    if (words == 0) return;
    const auto value = below(2) == 0 ? kEdgeLengths[below(kEdgeLengths.size())]
                                     : static_cast<std::uint16_t>(below(now_.size() + 8));
    store_be16(now_.data() + from + 4 * below(words) + 2, value);
}

void Mutator::splice() {
    const Datagram& head = any_of(datagrams_);
    const Datagram& tail = any_of(datagrams_);
    now_.assign(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(below(head.size() + 1)));
    now_.insert(now_.end(), tail.begin() + static_cast<std::ptrdiff_t>(below(tail.size() + 1)),
                tail.end());
    if (below(2) == 0) make_header_plausible();
}

void Mutator::garble() {
    now_.resize(below(256));
    for (std::uint8_t& each : now_)
        each = byte();
    // One in four looks like ChannelData from the outside.
    if (now_.size() >= 4 && below(4) == 0) now_[0] = static_cast<std::uint8_t>(0x40 + below(16));
}

// So that what lies behind the header is looked at.
void Mutator::make_header_plausible() {
    if (now_.size() < stun::kHeaderSize || (now_[0] & 0xc0) != 0) return;
    now_.resize(now_.size() & ~std::size_t{3});
    set_length(now_, now_.size() - stun::kHeaderSize);
    store_be32(now_.data() + 4, stun::kMagicCookie);
}

void Mutator::sign() {
    now_.resize(std::max(now_.size() & ~std::size_t{3}, stun::kHeaderSize));
    now_.insert(now_.end(), credentials_.begin(), credentials_.end());
    constexpr std::size_t kIntegritySize = stun::kAttributeHeaderSize + 20;
    set_length(now_, now_.size() + kIntegritySize - stun::kHeaderSize);
    const auto mac = stun::hmac_sha1(key_, now_);
    append_attribute(now_, stun::AttributeType::MessageIntegrity, mac);
}

}  // namespace turnbuckle::test
