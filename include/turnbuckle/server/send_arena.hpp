// Memory for datagrams that net::UdpSender is to send later and that live nowhere else: answers,
// and what DTLS encrypted. One per worker; everything in it is valid until the sender's flush.
#pragma once

#include <array>
#include <cstdint>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/net/udp_sender.hpp"

namespace turnbuckle::server {

class SendArena {
public:
    static constexpr std::size_t kCapacity = 128 * 1024;

    explicit SendArena(net::UdpSender& sender) noexcept : sender_(sender) {}

    // `length` bytes, at most kCapacity; sends what is queued if there is no room.
    [[nodiscard]] MutableBytes room_for(std::size_t length) noexcept {
        if (memory_.size() - used_ < length) {
            sender_.flush();
            used_ = 0;
        }
        used_ += length;
        return MutableBytes(memory_).subspan(used_ - length, length);
    }
    // After the sender's flush.
    void recycle() noexcept { used_ = 0; }

private:
    net::UdpSender& sender_;
    std::size_t used_ = 0;
    std::array<std::uint8_t, kCapacity> memory_;
};

}  // namespace turnbuckle::server
