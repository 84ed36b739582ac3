#!/bin/sh
# Makes .venv and installs into it, and only when there is something to install.
# usage: scripts/environment.sh run|dev
set -eu
cd "$(dirname "$0")/.."

case "${1:-}" in
    run) files="requirements.txt" ;;
    dev) files="requirements.txt requirements-dev.txt" ;;
    *) echo "usage: scripts/environment.sh run|dev" >&2; exit 2 ;;
esac

# The stamp holds what was installed: nothing is done while the files still say the same.
stamp=".venv/installed-$1"
wanted=$(cat $files | cksum)
if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] \
    && .venv/bin/python -c "" 2>/dev/null; then
    exit 0
fi

fits() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if ! { [ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
    python=""
    for candidate in ${CRM_PYTHON:-python3.11 python3.12 python3.13 python3.14 python3}; do
        if fits "$candidate"; then
            python=$candidate
            break
        fi
    done
    if [ -z "$python" ]; then
        cat >&2 <<'MESSAGE'
Python 3.11 or newer with its venv module is needed, and none was found.
  Debian, Ubuntu:  apt-get install make python3-venv
  Fedora:          dnf install make python3
  macOS:           brew install python@3.13
If it is installed under another name, say so: CRM_PYTHON=/path/to/python3 make run
MESSAGE
        exit 1
    fi
    echo "Making .venv with $("$python" --version) ..."
    rm -rf .venv
    "$python" -m venv .venv
fi

set --
for file in $files; do
    set -- "$@" -r "$file"
done
echo "Installing $files into .venv ..."
if ! .venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check \
    --root-user-action=ignore "$@"; then
    echo "The installation failed: the lines above say why. Run the same command to try again." >&2
    exit 1
fi
# What checks includes what runs.
cksum < requirements.txt > .venv/installed-run
echo "$wanted" > "$stamp"
