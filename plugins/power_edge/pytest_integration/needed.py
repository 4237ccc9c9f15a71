"""What is to be read of each node for the tests that are selected."""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto
from typing import TypeAlias, TypeVar

from power_edge.checking.check import GATE_NAME
from power_edge.config import Node
from power_edge.config.node_configs import NODE_IDENTITY, STATE
from power_edge.model import Item
from power_edge.pytest_integration.selection import GATE, PREFIX, item_id, items_of

Test = TypeVar("Test")


class Beyond(Enum):
    """What a test looks at that is no item: the gate, or any item (a test of an operator's own)."""

    GATE = auto()
    ANY = auto()


Looks: TypeAlias = tuple[str, Item | Beyond]
"""The name of a node, and what a test looks at on it."""


def needed(
    names: Iterable[str], tests: Sequence[Test], looks: Callable[[Test], Iterable[Looks]]
) -> dict[str, list[Item] | None]:
    """Return what is to be read for the selected tests, by node: items, or None for all of them.

    `names` are those of all nodes, `looks` says what a test looks at. A gate needs no item. If no
    test is selected, the gates of all nodes are needed alone.
    """
    found: dict[str, list[Item] | None] = {}
    for test in tests:
        for name, what in looks(test):
            items = found.setdefault(name, [])
            if what is Beyond.ANY:
                found[name] = None
            elif isinstance(what, Item) and items is not None:
                items.append(what)
    return found if tests else {name: [] for name in names}


def by_id(nodes: Iterable[Node]) -> Callable[[str], Iterable[Looks]]:
    """Return a function from a test id to what the test looks at.

    The id of a test that is not ours names no node: such a test may look at any item of any node.
    """
    known: dict[str, list[Looks]] = {}
    anything: list[Looks] = []
    for node in nodes:
        anything.append((node.name, Beyond.ANY))
        known[f"{PREFIX}/{node.name}/{GATE}::{GATE_NAME}"] = [(node.name, Beyond.GATE)]
        for file in (STATE, NODE_IDENTITY):
            for item in items_of(node, file):
                test = f"{PREFIX}/{node.name}/{file}::{item_id(item)}"
                known.setdefault(test, []).append((node.name, item))
    return lambda test: known.get(test, anything)
