// Any bytes as the opening of a connection, arriving one by one: what has been decided never
// changes, is decided in time, and a header that names addresses survives being written again.
#include <algorithm>
#include <array>
#include <cstdint>

#include "turnbuckle/net/proxy_protocol.hpp"

#include "fuzz/check.hpp"

namespace turnbuckle::net {
namespace {

using fuzz::check;
using Parsed = decltype(parse_proxy_header({}));

constexpr std::size_t kDecided = 16 + kMaxProxyV2Payload;

bool is_decided(const Parsed& parsed) {
    return !parsed || parsed->has_value();
}

bool same(const Parsed& a, const Parsed& b) {
    if (!a || !b) return !a && !b && a.error() == b.error();
    return *a == *b;
}

void check_header(const ProxyHeader& header, ByteView bytes) {
    check(header.length <= bytes.size() && header.length >= 15);
    if (!header.addresses) return;
    const auto& [source, destination, transport] = *header.addresses;
    std::array<std::uint8_t, kMaxWrittenProxyHeader> out{};
    const std::size_t length = write_proxy_v2(out, source, destination, transport);
    const auto again = parse_proxy_header(ByteView(out).first(length));
    check(again && *again && (*again)->length == length);
    check((*again)->addresses == header.addresses);
}

}  // namespace
}  // namespace turnbuckle::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace turnbuckle::net;
    const turnbuckle::ByteView bytes{data, size};
    const Parsed whole = parse_proxy_header(bytes);
    if (whole && *whole) check_header(**whole, bytes);
    check(is_decided(whole) || size < kDecided);

    // A length that is told before the bytes are there is decided by them alone, so that a step
    // need not be one byte once the fixed part is in.
    bool decided = false;
    for (std::size_t n = 0; n <= std::min(size, kDecided); n += n < 128 ? 1 : 97) {
        const Parsed part = parse_proxy_header(bytes.first(n));
        if (decided) check(is_decided(part));
        decided = is_decided(part);
        if (decided) check(same(part, whole));
    }
    return 0;
}
