"""Which items an event can have changed."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from power_edge.model import Item, Triggers
from power_edge.resources import resource
from power_edge.unit_names import SUFFIXES
from power_edge.watch.event import Event, Kind, Subject


def subjects(triggers: Triggers) -> frozenset[Subject]:
    """Return what can change an item with these triggers."""
    return frozenset(
        Subject(kind, name)
        for kind, names in (
            (Kind.PATH, (*triggers.paths, *triggers.databases)),
            (Kind.VALUE, triggers.values),
            (Kind.UNIT, triggers.units),
            (Kind.TOPIC, triggers.topics),
            (Kind.COMMAND, triggers.commands),
        )
        for name in names
    )


class Affected:
    """An index of a node's items by what can change them."""

    def __init__(self, items: Iterable[Item], family: str) -> None:
        """`family`: the node's family of distributions, as for `ResourceType.triggers`."""
        found: defaultdict[Subject, list[Item]] = defaultdict(list)
        for item in items:
            for subject in subjects(resource(item.type).triggers(item.declared, family)):
                found[subject].append(item)
        self._items: Mapping[Subject, tuple[Item, ...]] = {
            subject: tuple(items) for subject, items in found.items()
        }

    @property
    def subjects(self) -> frozenset[Subject]:
        """Everything that a source has to watch."""
        return frozenset(self._items)

    def by(self, subject: Subject) -> tuple[Item, ...]:
        """Return the items that a change of this subject can change; none if it is not known."""
        return self._items.get(subject, ())

    def named(self, event: Event) -> tuple[Item, ...]:
        """Return the affected items whose unit the event names: a file of the unit, a drop-in, or a
        link to it has changed.
        """
        items = {
            id(item): item
            for name in units_named(event.entries)
            for item in self.by(Subject(Kind.UNIT, name))
        }
        return tuple(item for item in self.by(event.subject) if id(item) in items)


_OF_A_UNIT = re.compile(
    rf"([^/]+(?:{'|'.join(map(re.escape, SUFFIXES))}))(?:\.(?:d|wants|requires|upholds))?"
)


def units_named(paths: Iterable[str]) -> frozenset[str]:
    """Return the names of the units to which the files at these paths belong (systemd.unit(5)).

    `multi-user.target.wants/a.service` belongs to both.
    """
    return frozenset(
        found[1]
        for path in paths
        for part in path.rsplit("/", 2)[-2:]
        if (found := _OF_A_UNIT.fullmatch(part)) is not None
    )
