#!/bin/sh
# What a change must pass beside its tests; the tools are those on PATH. All of them are run, and any that fails fails this.
set -u
cd "$(dirname "$0")/.." || exit
status=0

run() {
    echo "lint: $*"
    "$@" || status=1
}

run ruff check --quiet .
run ruff format --check --quiet .
run mypy --no-error-summary
run lint-imports --no-logo
run python tools/generate.py --check
run python tools/interface.py --check
run sh tools/test-ids.sh
# shellcheck disable=SC2046
run shellcheck --shell=sh --external-sources .ci/run $(find probes tests tools -name '*.sh' | sort)
exit $status
