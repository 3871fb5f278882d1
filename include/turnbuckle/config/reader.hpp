// Reads a document's tree into the structs, by the tables of the schema.
//
// read() leaves `out` as it was where the document says nothing, so defaults stand in the structs
// alone. It never stops at an error: it adds to `errors` and goes on. `label` is the key that the
// value belongs to, for messages. A null is an empty mapping, an empty list or an absent optional.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "turnbuckle/config/nearest_key.hpp"
#include "turnbuckle/config/schema.hpp"

namespace turnbuckle::config {

inline void expected(const Node& node, std::string_view label, std::string_view what,
                     std::string_view found, ErrorList& errors) {
    errors.add(node.at, label.empty()
                            ? fmt::format("expected {}, found {}", what, found)
                            : fmt::format("'{}': expected {}, found {}", label, what, found));
}

template <HasScalar T>
void read(const Node& node, std::string_view label, T& out, ErrorList& errors) {
    auto parsed = node.kind == Node::Kind::Scalar ? Scalar<T>::parse(node.text)
                                                  : Parsed<T>(std::unexpected("a single value"));
    if (parsed) {
        out = *std::move(parsed);
    } else if (node.kind != Node::Kind::Scalar) {
        expected(node, label, parsed.error(), describe(node.kind), errors);
    } else if (kIsSecret<T>) {
        expected(node, label, parsed.error(), "something else", errors);
    } else {
        expected(node, label, parsed.error(), show(node.text), errors);
    }
}

template <HasSchema T>
void read(const Node& node, std::string_view label, T& out, ErrorList& errors);

template <class T>
requires(!HasScalar<std::optional<T>>) void read(const Node& node, std::string_view label,
                                                 std::optional<T>& out, ErrorList& errors) {
    out.reset();
    if (node.kind != Node::Kind::Null) read(node, label, out.emplace(), errors);
}

// What an entry of a list is before it is read.
template <class T>
T blank() {
    return {};
}
template <>
inline Cidr blank<Cidr>() {
    return {IpAddress(), 0};
}

template <class T>
void read(const Node& node, std::string_view label, std::vector<T>& out, ErrorList& errors) {
    out.clear();
    if (node.kind == Node::Kind::Null) return;
    if (node.kind != Node::Kind::Sequence) {
        return expected(node, label, "a list", describe(node.kind), errors);
    }
    std::unordered_map<std::string, unsigned> lines;
    for (const Node& item : node.items) {
        const std::size_t errors_before = errors.count();
        T value = blank<T>();
        read(item, label, value, errors);
        if (errors.count() != errors_before) continue;
        const std::string name = identity(value);
        const auto [first, is_new] = lines.emplace(name, item.at.line);
        if (is_new || name.empty()) {
            out.push_back(std::move(value));
        } else {
            errors.add(item.at, fmt::format("'{}': repeats {} of line {}", label, show(name),
                                            first->second));
        }
    }
}

template <class Owner, class Value, class Check>
void read_value(const Node& node, const Key<Owner, Value, Check>& key, Owner& out,
                ErrorList& errors) {
    const std::size_t errors_before = errors.count();
    Value& value = out.*key.member;
    read(node, key.name, value, errors);
    if (errors.count() != errors_before) return;
    if (const Complaint complaint = key.check(value)) {
        errors.add(node.at, fmt::format("'{}' {}", key.name, *complaint));
    }
}

template <HasSchema T>
void read(const Node& node, std::string_view label, T& out, ErrorList& errors) {
    if (node.kind != Node::Kind::Mapping && node.kind != Node::Kind::Null) {
        return expected(node, label, "a mapping", describe(node.kind), errors);
    }
    const std::size_t errors_before = errors.count();
    std::apply(
        [&](const auto&... keys) {
            for (const Entry& entry : node.entries) {
                const bool known = ((entry.key == keys.name &&
                                     (read_value(entry.value, keys, out, errors), true)) ||
                                    ...);
                if (!known) {
                    errors.add(entry.key_at, unknown_key(entry.key, std::array{keys.name...}));
                }
            }
        },
        Schema<T>::kKeys);
    if constexpr (HasFinish<T>) {
        if (errors.count() == errors_before) Schema<T>::finish(out, node, errors);
    }
}

}  // namespace turnbuckle::config
