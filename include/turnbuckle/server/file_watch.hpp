// Tells which of some files have changed, however that was done: written in place, replaced by a
// rename, or reached through a symbolic link that now points elsewhere (certbot's `live`,
// Kubernetes' `..data`).
//
// inotify on the directories that the paths go through says that it is worth looking; what stat()
// then says decides. A look every kLook does without inotify where that is not to be had, such as
// on network file systems. A change is told once no other has followed for kSettle, because a
// certificate and its key are two files. One thread; poll() costs one system call when nothing
// happened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "turnbuckle/base/time.hpp"
#include "turnbuckle/net/file_descriptor.hpp"

namespace turnbuckle::server {

class FileWatch {
public:
    static constexpr Duration kSettle = std::chrono::seconds(1);
    static constexpr Duration kLongestSettle = std::chrono::seconds(5);  // of unending changes
    static constexpr Duration kLook = std::chrono::seconds(30);

    FileWatch();

    // Replaces the files, which need not exist; what they are now is what they are compared with.
    void watch(const std::vector<std::string>& files);

    // Those that have changed and settled since they were told last; mostly none.
    [[nodiscard]] std::vector<std::string> poll(Time now);

private:
    // What stat() says of a file; all zero if there is none.
    struct Stamp {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        std::int64_t size = 0;
        std::int64_t modified = 0;  // nanoseconds
        std::int64_t changed = 0;   // of its rights or its name, too

        friend bool operator==(const Stamp&, const Stamp&) = default;
    };
    struct File {
        std::string path;
        Stamp stamp;
        bool told = true;
    };

    [[nodiscard]] static Stamp stamp_of(const std::string& path) noexcept;
    [[nodiscard]] bool drain() noexcept;
    void look(Time now);
    void watch_directories();

    net::FileDescriptor inotify_;  // none if the system gives none
    std::vector<int> watches_;
    std::vector<File> files_;
    std::optional<Time> first_change_;
    Time settled_{};
    Time next_look_{};
};

}  // namespace turnbuckle::server
