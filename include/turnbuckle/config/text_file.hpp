// Reads a whole file of bounded size: a configuration or a secret.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>

namespace turnbuckle::config {

// The error says why, as the system puts it. Devices and FIFOs are read up to the bound.
[[nodiscard]] std::expected<std::string, std::string> read_text_file(
    const std::filesystem::path& path, std::size_t max_size);

}  // namespace turnbuckle::config
