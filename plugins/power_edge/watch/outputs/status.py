"""What the watch knows, as schemas/status.schema.yaml describes it. Pure."""

from collections.abc import Sequence
from typing import Final, cast

import msgspec

from power_edge import exit_status
from power_edge.model import Outcome, Result
from power_edge.model.generated import status_schema as schema
from power_edge.report.record import OUTCOMES
from power_edge.report.terminal import headline
from power_edge.text import printable_json, readable
from power_edge.watch.debounce import key_of
from power_edge.watch.outputs.clock import utc
from power_edge.watch.outputs.health import Judgement
from power_edge.watch.outputs.view import View

_LISTED: Final = (Outcome.DRIFT, Outcome.UNKNOWN)


def status(
    views: Sequence[View], judgement: Judgement, version: str, started: float, now: float
) -> schema.Status:
    """Return the status of a watch. Times are in seconds since 1970."""
    return schema.Status(
        version=version,
        started=utc(started),
        time=utc(now),
        healthy=judgement.healthy,
        problems=list(judgement.problems),
        exit_status=_exit_status(exit_status.worst(view.exit_status for view in views)),
        nodes={view.node.name: _node(view) for view in views},
    )


def as_json(document: schema.Status) -> bytes:
    """Return a status as JSON text that can be shown on a terminal, as by curl."""
    text = msgspec.json.format(msgspec.json.encode(document), indent=1).decode()
    return f"{printable_json(text)}\n".encode()


def _node(view: View) -> schema.Node:
    state = view.state
    return schema.Node(
        exit_status=_exit_status(view.exit_status),
        gate=_gate(view),
        items=schema.Counts(**{each.value: number for each, number in view.counts.items()}),
        own_failed=view.own_failed,
        not_compliant=[_item(view, result) for result in view.results if result.outcome in _LISTED],
        sources=[
            schema.Source(
                name=source.name,
                up=source.up,
                was_up=source.was_up,
                why=source.why,
                events=source.events,
                lost=source.lost,
            )
            for source in view.sources
        ],
        cycles=state.cycles,
        last_cycle=_past(state.last_cycle),
        last_full_check=_past(state.last_full),
        last_answer=_past(state.last_answer),
        overdue_seconds=round(view.overdue, 3),
        configuration=schema.Configuration(
            path=readable(str(view.loaded.folder)),
            loaded=utc(view.loaded.time),
            commit=view.loaded.commit,
            error=readable(view.config_error) if view.config_error is not None else None,
        ),
    )


def _gate(view: View) -> schema.Gate | None:
    gate = view.state.gate
    if gate is None:
        return None
    why = readable(gate.why) if gate.why is not None else None
    return schema.Gate(open=gate.open, status=_exit_status(gate.status), why=why)


def _item(view: View, result: Result) -> schema.Item:
    item = result.item
    key = key_of(item)
    held = view.state.held.get(key)
    since = held.time if held is not None else view.history.since.get(key)
    return schema.Item(
        type=item.type,
        name=readable(item.name),
        outcome=OUTCOMES[result.outcome],
        summary=headline(result),
        since=_past(since),
    )


def _past(seconds: float | None) -> str | None:
    return utc(seconds) if seconds is not None else None


def _exit_status(status: int) -> schema.ExitStatus:
    """Return an exit status as the schema's type, which names the values that `worst` returns."""
    return cast(schema.ExitStatus, status)
