#include <array>
#include <cmath>
#include <iterator>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "turnbuckle/base/log.hpp"

namespace turnbuckle::log {

namespace {

constexpr std::array<std::string_view, 6> kLevelNames{"trace", "debug", "info",
                                                      "warn",  "error", "off"};

struct Character {
    std::size_t length;  // bytes taken from the text, at least 1
    char32_t code;
    bool valid;
};

// The first character of a non-empty text, by the table of well-formed UTF-8 (RFC 3629 section 4).
Character first_character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead = byte(0);
    if (lead < 0x80) return {1, lead, true};
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {1, lead, false};
    char32_t code = lead & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return {1, lead, false};
        code = (code << 6) | (byte(i) & 0x3FU);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (overlong || surrogate || code > 0x10FFFF) return {1, lead, false};
    return {length, code, true};
}

// What could end a line, drive a terminal or reorder what a reader sees.
bool is_unsafe(char32_t code) {
    return code < 0x20 || (code >= 0x7F && code <= 0x9F)          // C0, DEL, C1
           || code == 0x061C || code == 0x200E || code == 0x200F  // bidirectional marks
           || (code >= 0x2028 && code <= 0x202E)  // line separators, bidirectional overrides
           || (code >= 0x2066 && code <= 0x2069)  // bidirectional isolates
           || code == 0xFEFF;
}

void append_escaped_text(std::string& out, std::string_view text) {
    while (!text.empty()) {
        const auto [length, code, valid] = first_character(text);
        if (!valid) {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned>(code));
        } else if (code == U'"' || code == U'\\') {
            out += '\\';
            out += text[0];
        } else if (code == U'\n') {
            out += "\\n";
        } else if (code == U'\r') {
            out += "\\r";
        } else if (code == U'\t') {
            out += "\\t";
        } else if (is_unsafe(code)) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(code));
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length);
    }
}

// A JSON string (RFC 8259 section 7). Bytes that are not UTF-8 have no place in one and become
// U+FFFD.
void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const auto [length, code, valid] = first_character(text);
        if (!valid) {
            out += "\\ufffd";
        } else if (code == U'"' || code == U'\\') {
            out += '\\';
            out += text[0];
        } else if (code == U'\n') {
            out += "\\n";
        } else if (is_unsafe(code)) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(code));
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length);
    }
    out += '"';
}

// A bare word cannot be mistaken for the end of its value or for the next key.
bool is_bare(std::string_view escaped) {
    return !escaped.empty() && escaped.find_first_of(" =\\") == std::string_view::npos;
}

class AppendValue {
public:
    AppendValue(std::string& out, Format format) : out_(out), format_(format) {}

    void operator()(std::string_view text) const {
        if (format_ == Format::Json) return append_json_string(out_, text);
        const std::size_t begin = out_.size();
        append_escaped_text(out_, text);
        if (is_bare(std::string_view(out_).substr(begin))) return;
        out_.insert(begin, 1, '"');
        out_ += '"';
    }
    void operator()(bool value) const { out_ += value ? "true" : "false"; }
    void operator()(double value) const {
        // JSON has no infinity and no NaN.
        if (format_ == Format::Json && !std::isfinite(value)) {
            out_ += "null";
        } else {
            fmt::format_to(std::back_inserter(out_), "{}", value);
        }
    }
    void operator()(std::int64_t value) const { out_ += fmt::format_int(value).c_str(); }
    void operator()(std::uint64_t value) const { out_ += fmt::format_int(value).c_str(); }
    void operator()(const Endpoint* endpoint) const { (*this)(endpoint->to_string()); }
    void operator()(const IpAddress* ip) const { (*this)(ip->to_string()); }

private:
    std::string& out_;
    Format format_;
};

void append_time(std::string& out, LineTime time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    fmt::format_to(std::back_inserter(out), "{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                   fmt::gmtime(seconds.time_since_epoch().count()), (time - seconds).count());
}

}  // namespace

std::string_view name_of(Level level) noexcept {
    return kLevelNames[static_cast<std::size_t>(level)];
}

std::optional<Level> parse_level(std::string_view name) noexcept {
    for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
        if (kLevelNames[i] == name) return static_cast<Level>(i);
    }
    return std::nullopt;
}

std::optional<Format> parse_format(std::string_view name) noexcept {
    if (name == "text") return Format::Text;
    if (name == "json") return Format::Json;
    return std::nullopt;
}

std::string render(Format format, LineTime time, Level level, std::string_view message,
                   std::span<const Field> fields) {
    std::string out;
    out.reserve(160);
    const AppendValue append_value(out, format);
    if (format == Format::Json) {
        out += R"({"time":")";
        append_time(out, time);
        out += R"(","level":")";
        out += name_of(level);
        out += R"(","message":)";
        append_json_string(out, message);
        for (const Field& field : fields) {
            out += ',';
            append_json_string(out, field.key);
            out += ':';
            std::visit(append_value, field.value.held());
        }
        out += '}';
        return out;
    }
    append_time(out, time);
    out += ' ';
    out += name_of(level);
    out += ' ';
    append_escaped_text(out, message);
    for (const Field& field : fields) {
        out += ' ';
        out += field.key;
        out += '=';
        std::visit(append_value, field.value.held());
    }
    return out;
}

}  // namespace turnbuckle::log
