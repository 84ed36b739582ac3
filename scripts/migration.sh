#!/bin/sh
# Writes the next numbered migration by comparing the models with what the migrations build so far.
# usage: scripts/migration.sh "what changes"
set -eu
cd "$(dirname "$0")/.."

if [ -z "${1:-}" ]; then
    echo 'Say what changes: make migration m="contracts may be renewed"' >&2
    exit 2
fi

last=$(ls crm_admin/migrations/versions | sed -n 's/^\([0-9]\{4\}\)_.*\.py$/\1/p' | sort | tail -1)
next=$(printf '%04d' "$(expr "${last:-0}" + 1)")

# Compared on a database of its own: yours is neither needed nor touched.
CRM_INSTANCE=$(mktemp -d)
export CRM_INSTANCE
trap 'rm -rf "$CRM_INSTANCE"' EXIT
unset CRM_DATABASE_URL
.venv/bin/flask db upgrade
if .venv/bin/flask db check >/dev/null 2>&1; then
    echo "The migrations already build what the models describe: nothing to write."
    exit 0
fi
.venv/bin/flask db migrate --rev-id "$next" -m "$1"
echo "Read crm_admin/migrations/versions/${next}_*.py before committing it."
