// Boost.JSON compiled once, for every layer from here on: Debian has it as headers only.
#include <boost/json/src.hpp>
