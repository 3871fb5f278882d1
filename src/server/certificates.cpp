#include "turnbuckle/server/certificates.hpp"

#include <stdexcept>
#include <string>

#include <fmt/format.h>

namespace turnbuckle::server {

namespace {

net::TlsOptions options_of(const config::Listener& listener) {
    net::TlsOptions options;
    const bool datagrams =
        listener.transport == turn::Transport::Udp || listener.transport == turn::Transport::Dtls;
    options.transport = datagrams ? net::TlsTransport::Datagram : net::TlsTransport::Stream;
    for (const auto& files : listener.certificates)
        options.certificates.push_back({files.certificate, files.private_key});
    if (listener.web) options.web = net::WebRule{listener.web->names, listener.web->protocols};
    return options;
}

}  // namespace

Certificates::Certificates(const std::vector<config::Listener>& listeners)
    : ticket_keys_(std::make_shared<net::TicketKeys>()) {
    std::string errors;
    for (const auto& listener : listeners) {
        contexts_.emplace_back();
        if (listener.certificates.empty()) continue;
        auto options = options_of(listener);
        options.ticket_keys = ticket_keys_;
        auto context = net::TlsContext::load(options);
        if (context) {
            contexts_.back() = std::move(*context);
            continue;
        }
        for (const auto& error : context.error())
            errors += fmt::format("{}{} {}", errors.empty() ? "" : "; ", error.file, error.reason);
    }
    if (!errors.empty()) throw std::invalid_argument(errors);
}

TlsSource Certificates::source(std::size_t listener) const {
    if (contexts_[listener] == nullptr) return {};
    return [context = contexts_[listener]] { return context; };
}

}  // namespace turnbuckle::server
