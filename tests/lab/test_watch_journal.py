"""The journal as a source of events, on a real node: nothing is lost, whatever happens to journald.

The source runs on the node, in the node's own Python.
"""

import json
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import pytest

from tests.support.lab.nodes import Lab, Node
from tests.support.lab.roots import PYTHON

pytestmark = pytest.mark.lab

CHECKOUT = Path(__file__).parents[2]
UNITS = ("alpha.service", "beta.service")
_DEADLINE = 60
READER = """
import asyncio, json, sys
from power_edge.model.generated.watcher_schema import Journald, Watchers
from power_edge.watch.event import Kind, Subject
from power_edge.watch.sources import Watched
from power_edge.watch.sources.journald import SOURCE

class Listener:
    def up(self):
        print(json.dumps("up"), flush=True)
    def event(self, event):
        print(json.dumps([event.subject.kind, event.subject.name, event.time, event.detail]), flush=True)

async def main():
    subjects = frozenset(Subject(Kind.UNIT, unit) for unit in sys.argv[1:] if unit != "loner.service")
    watched = Watched(subjects, Watchers(enabled=True, journald=Journald(units=sys.argv[1:])))
    while True:
        task = asyncio.create_task(SOURCE.run(watched, Listener()))
        line = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
        done, _ = await asyncio.wait([task, line], return_when=asyncio.FIRST_COMPLETED)
        if task in done:
            print(json.dumps(["failed", repr(task.exception())]), flush=True)
            return
        task.cancel()
        await asyncio.wait([task])
        print(json.dumps("stopped"), flush=True)
        await asyncio.to_thread(sys.stdin.readline)

asyncio.run(main())
"""
"""Each two lines of standard input end the source and start it again."""


class Reader(NamedTuple):
    """The source on the node."""

    input: IO[bytes]
    output: IO[bytes]

    def next(self) -> object:
        ready, _, _ = select.select([self.output], [], [], _DEADLINE)
        assert ready, "nothing comes"
        line = self.output.readline().decode()
        assert line, "the reader has ended"
        return json.loads(line)

    def messages(self, count: int) -> list[str]:
        """The next events' messages, each once: an event may be reported twice."""
        found: dict[str, None] = {}
        while len(found) < count:
            event = self.next()
            assert isinstance(event, list)
            assert event[0] == "unit", event
            found[event[3]] = None
        return list(found)


@pytest.fixture(scope="module")
def node(lab: Lab) -> Iterator[Node]:
    often = {
        "/etc/systemd/system/systemd-journald.service.d/often.conf": "[Unit]\nStartLimitIntervalSec=0\n"
    }
    with lab.node("journal", root=PYTHON, files=often, options=[f"--bind-ro={CHECKOUT}"]) as booted:
        yield booted


@contextmanager
def reading(node: Node, *units: str) -> Iterator[Reader]:
    enter = ["nsenter", f"--target={node.leader}", "--mount", "--uts", "--ipc", "--net", "--pid"]
    argv = [*enter, "--root", "--wd", "--", "env", f"PYTHONPATH={CHECKOUT}/plugins"]
    with subprocess.Popen(
        [*argv, "PYTHONDONTWRITEBYTECODE=1", "/usr/bin/python3", "-c", READER, *units],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            reader = Reader(process.stdin, process.stdout)
            assert reader.next() == "up"
            yield reader
        finally:
            process.kill()


def write(node: Node, unit: str, *messages: str) -> None:
    """Let a unit write messages, each in an entry of its own."""
    script = " ".join(f"echo {message};" for message in messages)
    node.sh(f"systemd-run --quiet --wait --collect --unit={unit} sh -c '{script}'")


def numbered(name: str, count: int = 20) -> list[str]:
    return [f"{name}-{number}" for number in range(count)]


def own(messages: list[str], name: str) -> list[str]:
    """The messages of one kind: systemd says that the unit was started and has ended."""
    return [message for message in messages if message.startswith(name)]


def read_until(reader: Reader, last: str, name: str) -> list[str]:
    """The messages of one kind up to the last one."""
    found: list[str] = []
    while last not in found:
        found += own(reader.messages(1), name)
    return list(dict.fromkeys(found))


def test_messages_of_the_units_alone_are_events(node: Node) -> None:
    write(node, "alpha.service", "before")
    # No item is about loner.service.
    with reading(node, *UNITS, "loner.service") as reader:
        write(node, "gamma.service", "other")
        write(node, "loner.service", "alone")
        # What anybody may write about a unit is none of its messages.
        node.run("logger", "--journald", stdin="MESSAGE=forged\nUNIT=alpha.service\n")
        before = float(node.sh("date +%s.%N"))
        write(node, "alpha.service", "first")
        write(node, "beta.service", "second")
        after = float(node.sh("date +%s.%N"))
        events: list[list[Any]] = []
        while not events or events[-1][3] != "second":
            event = reader.next()
            assert isinstance(event, list)
            events.append(event)
        assert {event[1] for event in events} == set(UNITS)
        assert not {event[3] for event in events} & {"before", "other", "alone", "forged"}
        assert all(before <= event[2] <= after for event in events)
        # What systemd itself says of a unit is about the unit.
        assert any("alpha.service" in event[3] and event[1] == "alpha.service" for event in events)


@pytest.mark.parametrize(
    ("name", "disturbance"),
    [
        ("killed", "systemctl kill --signal=KILL systemd-journald"),
        ("restarted", "systemctl restart systemd-journald"),
        ("rotated", "journalctl --rotate"),
    ],
)
def test_nothing_is_lost(node: Node, name: str, disturbance: str) -> None:
    with reading(node, *UNITS) as reader:
        written = []
        for turn in range(3):
            messages = numbered(f"{name}-{turn}", 5)
            write(node, "alpha.service", *messages)
            written += messages
            node.sh(disturbance)
        write(node, "beta.service", f"{name}-end")
        assert read_until(reader, f"{name}-end", name) == [*written, f"{name}-end"]


def test_a_vacuum_takes_only_what_was_read(node: Node) -> None:
    with reading(node, *UNITS) as reader:
        for turn in range(3):
            messages = numbered(f"vacuumed-{turn}")
            write(node, "alpha.service", *messages)
            assert read_until(reader, messages[-1], "vacuumed") == messages
            # The entry at the cursor goes with its file.
            node.sh("journalctl --rotate --vacuum-files=1")


@pytest.mark.parametrize(
    ("name", "disturbance"),
    [
        ("paused", "true"),
        ("paused-rotated", "journalctl --rotate"),
        ("paused-vacuumed", "journalctl --rotate --vacuum-files=1"),
        ("paused-killed", "systemctl kill --signal=KILL systemd-journald"),
    ],
)
def test_what_is_written_while_the_source_is_down_is_reported_later(
    node: Node, name: str, disturbance: str
) -> None:
    with reading(node, *UNITS) as reader:
        write(node, "alpha.service", f"{name}-begin")
        read_until(reader, f"{name}-begin", name)
        reader.input.write(b"stop\n")
        while reader.next() != "stopped":
            pass
        node.sh(disturbance)
        messages = numbered(name)
        write(node, "alpha.service", *messages)
        reader.input.write(b"start\n")
        while reader.next() != "up":
            pass
        assert read_until(reader, messages[-1], name) == messages


@pytest.mark.parametrize(
    ("before", "why"),
    [
        (
            "mount -t tmpfs tmpfs /run/log; mount -t tmpfs tmpfs /var/log; exec",
            "systemd-journald has to run",
        ),
        ("exec setpriv --reuid=guest --regid=guest --clear-groups", "group systemd-journal"),
        ("mount --bind /dev/null /lib/*/libsystemd.so.0; exec", "libsystemd.so.0 cannot be used"),
    ],
)
def test_where_it_cannot_read_it_says_why(node: Node, before: str, why: str) -> None:
    script = (
        f"export PYTHONPATH={CHECKOUT}/plugins PYTHONDONTWRITEBYTECODE=1;"
        f" {before} python3 -c '{READER}' alpha.service </dev/null"
    )
    kind, error = json.loads(node.run("unshare", "--mount", "sh", "-euc", script).stdout)
    assert kind == "failed"
    assert "Unavailable" in error
    assert why in error
