// How many connections may be open that have not authenticated: for each source prefix (/24 or /56)
// and in all.
//
// One for TCP and TLS and one for DTLS, each shared by all workers, behind a lock that is taken
// when a connection comes, authenticates or goes. A Ticket stands for one counted connection and
// gives its place back when it is destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <mutex>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

#include "turnbuckle/base/address.hpp"

namespace turnbuckle::server {

class ConnectionLimits {
public:
    struct Limits {
        std::size_t per_prefix = 256;
        std::size_t total = 4096;
    };

    enum class Refusal : std::uint8_t { Prefix, Total };

    class Ticket {
    public:
        Ticket() noexcept = default;
        Ticket(Ticket&& other) noexcept
            : limits_(std::exchange(other.limits_, nullptr)), prefix_(other.prefix_) {}
        Ticket& operator=(Ticket&& other) noexcept {
            release();
            limits_ = std::exchange(other.limits_, nullptr);
            prefix_ = other.prefix_;
            return *this;
        }
        Ticket(const Ticket&) = delete;
        Ticket& operator=(const Ticket&) = delete;
        ~Ticket() { release(); }

        void release() noexcept {
            if (limits_ != nullptr) std::exchange(limits_, nullptr)->give_back(prefix_);
        }
        [[nodiscard]] bool held() const noexcept { return limits_ != nullptr; }

    private:
        friend class ConnectionLimits;
        Ticket(ConnectionLimits& limits, std::uint64_t prefix) noexcept
            : limits_(&limits), prefix_(prefix) {}

        ConnectionLimits* limits_ = nullptr;
        std::uint64_t prefix_ = 0;
    };

    explicit ConnectionLimits(Limits limits) noexcept : limits_(limits) {}

    [[nodiscard]] std::expected<Ticket, Refusal> admit(const IpAddress& source);
    // Those that are open stay.
    void set_limits(Limits limits) noexcept;
    [[nodiscard]] std::size_t open() const noexcept;
    // How many of them come from the same prefix.
    [[nodiscard]] std::size_t held_beside(const IpAddress& source) const noexcept;

private:
    void give_back(std::uint64_t prefix) noexcept;

    mutable std::mutex mutex_;
    Limits limits_;
    std::size_t open_ = 0;
    boost::unordered_flat_map<std::uint64_t, std::size_t> by_prefix_;
};

}  // namespace turnbuckle::server
