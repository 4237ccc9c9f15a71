#!/bin/sh
# Makes .venv in the checkout, with Power Edge in it as it stands there: `setup.sh run` what running it takes, `setup.sh dev` what working on it
# takes as well. Done once; it is made again when pyproject.toml, constraints.txt, the checkout's place or the Python changes. PYTHON=... chooses the
# Python. All versions are those of constraints.txt, which the tests have passed with: a release of somebody else's changes no check of an operator.
set -eu
cd "$(dirname "$0")/.."
want=$1

say() {
    echo "power-edge: $*" >&2
    exit 1
}

apt() { # PACKAGE...
    if [ "$(id -u)" = 0 ]; then echo "apt install $*"; else echo "sudo apt install $*"; fi
}

stamp=.venv/.power-edge
current="$(cat pyproject.toml constraints.txt | cksum) $PWD"
have='' was=''
if [ -x .venv/bin/python ] && [ -f "$stamp" ]; then read -r have was <"$stamp" || :; fi
if [ "$was" = "$current" ]; then
    case $have in dev | "$want") exit 0 ;; esac
fi

# Tried, not looked up: a version manager leaves names on PATH behind which there is nothing.
python=''
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    if found=$("${PYTHON:-python3}" --version 2>/dev/null); then
        say "$found is too old, 3.11 or later is needed: $(apt python3.11 python3.11-venv)"
    fi
    say "Python is missing: $(apt python3 python3-venv)"
fi
# Debian ships Python without ensurepip, and venv fails late and at length.
"$python" -c 'import ensurepip, venv' 2>/dev/null || say "Python's venv is missing: $(apt "python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv")"

[ ! -e .venv ] || [ -w .venv ] || say "$PWD/.venv belongs to $(stat -c %U .venv 2>/dev/null || echo another user): make it yours, or work in a clone of your own"
[ -w . ] || say "$PWD is not yours to write: work in a clone of your own"
if [ "$want" = dev ]; then echo "Setting up .venv, with the tools for development (a minute or two)" >&2; else echo "Setting up .venv (once, half a minute)" >&2; fi
rm -f "$stamp"
# Of a .venv that came here from elsewhere, every script names the old place.
case $was in *" $PWD") ;; *) "$python" -m venv --clear .venv ;; esac
# By the environment, since pip before 25.3 knows no --build-constraint, and takes the first for both; relative, since pip splits the value at spaces.
export PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt
pip() {
    .venv/bin/python -m pip --quiet --disable-pip-version-check --no-input "$@" </dev/null || say "pip could not install what is needed (above it says why)"
}
if [ "$want" = dev ]; then
    pip install 'pip>=25.1' # --group
    pip install --editable . --group dev
else
    pip install --editable .
fi
echo "$want $current" >"$stamp"
