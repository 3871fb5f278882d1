// A YAML document as a plain tree in which every key and value knows where it stands.
//
// yaml-cpp does the parsing; this keeps of it what a configuration needs. Mappings keep the order
// of the text, so that errors come in that order too. Hostile or absurd input is bounded: size and
// nesting are limited, and there are no anchors or aliases, so a document is never larger than its
// text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "turnbuckle/config/error.hpp"

namespace turnbuckle::config {

inline constexpr std::size_t kMaxDocumentSize = 1024 * 1024;
inline constexpr std::size_t kMaxNesting = 16;

struct Entry;

struct Node {
    enum class Kind : std::uint8_t { Null, Scalar, Sequence, Mapping };

    Kind kind = Kind::Null;
    Position at;
    std::string text;            // of a scalar
    std::vector<Node> items;     // of a sequence
    std::vector<Entry> entries;  // of a mapping; keys are unique

    // The value of `key`, if this is a mapping that has it.
    [[nodiscard]] const Node* find(std::string_view key) const;
    // Where to point for an error about several keys at once: the first of `keys` that the command
    // line sets, or else the file, or else this node.
    [[nodiscard]] const Position& position_of(std::initializer_list<std::string_view> keys) const;
};

struct Entry {
    std::string key;
    Position key_at;
    Node value;
};

// The root of the document; of an empty one, a null. Nothing if it is not YAML within the limits,
// which `errors` then says; duplicate keys are errors too.
[[nodiscard]] std::optional<Node> parse_document(std::string_view text, std::string_view file,
                                                 ErrorList& errors);

// Applies "relay.ports.min=50000" to the tree.
void apply_override(Node& root, std::string_view assignment, ErrorList& errors);

// "a list", "a mapping", ...: for messages.
[[nodiscard]] std::string_view describe(Node::Kind kind);

}  // namespace turnbuckle::config
