"""Events: something on a node that may have changed."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What an event is about. An item names what can change it in the same terms (`Triggers`)."""

    PATH = "path"
    """A file or folder, by the path that was asked to be watched."""
    VALUE = "value"
    """A file that sends no events, and whose content is compared."""
    UNIT = "unit"
    """A systemd unit, by its full name as declared."""
    COMMAND = "command"
    """A program that was run, by its name."""
    TOPIC = "topic"
    """Anything else, by the name of a topic: `unit-files`, `nftables`."""


PASSING = 0.2
"""Seconds within which the next event comes in most cases: systemd reports `deactivating` 1 ms
before `inactive`, and `systemctl enable` makes a link and then lets systemd reload.
"""


class Subject(NamedTuple):
    """What an event is about."""

    kind: Kind
    name: str


class Event(NamedTuple):
    """A hint that something may have changed. Only a check finds out.

    `time` is the event's own time if it has one, else that of its arrival, in seconds since 1970.
    `detail` is for people. `passing`: seconds within which another event follows, because
    the subject is between two states; 0 if none follows. `entries`: the paths in a folder that have
    changed, if the source knows them.
    """

    source: str
    subject: Subject
    time: float
    detail: str = ""
    passing: float = 0.0
    entries: frozenset[str] = frozenset()
