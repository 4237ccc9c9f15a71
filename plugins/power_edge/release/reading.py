"""How this version of Power Edge reads a node-configs/: typed values, or the problems.

    python -m power_edge.release.reading node-configs

prints it as JSON. A rollback asks the old version in this way what it makes of today's files: the
schemas alone do not know what its code refuses, derives or assumes. So what is printed is an
interface between versions: it may only grow.
"""

import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from power_edge.config import ConfigError, load_node, nodes

MODULE: Final = "power_edge.release.reading"


def values(folder: Path) -> dict[str, Any]:
    """Return everything that a node's folder says, as plain values. Raises ConfigError."""
    node = load_node(folder)
    found = {
        "version": node.state.version,
        "metadata": node.state.metadata,
        "items": [
            {
                "type": item.type,
                "name": item.name,
                "key": item.key,
                "declared": item.declared,
                "expected": dict(item.expected),
                "reasons": [{"path": reason.path, "role": reason.role} for reason in item.reasons],
                "source": item.source,
            }
            for item in node.items
        ],
        "identity": node.identity,
        "system_identity": node.system_identity,
        "connection": node.connection,
        "watcher": node.watcher,
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found, enc_hook=str))
    return plain


def readings(root: Path) -> dict[str, Any]:
    """Return what each node of a node-configs/ says (`values`), or its `problems`.

    `program` is where this version's code is. Raises ConfigError if there is no such folder.
    """
    found: dict[str, Any] = {}
    for folder in nodes(root):
        try:
            found[folder.name] = {"values": values(folder)}
        except ConfigError as error:
            found[folder.name] = {
                "problems": [
                    [*problem.source, problem.message, problem.hint] for problem in error.problems
                ]
            }
    return {"program": str(Path(__file__).parent.parent), "nodes": found}


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(readings(Path(sys.argv[1]))))
