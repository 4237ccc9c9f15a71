"""Watch one node: events in, checks of the affected items, transitions out."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from power_edge.identity.gate import Gate
from power_edge.model import Item, Outcome, Result
from power_edge.model.generated.watcher_schema import Watcher
from power_edge.resources import resource
from power_edge.watch.accounts import ACCOUNTS
from power_edge.watch.affected import Affected
from power_edge.watch.causes import Causes
from power_edge.watch.event import Event
from power_edge.watch.settle import Due, ItemId
from power_edge.watch.sources import Source, Watched
from power_edge.watch.supervisor import Health, Supervisor
from power_edge.watch.transition import Transition


class Checked(NamedTuple):
    """What a check found: the gate, and the results of the items that were asked for, with the
    gate's own.
    """

    gate: Gate
    results: Sequence[Result]


Check = Callable[[Sequence[Item]], Awaitable[Checked]]
"""Probe the node and judge these items behind its gate."""


class Intervals(NamedTuple):
    """Seconds between checks without an event.

    `full`: of everything, while the sources report each change of all items. `uncovered`: of
    everything, while they do not, or for a node that sends no events. `doubtful`: of the items that
    are not compliant, since some verdicts change with time alone (a service that was restarted
    counts as running when it has been up for a minute).
    """

    full: float = 300.0
    uncovered: float = 30.0
    doubtful: float = 10.0


USUAL = Intervals()


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
        family: str = "",
        watcher: Watcher | None = None,
        sources: Iterable[Source] = (),
        intervals: Intervals = USUAL,
    ) -> None:
        """`sources`: those that see this node; none for a node behind a connection."""
        self.state = State()
        self._items = tuple(items)
        self._check = check
        self._affected = Affected(items, family)
        self._intervals = intervals
        handler = watcher.event_handler if watcher is not None else None
        debounce = handler.debounce_ms / 1000 if handler is not None else None
        self._due = Due({item.type: resource(item.type).quiet for item in items}, debounce)
        self._full: str | None = "the watch begins"
        """Why a full check is due; None if none is."""
        self._wake = asyncio.Event()
        watched = Watched(
            self._affected.subjects, watcher.watchers if watcher is not None else None
        )
        wanted = [source for source in sources if source.wants(watched)]
        self._causes = Causes(
            on_transition,
            family=family,
            accounts=ACCOUNTS if wanted else (),
            awaited=lambda: any(
                each.health.up and each.source.acts_late for each in self._supervisors
            ),
        )
        self._supervisors = [
            Supervisor(source, watched, self._on_event, self._on_gap, self._causes.act)
            for source in wanted
        ]

    @property
    def health(self) -> list[Health]:
        """How the sources are doing."""
        return [supervisor.health for supervisor in self._supervisors]

    def check_all(self, why: str) -> None:
        """Let everything be checked soon."""
        self._full = why
        self._wake.set()

    async def run(self) -> None:
        """Watch until this is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for supervisor in self._supervisors:
                tasks.create_task(supervisor.run(), name=supervisor.source.name)
            tasks.create_task(self._causes.run(), name="causes")
            tasks.create_task(self._cycles(), name="cycles")

    async def _cycles(self) -> None:
        loop = asyncio.get_running_loop()
        next_full = next_doubtful = loop.time()
        while True:
            now = loop.time()
            if self._full is not None or now >= next_full:
                self._full = None
                self._due.clear()
                await self._cycle({key_of(item): (item, None) for item in self._items})
                self.state.last_full = time.time()
                next_full = loop.time() + self._interval()
                next_doubtful = loop.time() + self._intervals.doubtful
            elif taken := self._due.take(now):
                await self._cycle(taken)
            elif now >= next_doubtful:
                if doubtful := self._doubtful():
                    await self._cycle({key_of(item): (item, None) for item in doubtful})
                next_doubtful = loop.time() + self._intervals.doubtful
            moments = (next_full, next_doubtful, self._due.next())
            pause = min(moment for moment in moments if moment is not None) - loop.time()
            if self._full is None and pause > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), pause)
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
            any(source.covers(subject) for source in up) for subject in self._affected.subjects
        )
        shut = self.state.gate is None or not self.state.gate.open
        return self._intervals.full if covered and not shut else self._intervals.uncovered

    async def _cycle(self, wanted: Mapping[ItemId, tuple[Item, Event | None]]) -> None:
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
                self._causes.explain(
                    Transition(now, result, before, event), since=self.state.last_full
                )

    def _on_event(self, event: Event) -> None:
        items = self._affected.by(event.subject)
        if items:
            self._due.add(items, event, asyncio.get_running_loop().time())
            self._wake.set()

    def _on_gap(self, why: str) -> None:
        self.check_all(why)


def key_of(item: Item) -> ItemId:
    """Return what an item is known by within its node."""
    return item.type, item.name


def counts(state: State) -> dict[Outcome, int]:
    """Return how many items have each outcome."""
    found = dict.fromkeys(Outcome, 0)
    for result in state.results.values():
        found[result.outcome] += 1
    return found
