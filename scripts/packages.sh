# shellcheck shell=bash
# The Debian 12 packages that this project needs, and how a script gets them. Sourced, not run.
#
#   install_missing "${build_packages[@]}"
#
# does nothing, and needs no privileges, if dpkg knows them all.

# shellcheck disable=SC2034  # used by whoever sources this

# To build the server. The libraries that it runs with come along.
build_packages=(
    g++ cmake ninja-build pkg-config
    libboost1.81-dev libcli11-dev libfmt-dev libspdlog-dev libssl-dev libsystemd-dev
    libunistring-dev libyaml-cpp-dev prometheus-cpp-dev zlib1g-dev
)

# To build the tests and to run them: the clients that they drive, and the judges of what they see.
test_packages=(
    libgmock-dev libgtest-dev
    ca-certificates chromium coturn curl firefox-esr iproute2 libnss3-tools nodejs npm openssl
    prometheus python3 python3-aioice systemd
    # webrtcbin, whose ICE is libnice, and what it takes to have a call with it from Python
    gir1.2-gst-plugins-bad-1.0 gstreamer1.0-nice gstreamer1.0-plugins-bad gstreamer1.0-plugins-base
    gstreamer1.0-plugins-good python3-gi
)

# For the sanitizers, the fuzzers and the checks of style, beside the tests.
ci_packages=(ccache clang-19 clang-format-14 clang-tidy-19 libclang-rt-19-dev shellcheck)

# nodejs may come from elsewhere than Debian and then brings its own npm; dpkg does not know of it.
_is_missing() {
    [[ $1 == npm ]] && command -v npm >/dev/null && return 1
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) != installed ]]
}

_as_root() {
    if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

install_missing() {
    local package missing=()
    for package in "$@"; do
        if _is_missing "$package"; then missing+=("$package"); fi
    done
    ((${#missing[@]} == 0)) && return
    if ((EUID != 0)) && ! command -v sudo >/dev/null; then
        echo "These packages are missing, and there is no sudo to install them with:" >&2
        echo "    apt-get install ${missing[*]}" >&2
        return 1
    fi
    echo "Installing ${missing[*]}" >&2
    _as_root apt-get -q update >&2
    _without_services _as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends install "${missing[@]}" >&2
}

# coturn and prometheus bring services, which would take our ports as soon as they are installed:
# Debian's way to prevent that is a policy that says no.
_without_services() {
    local policy=/usr/sbin/policy-rc.d status=0
    if [[ -e $policy ]]; then
        "$@"
        return
    fi
    printf '#!/bin/sh\nexit 101\n' | _as_root install -m 755 /dev/stdin "$policy"
    "$@" || status=$?
    _as_root rm -f "$policy"
    return "$status"
}

# How many compilers to run: one per CPU, but no more than the memory has room for.
compile_jobs() {
    local cpus memory_gib
    cpus=$(nproc)
    memory_gib=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
    ((memory_gib < 1)) && memory_gib=1
    echo "${TURNBUCKLE_JOBS:-$((cpus < memory_gib ? cpus : memory_gib))}"
}
