#!/usr/bin/env bash
# Builds the server, installing what that takes, and starts it:
#
#   scripts/run.sh [--config FILE] [--set KEY=VALUE]...     as for `turnbuckle serve`
#
# Without a file it listens on UDP port 3478, makes a fresh secret and prints the iceServers to
# paste into a page. TURNBUCKLE_JOBS bounds the number of compilers.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/packages.sh
source "$root/scripts/packages.sh"
build=$root/build/release

install_missing "${build_packages[@]}"
if [[ ! -f $build/build.ninja ]]; then
    # Only where nobody has configured otherwise: the tests need more packages.
    (cd "$root" && cmake --preset release -DTURNBUCKLE_TESTS=OFF) >&2
fi
cmake --build "$build" --target turnbuckle --parallel "$(compile_jobs)" >&2

exec "$build/turnbuckle" serve "$@"
