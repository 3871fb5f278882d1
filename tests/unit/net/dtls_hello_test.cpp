#include "turnbuckle/net/dtls_hello.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace turnbuckle::net {
namespace {

using Bytes = std::vector<std::uint8_t>;

// A ClientHello with a session id of 4 bytes and a cookie of 5, and 6 bytes of the rest.
Bytes hello() {
    Bytes body{0xfe, 0xfd};
    for (std::uint8_t i = 0; i < 32; ++i)
        body.push_back(i);
    body.insert(body.end(), {4, 's', 's', 's', 's', 5, 'c', 'c', 'c', 'c', 'c'});
    body.insert(body.end(), {0, 2, 0xc0, 0x2b, 1, 0});
    const auto length = static_cast<std::uint8_t>(body.size());
    Bytes bytes{
        22, 0xfe, 0xff, 0,      0, 0, 0, 0, 0, 0, 7, 0,     static_cast<std::uint8_t>(length + 12),
        1,  0,    0,    length, 0, 1, 0, 0, 0, 0, 0, length};
    bytes.insert(bytes.end(), body.begin(), body.end());
    return bytes;
}
constexpr std::size_t kBody = 13 + 12;

TEST(DtlsHelloTest, finds_what_a_client_repeats_and_its_cookie) {
    const Bytes bytes = hello();
    const auto parsed = parse_dtls_hello(bytes);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->random.data(), bytes.data() + kBody + 2);
    EXPECT_EQ(parsed->random.size(), 32u);
    EXPECT_EQ(as_text(parsed->cookie), "ccccc");
    EXPECT_EQ(parsed->parameters.data(), bytes.data() + kBody);
    EXPECT_EQ(parsed->parameters.size(), 2u + 32 + 1 + 4);
}

TEST(DtlsHelloTest, is_not_in_less_than_the_whole_record) {
    const Bytes bytes = hello();
    for (std::size_t n = 0; n < bytes.size(); ++n)
        EXPECT_FALSE(parse_dtls_hello(Bytes(bytes.begin(), bytes.begin() + static_cast<long>(n))));
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_TRUE(parse_dtls_hello(longer));
}

TEST(DtlsHelloTest, may_be_the_first_fragment_if_the_cookie_is_in_it) {
    Bytes bytes = hello();
    const std::size_t cut = 6;
    bytes.resize(bytes.size() - cut);
    bytes[12] = static_cast<std::uint8_t>(bytes[12] - cut);
    bytes[24] = static_cast<std::uint8_t>(bytes[24] - cut);
    EXPECT_TRUE(parse_dtls_hello(bytes));
    bytes.pop_back();
    --bytes[12];
    --bytes[24];
    EXPECT_FALSE(parse_dtls_hello(bytes));
}

TEST(DtlsHelloTest, is_nothing_else) {
    const struct {
        std::size_t at;
        std::uint8_t value;
    } changes[] = {
        {0, 23},           // application data
        {0, 21},           // an alert
        {1, 3},            // TLS
        {4, 1},            // encrypted
        {13, 2},           // a ServerHello
        {21, 1},           // a later fragment
        {24, 255},         // a fragment longer than the record
        {kBody + 34, 33},  // a session id longer than there are
        {kBody + 39, 99},  // a cookie longer than the message
    };
    for (const auto& change : changes) {
        Bytes bytes = hello();
        bytes[change.at] = change.value;
        EXPECT_FALSE(parse_dtls_hello(bytes)) << change.at;
    }
}

TEST(DtlsHelloTest, begins_with_a_byte_that_only_dtls_has) {
    for (int first = 0; first < 256; ++first) {
        const std::uint8_t byte = static_cast<std::uint8_t>(first);
        EXPECT_EQ(is_dtls({&byte, 1}), first >= 20 && first <= 63);
    }
    EXPECT_FALSE(is_dtls({}));
}

}  // namespace
}  // namespace turnbuckle::net
