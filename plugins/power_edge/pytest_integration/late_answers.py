"""With xdist the workers say what is selected after they have started: the controller asks for that
alone, and leaves the answers in a file that the workers read before their first item.
"""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from power_edge.checking.check import GATE_NAME
from power_edge.config import Node
from power_edge.config.node_configs import NODE_IDENTITY, STATE
from power_edge.model import Item
from power_edge.pytest_integration.selection import GATE, PREFIX, items_of
from power_edge.text import identifier


class LateAnswers:
    """The file of the answers of one run, which ends with this object."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="power-edge-")  # nobody else may read it
        self.file = Path(self._folder.name) / "answers"

    def write(self, packed: bytes) -> None:
        """Leave the answers for the workers."""
        self.file.write_bytes(packed)

    def remove(self) -> None:
        """Remove the file and its folder."""
        self._folder.cleanup()


def needed(nodes: Iterable[Node], ids: Iterable[str]) -> dict[str, list[Item] | None]:
    """Return what is to be read for these test ids, by node: items, or None for all of them.

    A test that is not an item of ours may look at anything. If no test is selected, the gates
    alone.
    """
    known, selected = [*nodes], [*ids]
    if not selected:
        return {node.name: [] for node in known}
    items: dict[str, list[tuple[str, Item]]] = {}
    for node in known:
        for file in (STATE, NODE_IDENTITY):
            for item in items_of(node, file):
                test = f"{PREFIX}/{node.name}/{file}::{item.type}[{identifier(item.name)}]"
                items.setdefault(test, []).append((node.name, item))
    gates = {f"{PREFIX}/{node.name}/{GATE}::{GATE_NAME}": node.name for node in known}
    found: dict[str, list[Item]] = {}
    for test in selected:
        if test in gates:
            found.setdefault(gates[test], [])
        elif test not in items:
            return dict.fromkeys(node.name for node in known)
        for name, item in items.get(test, ()):
            found.setdefault(name, []).append(item)
    return {**found}
