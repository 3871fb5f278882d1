// How many allocations a user, and all users together, may hold at once: RFC 8656 section 7.2, 486.
//
// A ticket is the right to one allocation. It gives itself back when it is destroyed, on whichever
// path that happens, so no path can forget to; it may outlive the Quota. One Quota serves all
// workers: every function may be called from any thread. Control path only: it locks (by a shard of
// the user name) and allocates. A user costs no memory once its last ticket is gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace turnbuckle::turn {

struct QuotaLimits {
    std::uint32_t per_user = 0;  // 0: no limit
    std::uint32_t total = 0;     // 0: no limit
};

enum class QuotaExceeded : std::uint8_t { User, Total };

class QuotaTicket;

class Quota {
public:
    explicit Quota(QuotaLimits limits);

    [[nodiscard]] std::expected<QuotaTicket, QuotaExceeded> acquire(std::string_view user);

    // Counts for what is acquired from now on; tickets already held stay valid above a lower limit.
    void set_limits(QuotaLimits limits) noexcept;

    [[nodiscard]] std::uint32_t held() const noexcept;
    [[nodiscard]] std::uint32_t held_by(std::string_view user) const;
    [[nodiscard]] std::size_t users() const;  // with at least one ticket

private:
    friend class QuotaTicket;
    struct State;

    std::shared_ptr<State> state_;
};

// Move-only. An empty ticket (default-constructed, moved from) holds nothing.
class QuotaTicket {
public:
    QuotaTicket() noexcept;
    QuotaTicket(QuotaTicket&& other) noexcept;
    QuotaTicket& operator=(QuotaTicket&& other) noexcept;
    QuotaTicket(const QuotaTicket&) = delete;
    QuotaTicket& operator=(const QuotaTicket&) = delete;
    ~QuotaTicket();

    [[nodiscard]] explicit operator bool() const noexcept { return user_ != nullptr; }
    // Who is charged; empty for an empty ticket. Lives as long as the ticket.
    [[nodiscard]] std::string_view user() const noexcept;
    void release() noexcept;

private:
    friend class Quota;

    QuotaTicket(std::shared_ptr<Quota::State> state, const std::string* user) noexcept;

    std::shared_ptr<Quota::State> state_;
    const std::string* user_ = nullptr;
};

}  // namespace turnbuckle::turn
