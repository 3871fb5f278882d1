// What is wrong with a configuration, and where: all of it, collected while reading goes on.
//
// A Position is where a key or value stands: a place in the file, or the command line option that
// set it, which has no line. Lines and columns count from 1.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace turnbuckle::config {

struct Position {
    std::shared_ptr<const std::string> file;  // or "--set KEY"; shared by all nodes of a document
    unsigned line = 0;                        // 0: the document as a whole
    unsigned column = 0;

    [[nodiscard]] bool on_command_line() const noexcept;
};

struct ConfigError {
    std::string file;
    unsigned line = 0;
    unsigned column = 0;
    std::string message;

    friend bool operator==(const ConfigError&, const ConfigError&) = default;
};

// "FILE:LINE:COLUMN: message", "FILE: message" or "--set KEY: message".
[[nodiscard]] std::string to_string(const ConfigError& error);

class ErrorList {
public:
    void add(const Position& at, std::string message);
    [[nodiscard]] std::size_t count() const noexcept { return errors_.size(); }
    // In the order of the text, the command line last.
    [[nodiscard]] std::vector<ConfigError> sorted() &&;

private:
    std::vector<ConfigError> errors_;  // sorted at all times
};

// What the user wrote, made fit for a message: in quotes, shortened, control characters replaced.
[[nodiscard]] std::string show(std::string_view text);

}  // namespace turnbuckle::config
