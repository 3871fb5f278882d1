#include "turnbuckle/config/secret_source.hpp"

#include <cstdlib>

#include <fmt/format.h>

#include "turnbuckle/config/error.hpp"
#include "turnbuckle/config/text_file.hpp"

namespace turnbuckle::config {

namespace {

std::expected<Secret, std::string> from_file(const std::string& path) {
    auto text = read_text_file(path, kMaxSecretSize);
    if (!text) {
        return std::unexpected(
            fmt::format("cannot read the secret file {}: {}", show(path), text.error()));
    }
    if (text->ends_with('\n')) text->pop_back();
    if (text->ends_with('\r')) text->pop_back();
    if (text->empty()) {
        return std::unexpected(fmt::format("the secret file {} is empty", show(path)));
    }
    return Secret(*std::move(text));
}

std::expected<Secret, std::string> from_environment(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    if (!value) {
        return std::unexpected(fmt::format("the environment variable {} is not set", show(name)));
    }
    if (*value == '\0') {
        return std::unexpected(fmt::format("the environment variable {} is empty", show(name)));
    }
    return Secret(std::string(value));
}

}  // namespace

std::expected<Secret, std::string> resolve(const SecretSource& source) {
    if (source.file) return from_file(*source.file);
    if (source.env) return from_environment(*source.env);
    return source.value.value_or(Secret());
}

}  // namespace turnbuckle::config
