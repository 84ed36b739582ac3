#!/bin/sh
# Makes sure that the browser tests have a Chromium: the one there is, else one installed now.
set -eu
cd "$(dirname "$0")/.."

there() {
    .venv/bin/python -m tests.browser
}

if there; then
    exit 0
fi

if [ -n "${CRM_TEST_CHROMIUM:-}" ]; then
    echo "CRM_TEST_CHROMIUM=$CRM_TEST_CHROMIUM does not start." >&2
    exit 1
fi

as_root=""
if [ "$(id -u)" != 0 ]; then
    as_root="sudo -n"
fi
if command -v apt-get >/dev/null 2>&1 && $as_root true 2>/dev/null; then
    echo "Installing Chromium with apt-get ..."
    export DEBIAN_FRONTEND=noninteractive
    if $as_root apt-get update -qq \
        && $as_root apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk \
            </dev/null >/dev/null \
        && there; then
        exit 0
    fi
fi

echo "Installing Chromium with playwright ..."
if .venv/bin/python -m playwright install chromium && there; then
    exit 0
fi
echo "No Chromium was found and none could be installed: install it, or name one in CRM_TEST_CHROMIUM." >&2
exit 1
