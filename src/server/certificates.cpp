#include "turnbuckle/server/certificates.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "turnbuckle/base/log.hpp"

namespace turnbuckle::server {

namespace {

std::vector<net::CertificateFiles> files_of(const config::Listener& listener) {
    std::vector<net::CertificateFiles> files;
    for (const auto& pair : listener.certificates)
        files.push_back({pair.certificate, pair.private_key});
    return files;
}

net::TlsOptions options_of(const config::Listener& listener,
                           const std::shared_ptr<net::TicketKeys>& ticket_keys) {
    const bool datagrams =
        listener.transport == turn::Transport::Udp || listener.transport == turn::Transport::Dtls;
    net::TlsOptions options{
        .transport = datagrams ? net::TlsTransport::Datagram : net::TlsTransport::Stream,
        .certificates = files_of(listener),
        .ticket_keys = ticket_keys};
    if (listener.web) options.web = net::WebRule{listener.web->names, listener.web->protocols};
    return options;
}

// The place of the file in the configuration; a listener that no text made has none.
config::ConfigError located(const net::TlsLoadError& error, const config::Listener& listener) {
    const auto& pair = listener.certificates[error.pair];
    const config::Position& at = error.in_private_key ? pair.private_key_at : pair.certificate_at;
    return {at.file ? *at.file : "listeners", at.line, at.column,
            fmt::format("{} {}", error.file, error.reason)};
}

bool uses(const net::TlsOptions& options, const std::set<std::string>& files) {
    return std::ranges::any_of(options.certificates, [&](const net::CertificateFiles& pair) {
        return files.contains(pair.certificate) || files.contains(pair.private_key);
    });
}

bool same_place(const config::Listener& a, const config::Listener& b) {
    return a.transport == b.transport && a.address == b.address && a.port == b.port;
}

void log_in_force(const net::CertificateInfo& info) {
    log::info("certificate in force",
              {{"certificate", info.file},
               {"subject", info.subject},
               {"not_after", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", info.not_after)}});
}

}  // namespace

std::vector<config::ConfigError> certificate_errors(
    const std::vector<config::Listener>& listeners) {
    std::vector<config::ConfigError> errors;
    for (const config::Listener& listener : listeners) {
        if (listener.certificates.empty()) continue;
        const auto context = net::TlsContext::load(options_of(listener, {}));
        if (context) continue;
        for (const auto& error : context.error())
            errors.push_back(located(error, listener));
    }
    return errors;
}

Certificates::Certificates(const std::vector<config::Listener>& listeners)
    : ticket_keys_(std::make_shared<net::TicketKeys>()), listeners_(listeners) {
    for (const auto& listener : listeners) {
        slots_.emplace_back();
        if (listener.certificates.empty()) continue;
        slots_.back() = std::make_shared<Slot>();
        slots_.back()->options = options_of(listener, ticket_keys_);
    }
    // Before reading: what changes from now on is then seen as a change.
    watch_files();
    std::string errors;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        if (slots_[i] == nullptr) continue;
        auto context = net::TlsContext::load(slots_[i]->options);
        if (context) {
            slots_[i]->context = std::move(*context);
            continue;
        }
        for (const auto& error : context.error())
            errors += (errors.empty() ? "" : "\n") + to_string(located(error, listeners[i]));
    }
    if (!errors.empty()) throw std::invalid_argument(errors);
}

TlsSource Certificates::source(std::size_t listener) const {
    if (slots_[listener] == nullptr) return {};
    return [slot = slots_[listener]] {
        const std::scoped_lock lock(slot->mutex);
        return slot->context;
    };
}

void Certificates::watch_files() {
    std::vector<std::string> files;
    for (const auto& slot : slots_) {
        if (slot == nullptr) continue;
        for (const auto& pair : slot->options.certificates) {
            files.push_back(pair.certificate);
            files.push_back(pair.private_key);
        }
    }
    watch_.watch(files);
}

void Certificates::poll(Time now) {
    ticket_keys_->rotate(now);
    const auto changed = watch_.poll(now);
    if (!changed.empty()) renew({changed.begin(), changed.end()});
}

void Certificates::reload(const std::vector<config::Listener>& listeners) {
    for (std::size_t i = 0; i < std::min(slots_.size(), listeners.size()); ++i)
        if (slots_[i] != nullptr && !listeners[i].certificates.empty() &&
            same_place(listeners_[i], listeners[i]))
            slots_[i]->options.certificates = files_of(listeners[i]);
    watch_files();
    renew({});
}

void Certificates::renew(const std::set<std::string>& files) {
    // Several listeners may share a pair; each thing is said once.
    std::set<std::string> told;
    bool any = false;
    bool all_good = true;
    for (const auto& slot : slots_) {
        if (slot == nullptr || (!files.empty() && !uses(slot->options, files))) continue;
        any = true;
        auto context = net::TlsContext::load(slot->options);
        if (!context) {
            all_good = false;
            for (const auto& error : context.error())
                if (told.insert(error.file + ' ' + error.reason).second)
                    log::error("certificate not renewed, the one before stays in force",
                               {{"file", error.file}, {"reason", error.reason}});
            continue;
        }
        for (const auto& info : (*context)->certificates())
            if (told.insert(info.file).second) log_in_force(info);
        const std::scoped_lock lock(slot->mutex);
        slot->context.swap(*context);
    }
    if (any) (all_good ? renewals_ : failures_).add();
}

std::vector<net::CertificateInfo> Certificates::in_force() const {
    std::vector<net::CertificateInfo> all;
    std::set<std::string> told;
    for (const auto& slot : slots_) {
        if (slot == nullptr) continue;
        std::shared_ptr<const net::TlsContext> context;
        {
            const std::scoped_lock lock(slot->mutex);
            context = slot->context;
        }
        for (const auto& info : context->certificates())
            if (told.insert(info.file).second) all.push_back(info);
    }
    return all;
}

}  // namespace turnbuckle::server
