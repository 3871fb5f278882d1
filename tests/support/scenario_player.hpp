// Performs the steps of one scenario on a fresh EngineRig. Used by play() only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "support/engine_rig.hpp"
#include "support/scenario.hpp"
#include "support/stun_client.hpp"

namespace turnbuckle::test {

class ScenarioPlayer {
public:
    ScenarioPlayer(const Scenario& scenario, FaultAt fault) : scenario_(scenario), fault_(fault) {}

    void run();

private:
    using Words = std::span<const std::string>;
    struct Happening {
        bool loud = true;  // must be expected; a quiet one may be
        std::vector<std::string> words;
    };

    [[nodiscard]] bool strict() const { return fault_.fault == Fault::None; }
    [[nodiscard]] EngineRig& rig();
    [[nodiscard]] StunClient& client(const std::string& name);
    void begin_fault();
    void end_fault();

    void perform(const Step& step);
    void configure(Words words);
    void add_user(Words words);
    void add_client(Words words);
    void steer_store(Words words);
    void steer_relays(Words words);
    void pass_time(Words words);
    void steer_peers(Words words);
    void act_as_peer(Words words);
    void send_from_peer(const Endpoint& peer, const std::string& to, const std::string& what);
    [[nodiscard]] std::optional<Endpoint> relayed_for(const Endpoint& peer, const std::string& to);
    void check_value(Words words);
    void act(const std::string& name, Words words);
    void allocate(const std::string& name, Words words);
    void expect(Words words);

    void send(StunClient& from, ByteView bytes);
    [[nodiscard]] const std::string& name_of(turn::LinkId link) const;
    void collect();
    [[nodiscard]] Happening in_words(const Event& event);
    void require_nothing_left();
    [[noreturn]] void fail(const std::string& message) const;

    const Scenario& scenario_;
    FaultAt fault_;
    const Step* step_ = nullptr;
    EngineRig::Options options_{.config = EngineRig::default_config(), .quota = {}};
    std::vector<Cidr> allow_;
    std::vector<Cidr> deny_;
    std::unique_ptr<EngineRig> rig_;
    std::map<std::string, StunClient> clients_;
    std::vector<Happening> happenings_;
    std::optional<turn::QuotaTicket> quota_blocker_;
    bool relays_slow_ = false;
    bool peers_slow_ = false;
    bool store_slow_ = false;
    bool store_down_ = false;
    bool timer_late_ = false;
};

}  // namespace turnbuckle::test
