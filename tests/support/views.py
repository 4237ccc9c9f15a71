"""Views of watched nodes, made by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from power_edge.checking.check import GATE_NAME, GATE_TYPE
from power_edge.config import Node
from power_edge.config.state import State as Declared
from power_edge.identity.gate import Gate
from power_edge.model import Item, Outcome, Result, Source, agrees, drifts
from power_edge.model.generated.core_schema import Metadata
from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.node import State
from power_edge.watch.outputs.view import History, Loaded, View
from power_edge.watch.supervisor import Health
from power_edge.watch.transition import Transition

NOON = 1_790_000_000.0
OPEN = Gate(0)
UP = Health("dbus", up=True, why=None, was_up=True, events=7)
NEVER = Health("audit", up=False, why="this is a container")
DOWN = Health("inotify", up=False, why="Too many open files", was_up=True, events=2, lost=1)


def node(name: str = "a", path: Path = Path("/srv/node-configs/a")) -> Node:
    """A node that declares nothing."""
    declared = Declared("state.yaml", "1.0", Metadata(site="here", environment="staging"), ())
    return Node(name=name, path=path, state=declared)


def item(name: str, kind: str = "sysctl", of: str = "a") -> Item:
    """A kernel parameter that is to be 1, or another item."""
    place = (Source(f"node-configs/{of}/state.yaml", 7),)
    return Item(of, kind, name, name, None, {"value": "1"}, place)


def result(
    outcome: Outcome, name: str = "x", kind: str = "sysctl", of: str = "a", **more: Any
) -> Result:
    """The result of such an item."""
    findings = {
        Outcome.COMPLIANT: (agrees("value", "1", "1"),),
        Outcome.DRIFT: (drifts("value", "1", "0"),),
    }.get(outcome, ())
    why = None if findings else f"it is {outcome.value}"
    return Result(item(name, kind, of), outcome, findings, **{"why": why, **more})


def state(gate: Gate | None, *results: Result, **more: Any) -> State:
    """The state of a node after a full check of half a second; with the gate's own item."""
    if gate is None:
        return State(**more)
    own = result(
        Outcome.COMPLIANT if gate.open else Outcome.BLOCKED, GATE_NAME, GATE_TYPE, why=gate.why
    )
    known = {
        "cycles": 3,
        "last_cycle": NOON,
        "last_full": NOON - 60,
        "full_seconds": 0.5,
        "last_answer": NOON if gate.open else None,
    }
    return State(
        gate, {(each.item.type, each.item.name): each for each in (own, *results)}, **known | more
    )


def view(
    name: str = "a",
    gate: Gate | None = OPEN,
    *results: Result,
    sources: Sequence[Health] = (),
    overdue: float = 0.0,
    history: History | None = None,
    commit: str | None = None,
    own: Mapping[str, Outcome] | None = None,
    config_error: str | None = None,
    **more: Any,
) -> View:
    """A node as the outputs get it; `more` goes into its state."""
    return View(
        node=node(name),
        state=state(gate, *results, **more),
        sources=sources,
        overdue=overdue,
        history=history if history is not None else History(),
        loaded=Loaded(Path("/srv/node-configs") / name, NOON - 3600, commit),
        own=own,
        config_error=config_error,
    )


def transition(
    outcome: Outcome,
    seconds: float | None,
    name: str = "x",
    of: str = "a",
    before: Outcome | None = Outcome.COMPLIANT,
) -> Transition:
    """A transition at noon, so many seconds after its event; None is one without an event."""
    subject = Subject(Kind.VALUE, "/proc/sys/x")
    event = Event("values", subject, NOON - seconds) if seconds is not None else None
    return Transition(NOON, result(outcome, name, of=of), before, event)
