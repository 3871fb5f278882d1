// OpenSSL BIOs over the caller's memory: TLS and DTLS sessions that own no buffers.
//
// A session's BIO has memory to read from and to write to only while the owner of the session calls
// into OpenSSL, between the constructor and the destructor of a StreamSpan or DatagramSpan:
//
//     StreamSpan span(bio, ciphertext, wire);
//     const int n = SSL_read(ssl, ...);
//
// Outside of such a scope a read finds nothing and a write fails, so a session may move between
// threads, and one worker-wide output buffer serves all its sessions. Nothing is ever dropped
// silently: what a StreamSpan's input still holds is left(), and a datagram is read whole or, if
// the reader's buffer is smaller, cut as by recv(). One scope at a time for each BIO. No locks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <openssl/types.h>

#include "turnbuckle/base/bytes.hpp"

namespace turnbuckle::net {

struct BioFree {
    void operator()(BIO* bio) const noexcept;
};
using BioPointer = std::unique_ptr<BIO, BioFree>;

// Throw std::bad_alloc. SSL_set_bio(ssl, bio, bio) takes the pointer over; one BIO serves both
// ways.
[[nodiscard]] BioPointer make_stream_bio();
[[nodiscard]] BioPointer make_datagram_bio();

// Output of a datagram session: the bytes of all datagrams one after the other, and their sizes.
struct DatagramBatch {
    std::vector<std::uint8_t> bytes;
    std::vector<std::size_t> sizes;

    void clear() noexcept {
        bytes.clear();
        sizes.clear();
    }
};

class StreamSpan {
public:
    // Reads take from the front of `input`; writes append to `output`.
    StreamSpan(BIO* bio, ByteView input, std::vector<std::uint8_t>& output) noexcept;
    StreamSpan(const StreamSpan&) = delete;
    StreamSpan& operator=(const StreamSpan&) = delete;
    ~StreamSpan();

    [[nodiscard]] ByteView left() const noexcept { return input_; }

private:
    friend struct StreamBioMethod;
    BIO* bio_;
    ByteView input_;
    std::vector<std::uint8_t>& output_;
};

class DatagramSpan {
public:
    // `input`: one datagram, read at most once (empty: there is none). `mtu`: what QUERY_MTU and
    // GET_MTU answer, the largest datagram that the session should write; sessions set
    // SSL_OP_NO_QUERY_MTU and SSL_set_mtu() all the same.
    DatagramSpan(BIO* bio, ByteView input, DatagramBatch& output, std::size_t mtu) noexcept;
    DatagramSpan(const DatagramSpan&) = delete;
    DatagramSpan& operator=(const DatagramSpan&) = delete;
    ~DatagramSpan();

    // Whether the datagram was not read (yet).
    [[nodiscard]] bool unread() const noexcept { return !input_.empty(); }

private:
    friend struct DatagramBioMethod;
    BIO* bio_;
    ByteView input_;
    DatagramBatch& output_;
    std::size_t mtu_;
    bool peek_ = false;  // BIO_CTRL_DGRAM_SET_PEEK_MODE: DTLSv1_listen() looks before it takes
};

}  // namespace turnbuckle::net
