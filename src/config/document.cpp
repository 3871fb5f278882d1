#include "turnbuckle/config/document.hpp"

#include <algorithm>
#include <istream>
#include <spanstream>
#include <unordered_map>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace turnbuckle::config {

namespace {

// Ends the parse early; yaml-cpp offers no other way out of its recursion.
struct Refused {
    Position at;
    std::string message;
};

// Turns the parser's events into a tree, by a stack of the containers that are open.
class TreeBuilder final : public YAML::EventHandler {
public:
    TreeBuilder(std::shared_ptr<const std::string> file, ErrorList& errors)
        : file_(std::move(file)), errors_(errors) {}

    [[nodiscard]] Position position(const YAML::Mark& mark) const {
        return {file_, static_cast<unsigned>(mark.line + 1),
                static_cast<unsigned>(mark.column + 1)};
    }
    [[nodiscard]] Node take_root() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& mark) override { root_.at = position(mark); }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        put(make(Node::Kind::Null, mark, anchor));
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(mark); }
    void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  const std::string& value) override {
        Node node = make(Node::Kind::Scalar, mark, anchor);
        node.text = value;
        put(std::move(node));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(make(Node::Kind::Sequence, mark, anchor));
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(make(Node::Kind::Mapping, mark, anchor));
    }
    void OnMapEnd() override { close(); }

private:
    struct Open {
        Node node;
        std::optional<Node> key;                          // read, its value still to come
        std::unordered_map<std::string, unsigned> lines;  // of the keys so far
    };

    Node make(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (anchor != 0) refuse_anchor(mark);
        Node node;
        node.kind = kind;
        node.at = position(mark);
        return node;
    }

    [[noreturn]] void refuse_anchor(const YAML::Mark& mark) const {
        throw Refused{position(mark), "anchors and aliases are not supported"};
    }

    void open(Node node) {
        if (open_.size() == kMaxNesting) {
            throw Refused{node.at, fmt::format("nested more than {} levels deep", kMaxNesting)};
        }
        open_.push_back({std::move(node), std::nullopt, {}});
    }

    void close() {
        Node node = std::move(open_.back().node);
        open_.pop_back();
        put(std::move(node));
    }

    void put(Node node) {
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& parent = open_.back();
        if (parent.node.kind == Node::Kind::Sequence) {
            parent.node.items.push_back(std::move(node));
        } else if (!parent.key) {
            parent.key = std::move(node);
        } else {
            add_entry(parent, std::move(*parent.key), std::move(node));
            parent.key.reset();
        }
    }

    void add_entry(Open& mapping, Node key, Node value) {
        if (key.kind != Node::Kind::Scalar) {
            errors_.add(key.at, fmt::format("a key must be a word, not {}", describe(key.kind)));
            return;
        }
        const auto [known, is_new] = mapping.lines.emplace(key.text, key.at.line);
        if (!is_new) {
            errors_.add(key.at, fmt::format("duplicate key {}, first set on line {}",
                                            show(key.text), known->second));
            return;
        }
        mapping.node.entries.push_back({std::move(key.text), key.at, std::move(value)});
    }

    std::shared_ptr<const std::string> file_;
    ErrorList& errors_;
    Node root_;
    std::vector<Open> open_;
};

void add_syntax_error(const TreeBuilder& builder, const YAML::Exception& error, ErrorList& errors) {
    errors.add(builder.position(error.mark), fmt::format("YAML syntax: {}", error.msg));
}

void place(Node& node, const Position& at) {
    node.at = at;
    for (Node& item : node.items)
        place(item, at);
    for (Entry& entry : node.entries) {
        entry.key_at = at;
        place(entry.value, at);
    }
}

// The entry of `key`, made if it is missing.
Entry& entry_of(Node& mapping, std::string_view key, const Position& at) {
    const auto found = std::ranges::find(mapping.entries, key, &Entry::key);
    if (found != mapping.entries.end()) return *found;
    Node value;
    value.at = at;
    mapping.entries.push_back({std::string(key), at, std::move(value)});
    return mapping.entries.back();
}

std::optional<Node> parse_value(std::string_view text, const Position& at) {
    ErrorList errors;
    std::optional<Node> value = parse_document(text, *at.file, errors);
    if (!value || errors.count() > 0) return std::nullopt;
    // "--set software=" means the empty text, as a shell user expects.
    if (text.empty()) value->kind = Node::Kind::Scalar;
    place(*value, at);
    return value;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
    const auto found = std::ranges::find(entries, key, &Entry::key);
    return found == entries.end() ? nullptr : &found->value;
}

const Position& Node::position_of(std::initializer_list<std::string_view> keys) const {
    const Position* best = &at;
    for (const std::string_view key : keys) {
        const Node* value = find(key);
        if (!value) continue;
        if (value->at.on_command_line()) return value->at;
        if (best == &at) best = &value->at;
    }
    return *best;
}

std::optional<Node> parse_document(std::string_view text, std::string_view file,
                                   ErrorList& errors) {
    const auto name = std::make_shared<const std::string>(file);
    if (text.size() > kMaxDocumentSize) {
        errors.add({name}, fmt::format("is larger than {} KiB", kMaxDocumentSize / 1024));
        return std::nullopt;
    }
    TreeBuilder builder(name, errors);
    try {
        std::ispanstream stream(std::span<const char>(text.data(), text.size()));
        YAML::Parser parser(stream);
        parser.HandleNextDocument(builder);
        Node root = builder.take_root();
        if (!root.at.file) root.at = {name};
        TreeBuilder rest(name, errors);
        if (parser.HandleNextDocument(rest)) {
            errors.add(rest.take_root().at, "there must be only one YAML document");
            return std::nullopt;
        }
        return root;
    } catch (const YAML::Exception& error) {
        add_syntax_error(builder, error, errors);
    } catch (const Refused& refused) {
        errors.add(refused.at, refused.message);
    }
    return std::nullopt;
}

void apply_override(Node& root, std::string_view assignment, ErrorList& errors) {
    const std::size_t equals = assignment.find('=');
    std::string_view path = assignment.substr(0, equals);
    const Position at{std::make_shared<const std::string>(fmt::format("--set {}", path))};
    if (equals == std::string_view::npos) {
        errors.add(at, "has no value; write KEY=VALUE");
        return;
    }
    std::optional<Node> value = parse_value(assignment.substr(equals + 1), at);
    if (!value) {
        errors.add(at, "the value is not valid YAML");
        return;
    }
    Node* node = &root;
    for (bool last = false; !last;) {
        const std::size_t dot = path.find('.');
        last = dot == std::string_view::npos;
        if (node->kind == Node::Kind::Null) node->kind = Node::Kind::Mapping;
        if (node->kind != Node::Kind::Mapping) {
            errors.add(at,
                       fmt::format("there is no {} inside {}", show(path), describe(node->kind)));
            return;
        }
        node = &entry_of(*node, path.substr(0, dot), at).value;
        path.remove_prefix(last ? path.size() : dot + 1);
    }
    *node = std::move(*value);
}

std::string_view describe(Node::Kind kind) {
    switch (kind) {
        case Node::Kind::Null:
            return "nothing";
        case Node::Kind::Scalar:
            return "a single value";
        case Node::Kind::Sequence:
            return "a list";
        case Node::Kind::Mapping:
            return "a mapping";
    }
    return {};
}

}  // namespace turnbuckle::config
