"""Signals of the bus: who sends them counts."""

import pytest
from dbus_fast import Message, MessageType, Variant

from power_edge.watch.event import Event, Kind
from power_edge.watch.sources.dbus import UNIT_FILES, Signals, Units, _Unit

SYSTEMD, ANYBODY, BUS = ":1.0", ":1.666", "org.freedesktop.DBus"
CRON = "/org/freedesktop/systemd1/unit/cron_2eservice"


class Listener:
    """Keeps what is reported."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def up(self) -> None: ...

    def limited(self, why: str) -> None: ...

    def lost(self, count: int, why: str) -> None: ...

    def act(self, act: object) -> None: ...

    def event(self, event: Event) -> None:
        self.events.append(event)


def signal(
    sender: str,
    member: str,
    signature: str,
    *body: object,
    interface: str = "x.y",
    path: str = CRON,
) -> Message:
    return Message(
        message_type=MessageType.SIGNAL,
        sender=sender,
        path=path,
        interface=interface,
        member=member,
        signature=signature,
        body=list(body),
    )


def state(sender: str, active: str) -> Message:
    changed = {"ActiveState": Variant("s", active)}
    return signal(
        sender, "PropertiesChanged", "sa{sv}as", "org.freedesktop.systemd1.Unit", changed, []
    )


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def signals(listener: Listener) -> Signals:
    units = Units(["cron.service"])
    units.locate([_Unit("cron.service", "", "", "", "", "", CRON, 0, "", "")])
    return Signals(units, ["a.b.Mine"], listener, SYSTEMD)


def test_what_somebody_claims_of_a_unit_hides_nothing_that_systemd_says(
    signals: Signals, listener: Listener
) -> None:
    signals.on_message(state(SYSTEMD, "active"))
    signals.on_message(state(ANYBODY, "inactive"))
    assert len(listener.events) == 1
    signals.on_message(state(SYSTEMD, "inactive"))
    assert [(each.subject.kind, each.subject.name) for each in listener.events] == [
        (Kind.UNIT, "cron.service")
    ] * 2


@pytest.mark.parametrize(
    "message",
    [
        signal(ANYBODY, "PropertiesChanged", ""),
        signal(ANYBODY, "PropertiesChanged", "ss", "x", "y"),
        signal(ANYBODY, "UnitFilesChanged", ""),
        signal(ANYBODY, "Reloading", "b", False),
        signal(ANYBODY, "NameOwnerChanged", "sss", "org.freedesktop.systemd1", "", ":1.2"),
        signal(ANYBODY, "NameOwnerChanged", ""),
        signal(SYSTEMD, "NameOwnerChanged", "sss", "org.freedesktop.systemd1", "", ":1.2"),
        signal(BUS, "UnitFilesChanged", ""),
    ],
    ids=lambda message: f"{message.sender} {message.member} {message.signature}",
)
def test_only_systemd_speaks_for_units_and_only_the_bus_for_names(
    signals: Signals, listener: Listener, message: Message
) -> None:
    signals.on_message(message)
    assert listener.events == []
    assert not signals.renewed.is_set()
    assert not signals.files_changed.is_set()


def test_what_systemd_and_the_bus_say(signals: Signals, listener: Listener) -> None:
    signals.on_message(signal(SYSTEMD, "UnitFilesChanged", ""))
    assert [each.subject for each in listener.events] == [UNIT_FILES]
    signals.on_message(signal(BUS, "NameOwnerChanged", "sss", "x", ":1.0", ""))
    assert not signals.renewed.is_set()
    signals.on_message(signal(BUS, "NameOwnerChanged", "sss", "x", "", ":1.2"))
    assert signals.renewed.is_set()


def test_a_reload_is_over_when_all_files_are_read(signals: Signals, listener: Listener) -> None:
    signals.on_message(signal(SYSTEMD, "UnitFilesChanged", ""))
    for reads in (True, False):
        signals.on_message(signal(SYSTEMD, "Reloading", "b", reads))
    signals.on_message(state(SYSTEMD, "deactivating"))
    assert [(each.subject.name, each.passing) for each in listener.events] == [
        ("unit-files", 0.2),
        ("unit-files", 1.0),  # a reload of 100 units takes so long
        ("unit-files", 0.0),
        ("cron.service", 0.2),
    ]


def test_a_signal_of_watcher_yaml_may_be_anybody_s(signals: Signals, listener: Listener) -> None:
    """It is a hint, and hides nothing."""
    signals.on_message(signal(ANYBODY, "Mine", "", interface="a.b"))
    assert [each.subject.name for each in listener.events] == ["a.b.Mine"]
