// Performs what an engine decided: the only place where effects become I/O.
//
// One per worker, on its thread. It answers the engine's questions (a credential, a relay) at once
// where it can, and through the worker's mailbox where a store takes its time.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "turnbuckle/auth/credential_source.hpp"
#include "turnbuckle/net/poller.hpp"
#include "turnbuckle/net/udp_sender.hpp"
#include "turnbuckle/server/client_links.hpp"
#include "turnbuckle/server/mailbox.hpp"
#include "turnbuckle/server/peer_connections.hpp"
#include "turnbuckle/server/relay_opener.hpp"
#include "turnbuckle/server/relay_sockets.hpp"
#include "turnbuckle/server/session_log.hpp"
#include "turnbuckle/server/watch.hpp"
#include "turnbuckle/turn/engine.hpp"

namespace turnbuckle::server {

class EffectDriver {
public:
    struct Parts {
        turn::Engine& engine;
        net::Poller& poller;
        net::UdpSender& sender;
        RelaySockets& relays;
        RelayOpener& opener;
        SessionLog& log;
        turn::Statistics& statistics;
        ClientLinks& links;
        Streams& streams;
        PeerConnections& peers;
        std::shared_ptr<Mailbox> mailbox;
    };

    EffectDriver(Parts parts, std::shared_ptr<auth::CredentialSource> credentials);

    // Until the engine wants nothing more; `effects` is empty then.
    void perform(turn::Effects& effects, Time now);

    void use(std::shared_ptr<auth::CredentialSource> credentials) {
        credentials_ = std::move(credentials);
    }

private:
    struct CredentialAnswer {
        turn::Ticket ticket;
        turn::CredentialResult result;
    };
    struct RelayAnswer {
        turn::Ticket ticket;
        turn::RelayResult result;
    };
    struct ConnectAnswer {
        turn::Ticket ticket;
        turn::PeerConnectError error;
    };
    using Answer = std::variant<CredentialAnswer, RelayAnswer, ConnectAnswer>;

    void give(CredentialAnswer& answer, turn::Effects& effects, Time now);
    void give(RelayAnswer& answer, turn::Effects& effects, Time now);
    void give(ConnectAnswer& answer, turn::Effects& effects, Time now);

    void perform_one(turn::SendToClient& send, turn::Effects& effects, Time now);
    void perform_one(turn::LookupCredential& lookup, turn::Effects& effects, Time now);
    void perform_one(turn::OpenRelay& open, turn::Effects& effects, Time now);
    void perform_one(turn::CloseRelay& close, turn::Effects& effects, Time now);
    void perform_one(turn::ConnectPeer& connect, turn::Effects& effects, Time now);
    void perform_one(turn::CancelConnect& cancel, turn::Effects& effects, Time now);
    void perform_one(turn::ClosePeer& close, turn::Effects& effects, Time now);
    void perform_one(turn::BindPeer& bind, turn::Effects& effects, Time now);
    void perform_one(turn::HandOver& hand_over, turn::Effects& effects, Time now);
    void perform_one(turn::SessionStarted& session, turn::Effects& effects, Time now);
    void perform_one(turn::SessionEnded& session, turn::Effects& effects, Time now);
    void perform_one(turn::AuthenticationFailed& failure, turn::Effects& effects, Time now);
    void perform_one(turn::PeerRefused& refusal, turn::Effects& effects, Time now);

    using AdoptedRelay = std::expected<turn::OpenedRelay, turn::RelayError>;
    [[nodiscard]] AdoptedRelay adopt(
        std::expected<std::unique_ptr<RelaySocket>, turn::RelayError>& opened);
    [[nodiscard]] AdoptedRelay adopt(
        std::expected<std::unique_ptr<TcpRelay>, turn::RelayError>& opened);
    [[nodiscard]] AdoptedRelay watch(turn::RelayHandle handle, int fd, Watch kind,
                                     const Endpoint& relayed);
    template <class Relay>
    void answer(turn::Ticket ticket, Opened<Relay> opened);

    Parts parts_;
    std::shared_ptr<auth::CredentialSource> credentials_;
    turn::Ticket looking_up_{};
    std::vector<Answer> answers_;
};

}  // namespace turnbuckle::server
