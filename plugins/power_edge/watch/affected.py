"""Which items an event can have changed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from power_edge.model import Item, Triggers
from power_edge.resources import resource
from power_edge.watch.event import Kind, Subject


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
