#include "turnbuckle/config/dump.hpp"

#include <yaml-cpp/emitter.h>

#include "turnbuckle/config/schema.hpp"

namespace turnbuckle::config {

namespace {

template <HasScalar T>
void write(YAML::Emitter& out, const T& value) {
    const std::string text = Scalar<T>::format(value);
    // An empty plain scalar would be read as null.
    if (text.empty()) out << YAML::DoubleQuoted;
    out << text;
}

template <HasSchema T>
void write(YAML::Emitter& out, const T& value);

template <class T>
void write(YAML::Emitter& out, const std::vector<T>& values) {
    if (values.empty()) out << YAML::Flow;
    out << YAML::BeginSeq;
    for (const T& value : values)
        write(out, value);
    out << YAML::EndSeq;
}

template <class T>
void write_entry(YAML::Emitter& out, std::string_view name, const T& value) {
    out << YAML::Key << std::string(name) << YAML::Value;
    write(out, value);
}

template <class T>
requires(!HasScalar<std::optional<T>>) void write_entry(YAML::Emitter& out, std::string_view name,
                                                        const std::optional<T>& value) {
    if (value) write_entry(out, name, *value);
}

template <HasSchema T>
void write(YAML::Emitter& out, const T& value) {
    out << YAML::BeginMap;
    std::apply([&](const auto&... keys) { (write_entry(out, keys.name, value.*keys.member), ...); },
               Schema<T>::kKeys);
    out << YAML::EndMap;
}

template <class T>
struct Nested {
    using Type = T;
    static constexpr std::string_view kSuffix = "";
};
template <class T>
struct Nested<std::vector<T>> {
    using Type = T;
    static constexpr std::string_view kSuffix = "[]";
};
template <class T>
struct Nested<std::optional<T>> {
    using Type = T;
    static constexpr std::string_view kSuffix = "";
};

template <HasSchema T>
void append_paths(const std::string& prefix, std::vector<std::string>& out);

template <class Owner, class Value, class Check>
void append_path(const std::string& prefix, const Key<Owner, Value, Check>& key,
                 std::vector<std::string>& out) {
    out.push_back(prefix + std::string(key.name));
    if constexpr (HasSchema<typename Nested<Value>::Type>) {
        append_paths<typename Nested<Value>::Type>(
            fmt::format("{}{}.", out.back(), Nested<Value>::kSuffix), out);
    }
}

template <HasSchema T>
void append_paths(const std::string& prefix, std::vector<std::string>& out) {
    std::apply([&](const auto&... keys) { (append_path(prefix, keys, out), ...); },
               Schema<T>::kKeys);
}

}  // namespace

std::string dump(const Config& config) {
    YAML::Emitter out;
    write(out, config);
    return std::string(out.c_str(), out.size()) + '\n';
}

std::vector<std::string> key_paths() {
    std::vector<std::string> paths;
    append_paths<Config>("", paths);
    return paths;
}

}  // namespace turnbuckle::config
