// Any byte stream in two different splits: the same frames come out of both, each one is a whole
// message or ChannelData, and the buffer stays bounded. The first bytes choose the read sizes.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "turnbuckle/stun/channel_data.hpp"
#include "turnbuckle/stun/classify.hpp"
#include "turnbuckle/stun/message_view.hpp"
#include "turnbuckle/stun/stream_framer.hpp"

#include "fuzz/check.hpp"

namespace turnbuckle::stun {
namespace {

using fuzz::check;

struct Outcome {
    std::vector<std::uint8_t> framed;
    std::vector<std::size_t> sizes;
    std::optional<FrameError> error;

    friend bool operator==(const Outcome&, const Outcome&) = default;
};

void check_frame(ByteView frame) {
    if (classify_stream(frame) == PacketKind::ChannelData) {
        const auto channel = parse_channel_data(frame);
        check(channel.has_value());
        check(channel_stream_size(channel->data.size()) == frame.size());
    } else {
        const auto view = MessageView::parse(frame);
        check(view ? view->has_cookie() : view.error() == ParseError::AttributeOverrun);
    }
}

Outcome feed(ByteView bytes, ByteView read_sizes) {
    StreamFramer framer;
    Outcome outcome;
    for (std::size_t i = 0; !bytes.empty() && !outcome.error; ++i) {
        const MutableBytes space = framer.space();
        check(!space.empty() && framer.capacity() <= StreamFramer::kMaxFrameSize);
        const std::size_t wanted =
            read_sizes.empty() ? bytes.size() : 1 + read_sizes[i % read_sizes.size()];
        const std::size_t n = std::min({wanted, space.size(), bytes.size()});
        std::copy_n(bytes.begin(), n, space.begin());
        framer.commit(n);
        bytes = bytes.subspan(n);
        for (;;) {
            const auto frame = framer.next();
            if (!frame) {
                outcome.error = frame.error();
                break;
            }
            if (!*frame) break;
            check_frame(**frame);
            outcome.framed.insert(outcome.framed.end(), (*frame)->begin(), (*frame)->end());
            outcome.sizes.push_back((*frame)->size());
        }
    }
    return outcome;
}

}  // namespace
}  // namespace turnbuckle::stun

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace turnbuckle::stun;
    constexpr std::size_t kReadSizes = 4;
    if (size < kReadSizes) return 0;
    const turnbuckle::ByteView input{data, size};
    const turnbuckle::ByteView stream = input.subspan(kReadSizes);
    const Outcome split = feed(stream, input.first(kReadSizes));
    const Outcome whole = feed(stream, {});
    turnbuckle::fuzz::check(split == whole);
    turnbuckle::fuzz::check(std::equal(whole.framed.begin(), whole.framed.end(), stream.begin()));
    return 0;
}
