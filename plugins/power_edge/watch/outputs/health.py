"""Is the watch itself well? A drift is what it is for, and no fault of the watch. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from power_edge import exit_status
from power_edge.config import Node
from power_edge.identity.gate import Gate
from power_edge.text import printable
from power_edge.watch.outputs.view import View

_OVERDUE = 10.0
"""Seconds after which a check that is due and has not begun is a problem."""


class Judgement(NamedTuple):
    """What makes the watch unhealthy, and what else a person may want to know: lines of text."""

    problems: Sequence[str]
    notes: Sequence[str] = ()

    @property
    def healthy(self) -> bool:
        """Whether there is no problem."""
        return not self.problems


def judge(views: Sequence[View], unwritten: Mapping[str, str] = MappingProxyType({})) -> Judgement:
    """Judge the watch by its nodes, and by its outputs: those that cannot be written, and why.

    A gate that is not open is a problem. With several nodes it is a problem only if no gate is
    open: one node that is off must not hide that the watch works. Another machine is not one if its
    node says so (alert_on_mismatch: false). Neither is a source that never was up: the node may
    lack it for good, and a slow check of all items stands in for it.
    """
    others = [line for view in views for line in _others(view)]
    others += [printable(f"{name} cannot be written: {why}") for name, why in unwritten.items()]
    one_is_open = any(view.state.gate is not None and view.state.gate.open for view in views)
    # With one node that is open, there is no line about a gate.
    problems: list[str] = []
    notes: list[str] = []
    for view in views:
        noted = one_is_open or is_quiet(view.node, view.state.gate)
        (notes if noted else problems).extend(_gate(view))
    return Judgement([*problems, *others], notes)


def is_quiet(node: Node, gate: Gate | None) -> bool:
    """Whether a gate is shut for another machine, and its node wants no alert of that."""
    on_file = node.system_identity.validation if node.system_identity is not None else None
    return (
        gate is not None
        and gate.status == exit_status.WRONG_MACHINE
        and on_file is not None
        and not on_file.alert_on_mismatch
    )


def _gate(view: View) -> Iterator[str]:
    gate = view.state.gate
    if gate is None:
        yield _line(view, "it has not been checked yet")
    elif not gate.open:
        yield _line(view, f"the gate is shut: {gate.why}")


def _others(view: View) -> Iterator[str]:
    for source in view.sources:
        if source.was_up and not source.up:
            yield _line(view, f"the source {source.name} is down: {source.why}")
    if view.overdue > _OVERDUE:
        yield _line(view, f"a check is {view.overdue:.0f} s overdue")


def _line(view: View, text: str) -> str:
    return printable(f"{view.node.name}: {text}")


def text(judgement: Judgement) -> str:
    """Return a judgement for people: what it is, then a line for each reason."""
    first = "healthy" if judgement.healthy else "not healthy"
    return "".join(f"{line}\n" for line in (first, *judgement.problems, *judgement.notes))
