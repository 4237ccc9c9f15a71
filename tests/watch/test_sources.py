"""What sources make of the messages that they get, and how they are kept running."""

import asyncio
import errno
import struct
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest
from dbus_fast import Message, MessageType

from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.sources import Listener, Source, Unavailable, Watched, dbus, sources
from power_edge.watch.sources.dbus import Signals, Units, rules, unit_path
from power_edge.watch.sources.nftables import Commit, commits
from power_edge.watch.sources.values import SOURCE as VALUES
from power_edge.watch.sources.values import Value
from power_edge.watch.supervisor import Supervisor
from tests.watch.sources.test_inotify import Heard

UNIT = "/org/freedesktop/systemd1/unit"


def test_sources_are_found_by_being_there() -> None:
    assert {"dbus", "inotify", "nftables", "values"} <= {source.name for source in sources()}


# D-Bus.


def units(*names: str, paths: Iterable[str]) -> Units:
    found = Units(names)
    found.locate(SimpleNamespace(path=path) for path in paths)  # type: ignore[misc]
    return found


def test_a_unit_is_known_by_all_names_that_lead_to_its_path() -> None:
    found = units("sshd.service", "ssh.service", paths=[f"{UNIT}/ssh_2eservice"] * 2)
    assert found.paths == [f"{UNIT}/ssh_2eservice"]
    changed = found.changed(f"{UNIT}/ssh_2eservice", {"ActiveState": "inactive"}).names
    assert changed == {"ssh.service", "sshd.service"}


def test_properties_that_are_sent_again_unchanged_are_no_change() -> None:
    found = units("a.service", paths=["/a"])
    assert found.changed("/a", {"ActiveState": "active", "SubState": "running"}).names
    assert not found.changed("/a", {"ActiveState": "active"}).names
    assert not found.changed("/a", {"MemoryCurrent": 5}).names
    assert found.changed("/a", {"InvocationID": b"another"}).names


@pytest.mark.parametrize(
    ("states", "passing"),
    [
        # As systemd 252 sends them: a start, a stop, a crash.
        ([("inactive", "2"), ("active", "2")], [True, False]),
        ([("deactivating", "1"), ("inactive", "1")], [True, False]),
        ([("failed", "1")], [False]),
        ([("reloading", "1"), ("active", "1")], [True, False]),
    ],
)
def test_a_unit_between_two_states_is_known_as_such(
    states: list[tuple[str, str]], passing: list[bool]
) -> None:
    found = units("a.service", paths=["/a"])
    first = found.changed("/a", {"ActiveState": "failed", "InvocationID": "1"})
    assert not first.passing  # whether it is a start is not known
    found.changed("/a", {"ActiveState": "active", "InvocationID": "1"})
    news = [
        found.changed("/a", {"ActiveState": active, "InvocationID": run}) for active, run in states
    ]
    assert [each.passing for each in news] == passing
    assert all(each.names for each in news)


def test_there_is_a_rule_for_each_unit_and_none_for_the_whole_manager() -> None:
    made = list(rules(["/a", "/b"], ["org.example.Thing.Changed"]))
    assert sum("PropertiesChanged" in rule for rule in made) == 2
    assert all("member=" in rule for rule in made)
    assert made[-1] == "type='signal',interface='org.example.Thing',member='Changed'"


def test_hundreds_of_units_share_a_rule() -> None:
    made = list(rules([f"/{number}" for number in range(1000)], []))
    assert len(made) < 10
    assert f"path_namespace='{UNIT}'" in made[0]


def test_what_starts_a_unit_concerns_it() -> None:
    found = Units(["cron.service", "ssh.service"])
    listed = [SimpleNamespace(path=path) for path in ("/cron", "/ssh")]
    found.locate(listed)  # type: ignore[arg-type]
    timer = f"{UNIT}/cron_2etimer"
    assert unit_path("cron.timer") == timer
    assert found.changed(timer, {"ActiveState": "active"}).names == set()
    assert found.locate(listed, {"/cron": {"cron.timer"}}) == {"cron.service"}  # type: ignore[arg-type]
    assert found.locate(listed, {"/cron": {"cron.timer"}}) == set()  # type: ignore[arg-type]
    assert timer in found.paths
    assert found.changed(timer, {"ActiveState": "inactive"}).names == {"cron.service"}
    # It has fired, and waits again.
    assert found.changed(timer, {"ActiveState": "inactive", "SubState": "x"}).names == set()
    assert found.locate(listed) == {"cron.service"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("member", "unit", "looks"),
    [
        ("JobRemoved", "new.timer", True),
        ("JobRemoved", "new.socket", True),
        ("JobRemoved", "new.path", True),
        ("JobRemoved", "session-1.scope", False),
        ("JobRemoved", "cron.service", False),
    ],
)
def test_relations_are_looked_at_anew_when_a_trigger_was_started(
    member: str, unit: str, looks: bool
) -> None:
    signals = Signals(Units([]), [], Heard(), ":1.1")
    signals.on_message(
        Message(
            message_type=MessageType.SIGNAL,
            sender=":1.1",
            path="/org/freedesktop/systemd1",
            interface="org.freedesktop.systemd1.Manager",
            member=member,
            signature="uoss",
            body=[1, "/a", unit, "done"],
        )
    )
    assert signals.files_changed.is_set() is looks


def test_a_bus_that_is_missing_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DBUS_SYSTEM_BUS_ADDRESS", raising=False)
    monkeypatch.setattr(dbus, "_SOCKET", tmp_path / "socket")
    monkeypatch.setattr(dbus, "_ABSENT", 0.01)
    said: list[str] = []

    class Told(Heard):
        def limited(self, why: str) -> None:
            said.append(why)
            (tmp_path / "socket").touch()

    async def scenario() -> None:
        async with asyncio.timeout(30):
            await dbus._come(Told())

    asyncio.run(scenario())
    assert said == [f"there is no system bus: {tmp_path}/socket is missing"]


# nftables.


def attribute(kind: int, data: bytes) -> bytes:
    padding = b"\0" * (-len(data) % 4)
    return struct.pack("=HH", 4 + len(data), kind) + data + padding


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + 4 + len(body), kind, 0, 0, 0) + b"\0" * 4 + body


NEWGEN = message(
    0x0A0F,
    attribute(1, struct.pack(">I", 7))
    + attribute(2, struct.pack(">I", 4711))
    + attribute(3, b"nft\0"),
)
NEWRULE = message(0x0A06, attribute(1, b"filter\0"))


def test_each_commit_is_found_with_its_process() -> None:
    assert list(commits(NEWRULE + NEWGEN + NEWRULE + NEWGEN)) == [Commit(4711, "nft")] * 2
    assert list(commits(NEWRULE)) == []


@pytest.mark.parametrize("end", range(0, len(NEWGEN), 3))
def test_a_datagram_that_was_cut_raises_nothing(end: int) -> None:
    list(commits(NEWGEN[:end]))
    list(commits(NEWRULE + NEWGEN[:end]))


def test_lengths_that_lead_nowhere_end_it() -> None:
    assert list(commits(struct.pack("=IHHII", 0, 0x0A0F, 0, 0, 0))) == []
    assert list(commits(message(0x0A0F, struct.pack("=HH", 0, 2)))) == [Commit(0, "")]


# Values.


def test_a_value_that_may_not_be_read_is_not_said_to_be_watched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    async def scenario() -> list[str]:
        heard = Heard()
        watched = Watched(frozenset([Subject(Kind.VALUE, "/proc/sys/vm/swappiness")]))
        with monkeypatch.context() as patched:
            patched.setattr("power_edge.watch.sources.values.os.open", refused)
            patched.setattr("power_edge.watch.sources.values.os.geteuid", lambda: 1000)
            running = asyncio.ensure_future(VALUES.run(watched, heard))
            await heard.ready.wait()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        return heard.limits

    assert asyncio.run(scenario()) == ["'/proc/sys/vm/swappiness' may not be read by this user"]


@pytest.mark.parametrize("path", ["/proc/self/root/dev/null", "/dev/null", "/proc/self"])
def test_what_is_no_file_is_not_opened(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("power_edge.watch.sources.values.os.open", None)
    assert Value(path).content == errno.EINVAL
    assert not Value(path).changed()


def test_a_value_that_changes_goes_and_comes_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "value"
    path.write_text("1\n")

    async def scenario() -> None:
        heard = Heard()
        watched = Watched(frozenset([Subject(Kind.VALUE, str(path))]))
        running = asyncio.ensure_future(VALUES.run(watched, heard))
        await heard.ready.wait()
        path.write_text("2\n")
        assert (await heard.events.get()).subject == Subject(Kind.VALUE, str(path))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(asyncio.wait_for(scenario(), 30))


# The supervisor.


def supervised(
    run: list[Exception | None], events: list[Event], gaps: list[str]
) -> tuple[Supervisor, asyncio.Event]:
    """A source that fails with each error in turn; None: it comes up, reports and ends."""
    done = asyncio.Event()
    left = list(run)

    async def play(_: Watched, listener: Listener) -> None:
        if not left:
            done.set()
            await asyncio.Event().wait()
        error = left.pop(0)
        if error is not None:
            raise error
        listener.up()
        listener.event(Event("played", Subject(Kind.TOPIC, "x"), 1.0))

    source = Source(name="played", wants=lambda _: True, covers=lambda _: True, run=play)
    return Supervisor(source, Watched(frozenset()), events.append, gaps.append), done


def test_a_source_is_started_again_after_each_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("power_edge.watch.supervisor._FIRST_PAUSE", 0.0)
    monkeypatch.setattr("power_edge.watch.supervisor._UNAVAILABLE_PAUSE", 0.0)
    events: list[Event] = []
    gaps: list[str] = []

    async def scenario() -> Supervisor:
        supervisor, done = supervised(
            [OSError(5, "no bus"), None, Unavailable("for root"), None], events, gaps
        )
        running = asyncio.ensure_future(supervisor.run())
        await done.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return supervisor

    supervisor = asyncio.run(asyncio.wait_for(scenario(), 30))
    assert len(events) == 2
    assert gaps == ["played is up", "played is down: it ended"] * 2
    assert (supervisor.health.events, supervisor.health.lost) == (2, 2)
    assert not supervisor.health.up
    assert supervisor.health.why == "it ended"


def test_what_a_library_says_is_printable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("power_edge.watch.supervisor._FIRST_PAUSE", 0.0)

    async def scenario() -> Supervisor:
        supervisor, done = supervised([ValueError("\x1b[31mred\n::error::")], [], [])
        running = asyncio.ensure_future(supervisor.run())
        await done.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return supervisor

    why = asyncio.run(asyncio.wait_for(scenario(), 30)).health.why
    assert why is not None
    assert why.isprintable()
