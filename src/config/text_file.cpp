#include "turnbuckle/config/text_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace turnbuckle::config {

namespace {

std::string last_error() {
    return std::generic_category().message(errno);
}

}  // namespace

std::expected<std::string, std::string> read_text_file(const std::filesystem::path& path,
                                                       std::size_t max_size) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::unexpected(last_error());
    // One byte more than allowed, to see that there is more.
    std::string text(max_size + 1, '\0');
    std::size_t size = 0;
    ssize_t got = 0;
    do {
        got = ::read(fd, text.data() + size, text.size() - size);
        if (got > 0) size += static_cast<std::size_t>(got);
    } while ((got > 0 && size < text.size()) || (got < 0 && errno == EINTR));
    const std::string why = got < 0 ? last_error() : std::string();
    ::close(fd);
    if (!why.empty()) return std::unexpected(why);
    if (size > max_size) return std::unexpected(fmt::format("is larger than {} bytes", max_size));
    text.resize(size);
    return text;
}

}  // namespace turnbuckle::config
