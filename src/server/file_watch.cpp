#include "turnbuckle/server/file_watch.hpp"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

namespace turnbuckle::server {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kEvents =
    IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_ATTRIB | IN_ONLYDIR;
constexpr int kMaxLinks = 40;  // as the kernel's own limit

std::int64_t nanoseconds(const timespec& time) noexcept {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// The directories in which a change can give `path` another meaning: that of each symbolic link on
// the way, and that of the file at its end.
void add_directories(const std::string& path, std::set<std::string>& directories) {
    std::error_code failed;
    fs::path rest = fs::absolute(path, failed).lexically_normal();
    fs::path done = rest.root_path();
    rest = rest.relative_path();
    for (int links = 0; !rest.empty() && links < kMaxLinks;) {
        const fs::path name = *rest.begin();
        const fs::path behind = rest.lexically_relative(name);
        const fs::path target = fs::read_symlink(done / name, failed);
        if (!failed) {
            ++links;
            directories.insert(done.string());
            const fs::path reached = done / target;  // `target` alone if that is absolute
            rest = (behind == "." ? reached : reached / behind).lexically_normal();
            done = rest.root_path();
            rest = rest.relative_path();
            continue;
        }
        if (behind == ".") break;
        done /= name;
        rest = behind;
    }
    directories.insert(done.string());
}

}  // namespace

FileWatch::FileWatch() : inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

FileWatch::Stamp FileWatch::stamp_of(const std::string& path) noexcept {
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) return {};
    return {about.st_dev, about.st_ino, about.st_size, nanoseconds(about.st_mtim),
            nanoseconds(about.st_ctim)};
}

void FileWatch::watch(const std::vector<std::string>& files) {
    files_.clear();
    for (const std::string& path : std::set<std::string>(files.begin(), files.end()))
        files_.push_back({path, stamp_of(path)});
    first_change_.reset();
    watch_directories();
}

void FileWatch::watch_directories() {
    if (!inotify_.valid()) return;
    std::set<std::string> directories;
    for (const File& file : files_)
        add_directories(file.path, directories);
    std::vector<int> watches;
    for (const std::string& directory : directories) {
        const int watch = ::inotify_add_watch(inotify_.get(), directory.c_str(), kEvents);
        if (watch >= 0) watches.push_back(watch);
    }
    for (const int old : watches_)
        if (std::ranges::find(watches, old) == watches.end())
            ::inotify_rm_watch(inotify_.get(), old);
    watches_ = std::move(watches);
}

// Whether anything has happened in one of the directories; what, the files themselves tell.
bool FileWatch::drain() noexcept {
    if (!inotify_.valid()) return false;
    bool any = false;
    alignas(inotify_event) std::array<char, 4096> events;
    while (::read(inotify_.get(), events.data(), events.size()) > 0)
        any = true;
    return any;
}

void FileWatch::look(Time now) {
    next_look_ = now + kLook;
    bool changed = false;
    for (File& file : files_) {
        const Stamp stamp = stamp_of(file.path);
        if (stamp == file.stamp) continue;
        file.stamp = stamp;
        file.told = false;
        changed = true;
    }
    if (changed) {
        if (!first_change_) first_change_ = now;
        settled_ = std::min(now + kSettle, *first_change_ + kLongestSettle);
    }
    watch_directories();
}

std::vector<std::string> FileWatch::poll(Time now) {
    if (drain() || now >= next_look_) look(now);
    if (!first_change_ || now < settled_) return {};
    first_change_.reset();
    std::vector<std::string> changed;
    for (File& file : files_) {
        if (!file.told) changed.push_back(file.path);
        file.told = true;
    }
    return changed;
}

}  // namespace turnbuckle::server
