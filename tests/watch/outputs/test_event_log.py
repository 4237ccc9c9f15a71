"""The event log: what has changed since its last line, whoever wrote that, and whenever."""

import errno
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from power_edge.config import schema
from power_edge.model import Outcome, drifts
from power_edge.watch.outputs import event_log
from power_edge.watch.outputs.event_log import EventLog, Written
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
    path.write_bytes(b'\xff\xfe\n[]\nnull\n{"to": 1}\n' + whole)
    write(path, told(DRIFT), told(COMPLIANT))
    last = path.read_text(errors="replace").splitlines()[-1]
    assert (json.loads(last)["from"], json.loads(last)["to"]) == ("drift", "compliant")


@pytest.mark.parametrize(
    "torn",
    [
        b"{",
        b'{"tim',
        b'{"time":"2026',
        b'{"time":"2026-01-01T00:00:00.000+00:00","node":"a"',
        b'{"time":"2026' + bytes(3000),
        bytes(3000),
    ],
)
def test_what_a_watch_leaves_that_is_killed_while_it_writes_is_no_line(
    tmp_path: Path, torn: bytes
) -> None:
    """Also after a power cut, which leaves zeros."""
    path = tmp_path / "log"
    write(path, told(DRIFT))
    before = path.read_bytes()
    path.write_bytes(before + torn)
    write(path, told(DRIFT))
    assert path.read_bytes() == before
    path.write_bytes(before + torn)
    write(path, told(COMPLIANT))
    assert path.read_bytes().startswith(before)
    assert changes(path)[1:] == [("x", "drift", "compliant")]


@pytest.mark.parametrize("end", ["a note", "[1, 2]", "{", None])
def test_what_others_wrote_stays_and_ends_no_line_of_ours(tmp_path: Path, end: str | None) -> None:
    """A line of ours whose end was cut off stays as well."""
    path = tmp_path / "log"
    write(path, told(DRIFT))
    before = path.read_text()
    path.write_text(f"{before}{end} x" if end is not None else before.removesuffix("\n"))
    kept = path.read_text()
    write(path, told(COMPLIANT))
    assert path.read_text().startswith(f"{kept}\n")
    last = json.loads(path.read_text().splitlines()[-1])
    assert (last["from"], last["to"]) == ("drift", "compliant")


@pytest.mark.parametrize("torn", [b'{"time":"2026', b"a note"])
def test_no_line_is_written_behind_half_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torn: bytes
) -> None:
    """Neither where the disk is full nor where it fails: not when the watch begins, nor later."""
    path, said, fails = tmp_path / "log", list[str](), threading.Event()
    path.write_bytes(torn)
    fails.set()
    real_write, real_cut = os.write, os.ftruncate

    def some(file: int, data: bytes) -> int:
        if not fails.is_set():
            return real_write(file, data)
        if data == b"\n":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_write(file, data[:7])

    def cut(file: int, size: int) -> None:
        if fails.is_set():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real_cut(file, size)

    monkeypatch.setattr(os, "write", some)
    monkeypatch.setattr(os, "ftruncate", cut)
    monkeypatch.setattr(event_log, "_PAUSE", 0.001)
    log = EventLog(path)
    log.start(said.append)
    log(told(DRIFT))
    until(lambda: said)
    assert path.read_bytes() == torn
    fails.clear()
    until(lambda: log.error is None)
    fails.set()
    log(told(COMPLIANT))  # half of it is written, and cannot be removed
    until(lambda: log.error is not None)
    fails.clear()
    until(lambda: log.error is None)
    assert log.close(HANGS) == 0
    ours = path.read_bytes().removeprefix(b"a note\n")
    assert [json.loads(line)["to"] for line in ours.splitlines()] == ["drift", "compliant"]


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


HOLD = """
import sys
from pathlib import Path
from power_edge.watch.outputs.event_log import EventLog
log = EventLog(Path(sys.argv[1]))
log.start(print)
print("open", flush=True)
for line in sys.stdin:
    log.reopen()
    print("again", flush=True)
"""


@contextmanager
def other(script: str, *arguments: object) -> Iterator["subprocess.Popen[str]"]:
    """Another process, which has said that it is there."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.shell
def test_a_log_that_another_watch_writes_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with other(HOLD, path) as process:
        # What it is about to write looks like what was left of a line.
        path.write_text('{"time":"')
        for _ in range(2):
            with pytest.raises(Written, match=f"process {process.pid} writes to it"):
                EventLog(path)
            assert path.read_text() == '{"time":"'
            # To open it again does not let go of it.
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            process.stdout.readline()
        process.kill()
        process.wait()
        EventLog(path)  # the lock has gone with its process
        assert path.read_text() == ""


@pytest.mark.shell
def test_a_watch_whose_log_was_rotated_into_the_hands_of_another_says_so(tmp_path: Path) -> None:
    path = tmp_path / "log"
    said: list[str] = []
    log = EventLog(path)
    log.start(said.append)
    path.rename(tmp_path / "log.1")
    with other(HOLD, path) as process:
        log(told(DRIFT))
        until(lambda: said)
        assert said == [
            f"the event log could not be written: process {process.pid} writes to it; trying again"
        ]
        assert log.error == f"process {process.pid} writes to it"
    assert log.close(HANGS) == 0
    assert changes(path) == [("x", None, "drift")]


READ = """
import fcntl, sys
file = open(sys.argv[1])
fcntl.lockf(file, fcntl.LOCK_SH)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.shell
@pytest.mark.parametrize("place", ["log", "/dev/null"])
def test_who_may_only_read_a_log_keeps_nobody_from_it(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    if place == "log":
        path.touch()
    with other(READ if place == "log" else HOLD, path):
        assert write(path, told(DRIFT)) == []


@pytest.mark.shell
def test_a_copy_of_the_process_does_not_keep_the_log(tmp_path: Path) -> None:
    """It writes reports, or runs suites, and may outlive a watch that is killed."""
    path = tmp_path / "log"
    fork = "import os\nif not os.fork():\n    sys.stdin.read()\nprint"
    script = HOLD.replace("\nprint(", f"\n{fork}(")
    with other(script, path) as process:
        process.kill()
        process.wait()
        EventLog(path)
