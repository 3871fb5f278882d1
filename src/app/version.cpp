#include <iostream>

#include "turnbuckle/app/commands.hpp"

namespace turnbuckle::app {

int version() {
    std::cout << "turnbuckle " TURNBUCKLE_VERSION "\n";
    return 0;
}

}  // namespace turnbuckle::app
