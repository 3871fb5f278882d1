// What to say of a key that the schema does not know: which one was probably meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace turnbuckle::config {

// How many characters must be inserted, removed, replaced or swapped with a neighbour to make `b`
// of `a`; text beyond what any key has counts as all different.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// Names the nearest of `known` (not empty), or all of them if none is near.
[[nodiscard]] std::string unknown_key(std::string_view key,
                                      std::span<const std::string_view> known);

}  // namespace turnbuckle::config
