// Builds a message as the input says, into a slot of any size full of old bytes, and reads it back:
// what was added is what is found, and nothing is written beyond the slot.
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "turnbuckle/stun/attributes.hpp"
#include "turnbuckle/stun/message_builder.hpp"
#include "turnbuckle/stun/message_view.hpp"

#include "fuzz/check.hpp"

namespace turnbuckle::stun {
namespace {

using fuzz::check;

constexpr std::string_view kKey = "fuzzing key";
constexpr std::uint8_t kOldByte = 0xee;

// Takes the input apart; gives zeros when it has run out.
class Input {
public:
    explicit Input(ByteView bytes) : bytes_(bytes) {}
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    std::uint8_t byte() {
        const ByteView taken = take(1);
        return taken.empty() ? std::uint8_t{0} : taken.front();
    }
    std::uint16_t word() {
        const auto high = static_cast<unsigned>(byte());
        return static_cast<std::uint16_t>(high << 8 | byte());
    }
    ByteView take(std::size_t size) {
        const ByteView taken = bytes_.first(std::min(size, bytes_.size()));
        bytes_ = bytes_.subspan(taken.size());
        return taken;
    }
    Endpoint endpoint() {
        const std::size_t size = (byte() & 1) != 0 ? 16 : 4;
        std::vector<std::uint8_t> ip(size);
        std::ranges::copy(take(size), ip.begin());
        return {IpAddress::from_bytes(ip), word()};
    }

private:
    ByteView bytes_;
};

struct Expected {
    AttributeType type;
    std::vector<std::uint8_t> value;
};

class RoundTrip {
public:
    RoundTrip(Input input, MutableBytes slot, MessageClass cls, Method method,
              const TransactionId& id)
        : input_(input), id_(id), builder_(slot, cls, method, id) {}

    void run(MessageClass cls, Method method) {
        while (!input_.empty() && add_one()) {
        }
        const bool sha1 = (input_.byte() & 1) != 0;
        if (sha1) builder_.add_message_integrity(as_bytes(kKey));
        builder_.add_message_integrity_sha256(as_bytes(kKey), 20).add_fingerprint();
        const ByteView built = builder_.finish();
        if (built.empty()) return;

        const auto view = MessageView::parse(built);
        check(view.has_value());
        check(view->message_class() == cls && view->method() == method);
        check(view->transaction_id() == id_ && view->has_cookie());
        check(view->fingerprint_state() == FingerprintState::Valid);
        check(view->verify_integrity(as_bytes(kKey)) == sha1);
        check(view->verify_integrity_sha256(as_bytes(kKey), 20));
        std::size_t index = 0;
        view->for_each([&](AttributeType type, ByteView value) {
            if (index == expected_.size()) return;
            check(type == expected_[index].type);
            check(std::ranges::equal(value, expected_[index].value));
            ++index;
        });
        check(index == expected_.size());
    }

private:
    template <Attribute A>
    void add(const A& attribute) {
        std::vector<std::uint8_t> value(attribute.encoded_size(), kOldByte);
        attribute.encode(value, id_);
        const auto decoded = A::decode(value, id_);
        check(decoded.has_value());
        std::vector<std::uint8_t> again(decoded->encoded_size(), std::uint8_t{0});
        decoded->encode(again, id_);
        check(again == value);
        if (builder_.add(attribute).ok()) expected_.push_back({A::kType, std::move(value)});
    }

    // Text that is not UTF-8 can be written but not read back: not what is looked for here.
    template <Attribute A>
    void add_text() {
        const std::string_view text = as_text(input_.take(input_.word() % 600));
        if (is_valid_utf8(as_bytes(text))) add(A{text});
    }

    bool add_one() {
        switch (input_.byte()) {
            case 0:
                add(XorMappedAddress{input_.endpoint()});
                break;
            case 1:
                add(XorPeerAddress{input_.endpoint()});
                break;
            case 2:
                add(MappedAddress{input_.endpoint()});
                break;
            case 3:
                add_text<Username>();
                break;
            case 4:
                add_text<Nonce>();
                break;
            case 5:
                add_text<Software>();
                break;
            case 6:
                add(Data{input_.take(input_.word())});
                break;
            case 7:
                add(Lifetime{std::chrono::seconds{input_.word()}});
                break;
            case 8:
                add(ChannelNumber{input_.word()});
                break;
            case 9:
                add(EvenPort{(input_.byte() & 1) != 0});
                break;
            case 10:
                add(RequestedTransport{input_.byte()});
                break;
            case 11:
                add(Icmp{static_cast<std::uint8_t>(input_.byte() & 0x7f),
                         static_cast<std::uint16_t>(input_.word() & 0x1ff), input_.word()});
                break;
            case 12:
                add(Padding{input_.word()});
                break;
            case 13:
                add_error();
                break;
            case 14:
                add_algorithms();
                break;
            case 15:
                add(PasswordAlgorithm{PasswordAlgorithmNumber{input_.word()},
                                      input_.take(input_.byte())});
                break;
            case 16:
                add(ConnectionId{input_.word()});
                break;
            case 17:
                add(DontFragment{});
                break;
            case 18:
                add_unknown();
                break;
            case 19:
                add(AdditionalAddressFamily{AddressFamily::IPv6});
                break;
            case 20:
                add(ChangeRequest{(input_.byte() & 1) != 0, (input_.byte() & 1) != 0});
                break;
            case 21:
                add(TransactionTransmitCounter{input_.byte(), input_.byte()});
                break;
            default:
                return false;
        }
        return true;
    }

    void add_error() {
        const auto code = static_cast<ErrorCode>(300 + input_.word() % 400);
        const std::string_view reason = as_text(input_.take(input_.word() % 900));
        if (!is_valid_utf8(as_bytes(reason))) return;
        add(ErrorCodeAttribute{code, reason});
        add(AddressErrorCode{AddressFamily::IPv6, code, reason});
    }

    void add_algorithms() {
        PasswordAlgorithms list;
        const std::size_t count = input_.byte() % (PasswordAlgorithms::kCapacity + 1);
        while (list.count < count) {
            list.entries[list.count++] = {PasswordAlgorithmNumber{input_.word()},
                                          input_.take(input_.byte())};
        }
        add(list);
    }

    void add_unknown() {
        UnknownAttributes unknown;
        for (std::size_t n = input_.byte(); n > 0; --n) {
            unknown.types.push_back(static_cast<AttributeType>(input_.word()));
        }
        add(unknown);
    }

    Input input_;
    TransactionId id_;
    MessageBuilder builder_;
    std::vector<Expected> expected_;
};

}  // namespace
}  // namespace turnbuckle::stun

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace turnbuckle::stun;
    Input input{{data, size}};
    const auto cls = static_cast<MessageClass>(input.byte() & 3);
    const auto method = static_cast<Method>(input.word() & 0x0fff);
    TransactionId id;
    std::ranges::copy(input.take(id.bytes.size()), id.bytes.begin());
    const std::size_t slot_size = input.word();
    std::vector<std::uint8_t> memory(slot_size + 64, kOldByte);
    RoundTrip{input, turnbuckle::MutableBytes{memory}.first(slot_size), cls, method, id}.run(
        cls, method);
    turnbuckle::fuzz::check(std::all_of(memory.end() - 64, memory.end(),
                                        [](std::uint8_t byte) { return byte == kOldByte; }));
    return 0;
}
