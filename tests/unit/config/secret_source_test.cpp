#include "turnbuckle/config/secret_source.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "unit/config/errors_of.hpp"

namespace turnbuckle::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SecretFile {
public:
    explicit SecretFile(std::string_view content) {
        std::string pattern = (std::filesystem::temp_directory_path() / "secret.XXXXXX").string();
        ::close(::mkstemp(pattern.data()));
        path = pattern;
        std::ofstream(path) << content;
    }
    SecretFile(const SecretFile&) = delete;
    SecretFile& operator=(const SecretFile&) = delete;
    ~SecretFile() { std::filesystem::remove(path); }

    std::string path;
};

std::string from_file(std::string_view content) {
    const SecretFile file(content);
    const auto secret = resolve({file.path, {}, {}, {}});
    return secret ? std::string(secret->reveal()) : "error: " + secret.error();
}

TEST(SecretSource, DropsOneLineEndOfAFile) {
    EXPECT_EQ(from_file("north"), "north");
    EXPECT_EQ(from_file("north\n"), "north");
    EXPECT_EQ(from_file("north\r\n"), "north");
    EXPECT_EQ(from_file("north\n\n"), "north\n");
    EXPECT_EQ(from_file(" north "), " north ");
    EXPECT_EQ(from_file(std::string("a\0b", 3)), std::string("a\0b", 3));
}

TEST(SecretSource, RefusesAnEmptyOrEndlessFile) {
    EXPECT_THAT(from_file(""), HasSubstr("is empty"));
    EXPECT_THAT(from_file("\n"), HasSubstr("is empty"));
    EXPECT_THAT(from_file(std::string(kMaxSecretSize + 1, 'x')),
                HasSubstr("is larger than 4096 bytes"));
}

TEST(SecretSource, ReadsTheEnvironment) {
    ::setenv("TURNBUCKLE_TEST_SECRET", "south", 1);
    EXPECT_EQ(resolve({{}, "TURNBUCKLE_TEST_SECRET", {}, {}})->reveal(), "south");
    ::setenv("TURNBUCKLE_TEST_SECRET", "", 1);
    EXPECT_THAT(
        errors_of("auth: { secrets: [ { env: TURNBUCKLE_TEST_SECRET } ] }"),
        ElementsAre("t.yaml:1:27: the environment variable 'TURNBUCKLE_TEST_SECRET' is empty"));
    ::unsetenv("TURNBUCKLE_TEST_SECRET");
    EXPECT_THAT(
        errors_of("auth: { secrets: [ { env: TURNBUCKLE_TEST_SECRET } ] }"),
        ElementsAre("t.yaml:1:27: the environment variable 'TURNBUCKLE_TEST_SECRET' is not set"));
}

TEST(SecretSource, SaysWhichFileCannotBeRead) {
    EXPECT_THAT(errors_of("admin:\n  token: { file: /nonexistent/token }\n"),
                ElementsAre("t.yaml:2:18: cannot read the secret file '/nonexistent/token': "
                            "No such file or directory"));
}

TEST(SecretSource, WantsExactlyOneSource) {
    EXPECT_THAT(errors_of("admin: { token: {} }"),
                ElementsAre("t.yaml:1:17: needs a 'file', 'env' or 'value'"));
    EXPECT_THAT(errors_of("admin: { token: { value: x, env: HOME } }"),
                ElementsAre("t.yaml:1:17: must have only one of 'file', 'env' and 'value'"));
    EXPECT_THAT(errors_of("admin: { token: }"), IsEmpty()) << "no value at all is no token";
}

TEST(SecretSource, IsRefusedOnTheCommandLineWhereEveryoneSeesIt) {
    for (const std::string_view secret :
         {"admin.token={value: hunter2}", "auth.secrets=[{value: hunter2}]",
          "auth.users=[{name: ann, password: {value: hunter2}}]",
          "auth.users=[{name: ann, key: 00112233445566778899aabbccddeeff}]"}) {
        const auto errors = errors_of("", {std::string(secret)});
        ASSERT_FALSE(errors.empty()) << secret;
        EXPECT_THAT(errors[0], HasSubstr("does not belong on the command line"));
        EXPECT_THAT(errors[0], Not(HasSubstr("hunter2")));
    }
    ::setenv("TURNBUCKLE_TEST_SECRET", "south", 1);
    EXPECT_THAT(errors_of("", {"admin.token={env: TURNBUCKLE_TEST_SECRET}"}), IsEmpty());
    ::unsetenv("TURNBUCKLE_TEST_SECRET");
}

TEST(SecretSource, NeverRepeatsASecretInAnError) {
    for (const char* text :
         {"admin: { token: hunter2 }", "admin: { token: [hunter2] }",
          "auth: { secrets: [ { value: hunter2 }, { value: hunter2 } ] }",
          "auth: { users: [ { name: ann, key: hunter2 } ] }",
          "auth: { users: [ { name: ann, password: { value: \"hunter2\\u0007\" } } ] }",
          "auth: { users: [ { name: ann, password: hunter2 } ] }"}) {
        const auto errors = errors_of(text);
        ASSERT_EQ(errors.size(), 1u) << text;
        EXPECT_THAT(errors[0], Not(HasSubstr("hunter2"))) << text;
    }
}

}  // namespace
}  // namespace turnbuckle::config
