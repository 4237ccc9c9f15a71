"""Watch one node: events in, checks of the affected items, transitions out."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from power_edge.checking.check import GATE_NAME, GATE_TYPE
from power_edge.identity.gate import Gate
from power_edge.model import Item, Outcome, Result
from power_edge.resources import resource
from power_edge.watch.affected import Affected
from power_edge.watch.event import Event, Kind
from power_edge.watch.settings import Settings
from power_edge.watch.settle import Due, ItemId
from power_edge.watch.sources import Source, Watched
from power_edge.watch.supervisor import Health, Supervisor
from power_edge.watch.transition import Transition

_START = 5.0
"""Seconds that the first check waits for sources to come up."""
_LATE = 10.0
"""Seconds beyond its time after which what a watch does next is overdue."""
GATE: ItemId = (GATE_TYPE, GATE_NAME)


class Checked(NamedTuple):
    """What a check found: the gate, and the results of the items that were asked for, with the
    gate's own.
    """

    gate: Gate
    results: Sequence[Result]


Check = Callable[[Sequence[Item]], Awaitable[Checked]]
"""Probe the node and judge these items behind its gate."""


@dataclass
class State:
    """What is known of a node: the gate and the latest result of each item."""

    gate: Gate | None = None
    results: dict[ItemId, Result] = field(default_factory=dict)
    cycles: int = 0
    last_cycle: float | None = None
    """When the last check ended, in seconds since 1970."""
    last_full: float | None = None


class NodeWatch:
    """Watches one node until it is cancelled."""

    def __init__(
        self,
        items: Sequence[Item],
        check: Check,
        on_transition: Callable[[Transition], None],
        *,
        state: State | None = None,
        family: str = "",
        settings: Settings = Settings(),  # noqa: B008 it is frozen
        sources: Iterable[Source] = (),
        deadline: float = math.inf,
    ) -> None:
        """`state`: what an earlier watch of this node knew. `sources`: those that see this node;
        none for a node behind a connection. `deadline`: seconds that a check may take.
        """
        self.state = state or State()
        self.begun = asyncio.Event()
        """Set when everything has been checked for the first time."""
        self._items = tuple(items)
        wanted = {*map(key_of, items), GATE}
        self.state.results = {
            key: result for key, result in self.state.results.items() if key in wanted
        }
        self._check = check
        self._on_transition = on_transition
        self._settings = settings
        self._affected = Affected(items, family)
        self._due = Due({item.type: resource(item.type).quiet for item in items}, settings.quiet)
        self._deadline = deadline
        self._expected = math.inf
        """When the next sign of life is overdue, by the loop's clock."""
        self._arrived = 0
        """Events since the last check."""
        self._full: str | None = "the watch begins"
        """Why a full check is due; None if none is."""
        self._wake = asyncio.Event()
        watched = Watched(self._affected.subjects, settings.configured, settings.sweep)
        self._supervisors = [
            Supervisor(source, watched, self._on_event, self.check_all)
            for source in sources
            if source.wants(watched) and settings.enabled(source)
        ]

    @property
    def health(self) -> list[Health]:
        """How the sources are doing."""
        return [supervisor.health for supervisor in self._supervisors]

    def overdue(self) -> bool:
        """Return whether a check takes much longer than it may, or should have begun long ago."""
        return asyncio.get_running_loop().time() > self._expected

    def _expect(self, seconds: float) -> None:
        self._expected = asyncio.get_running_loop().time() + seconds + _LATE

    def check_all(self, why: str) -> None:
        """Let everything be checked soon."""
        self._full = why
        self._wake.set()

    async def run(self) -> None:
        """Watch until this is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for supervisor in self._supervisors:
                tasks.create_task(supervisor.run(), name=supervisor.source.name)
            tasks.create_task(self._cycles(), name="cycles")

    async def _cycles(self) -> None:
        loop = asyncio.get_running_loop()
        self._expect(_START)
        # What is checked before a source is up may change before it is up, and nobody would tell.
        with suppress(TimeoutError):
            async with asyncio.timeout(_START):
                for each in self._supervisors:
                    await each.tried.wait()
        next_full = next_doubtful = loop.time()
        pause_doubtful = self._settings.doubtful
        while True:
            now = loop.time()
            if self._full is not None or now >= next_full:
                self._full = None
                self._due.clear()
                await self._cycle({key_of(item): (item, None) for item in self._items})
                self.state.last_full = time.time()
                self.begun.set()
                next_full = loop.time() + self._interval()
                pause_doubtful = self._settings.doubtful
                next_doubtful = loop.time() + pause_doubtful
            elif taken := self._due.take(now, self._settings.most_together):
                await self._cycle(taken)
                pause_doubtful = self._settings.doubtful
                next_doubtful = loop.time() + pause_doubtful
            elif now >= next_doubtful:
                if doubtful := self._doubtful():
                    await self._cycle({key_of(item): (item, None) for item in doubtful})
                # A drift that stays is looked at less and less often, until something happens.
                pause_doubtful = min(2 * pause_doubtful, self._settings.full)
                next_doubtful = loop.time() + pause_doubtful
            moments = (next_full, next_doubtful, self._due.next())
            pause = min(moment for moment in moments if moment is not None) - loop.time()
            self._expect(max(0.0, pause))
            if self._full is None and pause > 0:
                # asyncio.wait_for may swallow the end of the watch before Python 3.12.
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
            self._wake.clear()

    def _doubtful(self) -> list[Item]:
        """Return the items that are not compliant, while the gate is open."""
        if self.state.gate is None or not self.state.gate.open:
            return []
        results = self.state.results
        return [
            item
            for item in self._items
            if (known := results.get(key_of(item))) is None
            or known.outcome is not Outcome.COMPLIANT
        ]

    def _interval(self) -> float:
        up = [each.source for each in self._supervisors if each.health.up]
        covered = all(
            any(source.covers(subject) for source in up)
            for subject in self._affected.subjects
            if subject.kind is not Kind.COMMAND  # a hint beside what the command changes
        )
        shut = self.state.gate is None or not self.state.gate.open
        return self._settings.full if covered and not shut else self._settings.uncovered

    async def _cycle(self, wanted: Mapping[ItemId, tuple[Item, Event | None]]) -> None:
        self._arrived = 0
        self._expect(self._deadline)
        checked = await self._check([item for item, _ in wanted.values()])
        self.state.cycles += 1
        if self.state.gate is not None and self.state.gate.status != checked.gate.status:
            # Whatever was judged behind the other gate says nothing about this machine.
            self.check_all("the gate has changed")
        self.state.gate = checked.gate
        now = self.state.last_cycle = time.time()
        for result in checked.results:
            key = key_of(result.item)
            known = self.state.results.get(key)
            before = known.outcome if known is not None else None
            self.state.results[key] = result
            if before is not result.outcome:
                _, event = wanted.get(key, (None, None))
                self._on_transition(Transition(now, result, before, event))

    def _on_event(self, event: Event) -> None:
        self._arrived += 1
        most = self._settings.most_waiting
        if most is not None and self._arrived > most:
            self.check_all(f"more than {most} events came at once (buffer_size)")
            return
        # What no item names was named by watcher.yaml, which does not say what it affects.
        items = self._affected.by(event.subject) or self._items
        self._due.add(items, event, asyncio.get_running_loop().time())
        self._wake.set()


def summary(name: str, watch: NodeWatch) -> str:
    """Return one line about a node that is watched: its items by outcome, and its sources."""
    found = counts(watch.state).items()
    items = ", ".join(f"{count} {outcome.value}" for outcome, count in found if count)
    up = [health.name for health in watch.health if health.up]
    down = [f"{health.name} is not up: {health.why}" for health in watch.health if not health.up]
    by = f"watched by {', '.join(sorted(up))}" if up else "no events; checked again and again"
    return "; ".join([f"{name}: {items}", by, *sorted(down)])


def key_of(item: Item) -> ItemId:
    """Return what an item is known by within its node."""
    return item.type, item.name


def counts(state: State) -> dict[Outcome, int]:
    """Return how many items have each outcome."""
    found = dict.fromkeys(Outcome, 0)
    for result in state.results.values():
        found[result.outcome] += 1
    return found
