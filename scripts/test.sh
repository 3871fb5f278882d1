#!/usr/bin/env bash
# Builds the server and every test, installing what that takes, and runs them:
#
#   scripts/test.sh [PRESET] [CTEST-ARGUMENT]...     PRESET: dev (the default), release, asan-ubsan
#
# The last lines are ctest's summary. TURNBUCKLE_JOBS bounds the number of compilers.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/packages.sh
source "$root/scripts/packages.sh"

preset=dev
if (($# > 0)) && [[ $1 != -* ]]; then
    preset=$1
    shift
fi
build=$root/build/$preset

install_missing "${build_packages[@]}" "${test_packages[@]}"
browser=$root/tests/browser
if [[ -f $browser/package-lock.json &&
      ! $browser/node_modules/.package-lock.json -nt $browser/package-lock.json ]]; then
    (cd "$browser" && npm ci --no-audit --no-fund)
fi

(cd "$root" && cmake --preset "$preset" -DTURNBUCKLE_TESTS=ON -DTURNBUCKLE_WERROR=ON)
cmake --build "$build" --parallel "$(compile_jobs)"
cd "$root"
ctest --preset "$preset" --no-tests=error --output-junit tests.xml "$@" | tee "$build/ctest.log"
