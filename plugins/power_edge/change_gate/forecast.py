"""What will drift as soon as a change is merged, as recorded answers of the nodes show it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from power_edge.change_gate.change import Change, Kind
from power_edge.change_gate.sides import Difference
from power_edge.checking.check import from_answer
from power_edge.config import Node
from power_edge.model import Result
from power_edge.probing.answer_file import read_file
from power_edge.probing.framing import NoAnswer

SUFFIX = ".answer"


class Forecast(NamedTuple):
    """What is known of one node."""

    node: str
    results: tuple[tuple[Change, Result], ...] = ()
    """The items that the change adds or changes there, judged."""
    why: str | None = None
    """Why nothing is known. There are no results then."""


def forecasts(
    difference: Difference, folder: Path, max_age: float, now: float
) -> Iterator[Forecast]:
    """Yield a forecast for each node whose items are added or changed, by name.

    `folder` has the answers, NODE.answer. `max_age` and `now` are as for check.from_answer.
    """
    by_node: dict[str, list[Change]] = {}
    for change in difference.changes:
        if change.is_item and change.kind is not Kind.REMOVED:
            by_node.setdefault(change.node, []).append(change)
    for pair in difference.pairs:
        if pair.now is not None and pair.name in by_node:
            yield _of_node(pair.now, by_node[pair.name], folder, max_age, now)


def _of_node(
    node: Node, changes: Sequence[Change], folder: Path, max_age: float, now: float
) -> Forecast:
    path = folder / f"{node.name}{SUFFIX}"
    try:
        if not path.exists():
            return Forecast(node.name, why="no recorded answer")
        if not path.is_file():  # reading a pipe would wait
            return Forecast(node.name, why="its answer is not a regular file")
        answer = read_file(path)
    except (OSError, NoAnswer) as error:
        return Forecast(node.name, why=f"its answer cannot be used: {error}")
    if answer.node != node.name:
        return Forecast(node.name, why=f"its answer is from {answer.node}")
    checked = from_answer(node, answer, max_age, now)
    if not checked.gate.open:
        return Forecast(node.name, why=f"its answer was not judged: {checked.gate.why}")
    if checked.stale is not None:
        return Forecast(node.name, why=checked.stale)
    items = {(item.type, item.key): item for item in node.items}
    return Forecast(
        node.name,
        tuple((change, checked.result(items[change.type, change.key])) for change in changes),
    )
