"""Keep a source running: start it again with back-off, and count what it reports and loses."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from power_edge.text import printable
from power_edge.watch.causes.cause import Act
from power_edge.watch.event import Event
from power_edge.watch.sources import Source, Unavailable, Watched

_FIRST_PAUSE, _LONGEST_PAUSE, _UNAVAILABLE_PAUSE = 0.05, 5.0, 60.0
"""Seconds before a source is started again: after the first failure, at most, and if it cannot work
here.
"""
_STEADY = 5.0
"""Seconds after which a source counts as one that works: the next pause is short again."""


@dataclass
class Health:
    """How a source is doing. `why` says why it is not up; None while it is."""

    name: str
    up: bool = False
    why: str | None = "not started yet"
    was_up: bool = False
    """Whether it is up, or was before: only then something is wrong if it is down."""
    events: int = 0
    lost: int = 0


class Supervisor:
    """Runs one source for one node, and is its listener."""

    def __init__(
        self,
        source: Source,
        watched: Watched,
        on_event: Callable[[Event], None],
        on_gap: Callable[[str], None],
        on_act: Callable[[Act], None] = lambda _: None,
    ) -> None:
        """`on_gap` is called with the reason if events may have been missed: a full check is due.

        It is called whenever the source comes up, since it does not know what changed before; and
        when it goes down, since nothing reports changes from then on.
        """
        self.source = source
        self.health = Health(source.name)
        self.tried = asyncio.Event()
        """Set when the source has come up, or has failed to, for the first time."""
        self._watched = watched
        self._on_event = on_event
        self._on_gap = on_gap
        self._on_act = on_act

    async def run(self) -> None:
        """Run the source until this is cancelled."""
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE
        while True:
            begun = loop.time()
            try:
                await self.source.run(self._watched, self)
                self._down("it ended")
            except Unavailable as error:
                self._down(str(error))
                pause = _UNAVAILABLE_PAUSE
            except Exception as error:  # a source raises whatever its library does
                self._down(str(error) or type(error).__name__)
            if loop.time() - begun > _STEADY:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _down(self, why: str) -> None:
        was_up, self.health.up = self.health.up, False
        self.health.why = printable(why)
        self.tried.set()
        if was_up:
            # What happens from now until it is up again is not reported.
            self.health.lost += 1
            self._on_gap(f"{self.source.name} is down: {self.health.why}")

    # What a source calls.

    def up(self) -> None:
        """As `Listener.up`: the source is up, and a full check is due."""
        self.health.up = self.health.was_up = True
        self.health.why = None
        self._on_gap(f"{self.source.name} is up")
        self.tried.set()

    def limited(self, why: str) -> None:
        """As `Listener.limited`: keep the reason why the source does not count as up."""
        self.health.why = printable(why)
        self.tried.set()

    def act(self, act: Act) -> None:
        """As `Listener.act`: hand the act on."""
        self._on_act(act)

    def event(self, event: Event) -> None:
        """As `Listener.event`: count the event, and hand it on."""
        self.health.events += 1
        self._on_event(event)

    def lost(self, count: int, why: str) -> None:
        """As `Listener.lost`: count the loss; a full check is due."""
        self.health.lost += count
        self._on_gap(f"{self.source.name}: {why}")
