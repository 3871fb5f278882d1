#include "turnbuckle/config/unsupported.hpp"

#include <gmock/gmock.h>

#include "unit/config/errors_of.hpp"

namespace turnbuckle::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Unsupported, RefusesWhatThisVersionDoesNotDo) {
    EXPECT_THAT(errors_of("limits:\n  user: { bandwidth: 5Mbit }\n  total: { bandwidth: 1Gbit }\n"
                          "offload: { mode: auto }\n"),
                ElementsAre("t.yaml:2:22: 'bandwidth': a limit is not supported yet by this "
                            "version; use 0",
                            "t.yaml:3:23: 'bandwidth': a limit is not supported yet by this "
                            "version; use 0",
                            "t.yaml:4:18: 'mode': offload is not supported yet by this version; "
                            "use off"));
}

TEST(Unsupported, AcceptsTheSameKeysWithTheValuesThatItDoesDo) {
    EXPECT_THAT(errors_of("listeners: [ { transport: udp }, { transport: tcp } ]\n"
                          "limits: { user: { bandwidth: 0 }, total: { bandwidth: 0bit } }\n"
                          "offload: { mode: off }\n"),
                IsEmpty());
}

}  // namespace
}  // namespace turnbuckle::config
