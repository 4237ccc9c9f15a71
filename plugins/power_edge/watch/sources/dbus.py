"""systemd, by signals on the system bus: states of units, and unit files that were enabled,
disabled, masked or reloaded; beside these the signals of watcher.yaml.
"""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus

from power_edge.watch.bus import BUS, PROPERTIES, SYSTEMD, Peer, Refused, call
from power_edge.watch.event import PASSING, Event, Kind, Subject
from power_edge.watch.sources import Listener, Source, Unavailable, Watched

NAME = "dbus"
UNIT_FILES = Subject(Kind.TOPIC, "unit-files")
"""Unit files were enabled, disabled, masked, or read again."""
_RELOAD = 1.0
"""Seconds that a reload takes in most cases: 50 to 200 ms, 1.1 s at worst with 100 units. A check
that has begun before its end has to be made again.
"""
_SETTLE = 0.5
"""Seconds to wait after unit files were changed, before the units are read from systemd again. This
takes several calls for each unit, and would delay the reload and the check after it.
"""
_UNIT = f"{SYSTEMD.name}.Unit"
_STATES = ("ActiveState", "SubState", "LoadState", "InvocationID", "FreezerState")
_PASSING = frozenset(("activating", "deactivating", "reloading", "refreshing", "maintenance"))
"""Active states that another one follows."""
_DOWN = frozenset(("inactive", "failed"))
_OF_RELATED = frozenset(("ActiveState", "LoadState"))
"""What of another unit's state can change a verdict: a timer that elapses stays active."""
_RELATIONS = ("TriggeredBy", "UpheldBy", "Requires", "Requisite", "BindsTo")
"""Units whose state counts for a verdict about this one: those that start it, and those without
which a boot does not start it.
"""
_TRIGGERS = (".socket", ".timer", ".path")
_UNIT_PATHS = f"{SYSTEMD.path}/unit"
_MOST_RULES = 200
"""Match rules for single units. dbus-daemon allows a connection 512."""
_ABSENT = 1.0
"""Seconds between two looks whether the bus has come."""
_ADDRESS = "DBUS_SYSTEM_BUS_ADDRESS"
"""The variable that names another place for the bus."""
_SOCKET = Path("/run/dbus/system_bus_socket")
_SUBSCRIBED_ALREADY = "org.freedesktop.systemd1.AlreadySubscribed"


def unit_path(name: str) -> str:
    """Return the bus path of a unit: what is not a letter or digit is `_` and two hexadecimal
    digits (sd_bus_path_encode(3)).
    """
    return f"{_UNIT_PATHS}/" + "".join(
        chr(byte)
        if chr(byte).isascii() and chr(byte).isalnum() and not (at == 0 and chr(byte).isdigit())
        else f"_{byte:02x}"
        for at, byte in enumerate(name.encode())
    )


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


class News(NamedTuple):
    """The watched units that a signal concerns, and whether they are between two states, so that
    another signal follows.
    """

    names: set[str]
    passing: bool


class Units:
    """The units that are watched, those related to them, and the states that were reported last."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted(names)
        self._by_path: defaultdict[str, set[str]] = defaultdict(set)
        self._related: defaultdict[str, set[str]] = defaultdict(set)
        """The bus path of another unit -> the names of those that it is related to."""
        self._states: defaultdict[str, dict[str, object]] = defaultdict(dict)

    def locate(
        self, units: Iterable[_Unit], relations: Mapping[str, Iterable[str]] = MappingProxyType({})
    ) -> set[str]:
        """Take the answer about all names: a name can be another unit's alias. Return the names
        that were at another bus path before, or had other relations.

        `relations`: bus path -> names of the units that it is related to.
        """
        before = {
            name: self._place(name, path) for path in self._by_path for name in self._by_path[path]
        }
        now = {name: unit.path for name, unit in zip(self.names, units, strict=True)}
        self._by_path.clear()
        self._related.clear()
        for name, path in now.items():
            self._by_path[path].add(name)
            for other in relations.get(path, ()):
                self._related[unit_path(other)].add(name)
        return {name for name, path in now.items() if before.get(name) != self._place(name, path)}

    def _place(self, name: str, path: str) -> tuple[str, frozenset[str]]:
        return path, frozenset(other for other, names in self._related.items() if name in names)

    @property
    def paths(self) -> list[str]:
        """The bus paths of the units, and of those related to them."""
        return sorted({*self._by_path, *self._related})

    def changed(self, path: str, properties: dict[str, object]) -> News:
        """Return the names that the state of the unit at a bus path concerns, if it is another one
        now.

        systemd sends unchanged properties again and again. A start has a new InvocationID while the
        unit is still inactive.
        """
        states = {key: value for key, value in properties.items() if key in _STATES}
        known = self._states[path]
        news = {key for key, value in states.items() if key not in known or known[key] != value}
        begins = "InvocationID" in news & known.keys()
        known.update(states)
        own = self._by_path.get(path, set()) if news else set()
        names = own | (self._related.get(path, set()) if news & _OF_RELATED else set())
        active = states.get("ActiveState")
        return News(names, active in _PASSING or (active in _DOWN and begins))


def rules(paths: Iterable[str], signals: Iterable[str]) -> Iterator[str]:
    """Yield the match rules for units at these bus paths, and for signals of watcher.yaml
    (`INTERFACE.MEMBER`).

    No rule is for the whole manager: a reload sends two signals for every unit.
    """
    sender = f"type='signal',sender='{SYSTEMD.name}'"
    places = [f"path='{path}'" for path in paths]
    if len(places) > _MOST_RULES:
        places = [f"path_namespace='{_UNIT_PATHS}'"]
    for place in places:
        yield (
            f"{sender},interface='{PROPERTIES}',member='PropertiesChanged',{place},arg0='{_UNIT}'"
        )
    for member in ("UnitFilesChanged", "Reloading", "JobRemoved"):
        yield f"{sender},path='{SYSTEMD.path}',interface='{SYSTEMD.interface}',member='{member}'"
    yield (f"type='signal',sender='{BUS.name}',member='NameOwnerChanged',arg0='{SYSTEMD.name}'")
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
        """Set if a name may be another unit's from now on, or may have other relations."""

    def on_message(self, message: Message) -> None:
        """Report what a message says."""
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.sender == self._systemd:
            self._of_systemd(message)
        elif (
            message.sender == BUS.name and message.member == "NameOwnerChanged" and message.body[2]
        ):
            self.renewed.set()
        signal = f"{message.interface}.{message.member}"
        if signal in self._configured:
            self._report(Subject(Kind.TOPIC, signal), signal)

    def _of_systemd(self, message: Message) -> None:
        match message.member:
            case "PropertiesChanged" if message.path is not None:
                properties = {key: value.value for key, value in message.body[1].items()}
                names, passing = self._units.changed(message.path, properties)
                active = str(properties.get("ActiveState", ""))
                for name in names:
                    self._report(Subject(Kind.UNIT, name), active, passing=PASSING * passing)
            case "UnitFilesChanged":
                self.files_changed.set()
                # `systemctl enable` lets systemd reload next.
                self._report(UNIT_FILES, "unit files were changed", passing=PASSING)
            case "Reloading" if message.body == [True]:
                self._report(UNIT_FILES, "systemd reads all unit files again", passing=_RELOAD)
            case "Reloading" if message.body == [False]:
                self.files_changed.set()
                self._report(UNIT_FILES, "systemd has read all unit files again")
            case "JobRemoved" if str(message.body[2]).endswith(_TRIGGERS):
                # systemd may have read its file just now, and knows only since then what it starts.
                self.files_changed.set()

    def moved(self, names: Iterable[str]) -> None:
        """Report units whose bus path or relations were not known until now."""
        for name in sorted(names):
            self._report(
                Subject(Kind.UNIT, name), "it is another unit now, or another one starts it"
            )

    def _report(self, subject: Subject, detail: str, *, passing: float = 0.0) -> None:
        self._listener.event(Event(NAME, subject, time.time(), detail, passing))


def _unit_names(watched: Watched) -> list[str]:
    return [subject.name for subject in watched.subjects if subject.kind is Kind.UNIT]


def _signals(watched: Watched) -> list[str]:
    configured = watched.configured.dbus if watched.configured is not None else None
    return list(configured.signals or ()) if configured is not None else []


async def _gone(bus: MessageBus) -> None:
    await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]


async def _relations(bus: MessageBus, path: str) -> set[str]:
    """Return the names of the units that the one at a bus path is related to."""
    peer = Peer(SYSTEMD.name, path, PROPERTIES)
    found: set[str] = set()
    for relation in _RELATIONS:
        # systemd before 249 does not know each of them.
        with suppress(Refused):
            (value,) = await call(bus, peer, "Get", "ss", _UNIT, relation)
            found.update(map(str, getattr(value, "value", ())))
    # They stay up as long as the machine does.
    return {name for name in found if not name.endswith((".slice", ".target"))}


async def _come(listener: Listener) -> None:
    """Wait until there is a bus: the machine may be booting, or somebody has stopped it."""
    if _ADDRESS in os.environ:
        return
    if not _SOCKET.exists():
        listener.limited(f"there is no system bus: {_SOCKET} is missing")
    while not _SOCKET.exists():
        await asyncio.sleep(_ABSENT)


async def run(watched: Watched, listener: Listener) -> None:
    """Report events from systemd's signals until cancelled. Raises Unavailable."""
    await _come(listener)
    try:
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    except PermissionError as error:
        raise Unavailable(f"the system bus cannot be used ({error.strerror}): {_SOCKET}") from None
    try:
        units = Units(_unit_names(watched))
        (owner,) = await call(bus, BUS, "GetNameOwner", "s", SYSTEMD.name)
        signals = Signals(units, _signals(watched), listener, str(owner))
        bus.add_message_handler(signals.on_message)
        matched: set[str] = set()

        async def locate() -> set[str]:
            (listed,) = await call(bus, SYSTEMD, "ListUnitsByNames", "as", units.names)
            assert isinstance(listed, list)
            found = [_Unit(*unit) for unit in listed]
            paths = sorted({unit.path for unit in found})
            related = await asyncio.gather(*(_relations(bus, path) for path in paths))
            moved = units.locate(found, dict(zip(paths, related, strict=True)))
            for rule in rules(units.paths, _signals(watched)):
                if rule not in matched:
                    await call(bus, BUS, "AddMatch", "s", rule)
                    matched.add(rule)
            return moved

        async def follow() -> None:
            while True:
                await signals.files_changed.wait()
                await asyncio.sleep(_SETTLE)
                signals.files_changed.clear()
                signals.moved(await locate())

        await locate()
        try:
            await call(bus, SYSTEMD, "Subscribe")
        except Refused as refused:
            if refused.name != _SUBSCRIBED_ALREADY:
                raise
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
            "systemd was started again" if signals.renewed.is_set() else "the bus has ended"
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
