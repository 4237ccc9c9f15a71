"""/status and the lines of the event log: what their schemas say, and nothing that they do not."""

import json
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from power_edge import exit_status
from power_edge.config import schema
from power_edge.identity.gate import Gate
from power_edge.model import Outcome
from power_edge.watch.causes.cause import Cause
from power_edge.watch.outputs import health
from power_edge.watch.outputs.lines import as_event
from power_edge.watch.outputs.status import as_json, status
from power_edge.watch.outputs.view import History, View
from tests.support.closed import closed
from tests.support.views import DOWN, NEVER, NOON, OPEN, UP, result, transition, view

GONE = Gate(11, "unreachable: off")


def document(*views: View) -> dict[str, Any]:
    """The answer of /status; it fits its schema."""
    made = status(views, health.judge(views), "2.0.0", NOON - 90, NOON)
    read: dict[str, Any] = json.loads(as_json(made))
    Draft202012Validator(closed(schema("status"))).validate(read)
    return read


def test_a_node() -> None:
    history = History()
    history.add(transition(Outcome.DRIFT, 0.1, "x"))
    read = document(
        view(
            "a",
            OPEN,
            result(Outcome.DRIFT, "x"),
            result(Outcome.COMPLIANT, "y"),
            result(Outcome.UNKNOWN, "z"),
            sources=[UP, DOWN],
            history=history,
            overdue=0.25,
            commit="1" * 40,
            own={"t.py::test_a": Outcome.DRIFT, "t.py::test_b": Outcome.COMPLIANT},
            config_error="state.yaml:3: no such key",
        )
    )
    down = "a: the source inotify is down: Too many open files"
    assert read == {
        "version": "2.0.0",
        "started": "2026-09-21T14:11:50.000+00:00",
        "time": "2026-09-21T14:13:20.000+00:00",
        "healthy": False,
        "problems": [down],
        "exit_status": 1,
        "nodes": {
            "a": {
                "exit_status": 1,
                "gate": {"open": True, "status": 0, "why": None},
                "items": {"compliant": 2, "drift": 1, "unknown": 1, "blocked": 0, "waived": 0},
                "own_failed": 1,
                "not_compliant": [
                    {
                        "type": "sysctl",
                        "name": "x",
                        "outcome": "drift",
                        "summary": "value: 1 expected, 0 observed",
                        "since": "2026-09-21T14:13:20.000+00:00",
                    },
                    {
                        "type": "sysctl",
                        "name": "z",
                        "outcome": "unknown",
                        "summary": "unknown: it is unknown",
                        "since": None,
                    },
                ],
                "sources": [
                    {
                        "name": "dbus",
                        "up": True,
                        "was_up": True,
                        "why": None,
                        "events": 7,
                        "lost": 0,
                    },
                    {
                        "name": "inotify",
                        "up": False,
                        "was_up": True,
                        "why": "Too many open files",
                        "events": 2,
                        "lost": 1,
                    },
                ],
                "cycles": 3,
                "last_cycle": "2026-09-21T14:13:20.000+00:00",
                "last_full_check": "2026-09-21T14:12:20.000+00:00",
                "last_answer": "2026-09-21T14:13:20.000+00:00",
                "overdue_seconds": 0.25,
                "configuration": {
                    "path": "/srv/node-configs/a",
                    "loaded": "2026-09-21T13:13:20.000+00:00",
                    "commit": "1" * 40,
                    "error": "state.yaml:3: no such key",
                },
            }
        },
    }


def test_before_the_first_check_and_behind_a_gate_that_is_shut() -> None:
    blocked = result(Outcome.BLOCKED, "x")
    read = document(view("a", None, sources=[NEVER]), view("b", GONE, blocked))
    first, second = read["nodes"]["a"], read["nodes"]["b"]
    assert (first["gate"], first["last_cycle"], first["exit_status"]) == (None, None, 10)
    assert second["gate"] == {"open": False, "status": 11, "why": "unreachable: off"}
    assert second["not_compliant"] == []
    assert second["items"]["blocked"] == 2
    assert read["exit_status"] == 11


@pytest.mark.parametrize(
    ("views", "expected"),
    [
        ([view()], exit_status.COMPLIANT),
        ([view("a", OPEN, result(Outcome.WAIVED))], exit_status.COMPLIANT),
        ([view("a", OPEN, result(Outcome.UNKNOWN))], exit_status.UNKNOWN),
        (
            [view("a", OPEN, result(Outcome.UNKNOWN, "x"), result(Outcome.DRIFT, "y"))],
            exit_status.DRIFT,
        ),
        ([view(own={"t.py::test_a": Outcome.DRIFT})], exit_status.DRIFT),
        ([view(own={"t.py::test_a": Outcome.UNKNOWN})], exit_status.UNKNOWN),
        ([view("a", GONE, result(Outcome.BLOCKED))], exit_status.UNREACHABLE),
        ([view(), view("b", Gate(12, "another machine"))], exit_status.WRONG_MACHINE),
        ([view("a", OPEN, result(Outcome.DRIFT)), view("b", None)], exit_status.DRIFT),
    ],
)
def test_exit_status(views: list[View], expected: int) -> None:
    assert document(*views)["exit_status"] == expected


def test_bytes_that_are_no_text() -> None:
    name = "/etc/\udcff\ud800\n"
    read = document(view("a", Gate(11, name), result(Outcome.DRIFT, name)))
    assert read["nodes"]["a"]["gate"]["why"] == "/etc/\\xff\\ud800\n"
    assert read["nodes"]["a"]["not_compliant"][0]["name"] == "/etc/\\xff\\ud800\n"


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("before", [None, *Outcome])
def test_lines_of_the_event_log(outcome: Outcome, before: Outcome | None) -> None:
    made = as_event(transition(outcome, 0.1234, before=before))
    line = json.loads(json.dumps(made))
    Draft202012Validator(closed(schema("event"))).validate(line)
    assert list(line) == schema("event")["required"]
    assert (line["from"], line["to"]) == (before, outcome)
    assert (line["detection_seconds"], line["time"]) == (0.123, "2026-09-21T14:13:20.000+00:00")


def test_a_line_without_an_event() -> None:
    line = as_event(transition(Outcome.DRIFT, None))
    Draft202012Validator(closed(schema("event"))).validate(line)
    assert line["detection_seconds"] is None
    assert (line["expected"], line["actual"]) == ({"value": "1"}, {"value": "0"})


def test_a_line_with_a_cause() -> None:
    cause = Cause("audit", "ann", "sysctl -w x=0", ("sudo -i",), pid=7, time=NOON, detail=("a",))
    line = as_event(transition(Outcome.DRIFT, 0.1)._replace(cause=cause))
    Draft202012Validator(closed(schema("event"))).validate(line)
    assert (line["cause"]["user"], line["cause"]["via"]) == ("ann", ["sudo -i"])
    assert not Draft202012Validator(schema("event")).is_valid({**line, "cause": {"kind": "audit"}})
