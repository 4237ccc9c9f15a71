"""Records what goss and our probe say of one lab node, for test_goss.py.

    python -m tests.importing.record PATH/OF/goss

goss is built from its sources (`go build ./cmd/goss`); CI has no need of it.
"""

import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from power_edge.checking.check import script_for
from power_edge.config import Node, load_node
from power_edge.importing.goss import convert
from tests.support.lab.nodes import open_lab

HERE = Path(__file__).parent
GOSS, RESULTS, ANSWER = HERE / "goss.yaml", HERE / "results.json", HERE / "answer"


def main(binary: Path) -> None:
    with TemporaryDirectory() as folder, open_lab(Path(folder)) as lab, lab.node("rig") as node:
        node.write("/etc/motd-of-a-test", "hello\n")
        node.write("/root/goss.yaml", GOSS.read_text())
        shutil.copy(binary, node.tree / "root/goss")
        done = node.run(
            "/root/goss", "-g", "/root/goss.yaml", "validate", "--format", "json", check=False
        )
        results = {
            f"{each['resource-type']} {each['resource-id']} {each['property']}": each["successful"]
            for each in json.loads(done.stdout)["results"]
        }
        RESULTS.write_text(json.dumps(dict(sorted(results.items())), indent=1) + "\n")
        ANSWER.write_text(
            node.run("/bin/sh", stdin=script_for(imported(Path(folder))).text()).stdout
        )


def imported(folder: Path) -> Node:
    """The node that the goss file becomes, in a folder."""
    place = folder / "node-configs" / "rig"
    place.mkdir(parents=True, exist_ok=True)
    (place / "state.yaml").write_text(convert(GOSS.read_bytes(), GOSS.name).text)
    (place / "system-identity.yaml").write_text("validation: {require_match: false}\n")
    return load_node(place)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
