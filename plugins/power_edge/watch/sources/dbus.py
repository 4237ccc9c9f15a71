"""systemd, by signals on the system bus: states of units, and unit files that were enabled,
disabled, masked or reloaded; beside these the signals of watcher.yaml.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.sources import Listener, Source, Unavailable, Watched

NAME = "dbus"
UNIT_FILES = Subject(Kind.TOPIC, "unit-files")
"""Unit files were enabled, disabled, masked, or read again."""
_SYSTEMD, _MANAGER = "org.freedesktop.systemd1", "org.freedesktop.systemd1.Manager"
_PATH = "/org/freedesktop/systemd1"
_BUS, _BUS_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
_SECONDS = 10.0
"""How long a call may take. While systemd reads all unit files again it answers nothing, for a
second or two.
"""
_STATES = ("ActiveState", "SubState", "LoadState", "InvocationID", "FreezerState")
_SUBSCRIBED_ALREADY = "org.freedesktop.systemd1.AlreadySubscribed"


class _Unit(NamedTuple):
    """A unit as `ListUnitsByNames` prints it, in the order of the names that were given."""

    name: str
    description: str
    load: str
    active: str
    sub: str
    following: str
    path: str
    job: int
    job_type: str
    job_path: str


class Units:
    """The units that are watched, and their states as they were reported last."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted(names)
        self._by_path: defaultdict[str, set[str]] = defaultdict(set)
        self._states: defaultdict[str, dict[str, object]] = defaultdict(dict)

    def locate(self, units: Iterable[_Unit]) -> set[str]:
        """Take the answer about all names: a name can be another unit's alias. Return the names
        that were at another bus path before.
        """
        before = {name: path for path, names in self._by_path.items() for name in names}
        now = {name: unit.path for name, unit in zip(self.names, units, strict=True)}
        self._by_path.clear()
        for name, path in now.items():
            self._by_path[path].add(name)
        return {name for name, path in now.items() if before.get(name) != path}

    @property
    def paths(self) -> list[str]:
        """The bus paths of the units."""
        return sorted(self._by_path)

    def changed(self, path: str, properties: dict[str, object]) -> set[str]:
        """Return the names of the unit at a bus path, if its state is another one now.

        systemd sends unchanged properties again and again.
        """
        states = {key: value for key, value in properties.items() if key in _STATES}
        known = self._states[path]
        if all(known.get(key) == value for key, value in states.items()):
            return set()
        known.update(states)
        return self._by_path.get(path, set())


def rules(paths: Iterable[str], signals: Iterable[str]) -> Iterator[str]:
    """Yield the match rules for units at these bus paths, and for signals of watcher.yaml
    (`INTERFACE.MEMBER`).

    There is none for the whole manager: a reload sends two signals for every unit.
    """
    sender = f"type='signal',sender='{_SYSTEMD}'"
    for path in paths:
        yield (
            f"{sender},interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
            f"path='{path}',arg0='{_SYSTEMD}.Unit'"
        )
    for member in ("UnitFilesChanged", "Reloading"):
        yield f"{sender},path='{_PATH}',interface='{_MANAGER}',member='{member}'"
    yield (f"type='signal',sender='{_BUS}',member='NameOwnerChanged',arg0='{_SYSTEMD}'")
    for signal in signals:
        interface, _, member = signal.rpartition(".")
        yield f"type='signal',interface='{interface}',member='{member}'"


class Signals:
    """Turns messages of the bus into events.

    Any user can send a signal to this connection alone, whatever the match rules say, and claim
    that a unit has the state that it will have soon: then systemd's own signal would be no news. So
    it counts who sends, which the bus says.
    """

    def __init__(
        self, units: Units, signals: Iterable[str], listener: Listener, systemd: str
    ) -> None:
        """`systemd`: its unique name on the bus."""
        self._units = units
        self._systemd = systemd
        self._configured = frozenset(signals)
        self._listener = listener
        self.renewed = asyncio.Event()
        """Set if systemd has come to the bus again: what it reported before may be outdated."""
        self.files_changed = asyncio.Event()
        """Set if a name may be another unit's from now on."""

    def on_message(self, message: Message) -> None:
        """Report what a message says."""
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.sender == self._systemd:
            self._of_systemd(message)
        elif message.sender == _BUS and message.member == "NameOwnerChanged" and message.body[2]:
            self.renewed.set()
        signal = f"{message.interface}.{message.member}"
        if signal in self._configured:
            self._report(Subject(Kind.TOPIC, signal), signal)

    def _of_systemd(self, message: Message) -> None:
        match message.member:
            case "PropertiesChanged" if message.path is not None:
                properties = {key: value.value for key, value in message.body[1].items()}
                for name in self._units.changed(message.path, properties):
                    self._report(Subject(Kind.UNIT, name), str(properties.get("ActiveState", "")))
            case "UnitFilesChanged":
                self.files_changed.set()
                self._report(UNIT_FILES, "unit files were changed")
            case "Reloading" if message.body == [False]:
                self.files_changed.set()
                self._report(UNIT_FILES, "systemd has read all unit files again")

    def moved(self, names: Iterable[str]) -> None:
        """Report units whose bus path was not known until now."""
        for name in sorted(names):
            self._report(Subject(Kind.UNIT, name), "it is another unit now")

    def _report(self, subject: Subject, detail: str) -> None:
        self._listener.event(Event(NAME, subject, time.time(), detail))


def _unit_names(watched: Watched) -> list[str]:
    return [subject.name for subject in watched.subjects if subject.kind is Kind.UNIT]


def _signals(watched: Watched) -> list[str]:
    configured = watched.configured.dbus if watched.configured is not None else None
    return list(configured.signals or ()) if configured is not None else []


async def _call(
    bus: MessageBus, member: str, signature: str = "", *body: object, to_bus: bool = False
) -> list[object]:
    """Call a method of systemd's manager, or of the bus. Return what it answers.

    Raises DBusFastError, TimeoutError, and OSError if the bus has gone.
    """
    message = Message(
        destination=_BUS if to_bus else _SYSTEMD,
        path=_BUS_PATH if to_bus else _PATH,
        interface=_BUS if to_bus else _MANAGER,
        member=member,
        signature=signature,
        body=list(body),
    )
    async with asyncio.timeout(_SECONDS):
        reply = await bus.call(message)
    if reply is None:
        raise ConnectionError("the bus has gone")
    if reply.message_type is MessageType.ERROR and reply.error_name != _SUBSCRIBED_ALREADY:
        raise DBusFastError(f"{member}: {reply.error_name}")
    return list(reply.body)


async def _gone(bus: MessageBus) -> None:
    await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]


async def run(watched: Watched, listener: Listener) -> None:
    try:
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    except (FileNotFoundError, PermissionError) as error:
        raise Unavailable(
            f"the system bus is not to be had ({error.strerror}): /run/dbus/system_bus_socket"
        ) from None
    try:
        units = Units(_unit_names(watched))
        (owner,) = await _call(bus, "GetNameOwner", "s", _SYSTEMD, to_bus=True)
        signals = Signals(units, _signals(watched), listener, str(owner))
        bus.add_message_handler(signals.on_message)
        matched: set[str] = set()

        async def locate() -> set[str]:
            (listed,) = await _call(bus, "ListUnitsByNames", "as", units.names)
            assert isinstance(listed, list)
            moved = units.locate(_Unit(*unit) for unit in listed)
            for rule in rules(units.paths, _signals(watched)):
                if rule not in matched:
                    await _call(bus, "AddMatch", "s", rule, to_bus=True)
                    matched.add(rule)
            return moved

        async def follow() -> None:
            while True:
                await signals.files_changed.wait()
                signals.files_changed.clear()
                signals.moved(await locate())

        await locate()
        await _call(bus, "Subscribe")
        listener.up()
        tasks = [
            asyncio.ensure_future(each) for each in (_gone(bus), signals.renewed.wait(), follow())
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
        # After `systemctl daemon-reexec` the subscription holds, yet signals in between are lost.
        raise ConnectionError(
            "systemd has come anew" if signals.renewed.is_set() else "the bus has gone"
        )
    finally:
        bus.disconnect()


SOURCE = Source(
    name=NAME,
    wants=lambda watched: bool(
        _unit_names(watched) or UNIT_FILES in watched.subjects or _signals(watched)
    ),
    covers=lambda subject: subject.kind is Kind.UNIT or subject == UNIT_FILES,
    run=run,
)
