#include "turnbuckle/config/document.hpp"

#include <random>

#include <gmock/gmock.h>

namespace turnbuckle::config {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

std::vector<std::string> errors_of(std::string_view text) {
    ErrorList errors;
    const auto root = parse_document(text, "t.yaml", errors);
    std::vector<std::string> messages;
    for (const ConfigError& error : std::move(errors).sorted()) {
        messages.push_back(to_string(error));
    }
    EXPECT_TRUE(root || !messages.empty()) << "refused without a reason";
    return messages;
}

Node parse(std::string_view text) {
    ErrorList errors;
    auto root = parse_document(text, "t.yaml", errors);
    EXPECT_TRUE(root && errors.count() == 0);
    return root.value_or(Node{});
}

TEST(Document, KnowsWhereEachKeyAndValueStands) {
    const Node root = parse("realm: a\nrelay:\n  ports: { min: 5 }\n");
    ASSERT_EQ(root.kind, Node::Kind::Mapping);
    ASSERT_EQ(root.entries.size(), 2u);
    EXPECT_EQ(root.entries[1].key_at.line, 2u);
    EXPECT_EQ(root.entries[1].key_at.column, 1u);
    const Node* min = root.find("relay")->find("ports")->find("min");
    ASSERT_TRUE(min);
    EXPECT_EQ(min->text, "5");
    EXPECT_EQ(min->at.line, 3u);
    EXPECT_EQ(min->at.column, 17u);
    EXPECT_EQ(*min->at.file, "t.yaml");
}

TEST(Document, TellsNullFromEmptyText) {
    const Node root = parse("a:\nb: ~\nc: \"\"\nd: \"null\"\n");
    EXPECT_EQ(root.find("a")->kind, Node::Kind::Null);
    EXPECT_EQ(root.find("b")->kind, Node::Kind::Null);
    EXPECT_EQ(root.find("c")->kind, Node::Kind::Scalar);
    EXPECT_EQ(root.find("d")->text, "null");
}

TEST(Document, IsNullWhenThereIsNoText) {
    EXPECT_EQ(parse("").kind, Node::Kind::Null);
    EXPECT_EQ(parse("# only a comment\n").kind, Node::Kind::Null);
    EXPECT_EQ(parse("---\n").kind, Node::Kind::Null);
}

TEST(Document, ReportsSyntaxErrorsWithTheirPlace) {
    EXPECT_THAT(errors_of("realm: [1, 2\nlog: x\n"),
                ElementsAre(StartsWith("t.yaml:2:4: YAML syntax: ")));
    EXPECT_THAT(errors_of("a: b: c\n"), ElementsAre(StartsWith("t.yaml:1:5: YAML syntax: ")));
    EXPECT_THAT(errors_of("a:\n\t- b\n"), ElementsAre(StartsWith("t.yaml:2:")));
}

TEST(Document, ReportsEveryDuplicateKey) {
    EXPECT_THAT(errors_of("a: 1\nb: { c: 1, c: 2 }\na: 3\n"),
                ElementsAre("t.yaml:2:12: duplicate key 'c', first set on line 2",
                            "t.yaml:3:1: duplicate key 'a', first set on line 1"));
}

TEST(Document, RefusesKeysThatAreNotWords) {
    EXPECT_THAT(errors_of("? [a]\n: 1\n"),
                ElementsAre("t.yaml:1:3: a key must be a word, not a list"));
}

TEST(Document, RefusesASecondDocument) {
    EXPECT_THAT(errors_of("a: 1\n---\nb: 2\n"),
                ElementsAre("t.yaml:3:1: there must be only one YAML document"));
}

TEST(Document, RefusesAliasesSoThatTheyCannotMultiply) {
    EXPECT_THAT(errors_of("a: &a [x, x]\nb: &b [*a, *a]\n"),
                ElementsAre("t.yaml:1:4: anchors and aliases are not supported"));
}

TEST(Document, BoundsNestingWithoutRecursingThroughIt) {
    for (const char* opening : {"[", "{a: ", "- ", "? "}) {
        std::string text;
        for (int i = 0; i < 50'000; ++i)
            text += opening;
        EXPECT_EQ(errors_of(text).size(), 1u) << opening;
    }
    EXPECT_THAT(errors_of(std::string(17, '[') + std::string(17, ']')),
                ElementsAre("t.yaml:1:17: nested more than 16 levels deep"));
    EXPECT_TRUE(errors_of(std::string(16, '[') + std::string(16, ']')).empty());
}

TEST(Document, BoundsTheSize) {
    EXPECT_TRUE(errors_of(std::string(kMaxDocumentSize, ' ')).empty());
    EXPECT_THAT(errors_of(std::string(kMaxDocumentSize + 1, ' ')),
                ElementsAre("t.yaml: is larger than 1024 KiB"));
}

TEST(Document, PointsAtTheCommandLineBeforeTheFile) {
    Node root = parse("min: 5\nmax: 3\n");
    EXPECT_EQ(root.position_of({"max", "min"}).line, 2u);
    EXPECT_EQ(root.position_of({"other"}).line, root.at.line);
    ErrorList errors;
    apply_override(root, "min=9", errors);
    EXPECT_EQ(*root.position_of({"max", "min"}).file, "--set min");
}

TEST(Document, PutsOverridesWhereTheirPathSays) {
    Node root = parse("relay:\n  ports: { min: 5 }\n");
    ErrorList errors;
    apply_override(root, "relay.ports.min=7", errors);
    apply_override(root, "relay.peers.allow=[10.0.0.0/8]", errors);
    apply_override(root, "software=", errors);
    EXPECT_EQ(errors.count(), 0u);
    EXPECT_EQ(root.find("relay")->find("ports")->find("min")->text, "7");
    EXPECT_EQ(root.find("relay")->find("peers")->find("allow")->items.at(0).text, "10.0.0.0/8");
    EXPECT_EQ(root.find("software")->kind, Node::Kind::Scalar);
}

TEST(Document, MakesAMappingOfAnEmptyDocumentForAnOverride) {
    Node root = parse("");
    ErrorList errors;
    apply_override(root, "log.level=debug", errors);
    EXPECT_EQ(root.find("log")->find("level")->text, "debug");
}

TEST(Document, RefusesOverridesThatCannotBe) {
    Node root = parse("realm: a\nlisteners: []\n");
    ErrorList errors;
    apply_override(root, "realm", errors);
    apply_override(root, "realm.x=1", errors);
    apply_override(root, "listeners.0.port=1", errors);
    apply_override(root, "software=[", errors);
    std::vector<std::string> messages;
    for (const auto& error : std::move(errors).sorted())
        messages.push_back(to_string(error));
    EXPECT_THAT(messages, ElementsAre("--set realm: has no value; write KEY=VALUE",
                                      "--set realm.x: there is no 'x' inside a single value",
                                      "--set listeners.0.port: there is no '0.port' inside a list",
                                      "--set software: the value is not valid YAML"));
}

// Bytes that YAML gives a meaning to are frequent, so that the parser gets past the first ones.
TEST(Document, SurvivesAnyText) {
    constexpr std::string_view kAlphabet = "  \n\n\t-:?[]{},#&*!|>'\"%@`~ab1\\\0\x80\xff\xc3\xa9";
    std::mt19937 random(7);
    for (int round = 0; round < 20'000; ++round) {
        std::string text(random() % 60, ' ');
        for (char& c : text)
            c = kAlphabet[random() % kAlphabet.size()];
        errors_of(text);
    }
}

}  // namespace
}  // namespace turnbuckle::config
