#include "turnbuckle/net/file_descriptor.hpp"

#include <unistd.h>

namespace turnbuckle::net {

void FileDescriptor::reset(int fd) noexcept {
    const int old = std::exchange(fd_, fd);
    // EINTR too leaves it closed on Linux: a second close() could hit another thread's descriptor.
    if (old >= 0) ::close(old);
}

}  // namespace turnbuckle::net
