#!/bin/sh
# Builds actionlint and act into .venv/bin where Go is installed. Where it is not, or cannot fetch them, `make lint` and the tests of the workflows
# say so. A Go older than 1.21 counts as none: it cannot fetch the Go that the two are written for.
set -eu
cd "$(dirname "$0")/.."
version=$(go env GOVERSION 2>/dev/null) || exit 0
minor=${version#go1.} minor=${minor%%[!0-9]*}
[ "${minor:-0}" -ge 21 ] || exit 0

install() { # NAME MODULE VERSION
    stamp=.venv/.$1-$3
    [ ! -e "$stamp" ] || return 0
    echo "Building $1 $3 (once)" >&2
    if GOBIN=$PWD/.venv/bin go install "$2@$3"; then
        : >"$stamp"
    else
        echo "$1 could not be built: what needs it is not run" >&2
    fi
}

install actionlint github.com/rhysd/actionlint/cmd/actionlint v1.7.12
install act github.com/nektos/act v0.2.89
