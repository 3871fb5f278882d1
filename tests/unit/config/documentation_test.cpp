// conf/turnbuckle.yaml and docs/configuration.md against the schema: neither may lag behind it.

#include <regex>

#include <gmock/gmock.h>

#include "turnbuckle/config/document.hpp"
#include "turnbuckle/config/dump.hpp"
#include "turnbuckle/config/loader.hpp"
#include "turnbuckle/config/text_file.hpp"

namespace turnbuckle::config {
namespace {

std::string text_of(const std::string& file) {
    const auto text =
        read_text_file(std::string(TURNBUCKLE_SOURCE_DIR "/") + file, kMaxDocumentSize);
    EXPECT_TRUE(text) << file;
    return text.value_or("");
}

// "auth.users[].password.file" -> "file"
std::string last_name(const std::string& path) {
    return path.substr(path.rfind('.') + 1);
}

bool has_word(const std::string& text, const std::string& word) {
    return std::regex_search(text, std::regex("\\b" + word + "\\b"));
}

TEST(Documentation, TheExampleFileShowsTheDefaults) {
    const auto config = load_file(TURNBUCKLE_SOURCE_DIR "/conf/turnbuckle.yaml");
    ASSERT_TRUE(config) << to_string(config.error().front());
    EXPECT_EQ(*config, Config()) << dump(*config);
}

TEST(Documentation, TheExampleFileNamesEveryKey) {
    const std::string text = text_of("conf/turnbuckle.yaml");
    ErrorList errors;
    const auto root = parse_document(text, "turnbuckle.yaml", errors);
    ASSERT_TRUE(root);
    for (const std::string& path : key_paths()) {
        EXPECT_TRUE(has_word(text, last_name(path))) << path;
        if (path.find('[') != std::string::npos || path.starts_with("admin.token.")) continue;
        // Outside of lists the key itself must be there, not only its name in a comment.
        const Node* node = &*root;
        std::size_t begin = 0;
        while (node && begin != std::string::npos + 1) {
            const std::size_t dot = path.find('.', begin);
            node = node->find(path.substr(begin, dot - begin));
            begin = dot + 1;
        }
        EXPECT_TRUE(node) << path;
    }
}

TEST(Documentation, TheReferenceDescribesEveryKey) {
    const std::string text = text_of("docs/configuration.md");
    for (const std::string& path : key_paths()) {
        EXPECT_NE(text.find("`" + path + "`"), std::string::npos) << path;
    }
}

TEST(Documentation, TheReferenceDescribesNoKeyThatDoesNotExist) {
    const std::string text = text_of("docs/configuration.md");
    const auto paths = key_paths();
    const std::regex row("\n\\| `([a-z_\\.\\[\\]]+)`");
    for (std::sregex_iterator it(text.begin(), text.end(), row), end; it != end; ++it) {
        EXPECT_THAT(paths, testing::Contains(it->str(1)));
    }
}

}  // namespace
}  // namespace turnbuckle::config
