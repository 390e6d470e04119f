#!/usr/bin/env bash
# A Chromium for the tests: Debian's or Ubuntu's package (root, apt).
set -euo pipefail

fail() {
    echo "$*" >&2
    exit 1
}

# The registry answers soon, or the test is skipped.
APT=(apt-get -qq -o Acquire::Retries=0 -o Acquire::http::Timeout=10 -o Acquire::https::Timeout=10)
INSTALL=(install --yes --no-install-recommends chromium)
export DEBIAN_FRONTEND=noninteractive

if [ "${1-}" = fetch ]; then
    "${APT[@]}" update >/dev/null
    "${APT[@]}" --download-only "${INSTALL[@]}" >/dev/null
    exit
fi
[ "$(id -u)" = 0 ] || fail "installing chromium needs root"
command -v apt-get >/dev/null || fail "there is no apt-get to install chromium with"
# Two minutes for the network, and no limit for what must not be interrupted.
timeout 120 "$0" fetch || fail "apt-get could not fetch chromium in two minutes"
"${APT[@]}" "${INSTALL[@]}" >/dev/null
