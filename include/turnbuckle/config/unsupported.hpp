// What the format has but this version does not do yet: the one place that refuses it.
#pragma once

#include "turnbuckle/config/config.hpp"
#include "turnbuckle/config/document.hpp"
#include "turnbuckle/config/error.hpp"

namespace turnbuckle::config {

// `root` is what `config` was read from.
void refuse_unsupported(const Config& config, const Node& root, ErrorList& errors);

}  // namespace turnbuckle::config
