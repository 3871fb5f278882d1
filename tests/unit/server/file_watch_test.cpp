#include "turnbuckle/server/file_watch.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/certificates.hpp"

namespace turnbuckle::server {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using turnbuckle::test::write_file;

class FileWatchTest : public testing::Test {
protected:
    FileWatchTest() {
        write_file(one, "1");
        write_file(two, "2");
    }
    // Polled once when it happened and again when it has settled; nothing is told in between.
    std::vector<std::string> settled() {
        EXPECT_THAT(watch.poll(now), IsEmpty());
        now += FileWatch::kSettle - std::chrono::milliseconds(1);
        EXPECT_THAT(watch.poll(now), IsEmpty());
        now += std::chrono::milliseconds(1);
        return watch.poll(now);
    }

    turnbuckle::test::TemporaryDirectory directory;
    const std::string one = directory / "one";
    const std::string two = directory / "two";
    FileWatch watch;
    Time now{std::chrono::hours(10)};
};

TEST_F(FileWatchTest, tells_nothing_while_nothing_happens) {
    watch.watch({one, two});
    for (int i = 0; i < 100; ++i) {
        EXPECT_THAT(watch.poll(now), IsEmpty());
        now += std::chrono::seconds(1);
    }
}

TEST_F(FileWatchTest, tells_once_of_a_replaced_file) {
    watch.watch({one, two});
    EXPECT_THAT(watch.poll(now), IsEmpty());
    write_file(one, "new");
    EXPECT_THAT(settled(), ElementsAre(one));
    EXPECT_THAT(settled(), IsEmpty());
    write_file(two, "new");
    EXPECT_THAT(settled(), ElementsAre(two));
}

TEST_F(FileWatchTest, tells_of_a_file_written_in_place) {
    watch.watch({one, two});
    EXPECT_THAT(watch.poll(now), IsEmpty());
    std::ofstream(two) << "longer";
    EXPECT_THAT(settled(), ElementsAre(two));
}

TEST_F(FileWatchTest, tells_of_files_that_come_go_and_change_their_rights) {
    const std::string later = directory / "later";
    watch.watch({later, one});
    EXPECT_THAT(watch.poll(now), IsEmpty());
    write_file(later, "here");
    EXPECT_THAT(settled(), ElementsAre(later));
    fs::permissions(later, fs::perms::owner_read);
    EXPECT_THAT(settled(), ElementsAre(later));
    fs::remove(later);
    EXPECT_THAT(settled(), ElementsAre(later));
}

TEST_F(FileWatchTest, waits_for_the_last_of_several_changes) {
    watch.watch({one, two});
    EXPECT_THAT(watch.poll(now), IsEmpty());
    write_file(one, "new");
    EXPECT_THAT(watch.poll(now), IsEmpty());
    now += std::chrono::milliseconds(900);
    write_file(two, "new");
    EXPECT_THAT(settled(), UnorderedElementsAre(one, two));
}

TEST_F(FileWatchTest, does_not_wait_for_ever) {
    watch.watch({one});
    EXPECT_THAT(watch.poll(now), IsEmpty());
    const Time start = now;
    std::vector<std::string> told;
    while (told.empty() && now < start + 2 * FileWatch::kLongestSettle) {
        write_file(one, std::to_string(now.time_since_epoch().count()));
        told = watch.poll(now);
        now += std::chrono::milliseconds(500);
    }
    EXPECT_THAT(told, ElementsAre(one));
    EXPECT_LE(now, start + FileWatch::kLongestSettle + std::chrono::seconds(1));
}

TEST_F(FileWatchTest, does_not_mind_what_else_happens_beside_them) {
    watch.watch({one});
    EXPECT_THAT(watch.poll(now), IsEmpty());
    write_file(two, "new");
    write_file(directory / "three", "new");
    EXPECT_THAT(settled(), IsEmpty());
}

// certbot: live/host/fullchain.pem is a link to ../../archive/host/fullchain1.pem.
TEST_F(FileWatchTest, follows_links_to_files) {
    fs::create_directories(directory / "live/host");
    fs::create_directories(directory / "archive/host");
    fs::create_directories(directory / "archive/moved");
    write_file(directory / "archive/host/chain1.pem", "1");
    write_file(directory / "archive/moved/chain2.pem", "2");
    const std::string link = directory / "live/host/chain.pem";
    fs::create_symlink("../../archive/host/chain1.pem", link);
    watch.watch({link});
    EXPECT_THAT(watch.poll(now), IsEmpty());
    fs::create_symlink("../../archive/moved/chain2.pem", link + ".new");
    fs::rename(link + ".new", link);
    EXPECT_THAT(settled(), ElementsAre(link));
    // Also the file behind the new link.
    std::ofstream(directory / "archive/moved/chain2.pem") << "written in place";
    EXPECT_THAT(settled(), ElementsAre(link));
}

// Kubernetes: tls.crt -> ..data/tls.crt, ..data -> ..2026_11_22; the latter is swapped.
TEST_F(FileWatchTest, follows_links_to_directories) {
    for (const char* day : {"..day1", "..day2"}) {
        fs::create_directory(directory / day);
        write_file((directory / day) + "/tls.crt", day);
    }
    fs::create_directory_symlink("..day1", directory / "..data");
    const std::string file = directory / "tls.crt";
    fs::create_symlink("..data/tls.crt", file);
    watch.watch({file});
    EXPECT_THAT(watch.poll(now), IsEmpty());
    fs::create_directory_symlink("..day2", directory / "..data_tmp");
    fs::rename(directory / "..data_tmp", directory / "..data");
    fs::remove_all(directory / "..day1");
    EXPECT_THAT(settled(), ElementsAre(file));
    EXPECT_THAT(settled(), IsEmpty());
}

TEST_F(FileWatchTest, survives_links_in_a_circle) {
    fs::create_symlink("loop", directory / "loop");
    watch.watch({directory / "loop", one});
    EXPECT_THAT(watch.poll(now), IsEmpty());
    write_file(one, "new");
    EXPECT_THAT(settled(), ElementsAre(one));
}

TEST_F(FileWatchTest, looks_now_and_then_where_no_event_tells) {
    const std::string nowhere = directory / "not/yet/there";
    watch.watch({nowhere});
    EXPECT_THAT(watch.poll(now), IsEmpty());
    fs::create_directories(directory / "not/yet");
    write_file(nowhere, "x");
    now += FileWatch::kLook;
    EXPECT_THAT(settled(), ElementsAre(nowhere));
}

TEST_F(FileWatchTest, forgets_files_that_are_watched_no_longer) {
    watch.watch({one});
    watch.watch({two});
    EXPECT_THAT(watch.poll(now), IsEmpty());
    write_file(one, "new");
    EXPECT_THAT(settled(), IsEmpty());
    write_file(two, "new");
    EXPECT_THAT(settled(), ElementsAre(two));
}

}  // namespace
}  // namespace turnbuckle::server
