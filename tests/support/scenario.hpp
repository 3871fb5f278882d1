// A scenario: a text file that drives an engine and says what must come of it (tests/scenarios).
//
// One step per line; words are separated by blanks, "..." is one word (with \" \\ and \xNN inside),
// # starts a comment. tests/scenarios/README.md describes the language. A file that does not read,
// or an expectation that is not met, throws ScenarioError with file and line.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace turnbuckle::test {

struct ScenarioError : std::runtime_error {
    ScenarioError(std::string_view file, std::size_t line, std::string_view message);
};

struct Step {
    std::size_t line = 0;
    std::vector<std::string> words;
};

struct Scenario {
    std::string file;  // its name without directories
    std::vector<Step> steps;

    [[nodiscard]] static Scenario load(const std::filesystem::path& path);
    [[nodiscard]] static Scenario parse(std::string file, std::string_view text);
};

// What goes wrong while the step is performed, besides what the script says.
enum class Fault : std::uint8_t {
    None,
    RelayFails,             // no relay port is free
    CredentialUnavailable,  // the store is down
    CredentialLate,         // the store answers when the next step is over
    RelayLate,              // so does whoever opens relays
    QuotaExhausted,
    PeerLate,     // so do peers that are connected to
    LinksClose,   // before the step every client closes its connection
    RelayBreaks,  // before the step every relay socket fails
    TimerLate,    // from here on the timers do not fire
    Count_
};

struct FaultAt {
    Fault fault = Fault::None;
    std::size_t step = 0;  // index into Scenario::steps
};

// Runs it. Expectations are only checked without a fault; the invariants of EngineRig always are.
void play(const Scenario& scenario, FaultAt fault = {});

}  // namespace turnbuckle::test
