"""The event log: what has changed since its last line, whoever wrote that, and whenever."""

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from power_edge.config import schema
from power_edge.model import Outcome, drifts
from power_edge.watch.outputs import event_log
from power_edge.watch.outputs.event_log import EventLog
from power_edge.watch.transition import Transition
from tests.support.views import NOON, item, result

HANGS = 60.0
COMPLIANT, DRIFT, UNKNOWN = Outcome.COMPLIANT, Outcome.DRIFT, Outcome.UNKNOWN


def told(outcome: Outcome, name: str = "x", actual: str = "0") -> Transition:
    """A transition; what the watch takes for the outcome before does not matter."""
    made = result(outcome, name)
    if outcome is DRIFT:
        made = made._replace(findings=(drifts("value", "1", actual),))
    return Transition(NOON, made, None, None)


def write(path: Path, *transitions: Transition, declared: list[str] | None = None) -> list[str]:
    """A watch that writes these, and ends; what it said."""
    said: list[str] = []
    log = EventLog(path)
    log.start(said.append)
    if declared is not None:
        log.declared("a", [item(name) for name in declared])
    for transition in transitions:
        log(transition)
    assert log.close(HANGS) == 0
    return said


def lines(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text().splitlines()]
    for line in found:
        Draft202012Validator(schema("event")).validate(line)
    return found


def changes(path: Path) -> list[tuple[str, str | None, str | None]]:
    return [(line["name"], line["from"], line["to"]) for line in lines(path)]


def test_a_line_for_each_change(tmp_path: Path) -> None:
    path = tmp_path / "log"
    assert write(path, told(COMPLIANT), told(COMPLIANT), told(DRIFT), told(COMPLIANT)) == []
    assert changes(path) == [
        ("x", None, "compliant"),
        ("x", "compliant", "drift"),
        ("x", "drift", "compliant"),
    ]


def test_a_drift_of_another_value_has_a_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    write(path, told(DRIFT), told(DRIFT), told(DRIFT, actual="2"))
    assert [(line["from"], line["actual"]) for line in lines(path)] == [
        (None, {"value": "0"}),
        ("drift", {"value": "2"}),
    ]


def test_a_watch_that_begins_writes_only_what_changed_while_none_ran(tmp_path: Path) -> None:
    path = tmp_path / "log"
    write(path, told(COMPLIANT, "x"), told(DRIFT, "y"), told(DRIFT, "z"), told(UNKNOWN, "u"))
    before = path.read_bytes()
    write(path, told(COMPLIANT, "x"), told(DRIFT, "y"), told(DRIFT, "z"), told(UNKNOWN, "u"))
    assert path.read_bytes() == before
    write(path, told(DRIFT, "x"), told(DRIFT, "y"), told(DRIFT, "z", "7"), told(COMPLIANT, "new"))
    assert changes(path)[4:] == [
        ("x", "compliant", "drift"),
        ("z", "drift", "drift"),
        ("new", None, "compliant"),
    ]


def test_an_item_that_is_no_longer_declared(tmp_path: Path) -> None:
    path = tmp_path / "log"
    write(path, told(DRIFT, "x"), told(DRIFT, "y"))
    write(path, declared=["y"])
    write(path, declared=["y"])
    assert changes(path)[2:] == [("x", "drift", None)]
    write(path, told(DRIFT, "x"), declared=["x", "y"])
    assert changes(path)[3:] == [("x", None, "drift")]


def test_what_is_no_line_of_ours_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "log"
    write(path, told(DRIFT))
    whole = path.read_bytes()
    # A watch was killed while it wrote its second line.
    path.write_bytes(b'\xff\xfe\n[]\nnull\n{"to": 1}\n' + whole + whole[:40])
    write(path, told(DRIFT), told(COMPLIANT))
    last = path.read_text(errors="replace").splitlines()[-1]
    assert (json.loads(last)["from"], json.loads(last)["to"]) == ("drift", "compliant")


def test_only_the_end_of_a_long_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    write(path, told(DRIFT, "x"), *(told(DRIFT, f"y{number}") for number in range(100)))
    monkeypatch.setattr(event_log, "_READ", 1000)
    write(path, told(DRIFT, "x"), told(DRIFT, "y99"))
    assert changes(path)[101:] == [("x", None, "drift")]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + HANGS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_disk_that_is_full_and_is_not_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = threading.Event()
    full.set()
    real = os.write

    def some(file: int, data: bytes) -> int:
        return real(file, data[:7]) if full.is_set() else real(file, data)

    monkeypatch.setattr(os, "write", some)
    monkeypatch.setattr(event_log, "_PAUSE", 0.001)
    path, said = tmp_path / "log", list[str]()
    log = EventLog(path)
    log.start(said.append)
    log(told(DRIFT))
    log(told(COMPLIANT))
    until(lambda: said)
    assert path.read_bytes() == b""
    full.clear()
    assert log.close(HANGS) == 0
    assert changes(path) == [("x", None, "drift"), ("x", "drift", "compliant")]
    assert said == [
        "the event log could not be written: No space left on device; trying again",
        "the event log is written again",
    ]


@pytest.mark.parametrize("most", [10_000, 3])
def test_a_file_system_that_hangs_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    hangs, real = threading.Event(), os.write

    def late(file: int, data: bytes) -> int:
        hangs.wait(HANGS)
        return real(file, data)

    monkeypatch.setattr(os, "write", late)
    monkeypatch.setattr(event_log, "_MOST", most)
    path, said = tmp_path / "log", list[str]()
    log = EventLog(path)
    log.start(said.append)
    for outcome in (COMPLIANT, DRIFT, COMPLIANT, DRIFT, COMPLIANT, DRIFT):
        log(told(outcome))
    assert log.close(0) == 6
    assert path.read_bytes() == b""
    hangs.set()
    log._thread.join(HANGS)
    # The chain has no gap, also where lines were left out.
    written = changes(path)
    # The line that was being written when it was left out is there all the same.
    assert len(written) in ((6,) if most > 6 else (3, 4))
    assert [before for _, before, _ in written] == [None, *(to for _, _, to in written[:-1])]
    assert written[-1][2] == "drift"
    assert bool(said) is (most < 6)


def test_it_follows_a_log_that_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = EventLog(path)
    log.start(lambda _: None)
    log(told(COMPLIANT))
    until(path.read_bytes)
    path.rename(tmp_path / "log.1")
    log.reopen()
    until(path.exists)
    log(told(DRIFT))
    until(path.read_bytes)
    path.rename(tmp_path / "log.2")  # nobody says so
    log(told(COMPLIANT))
    assert log.close(HANGS) == 0
    assert changes(path) == [("x", "drift", "compliant")]
