#include "turnbuckle/config/unsupported.hpp"

#include <fmt/format.h>

namespace turnbuckle::config {

namespace {

constexpr std::string_view kNotYet = "not supported yet by this version";

const Position& position_of(const Node& root, std::initializer_list<std::string_view> path) {
    const Node* node = &root;
    for (const std::string_view key : path) {
        if (const Node* value = node->find(key)) node = value;
    }
    return node->at;
}

}  // namespace

void refuse_unsupported(const Config& config, const Node& root, ErrorList& errors) {
    if (config.limits.user.bandwidth != BitRate{}) {
        errors.add(position_of(root, {"limits", "user", "bandwidth"}),
                   fmt::format("'bandwidth': a limit is {}; use 0", kNotYet));
    }
    if (config.limits.total.bandwidth != BitRate{}) {
        errors.add(position_of(root, {"limits", "total", "bandwidth"}),
                   fmt::format("'bandwidth': a limit is {}; use 0", kNotYet));
    }
    if (config.offload.mode != OffloadMode::Off) {
        errors.add(position_of(root, {"offload", "mode"}),
                   fmt::format("'mode': offload is {}; use off", kNotYet));
    }
}

}  // namespace turnbuckle::config
