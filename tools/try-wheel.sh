#!/bin/sh
# Uses an installed Power Edge as a newcomer does, in a folder from which no checkout is seen.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python -c 'import power_edge, sys; sys.exit("site-packages" not in power_edge.__file__ and f"not installed: {power_edge.__file__}")'
node=$(power-edge init)
pytest -q -W error --node="$node"
power-edge schema state >state.schema.json
python -m json.tool state.schema.json >/dev/null
power-edge probe-script "$node" >probe.sh
sh probe.sh >answer
pytest -q -W error --node="$node" --answers=answer
power-edge install-service "$node" --dry-run | grep -q "^ExecStart=.* --node=%i --watch "
