"""The nodes of a run, and their answers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from power_edge.checking import check
from power_edge.checking.check import Checked
from power_edge.config import Node
from power_edge.model import Item
from power_edge.probing.connection import BadRoute, Options
from power_edge.probing.failure import NotAsked, Unreachable
from power_edge.probing.framing import Answer
from power_edge.probing.parallel import Pending
from power_edge.pytest_integration.selection import Selection


class Nodes:
    """The selected nodes that are not broken. An answer is waited for when it is first needed."""

    def __init__(self, selection: Selection, options: Options, pending: dict[str, Pending]) -> None:
        self.selection = selection
        self.options = options
        self.by_name: dict[str, Node] = {node.name: node for node in selection.nodes.values()}
        self.by_answers = False
        """Whether the run judges answers that came by other means (--answers)."""
        self.say: Callable[[str], None] = lambda _: None
        """Print progress for a person who waits."""
        self._pending = pending
        self._checked: dict[str, Checked] = {}
        self._late: Path | None = None
        """The file with the answers that the controller of xdist leaves for this worker."""

    def ask(self) -> None:
        """Send the scripts now, to the nodes that were not asked before. Raises UsageError."""
        rest = [node for name, node in self.by_name.items() if name not in self._pending]
        self._pending |= ask(rest, self.options)

    def ask_for(self, items: Mapping[str, Sequence[Item] | None]) -> None:
        """Send scripts that read these items alone, by the name of the node; None is all of its
        items. Raises UsageError.

        A verdict depends on the node and its item: it is the same whatever else is read.
        """
        nodes = (
            self.by_name[name] if chosen is None else self.by_name[name].with_items(chosen)
            for name, chosen in items.items()
        )
        self._pending |= ask(nodes, self.options)

    def checked(self, name: str) -> Checked:
        """Return a node with its answer. Waits for it, at most until the node's deadline."""
        if self._late is not None:
            file, self._late = self._late, None
            self.unpack(file.read_bytes())
        if name not in self._checked:
            if name not in self._pending:
                self.ask()  # nobody could say what of it is needed
            pending = self._pending[name]
            if not pending.is_done_within(1.0):
                self.say(f"waiting for {name}, at most {pending.limit:.0f} s")
            self._checked[name] = check.wait(self.by_name[name], pending)
        return self._checked[name]

    def waited_for(self, name: str) -> Checked | None:
        """Return a node with its answer, None if nobody has waited for it."""
        return self._checked.get(name)

    def beside(self, path: Path) -> str | None:
        """Return the node whose folder is a path, or holds it; None if there is none."""
        return next(
            (
                node.name
                for folder, node in self.selection.nodes.items()
                if folder in (path, *path.parents)
            ),
            None,
        )

    def take_answer(self, answer: Answer, max_age: float) -> None:
        """Judge this answer instead of asking its node. `max_age` is in seconds.

        Raises UsageError if its node is not selected, or has an answer already.
        """
        if answer.node not in self.by_name:
            raise pytest.UsageError(
                f"an answer of node {answer.node!r}, which is not selected (--node)"
            )
        if answer.node in self._checked:
            raise pytest.UsageError(f"a second answer of node {answer.node}")
        self.by_answers = True
        self._checked[answer.node] = check.from_answer(self.by_name[answer.node], answer, max_age)

    def settle(self, checked: Checked) -> None:
        """Take this as the node's state: what a watch knows of it."""
        self._checked[checked.node.name] = checked

    def replace(self, node: Node) -> None:
        """Take a node whose files were loaded again."""
        self.by_name[node.name] = self.selection.nodes[node.path] = node

    def silent(self) -> list[str]:
        """Return the names of the nodes without an answer, sorted."""
        return sorted(self.by_name.keys() - self._checked.keys())

    def pack(self) -> bytes:
        """Return the answers for the workers of xdist, from the nodes that were asked or have an
        answer. No other node has a selected item. Waits for them.
        """
        import pickle  # 2 ms that only xdist needs

        checked = map(self.checked, {**self._pending, **self._checked})
        return pickle.dumps(
            {each.node.name: (each.answer, each.age, each.stale) for each in checked}
        )

    def unpack_later(self, file: Path) -> None:
        """Take the answers in this file when the first one is needed."""
        self._late = file

    def unpack(self, packed: bytes) -> None:
        """Take the answers that the controller packed."""
        import pickle

        answers: dict[str, tuple[Answer | Unreachable | NotAsked, str | None, str | None]] = (
            pickle.loads(packed)
        )
        self._checked = {
            name: Checked(self.by_name[name], *answer) for name, answer in answers.items()
        }


def ask(nodes: Iterable[Node], options: Options) -> dict[str, Pending]:
    """Send the scripts and return at once. Raises UsageError.

    A node's answer is waited for when its first item runs.
    """
    try:
        return check.ask(nodes, options)
    except BadRoute as error:
        raise pytest.UsageError(str(error)) from None
