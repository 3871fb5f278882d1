#include "support/scenario.hpp"

#include <cctype>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

namespace turnbuckle::test {

namespace {

class LineReader {
public:
    LineReader(std::string_view file, std::size_t line, std::string_view text)
        : file_(file), line_(line), text_(text) {}

    std::vector<std::string> words() {
        std::vector<std::string> words;
        for (;;) {
            while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0)
                ++at_;
            if (at_ == text_.size() || text_[at_] == '#') return words;
            words.push_back(word());
        }
    }

private:
    std::string word() {
        std::string word;
        bool quoted = false;
        for (; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '"') {
                quoted = !quoted;
            } else if (quoted && c == '\\') {
                word += escaped();
            } else if (!quoted && std::isspace(static_cast<unsigned char>(c)) != 0) {
                break;
            } else {
                word += c;
            }
        }
        if (quoted) throw ScenarioError(file_, line_, "a quotation mark is missing");
        return word;
    }

    char escaped() {
        ++at_;
        if (at_ < text_.size() && text_[at_] != 'x') return text_[at_];
        if (at_ + 2 >= text_.size()) throw ScenarioError(file_, line_, "\\xNN is cut short");
        const std::string digits(text_.substr(at_ + 1, 2));
        at_ += 2;
        return static_cast<char>(std::stoul(digits, nullptr, 16));
    }

    std::string_view file_;
    std::size_t line_;
    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

ScenarioError::ScenarioError(std::string_view file, std::size_t line, std::string_view message)
    : std::runtime_error(fmt::format("{}:{}: {}", file, line, message)) {}

Scenario Scenario::parse(std::string file, std::string_view text) {
    Scenario scenario{std::move(file), {}};
    std::size_t line = 0;
    while (!text.empty()) {
        const auto end = text.find('\n');
        ++line;
        auto words = LineReader(scenario.file, line, text.substr(0, end)).words();
        if (!words.empty()) scenario.steps.push_back({line, std::move(words)});
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return scenario;
}

Scenario Scenario::load(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw ScenarioError(path.string(), 0, "cannot be read");
    const std::string text(std::istreambuf_iterator<char>(in), {});
    return parse(path.filename().string(), text);
}

}  // namespace turnbuckle::test
