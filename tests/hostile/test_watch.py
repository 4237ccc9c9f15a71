"""Hostile values in all that a watch learns (items, gates, records of audit and of the journal,
reasons of sources, configurations) to all that it tells: lines for people, the event log, the pages
and what `power-edge status` makes of them.
"""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from power_edge.identity.gate import Gate
from power_edge.model import Outcome, Result, drifts
from power_edge.model.generated.status_schema import Status
from power_edge.report.status import lines
from power_edge.text import readable
from power_edge.watch.causes.cause import Cause
from power_edge.watch.outputs import health, metrics
from power_edge.watch.outputs.event_log import EventLog
from power_edge.watch.outputs.lines import line
from power_edge.watch.outputs.status import as_json, status
from power_edge.watch.outputs.view import History, View
from power_edge.watch.supervisor import Health, Supervisor
from power_edge.watch.transition import Transition
from tests.support.hostile.values import TOGETHER, VALUES, harmless
from tests.support.views import NOON, OPEN, item, result, transition, view

VALUES_HERE = {**VALUES, **TOGETHER}
OUTCOMES = (Outcome.DRIFT, Outcome.UNKNOWN)


def caused(value: str) -> Cause:
    """A record with the value in each of its texts."""
    return Cause(
        kind="audit",
        user=value,
        command=value,
        via=(value, value),
        unit=value,
        terminal=value,
        pid=7,
        time=NOON,
        detail=(value,) * 3,
    )


def transitions(value: str) -> list[Transition]:
    """Items with the value in each text of theirs, with a cause that has it too."""
    found = (drifts("value", value, value),)
    return [
        Transition(
            NOON,
            Result(item(value, "files"), outcome, found, value, extra=(value,)),
            Outcome.COMPLIANT,
            transition(outcome, 0.1).event,
            caused(value),
        )
        for outcome in OUTCOMES
    ]


def why(value: str) -> str | None:
    """What is kept of a value as the reason of a source."""
    source: Any = SimpleNamespace(name="journald")
    watched: Any = None
    supervisor = Supervisor(source, watched, lambda _: None, lambda _: None)
    supervisor.limited(value)
    return supervisor.health.why


def hostile_view(value: str, gate: Gate) -> View:
    history = History()
    for each in transitions(value):
        history.add(each)
    return view(
        "a",
        gate,
        *(each.result for each in transitions(value)),
        sources=[
            Health("journald", up=False, why=why(value), was_up=True),
            Health("audit", up=True, why=why(value), was_up=True),
        ],
        history=history,
        config_error=value,
    )


@pytest.mark.parametrize("value", VALUES_HERE.values(), ids=VALUES_HERE)
def test_transitions(value: str, tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log")
    log.start(lambda _: None)
    for each in transitions(value):
        harmless(line(each))
        log(each)
    assert log.close(60) == 0
    content = (tmp_path / "log").read_bytes()
    harmless(content)
    # However a program takes a text apart into lines, each is one event.
    events = [json.loads(each) for each in content.decode().splitlines()]
    assert [event["name"] for event in events] == [readable(value)] * len(OUTCOMES)
    for event in events:
        assert event["actual"]["value"].removesuffix("...") == readable(value)[:4096]


def test_what_a_node_shows_fills_no_disk(tmp_path: Path) -> None:
    """Each check may show another value of megabytes, and each makes a line."""
    log = EventLog(tmp_path / "log")
    log.start(lambda _: None)
    for length in (4096, 1 << 24):
        found = (drifts("value", "1", ["x" * length, {"y": "z" * length}]),)
        log(Transition(NOON, Result(item("x"), Outcome.DRIFT, found), Outcome.COMPLIANT, None))
    assert log.close(60) == 0
    lines_read = (tmp_path / "log").read_text().splitlines()
    whole, cut = (json.loads(each)["actual"]["value"] for each in lines_read)
    assert whole == ["x" * 4096, {"y": "z" * 4096}]
    assert cut == ["x" * 4096 + "...", {"y": "z" * 4096 + "..."}]


@pytest.mark.parametrize("gate", [OPEN, Gate(11, "?"), Gate(0, "?")], ids=["open", "shut", "warns"])
@pytest.mark.parametrize("value", VALUES_HERE.values(), ids=VALUES_HERE)
def test_pages(value: str, gate: Gate) -> None:
    views = [hostile_view(value, gate._replace(why=value if gate.why else None))]
    judgement = health.judge(views)
    harmless(health.text(judgement))
    page = as_json(status(views, judgement, "2.0.0", NOON - 90, NOON))
    harmless(page)
    document = msgspec.json.decode(page, type=Status)
    assert document.nodes["a"].configuration.error == readable(value)
    harmless("\n".join(lines(document)))
    # What answers may not be a watch of ours.
    text = readable(value)
    other = replace(document, version=text, problems=[text])
    harmless("\n".join(lines(other)))


@pytest.mark.parametrize("value", VALUES_HERE.values(), ids=VALUES_HERE)
def test_metrics(value: str) -> None:
    """A name is a value of a label, as it is, and ends neither the label nor the line."""
    drifted = view("a", OPEN, result(Outcome.DRIFT, readable(value), "files"))
    text = metrics.render([drifted], [], {})
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    names = [
        sample.labels["name"]
        for sample in families["power_edge_check_compliant"]
        if sample.labels["type"] == "files"
    ]
    assert names == [readable(value)]
    assert [sample.value for sample in families["power_edge_node_reachable"]] == [1.0]
