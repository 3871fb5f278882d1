// Plays tests/scenarios/*.txt: each is a test of its own, and each is played again and again with
// one fault injected at each of its steps.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/scenario.hpp"

namespace turnbuckle::test {
namespace {

std::vector<std::string> scenario_names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(TURNBUCKLE_SCENARIOS))
        if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
    std::ranges::sort(names);
    return names;
}

class Scenarios : public testing::TestWithParam<std::string> {
protected:
    Scenario scenario() const {
        return Scenario::load(std::filesystem::path(TURNBUCKLE_SCENARIOS) / (GetParam() + ".txt"));
    }
};

TEST_P(Scenarios, goes_as_written) {
    try {
        play(scenario());
    } catch (const ScenarioError& error) {
        FAIL() << error.what();
    }
}

TEST_P(Scenarios, keeps_the_invariants_whatever_fails) {
    const Scenario script = scenario();
    for (std::size_t fault = 1; fault < static_cast<std::size_t>(Fault::Count_); ++fault) {
        for (std::size_t step = 0; step < script.steps.size(); ++step) {
            // EXPECT and CHECK do nothing that could fail.
            const std::string& verb = script.steps[step].words.front();
            if (verb == "EXPECT" || verb == "CHECK") continue;
            SCOPED_TRACE(testing::Message()
                         << "fault " << fault << " at line " << script.steps[step].line);
            EXPECT_NO_THROW(play(script, {static_cast<Fault>(fault), step}));
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Rfc, Scenarios, testing::ValuesIn(scenario_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace turnbuckle::test
