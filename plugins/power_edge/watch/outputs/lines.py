"""Transitions as lines for people, and as JSON for machines. Pure."""

import json
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from power_edge.model import Outcome, Result
from power_edge.model.generated.event_schema import Event
from power_edge.report.record import OUTCOMES, record
from power_edge.report.terminal import headline
from power_edge.text import printable, printable_json
from power_edge.watch.causes import cause
from power_edge.watch.outputs.clock import utc
from power_edge.watch.transition import Transition


def line(transition: Transition) -> str:
    """Return a transition as a line for people: local time, outcome, item, what differs, and the
    source that reported it.
    """
    result = transition.result
    clock = time.strftime("%H:%M:%S", time.localtime(transition.time))
    item = result.item
    name = f"{item.node} {item.type}[{item.name}]"
    outcome, said = result.outcome.value, _said(result)
    rest = f"{f' {said}' if said else ''}{_by(transition)}{_cause(transition)}"
    return printable(f"{clock} {outcome:<9} {name}{rest}")


def _said(result: Result) -> str:
    """Return what is wrong, without the outcome, which stands at the beginning of the line."""
    if result.outcome is Outcome.DRIFT:
        return headline(result)
    return result.why or "" if result.outcome is not Outcome.COMPLIANT else ""


def removed_line(moment: float, last: Result, what: str) -> str:
    """Return a line for people: an item is no longer `what` (declared, selected). `last` is its
    last result.
    """
    clock = time.strftime("%H:%M:%S", time.localtime(moment))
    name = f"{last.item.node} {last.item.type}[{last.item.name}]"
    was = last.outcome.value
    return printable(f"{clock} {'removed':<9} {name} is no longer {what} (was {was})")


def _cause(transition: Transition) -> str:
    if transition.cause is not None:
        return f"; cause: {cause.as_text(transition.cause)}"
    result, before = transition.result, transition.before
    # Somebody made a drift, or made another of it.
    changed = before in (Outcome.COMPLIANT, Outcome.DRIFT) and result.outcome is Outcome.DRIFT
    return "; not attributed" if changed else ""


def _by(transition: Transition) -> str:
    seconds = transition.detection_seconds
    if transition.event is None or seconds is None:
        return ""
    return f" ({transition.event.source}, {seconds:.2f} s)"


def as_event(transition: Transition) -> dict[str, Any]:
    """Return a transition as schemas/event.schema.yaml describes it."""
    item = record(transition.result)
    seconds = transition.detection_seconds
    event = Event(
        time=utc(transition.time),
        node=item.node,
        type=item.type,
        name=item.name,
        from_=OUTCOMES[transition.before] if transition.before is not None else None,
        to=item.outcome,
        expected=item.expected,
        actual=_cut(item.actual),
        cause=None,
        detection_seconds=round(seconds, 3) if seconds is not None else None,
    )
    values = _builtins(event)
    if transition.cause is not None:
        values["cause"] = cause.as_json(transition.cause)
    return values


def as_gone(time: float, node: str, type_: str, name: str, before: Outcome) -> dict[str, Any]:
    """Return, in the same form, that an item is no longer declared. `name` is printable."""
    return _builtins(
        Event(
            time=utc(time),
            node=node,
            type=type_,
            name=name,
            from_=OUTCOMES[before],
            to=None,
            expected={},
            actual=None,
            cause=None,
            detection_seconds=None,
        )
    )


def json_line(event: Mapping[str, Any]) -> str:
    """Return an event as a line of JSON that can be shown on a terminal: people read the log as it
    grows.
    """
    return printable_json(json.dumps(event, ensure_ascii=False, separators=(",", ":")))


def _builtins(event: Event) -> dict[str, Any]:
    # `from` is a word of Python, so the generated field cannot have that name.
    return {name.rstrip("_"): value for name, value in msgspec.to_builtins(event).items()}


_LONGEST = 4096
"""Characters of a text that a node showed. It may show another one at each check."""


def _cut(value: Any) -> Any:
    """Return a value, its texts cut."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."
    if isinstance(value, list):
        return [_cut(each) for each in value]
    if isinstance(value, dict):
        return {key: _cut(each) for key, each in value.items()}
    return value
