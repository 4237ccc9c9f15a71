"""Wait until a burst of events is over: a package installation, `ufw enable`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from power_edge.model import Item
from power_edge.watch.event import PASSING, Event, Kind
from power_edge.watch.locks import busy

_LONGEST = 10
"""How many times its quiet time an item waits at most, if events never stop."""
_LOCKED, _LONGEST_LOCKED = 0.25, 120.0
"""Seconds between two looks at the lock of a tool that is changing an item, and how long an item
waits for it at most. It is judged then as it is, and again when the tool has ended.
"""
_UNNAMED = 0.5
"""If an event names some of the affected items, the others wait so many seconds, and so many again
after the named items were checked. `systemctl enable` can affect any service, but the link that it
makes names one. To check all services takes longer than to check this one.
"""
ItemId = tuple[str, str]
"""Type and name of an item: what it is known by within its node."""


def key_of(item: Item) -> ItemId:
    """Return what an item is known by within its node."""
    return item.type, item.name


@dataclass
class _Waiting:
    item: Item
    first: Event | None
    since: float
    until: float
    """When no more events are expected."""
    due: float
    named: bool = False
    behind: bool = False
    """Whether it waits until the named items were checked."""
    locked: bool = False

    def behind_from(self, now: float) -> float:
        """Return until when it waits behind the named items, if some were named or checked now."""
        return min(now, self.since + _LONGEST * _UNNAMED) + _UNNAMED


class Due:
    """The items that are to be checked, each after a time without further events about it.

    All times are seconds of one monotonic clock, but for those in events.
    """

    def __init__(
        self,
        quiet: Mapping[str, float],
        debounce: float | None = None,
        busy: Callable[[Item], bool] = busy,
    ) -> None:
        """`quiet`: seconds by resource type, 0 for any other; `debounce` holds for all instead.
        `busy`: whether a tool is changing an item just now.
        """
        self._quiet = quiet
        self._debounce = debounce
        self._busy = busy
        self._waiting: dict[ItemId, _Waiting] = {}
        self._named = False
        """Whether the items that were taken last were named."""

    def add(
        self, items: Iterable[Item], event: Event, now: float, named: Iterable[Item] = ()
    ) -> None:
        """Note that an event may have changed these items. The items in `named`, and those whose
        unit has changed, are checked first. They stay first if a later event, such
        as a reload, names nothing.
        """
        names = set(map(key_of, named))
        added = []
        for item in items:
            key = key_of(item)
            waiting = self._waiting.get(key)
            if waiting is None or waiting.first is None:
                waiting = self._waiting[key] = _Waiting(item, event, now, now, now)
            waiting.named |= key in names or event.subject.kind is Kind.UNIT
            added.append(waiting)
        some_named = self._debounce is None and any(waiting.named for waiting in added)
        for waiting in added:
            quiet, follows = self._wait(waiting.item, event)
            until = min(now + quiet, waiting.since + _LONGEST * quiet)
            # This event does not shorten the wait for an event that an earlier one announced.
            waiting.until = max(waiting.until, until) if follows else until
            waiting.due = waiting.until
            # Items with a quiet time, such as files, wait already, and are cheap to check.
            checked_at_once = self.quiet(waiting.item) == 0
            waiting.behind = some_named and checked_at_once and not waiting.named
            if waiting.behind:
                waiting.due = waiting.behind_from(now) + quiet

    def again(self, item: Item, due: float) -> None:
        """Let an item be checked again at `due`, or earlier after an event about it."""
        self._waiting.setdefault(key_of(item), _Waiting(item, None, due, due, due))

    def quiet(self, item: Item) -> float:
        """Return the seconds without an event after which an item is checked."""
        return self._quiet.get(item.type, 0.0) if self._debounce is None else self._debounce

    def _wait(self, item: Item, event: Event) -> tuple[float, bool]:
        """Return the seconds that an item waits for more events after this one, and whether
        one more event is certain to follow.
        """
        quiet = self.quiet(item)
        passing = event.passing or (PASSING if event.subject.kind is Kind.PATH else 0.0)
        follows = passing > 0 and quiet == 0 and self._debounce is None
        return (passing if follows else quiet), follows

    def next(self) -> float | None:
        """Return when the first item is due, None if none waits."""
        return min((waiting.due for waiting in self._waiting.values()), default=None)

    def take(self, now: float, most: int | None = None) -> dict[ItemId, tuple[Item, Event | None]]:
        """Return the items that are due, each with the first event about it, and forget them. It is
        None where an item is only looked at again.

        At most `most` of them; the others stay due. What a tool is changing waits for its end.
        """
        due = [pair for pair in self._waiting.items() if pair[1].due <= now]
        for _, each in due:
            if now < each.since + _LONGEST_LOCKED and self._busy(each.item):
                each.due, each.locked = now + _LOCKED, True
            elif each.locked:
                # It has ended: what it has written last may still be on its way to us.
                each.due, each.locked = now + self.quiet(each.item), False
        ready = [pair for pair in due if pair[1].due <= now]
        self._named = any(each.named for _, each in ready)
        if self._named:
            # Those that have waited long enough do not wait for further named items.
            ready = [
                pair for pair in ready if not pair[1].behind or pair[1].behind_from(now) <= now
            ]
        taken = dict(islice(ready, most))
        for key in taken:
            del self._waiting[key]
        return {key: (each.item, each.first) for key, each in taken.items()}

    def checked(self, now: float) -> None:
        """Note that the items taken last have been checked. If they were named, the others wait a
        moment longer: otherwise, a new change would have to wait for the end of their check.
        """
        if self._named:
            for waiting in self._waiting.values():
                if waiting.behind:
                    waiting.due = max(waiting.due, waiting.behind_from(now))

    def take_all(self) -> dict[ItemId, Event | None]:
        """Forget all, since a full check is about to look at everything. Return the items that
        waited, each with the first event about it; None where it was only to be looked at again.
        """
        taken = {key: each.first for key, each in self._waiting.items()}
        self._waiting.clear()
        return taken
