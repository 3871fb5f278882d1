#include "turnbuckle/net/span_bio.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>

#include <openssl/bio.h>

namespace turnbuckle::net {

void BioFree::operator()(BIO* bio) const noexcept {
    BIO_free(bio);
}

namespace {

// What both flavours do with a read that finds nothing: OpenSSL comes back with the next input.
int nothing_yet(BIO* bio) noexcept {
    BIO_set_retry_read(bio);
    return -1;
}

// OpenSSL is C: an exception must not pass through it.
bool append(std::vector<std::uint8_t>& output, const char* data, int length) noexcept {
    try {
        const auto* first = reinterpret_cast<const std::uint8_t*>(data);
        output.insert(output.end(), first, first + length);
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

int created(BIO* bio) noexcept {
    BIO_set_init(bio, 1);
    return 1;
}

// Lives as long as the process: BIOs of any age may refer to it.
BIO_METHOD* make_method(const char* name, int (*read)(BIO*, char*, int),
                        int (*write)(BIO*, const char*, int),
                        long (*control)(BIO*, int, long, void*)) {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, name);
    if (method == nullptr) throw std::bad_alloc();
    BIO_meth_set_create(method, created);
    BIO_meth_set_read(method, read);
    BIO_meth_set_write(method, write);
    BIO_meth_set_ctrl(method, control);
    return method;
}

BioPointer make_bio(const BIO_METHOD* method) {
    BioPointer bio(BIO_new(method));
    if (!bio) throw std::bad_alloc();
    return bio;
}

}  // namespace

struct StreamBioMethod {
    static StreamSpan* span(BIO* bio) noexcept {
        return static_cast<StreamSpan*>(BIO_get_data(bio));
    }

    static int read(BIO* bio, char* out, int length) noexcept {
        BIO_clear_retry_flags(bio);
        StreamSpan* at = span(bio);
        if (at == nullptr || at->input_.empty() || length <= 0) return nothing_yet(bio);
        const std::size_t n = std::min(at->input_.size(), static_cast<std::size_t>(length));
        std::memcpy(out, at->input_.data(), n);
        at->input_ = at->input_.subspan(n);
        return static_cast<int>(n);
    }

    static int write(BIO* bio, const char* data, int length) noexcept {
        BIO_clear_retry_flags(bio);
        StreamSpan* at = span(bio);
        return at != nullptr && length > 0 && append(at->output_, data, length) ? length : -1;
    }

    static long control(BIO* bio, int command, long, void*) noexcept {
        const StreamSpan* at = span(bio);
        switch (command) {
            case BIO_CTRL_FLUSH:
                return 1;
            case BIO_CTRL_PENDING:
                return at == nullptr ? 0 : static_cast<long>(at->input_.size());
            default:
                return 0;  // among them BIO_CTRL_EOF: an end is the socket's to tell, not ours
        }
    }

    static const BIO_METHOD* get() {
        static const BIO_METHOD* const method = make_method("stream span", read, write, control);
        return method;
    }
};

struct DatagramBioMethod {
    static DatagramSpan* span(BIO* bio) noexcept {
        return static_cast<DatagramSpan*>(BIO_get_data(bio));
    }

    static int read(BIO* bio, char* out, int length) noexcept {
        BIO_clear_retry_flags(bio);
        DatagramSpan* at = span(bio);
        if (at == nullptr || at->input_.empty() || length <= 0) return nothing_yet(bio);
        const std::size_t n = std::min(at->input_.size(), static_cast<std::size_t>(length));
        std::memcpy(out, at->input_.data(), n);
        if (!at->peek_) at->input_ = {};
        return static_cast<int>(n);
    }

    static int write(BIO* bio, const char* data, int length) noexcept {
        BIO_clear_retry_flags(bio);
        DatagramSpan* at = span(bio);
        if (at == nullptr || length <= 0) return -1;
        DatagramBatch& batch = at->output_;
        const std::size_t before = batch.bytes.size();
        if (!append(batch.bytes, data, length)) return -1;
        try {
            batch.sizes.push_back(static_cast<std::size_t>(length));
        } catch (const std::bad_alloc&) {
            batch.bytes.resize(before);
            return -1;
        }
        return length;
    }

    static long control(BIO* bio, int command, long number, void*) noexcept {
        DatagramSpan* at = span(bio);
        switch (command) {
            case BIO_CTRL_FLUSH:
            case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:  // the owner keeps the time (DTLSv1_get_timeout)
                return 1;
            case BIO_CTRL_PENDING:
                return at == nullptr ? 0 : static_cast<long>(at->input_.size());
            case BIO_CTRL_DGRAM_SET_PEEK_MODE:
                if (at == nullptr) return 0;
                at->peek_ = number != 0;
                return 1;
            case BIO_CTRL_DGRAM_QUERY_MTU:
            case BIO_CTRL_DGRAM_GET_MTU:
            case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
                return at == nullptr ? 0 : static_cast<long>(at->mtu_);
            case BIO_CTRL_DGRAM_SET_MTU:
                return number;
            default:
                // Among them the MTU's overhead, which the owner has taken off already, the peer's
                // address, which only the owner knows, and the timers of sockets.
                return 0;
        }
    }

    static const BIO_METHOD* get() {
        static const BIO_METHOD* const method = make_method("datagram span", read, write, control);
        return method;
    }
};

BioPointer make_stream_bio() {
    return make_bio(StreamBioMethod::get());
}

BioPointer make_datagram_bio() {
    return make_bio(DatagramBioMethod::get());
}

StreamSpan::StreamSpan(BIO* bio, ByteView input, std::vector<std::uint8_t>& output) noexcept
    : bio_(bio), input_(input), output_(output) {
    assert(BIO_get_data(bio) == nullptr);
    BIO_set_data(bio, this);
}

StreamSpan::~StreamSpan() {
    BIO_set_data(bio_, nullptr);
}

DatagramSpan::DatagramSpan(BIO* bio, ByteView input, DatagramBatch& output,
                           std::size_t mtu) noexcept
    : bio_(bio), input_(input), output_(output), mtu_(mtu) {
    assert(BIO_get_data(bio) == nullptr);
    BIO_set_data(bio, this);
}

DatagramSpan::~DatagramSpan() {
    BIO_set_data(bio_, nullptr);
}

}  // namespace turnbuckle::net
