#!/bin/sh
# The ids of all tests are the same in every process: pytest-xdist stops a whole run if they are not. Two processes collect
# them, with other hash seeds (the order of a set) and a second apart (what is made from the clock).
set -u
cd "$(dirname "$0")/.." || exit
folder=$(mktemp -d) || exit
trap 'rm -rf "$folder"' EXIT

collect() {
    PYTHONHASHSEED=$1 python -m pytest --collect-only -q -p no:cacheprovider >"$folder/$1" 2>&1 || { cat "$folder/$1" >&2; exit 1; }
    sed -i '$d' "$folder/$1" # how many, and how long it took
}

collect 1 &
sleep 1
collect 2 && wait $! || exit
diff "$folder/1" "$folder/2" >&2 || { echo "ids of tests differ from run to run: give these cases ids" >&2; exit 1; }
