#include "turnbuckle/turn/quota.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace turnbuckle::turn {

struct Quota::State {
    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };

    struct Shard {
        std::mutex mutex;
        // By user: how many tickets are held. A ticket points at its key, which stays where it is.
        std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>> users;
    };

    explicit State(QuotaLimits limits) : per_user(limits.per_user), total(limits.total) {}

    [[nodiscard]] Shard& shard_of(std::string_view user) noexcept {
        return shards[TextHash{}(user) % shards.size()];
    }

    [[nodiscard]] bool take_from_total() noexcept {
        const std::uint32_t limit = total.load();
        std::uint32_t count = held.load();
        do {
            if (limit != 0 && count >= limit) return false;
        } while (!held.compare_exchange_weak(count, count + 1));
        return true;
    }

    void give_back(const std::string& user) noexcept {
        Shard& shard = shard_of(user);
        const std::lock_guard lock(shard.mutex);
        const auto entry = shard.users.find(user);
        if (--entry->second == 0) shard.users.erase(entry);
        held.fetch_sub(1);
    }

    std::atomic<std::uint32_t> per_user;
    std::atomic<std::uint32_t> total;
    std::atomic<std::uint32_t> held{0};
    std::array<Shard, 16> shards;
};

Quota::Quota(QuotaLimits limits) : state_(std::make_shared<State>(limits)) {}

std::expected<QuotaTicket, QuotaExceeded> Quota::acquire(std::string_view user) {
    State::Shard& shard = state_->shard_of(user);
    const std::lock_guard lock(shard.mutex);
    auto entry = shard.users.find(user);
    const std::uint32_t limit = state_->per_user.load();
    if (limit != 0 && entry != shard.users.end() && entry->second >= limit)
        return std::unexpected(QuotaExceeded::User);
    // What may throw comes before the first count is changed.
    if (entry == shard.users.end()) entry = shard.users.emplace(std::string(user), 0).first;
    if (!state_->take_from_total()) {
        if (entry->second == 0) shard.users.erase(entry);
        return std::unexpected(QuotaExceeded::Total);
    }
    ++entry->second;
    return QuotaTicket(state_, &entry->first);
}

void Quota::set_limits(QuotaLimits limits) noexcept {
    state_->per_user = limits.per_user;
    state_->total = limits.total;
}

std::uint32_t Quota::held() const noexcept {
    return state_->held.load();
}

std::uint32_t Quota::held_by(std::string_view user) const {
    State::Shard& shard = state_->shard_of(user);
    const std::lock_guard lock(shard.mutex);
    const auto entry = shard.users.find(user);
    return entry == shard.users.end() ? 0 : entry->second;
}

std::size_t Quota::users() const {
    std::size_t count = 0;
    for (State::Shard& shard : state_->shards) {
        const std::lock_guard lock(shard.mutex);
        count += shard.users.size();
    }
    return count;
}

QuotaTicket::QuotaTicket() noexcept = default;

QuotaTicket::QuotaTicket(std::shared_ptr<Quota::State> state, const std::string* user) noexcept
    : state_(std::move(state)), user_(user) {}

QuotaTicket::QuotaTicket(QuotaTicket&& other) noexcept
    : state_(std::move(other.state_)), user_(std::exchange(other.user_, nullptr)) {}

QuotaTicket& QuotaTicket::operator=(QuotaTicket&& other) noexcept {
    if (this != &other) {
        release();
        state_ = std::move(other.state_);
        user_ = std::exchange(other.user_, nullptr);
    }
    return *this;
}

QuotaTicket::~QuotaTicket() {
    release();
}

std::string_view QuotaTicket::user() const noexcept {
    return user_ ? *user_ : std::string_view{};
}

void QuotaTicket::release() noexcept {
    if (const std::string* user = std::exchange(user_, nullptr)) state_->give_back(*user);
    state_.reset();
}

}  // namespace turnbuckle::turn
