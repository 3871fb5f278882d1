#include "turnbuckle/config/nearest_key.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "turnbuckle/config/error.hpp"

namespace turnbuckle::config {

namespace {

constexpr std::size_t kMaxCompared = 64;

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
    if (std::max(a.size(), b.size()) > kMaxCompared) return std::max(a.size(), b.size());
    // Row i, column j: the distance between the first i of `a` and the first j of `b`. Three rows
    // are enough, because a swap looks back by two.
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> above(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::swap(before, above);
        std::swap(above, row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
    }
    return row[b.size()];
}

std::string unknown_key(std::string_view key, std::span<const std::string_view> known) {
    const auto nearest =
        std::ranges::min(known, {}, [key](std::string_view k) { return edit_distance(key, k); });
    // Half of the letters wrong is no typing error any more.
    if (edit_distance(key, nearest) * 2 <= std::max(key.size(), nearest.size())) {
        return fmt::format("unknown key {}; did you mean '{}'?", show(key), nearest);
    }
    return fmt::format("unknown key {}; known here: {}", show(key), fmt::join(known, ", "));
}

}  // namespace turnbuckle::config
