#include "turnbuckle/config/error.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace turnbuckle::config {

namespace {

constexpr std::string_view kCommandLine = "--set ";
constexpr std::size_t kMaxQuoted = 60;

std::tuple<bool, unsigned, unsigned> place_of(const ConfigError& error) {
    return {error.file.starts_with(kCommandLine), error.line, error.column};
}

}  // namespace

bool Position::on_command_line() const noexcept {
    return file->starts_with(kCommandLine);
}

std::string to_string(const ConfigError& error) {
    if (error.line == 0) return fmt::format("{}: {}", error.file, error.message);
    return fmt::format("{}:{}:{}: {}", error.file, error.line, error.column, error.message);
}

void ErrorList::add(const Position& at, std::string message) {
    ConfigError error{*at.file, at.line, at.column, std::move(message)};
    // Behind the earlier errors of the same place; nearly always that is the end.
    const auto behind = std::ranges::upper_bound(errors_, place_of(error), {}, place_of);
    errors_.insert(behind, std::move(error));
}

std::vector<ConfigError> ErrorList::sorted() && {
    return std::move(errors_);
}

std::string show(std::string_view text) {
    std::string shown(text.substr(0, kMaxQuoted));
    if (text.size() > kMaxQuoted) {
        // Not in the middle of a UTF-8 sequence.
        while (!shown.empty() && (static_cast<unsigned char>(shown.back()) & 0xc0) == 0x80) {
            shown.pop_back();
        }
        if (!shown.empty() && static_cast<unsigned char>(shown.back()) >= 0xc0) shown.pop_back();
        shown += "...";
    }
    std::ranges::replace_if(
        shown, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return fmt::format("'{}'", shown);
}

}  // namespace turnbuckle::config
