#include "turnbuckle/config/loader.hpp"

#include <utility>

#include <fmt/format.h>

#include "turnbuckle/config/document.hpp"
#include "turnbuckle/config/reader.hpp"
#include "turnbuckle/config/text_file.hpp"
#include "turnbuckle/config/unsupported.hpp"

namespace turnbuckle::config {

LoadResult load_text(std::string_view text, std::string_view name,
                     std::span<const std::string> overrides) {
    ErrorList errors;
    Config config;
    if (std::optional<Node> root = parse_document(text, name, errors)) {
        for (const std::string& assignment : overrides)
            apply_override(*root, assignment, errors);
        read(*root, {}, config, errors);
        refuse_unsupported(config, *root, errors);
    }
    if (errors.count() > 0) return std::unexpected(std::move(errors).sorted());
    return config;
}

LoadResult load_file(const std::filesystem::path& path, std::span<const std::string> overrides) {
    const auto text = read_text_file(path, kMaxDocumentSize);
    if (text) return load_text(*text, path.native(), overrides);
    return std::unexpected(std::vector{ConfigError{
        path.native(), 0, 0, fmt::format("cannot read the configuration: {}", text.error())}});
}

}  // namespace turnbuckle::config
