#!/bin/sh
# Runs the scripts that are run by hand on this machine, as a newcomer does, with what it brings alone. CI does so on macOS.
set -eu
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

os=$(uname -s | tr '[:upper:]' '[:lower:]')
sh probes/collect-identity.sh >"$folder/identity"
grep -qx "  os_type: $os" "$folder/identity"
grep -Eqx "  primary_id: '[0-9A-Fa-f-]{32,36}'" "$folder/identity"
sh probes/collect-identity.sh --print | sh >"$folder/again"
# The time of reading is in it.
grep -v collected_at "$folder/identity" >"$folder/first"
grep -v collected_at "$folder/again" | diff "$folder/first" -

sh probes/about-this-node.sh >"$folder/about"
grep -q '^Who -' "$folder/about"
[ "$(awk 'length > 80' "$folder/about" | wc -l)" -eq 0 ] || { echo "about-this-node.sh prints more than 80 columns" >&2; exit 1; }
echo "collect-identity.sh and about-this-node.sh work on $os"
