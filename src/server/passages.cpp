#include "turnbuckle/server/passages.hpp"

#include <array>
#include <system_error>
#include <utility>

#include "turnbuckle/base/log.hpp"
#include "turnbuckle/net/proxy_protocol.hpp"
#include "turnbuckle/net/tcp_socket.hpp"
#include "turnbuckle/server/watch.hpp"

namespace turnbuckle::server {

using Side = net::StreamPair::Side;
using State = net::StreamPair::State;

Passages::Passage* Passages::find(std::uint32_t index) noexcept {
    return index < passages_.size() ? passages_[index].get() : nullptr;
}

void Passages::open(std::unique_ptr<Stream> stream, const WebBackend& backend, Time now) {
    auto socket =
        net::start_connect({IpAddress::any(backend.endpoint.ip.family()), 0}, backend.endpoint);
    if (!socket) return complain(*stream, socket.error().message(), now);
    auto index = static_cast<std::uint32_t>(passages_.size());
    if (free_.empty()) {
        passages_.emplace_back();
    } else {
        index = free_.back();
        free_.pop_back();
    }
    passages_[index] = std::make_unique<Passage>();
    Passage& passage = *passages_[index];
    passage.stream = std::move(stream);
    passage.backend = std::move(*socket);
    passage.deadline = now + kConnectTimeout;
    parts_.io_statistics.streams.passages.add(1);
    try {
        parts_.poller.add(passage.backend.get(), token_of(Watch::PassageBackend, index),
                          {.write = true});
    } catch (const std::system_error& error) {  // the system's limit of watches
        complain(*passage.stream, error.what(), now);
        close(index);
    }
}

void Passages::serve(Side side, std::uint32_t index, const net::Poller::Ready& ready) {
    Passage* passage = find(index);
    if (passage == nullptr) return;
    if (passage->pair) return settle(index, passage->pair->serve(side, ready));
    if (side == Side::Peer && (ready.writable || ready.error)) connected(index);
}

void Passages::connected(std::uint32_t index) {
    Passage& passage = *passages_[index];
    const auto stream = std::exchange(passage.stream, nullptr);
    if (const auto error = net::connect_result(passage.backend.get())) {
        complain(*stream, error.message(), passage.deadline - kConnectTimeout);
        return close(index);
    }
    parts_.poller.remove(passage.backend.get());
    passage.pair = std::make_unique<net::StreamPair>(
        parts_.poller, pipes_, std::move(stream->fd), token_of(Watch::Passage, index),
        std::move(passage.backend), token_of(Watch::PassageBackend, index), nullptr);
    std::array<std::uint8_t, net::kMaxWrittenProxyHeader> header{};
    const auto& tuple = stream->path.tuple;
    const std::size_t length =
        net::write_proxy_v2(header, tuple.client, tuple.server, net::ProxyTransport::Stream);
    passage.pair->put_first_to_peer(ByteView(header).first(length));
    passage.pair->put_first_to_peer(stream->departure->rest);
    settle(index, passage.pair->start());
}

void Passages::settle(std::uint32_t index, State state) {
    if (state != State::Open) close(index);
}

void Passages::close(std::uint32_t index) {
    const auto closed = std::exchange(passages_[index], nullptr);
    if (closed->backend.valid()) parts_.poller.remove(closed->backend.get());
    free_.push_back(index);
    parts_.io_statistics.streams.passages.add(-1);
}

void Passages::keep_house(Time now) {
    for (std::uint32_t index = 0; index < passages_.size(); ++index) {
        const Passage* passage = passages_[index].get();
        if (passage == nullptr || passage->pair || now < passage->deadline) continue;
        complain(*passage->stream, "it does not answer", now);
        close(index);
    }
    if (const auto summary = failures_.take_summary(now))
        log::warn("web backend cannot be reached", {{"summary", summary->to_string()}});
}

void Passages::complain(const Stream& stream, std::string_view reason, Time now) {
    const auto& tuple = stream.path.tuple;
    if (failures_.admit(tuple.client.ip, now))
        log::warn("web backend cannot be reached", {{"client", tuple.client}, {"reason", reason}});
}

}  // namespace turnbuckle::server
