#include "turnbuckle/base/log.hpp"

#include <atomic>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <regex>
#include <thread>

#include <gtest/gtest.h>

namespace turnbuckle {
namespace {

using log::Format;
using log::Level;

constexpr log::LineTime kTime{std::chrono::milliseconds(1767323045678)};  // 2026-01-02 03:04:05.678

std::string text(std::string_view message, log::Fields fields = {}) {
    const std::string line =
        log::render(Format::Text, kTime, Level::Info, message, {fields.begin(), fields.size()});
    constexpr std::string_view kHead = "2026-01-02T03:04:05.678Z info ";
    EXPECT_TRUE(line.starts_with(kHead)) << line;
    return line.substr(kHead.size());
}

std::string json(std::string_view message, log::Fields fields = {}) {
    return log::render(Format::Json, kTime, Level::Warn, message, {fields.begin(), fields.size()});
}

TEST(LogText, IsTimeLevelMessageAndFields) {
    const std::string user = "alice";
    EXPECT_EQ(
        text("allocation ended",
             {{"user", user}, {"client", *Endpoint::parse("192.0.2.1:4000")}, {"bytes", 123}}),
        "allocation ended user=alice client=192.0.2.1:4000 bytes=123");
}

TEST(LogText, EachKindOfValueIsShown) {
    EXPECT_EQ(text("m", {{"a", std::numeric_limits<std::uint64_t>::max()},
                         {"b", std::numeric_limits<std::int64_t>::min()},
                         {"c", true},
                         {"d", 0.25},
                         {"e", std::uint8_t{65}},
                         {"f", *IpAddress::parse("2001:db8::1")}}),
              "m a=18446744073709551615 b=-9223372036854775808 c=true d=0.25 e=65 f=2001:db8::1");
}

TEST(LogText, AValueCannotForgeAFieldOrALine) {
    EXPECT_EQ(text("m", {{"user", "x admin=true"}}), R"(m user="x admin=true")");
    EXPECT_EQ(text("m", {{"user", "x\n2026-01-02T03:04:05.678Z info forged"}}),
              R"(m user="x\n2026-01-02T03:04:05.678Z info forged")");
    EXPECT_EQ(text("m", {{"user", R"(x" admin="true)"}}), R"(m user="x\" admin=\"true")");
    EXPECT_EQ(text("m", {{"user", R"(x\)"}}), R"(m user="x\\")");
    EXPECT_EQ(text("m", {{"user", ""}}), R"(m user="")");
    EXPECT_EQ(text("bad\nmessage"), R"(bad\nmessage)");
}

TEST(LogText, ControlCharactersAndBrokenUtf8AreEscaped) {
    EXPECT_EQ(text("m", {{"v", std::string_view("a\0b\x1b[2J\x7f\r\t", 10)}}),
              R"(m v="a\u0000b\u001b[2J\u007f\r\t")");
    EXPECT_EQ(text("m", {{"v", "\xff\xc0\xaf"}}), R"(m v="\xff\xc0\xaf")");  // overlong '/'
    EXPECT_EQ(text("m", {{"v", "\xe0\x80\xaf"}}), R"(m v="\xe0\x80\xaf")");
    EXPECT_EQ(text("m", {{"v", "\xf0\x80\x80\xaf"}}), R"(m v="\xf0\x80\x80\xaf")");
    EXPECT_EQ(text("m", {{"v", "\xed\xa0\x80"}}), R"(m v="\xed\xa0\x80")");  // a surrogate
    EXPECT_EQ(text("m", {{"v", "\xe2\x82"}}), R"(m v="\xe2\x82")");          // cut short
    EXPECT_EQ(text("m", {{"v", "\xf5\x80\x80\x80"}}), R"(m v="\xf5\x80\x80\x80")");
    EXPECT_EQ(text("m", {{"v", "\xc2\x85\xe2\x80\xa8\xe2\x80\xae"}}),
              R"(m v="\u0085\u2028\u202e")");
    EXPECT_EQ(text("m", {{"v", "M\xc3\xa4rz\xf0\x9f\x99\x82"}}), "m v=M\xc3\xa4rz\xf0\x9f\x99\x82");
}

TEST(LogText, FormatDirectivesInAValueAreInert) {
    EXPECT_EQ(text("100%n {}", {{"v", "%s%n{}{0}"}}), "100%n {} v=%s%n{}{0}");
}

TEST(LogJson, IsOneObjectWithNumbersAsNumbers) {
    EXPECT_EQ(
        json("allocation ended", {{"user", "alice"}, {"bytes", 123}, {"ok", false}, {"s", 1.5}}),
        R"({"time":"2026-01-02T03:04:05.678Z","level":"warn","message":"allocation ended",)"
        R"("user":"alice","bytes":123,"ok":false,"s":1.5})");
}

TEST(LogJson, TextIsEscapedAndAlwaysUtf8) {
    EXPECT_EQ(json("\"\\\n", {{"v", std::string_view("\0\x1f\xff\xe2\x80\xa8é", 8)}}),
              R"({"time":"2026-01-02T03:04:05.678Z","level":"warn","message":"\"\\\n",)"
              R"("v":"\u0000\u001f\ufffd\u2028é"})");
}

TEST(LogJson, HasNoInfinity) {
    EXPECT_TRUE(
        json("m", {{"v", std::numeric_limits<double>::infinity()}}).ends_with(R"("v":null})"));
}

TEST(LogLevel, NamesGoBothWays) {
    for (const Level level :
         {Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Off}) {
        EXPECT_EQ(log::parse_level(log::name_of(level)), level);
    }
    EXPECT_EQ(log::parse_level("verbose"), std::nullopt);
    EXPECT_EQ(log::parse_format("json"), Format::Json);
    EXPECT_EQ(log::parse_format("text"), Format::Text);
    EXPECT_EQ(log::parse_format("xml"), std::nullopt);
}

TEST(Log, IsOffUntilItIsStarted) {
    EXPECT_FALSE(log::enabled(Level::Error));
    log::write(Level::Error, "goes nowhere", {});
    log::stop();
}

TEST(Log, TheLevelCanChangeWhileRunning) {
    const log::Capture captured(Level::Warn);
    log::info("one");
    log::warn("two");
    log::set_level(Level::Debug);
    log::debug("three");
    log::trace("four");
    EXPECT_FALSE(captured.contains("one"));
    EXPECT_TRUE(captured.contains(" warn two"));
    EXPECT_TRUE(captured.contains(" debug three"));
    EXPECT_EQ(captured.lines().size(), 2U);
}

TEST(Log, TheLineCarriesTheWallClockInUtc) {
    const log::Capture captured;
    const auto before =
        std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    log::info("m");
    const auto after =
        std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const std::string line = captured.lines().at(0);
    EXPECT_TRUE(
        std::regex_match(line, std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info m)")))
        << line;
    EXPECT_GE(line, log::render(Format::Text, before, Level::Info, "m", {}));
    EXPECT_LE(line, log::render(Format::Text, after, Level::Info, "m", {}));
}

TEST(Log, StopWritesOutEveryQueuedLineInOrder) {
    std::vector<std::string> lines;
    log::start({.format = Format::Json,
                .output = [&](std::string_view line) { lines.emplace_back(line); }});
    const std::uint64_t dropped_before = log::dropped();
    for (int i = 0; i < 1000; ++i)
        log::info("m", {{"i", i}});
    log::stop();
    ASSERT_EQ(lines.size(), 1000U);
    EXPECT_TRUE(lines[0].ends_with("\"i\":0}\n")) << lines[0];
    EXPECT_TRUE(lines[999].ends_with("\"i\":999}\n")) << lines[999];
    EXPECT_EQ(log::dropped(), dropped_before);
    EXPECT_FALSE(log::enabled(Level::Error));
}

// An output that takes nothing until it is told to, and tells when it has been given a line.
class StuckOutput {
public:
    void operator()(std::string_view line) {
        std::unique_lock lock(mutex_);
        entered_ = true;
        changed_.notify_all();
        changed_.wait(lock, [this] { return released_; });
        lines_.emplace_back(line);
    }
    void wait_until_entered() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return entered_; });
    }
    void release() {
        const std::lock_guard lock(mutex_);
        released_ = true;
        changed_.notify_all();
    }
    // Only after log::stop().
    [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool entered_ = false;
    bool released_ = false;
    std::vector<std::string> lines_;
};

TEST(Log, AStuckOutputLosesTheOldestLinesAndNeverBlocksTheCaller) {
    StuckOutput output;
    const std::uint64_t dropped_before = log::dropped();
    log::start({.queue_lines = 10, .output = std::ref(output)});
    log::info("first");
    output.wait_until_entered();  // "first" is with the output, no longer in the queue
    for (int i = 0; i < 100; ++i)
        log::info("m", {{"i", i}});
    EXPECT_EQ(log::dropped() - dropped_before, 90U);
    output.release();
    log::stop();
    ASSERT_EQ(output.lines().size(), 11U);
    EXPECT_TRUE(output.lines()[0].ends_with("first\n"));
    EXPECT_TRUE(output.lines()[1].ends_with("i=90\n"));
    EXPECT_TRUE(output.lines()[10].ends_with("i=99\n"));
    EXPECT_EQ(log::dropped() - dropped_before, 90U);  // kept when the queue is gone
}

TEST(Log, AnOutputThatThrowsDoesNotEndTheLog) {
    std::vector<std::string> lines;
    log::start({.output = [&](std::string_view line) {
        if (line.find("bad") != std::string_view::npos) throw std::runtime_error("no space");
        lines.emplace_back(line);
    }});
    log::info("bad");
    log::info("good");
    log::stop();
    ASSERT_EQ(lines.size(), 1U);
}

TEST(Log, StoppingWhileOthersWriteIsSafe) {
    std::atomic<bool> done{false};
    std::vector<std::thread> writers;
    for (int i = 0; i < 2; ++i) {
        writers.emplace_back([&] {
            while (!done)
                log::write(Level::Info, "m", {});
        });
    }
    for (int round = 0; round < 50; ++round) {
        log::start({.queue_lines = 2, .output = [](std::string_view) {}});
        log::stop();
    }
    done = true;
    for (std::thread& writer : writers)
        writer.join();
}

TEST(LogDeathTest, LinesGoToStandardError) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            log::start({});
            log::info("to stderr", {{"n", 1}});
            log::stop();
            std::_Exit(0);
        },
        testing::ExitedWithCode(0), "Z info to stderr n=1\n");
}

}  // namespace
}  // namespace turnbuckle
