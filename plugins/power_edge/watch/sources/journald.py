"""Messages of the units in watcher.yaml, from systemd's journal."""

import asyncio
from collections.abc import Iterable

from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.journal import Entry, Journal, NoJournal, readable
from power_edge.watch.sources import Listener, Source, Unavailable, Watched

NAME = "journald"
_SECONDS = 0.1
"""Between two looks. A new entry is read 52 ms after it was written (median), which takes 0.1 % of
a core.
"""
_LONGEST = 200
"""Characters of a message in an event."""


class Places:
    """Where reading ended, by the units: the cursor of the last entry that was reported.

    It is kept while this process lives. So nothing is lost when the source is started again: what
    was written in the meantime is reported then.
    """

    def __init__(self) -> None:
        self._cursors: dict[tuple[str, ...], str] = {}

    def of(self, units: Iterable[str]) -> str | None:
        """Return the cursor that was kept for these units; None at first."""
        return self._cursors.get(tuple(units))

    def keep(self, units: Iterable[str], cursor: str) -> None:
        """Keep the cursor of the last entry that was reported."""
        self._cursors[tuple(units)] = cursor


_places = Places()


def event(entry: Entry) -> Event:
    """Return the event of an entry."""
    return Event(NAME, Subject(Kind.UNIT, entry.unit), entry.time, entry.message[:_LONGEST])


def units(watched: Watched) -> list[str]:
    """Return the units of watcher.yaml."""
    configured = watched.configured.journald if watched.configured is not None else None
    if configured is None or configured.enabled is False:
        return []
    return sorted(configured.units or ())


async def run(watched: Watched, listener: Listener) -> None:
    """Report messages of units until cancelled. Raises Unavailable."""
    names = units(watched)
    try:
        readable()
        journal = Journal(names, _places.of(names))
    except NoJournal as error:
        raise Unavailable(str(error)) from None
    with journal:
        _places.keep(names, journal.cursor)
        listener.up()
        while True:
            for entry in journal.read():
                found = event(entry)
                # What a unit writes says nothing about other items than its own.
                if found.subject in watched.subjects:
                    listener.event(found)
                _places.keep(names, entry.cursor)
            await asyncio.sleep(_SECONDS)


SOURCE = Source(
    name=NAME,
    wants=lambda watched: bool(units(watched)),
    # What a message says need not be the unit's state.
    covers=lambda _: False,
    run=run,
)
