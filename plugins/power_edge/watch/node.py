"""Watch one node: events in, checks of the affected items, transitions out."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from power_edge.checking.check import GATE_NAME, GATE_TYPE
from power_edge.checking.evaluate import unknown
from power_edge.identity.gate import Gate
from power_edge.model import Item, Outcome, Result, Value
from power_edge.report.terminal import OWN_FAILED, counted
from power_edge.resources import resource
from power_edge.watch.affected import Affected
from power_edge.watch.causes.attach import Causes
from power_edge.watch.causes.machine_records import MACHINE_RECORDS
from power_edge.watch.debounce import Due, ItemId, key_of
from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.settings import Settings
from power_edge.watch.sources import Source, Watched
from power_edge.watch.supervisor import Health, Supervisor
from power_edge.watch.transition import Transition

_START = 5.0
"""Seconds that the first check waits for sources to come up."""
_OF_THE_GATE = frozenset([Subject(Kind.PATH, "/etc/machine-id")])
"""What identifies a machine and can change while it runs. No item names it, so that everything is
checked again, behind the gate.
"""
GATE: ItemId = (GATE_TYPE, GATE_NAME)
_AGAIN, _PATIENCE = 0.5, 2.0
"""Seconds after which an item that has become unknown is looked at again, and for how long: a tool
may be at work. Longer, if its type settles more slowly.
"""
_JUDGED = frozenset((Outcome.COMPLIANT, Outcome.DRIFT, Outcome.WAIVED))
"""Outcomes that say something of the machine."""


class Checked(NamedTuple):
    """What a check found: the gate, and the results of the items that were asked for, with the
    gate's own.
    """

    gate: Gate
    results: Sequence[Result]


Check = Callable[[Sequence[Item]], Awaitable[Checked]]
"""Probe the node and judge these items behind its gate."""


class Held(NamedTuple):
    """An item that has become unknown, which is not reported yet: what was known of it before, the
    event that reported the change, and when that was, by the loop's clock and since 1970.
    """

    before: Result
    event: Event | None
    since: float
    time: float


@dataclass
class State:
    """What is known of a node: the gate and the latest result of each item."""

    gate: Gate | None = None
    results: dict[ItemId, Result] = field(default_factory=dict)
    cycles: int = 0
    last_cycle: float | None = None
    """When the last check ended, in seconds since 1970."""
    last_full: float | None = None
    """When the last check of all items ended."""
    full_seconds: float | None = None
    """How long that check took."""
    last_answer: float | None = None
    """When the node itself last answered behind an open gate."""
    held: dict[ItemId, Held] = field(default_factory=dict)
    """Items that may be in the middle of a change."""
    counts_gate: bool = True
    """Whether the gate's own item is among those that were selected."""

    @property
    def counted(self) -> list[Result]:
        """The latest result of each selected item, including the gate's own item."""
        return [result for key, result in self.results.items() if self.counts_gate or key != GATE]


def _nothing(_: object) -> None:
    pass


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
        on_cycle: Callable[[State], None] = _nothing,
        on_news: Callable[[str], None] = _nothing,
        deadline: float = 60.0,
    ) -> None:
        """`state`: what an earlier watch of this node knew. `sources`: those that see this node;
        none for a node behind a connection. `on_cycle` is called when a check has ended and its
        transitions were reported, `on_news` when a source goes down or comes up, or has lost
        events. `deadline`: seconds that a check takes at most.
        """
        self.state = state or State()
        self.begun = asyncio.Event()
        """Set when everything has been checked for the first time."""
        self._items = tuple(items)
        known = self.state.results
        self.state.results = {GATE: known[GATE]} if GATE in known else {}
        self._unjudged: set[ItemId] = set()
        """Items that were not judged yet. They count as unknown."""
        for item in items:
            key = key_of(item)
            if key in known:
                self.state.results[key] = known[key]
            elif self.state.last_cycle is not None:  # the others count already
                self._unjudged.add(key)
                self.state.results[key] = unknown(item, "not checked yet")
        self._check = check
        self._on_transition = on_transition
        self._on_cycle = on_cycle
        self._on_news = on_news
        self._deadline = deadline
        self._planned: float | None = None
        """When the next check begins at the latest, or when the running one must have ended; in
        seconds of the loop's clock. None until the watch runs.
        """
        self._settings = settings
        self._affected = Affected(items, family)
        self._due = Due({item.type: resource(item.type).quiet for item in items}, settings.quiet)
        self._arrived = 0
        """Events since the last check."""
        self._full: str | None = "the watch begins"
        """Why a full check is due; None if none is."""
        self._wake = asyncio.Event()
        subjects = self._affected.subjects | _OF_THE_GATE
        watched = Watched(subjects, settings.configured, settings.sweep)
        chosen = [
            source for source in sources if source.wants(watched) and settings.enabled(source)
        ]
        self._causes = Causes(
            on_transition,
            family=family,
            records=MACHINE_RECORDS if chosen else (),
            awaited=lambda: any(
                each.health.up and each.source.acts_late for each in self._supervisors
            ),
        )
        self._supervisors = [
            Supervisor(source, watched, self._on_event, self._on_gap, self._causes.act)
            for source in chosen
        ]

    @property
    def health(self) -> list[Health]:
        """How the sources are doing."""
        return [supervisor.health for supervisor in self._supervisors]

    def overdue(self, now: float) -> float:
        """Return for how many seconds a check has been due that has not begun, or has not ended
        within its deadline; 0 if none is. `now` is a time of the loop's clock.
        """
        moments = [moment for moment in (self._planned, self._due.next()) if moment is not None]
        return max(0.0, now - min(moments)) if moments else 0.0

    def _on_gap(self, why: str) -> None:
        if self.begun.is_set():
            self._on_news(why)
        self.check_all(why)

    def check_all(self, why: str) -> None:
        """Let everything be checked soon."""
        self._full = why
        self._wake.set()

    async def run(self) -> None:
        """Watch until this is cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for supervisor in self._supervisors:
                    tasks.create_task(supervisor.run(), name=supervisor.source.name)
                tasks.create_task(self._causes.run(), name="causes")
                tasks.create_task(self._cycles(), name="cycles")
        finally:
            # What is known at the end is reported.
            for key, held in self.state.held.items():
                if (result := self.state.results.get(key)) is not None:
                    before = held.before.outcome
                    self._on_transition(Transition(time.time(), result, before, held.event))
            self.state.held.clear()

    async def _cycles(self) -> None:
        loop = asyncio.get_running_loop()
        if self.state.last_cycle is not None:
            # The configuration was loaded again. What is new in it is not to wait for the sources.
            await self._cycle({key_of(item): (item, None) for item in self._items}, full=True)
        # A change between a check and the start of a source would go unnoticed.
        with suppress(TimeoutError):
            async with asyncio.timeout(_START):
                for each in self._supervisors:
                    await each.tried.wait()
        next_full = next_doubtful = loop.time()
        pause_doubtful = self._settings.doubtful
        while True:
            now = loop.time()
            if self._full is not None or now >= next_full:
                # If it is due for another reason than the clock, events may have been missed.
                missed, self._full = self._full is not None, None
                due = self._due.take_all()
                keyed = ((key_of(item), item) for item in self._items)
                wanted = {key: (item, due.get(key)) for key, item in keyed}
                await self._cycle(wanted, full=True, again=wanted if missed else due)
                self.begun.set()
                next_full = loop.time() + self.interval
                pause_doubtful = self._settings.doubtful
                next_doubtful = loop.time() + pause_doubtful
            elif taken := self._due.take(now, self._settings.most_together):
                await self._cycle(taken)
                self._due.checked(loop.time())
                pause_doubtful = self._settings.doubtful
                next_doubtful = min(next_doubtful, loop.time() + pause_doubtful)
            elif now >= next_doubtful:
                if doubtful := self._doubtful():
                    await self._cycle({key_of(item): (item, None) for item in doubtful})
                # A drift that stays is looked at less and less often, until something happens.
                pause_doubtful = min(2 * pause_doubtful, self._settings.full)
                next_doubtful = loop.time() + pause_doubtful
            moments = (next_full, next_doubtful, self._due.next())
            self._planned = min(moment for moment in moments if moment is not None)
            pause = self._planned - loop.time()
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

    @property
    def interval(self) -> float:
        """Seconds between checks of everything, as the sources are now."""
        up = [each.source for each in self._supervisors if each.health.up]
        covered = all(
            any(source.covers(subject) for source in up)
            for subject in self._affected.subjects
            if subject.kind is not Kind.COMMAND  # a hint beside what the command changes
        )
        shut = self.state.gate is None or not self.state.gate.open
        return self._settings.full if covered and not shut else self._settings.uncovered

    async def _cycle(
        self,
        wanted: Mapping[ItemId, tuple[Item, Event | None]],
        *,
        full: bool = False,
        again: Collection[ItemId] = (),
    ) -> None:
        """`again`: items that are checked a second time later, like those with an event. They may
        have changed without an event, or waited for their second look when this full check began.
        """
        begun = asyncio.get_running_loop().time()
        self._planned = begun + self._deadline
        self._arrived = 0
        checked = await self._check([item for item, _ in wanted.values()])
        self.state.cycles += 1
        if self.state.gate is not None and self.state.gate.status != checked.gate.status:
            # Whatever was judged behind the other gate says nothing about this machine.
            self.check_all("the gate has changed")
        self.state.gate = checked.gate
        now = self.state.last_cycle = time.time()
        if checked.gate.open:
            self.state.last_answer = now
        for result in checked.results:
            key = key_of(result.item)
            item, event = wanted.get(key, (None, None))
            awaited = event is not None or key in again
            changed = self._take(result, event, now)
            if item is not None and self._supervisors and (awaited or changed):
                # A source that reads a value again and again (4, then 4) does not notice that a
                # check between two of its looks has seen another value (3). So each item is
                # checked once more when its source has had the time to look.
                clock = asyncio.get_running_loop().time()
                self._due.again(item, clock + self._settings.sweep)
        if full:
            self.state.last_full = now
            self.state.full_seconds = asyncio.get_running_loop().time() - begun
        self._on_cycle(self.state)

    def _take(self, result: Result, event: Event | None, now: float) -> bool:
        """Take a new result, and report it if it is another outcome, or another drift. Return
        whether it differs from what was known.

        An outcome that becomes unknown is looked at again first: a tool may be in the middle of a
        change. The state has it at once.
        """
        item, state = result.item, self.state
        key = key_of(item)
        before = None if key in self._unjudged else state.results.get(key)
        self._unjudged.discard(key)
        state.results[key] = result
        if (held := state.held.pop(key, None)) is not None:
            before, event = held.before, held.event or event
        is_open = state.gate is not None and state.gate.open
        was_judged = before is not None and before.outcome in _JUDGED
        if result.outcome is Outcome.UNKNOWN and is_open and before is not None and was_judged:
            clock = asyncio.get_running_loop().time()
            held = held or Held(before, event, clock, now)
            pause = max(_AGAIN, self._due.quiet(item))
            end = held.since + max(_PATIENCE, pause)
            if clock < end:
                state.held[key] = held
                # The last look is at the end of the patience, and not later.
                self._due.again(item, min(clock + pause, end))
                return True
        if before is None:
            self._causes.explain(Transition(now, result, None, event), since=state.last_full)
            return False
        changed = before.outcome is not result.outcome or _drifts_anew(before, result)
        if changed:
            transition = Transition(now, result, before.outcome, event)
            self._causes.explain(transition, since=state.last_full)
        return changed

    def _on_event(self, event: Event) -> None:
        self._arrived += 1
        most = self._settings.most_waiting
        if most is not None and self._arrived > most:
            self.check_all(f"more than {most} events came at once (buffer_size)")
        # What no item names was named by watcher.yaml, which does not say what it affects.
        items = self._affected.by(event.subject) or self._items
        now = asyncio.get_running_loop().time()
        self._due.add(items, event, now, self._affected.named(event))
        self._wake.set()


def _drifts_anew(before: Result, after: Result) -> bool:
    """Return whether an item drifts, and did before, but in another way."""
    return before.outcome is after.outcome is Outcome.DRIFT and _values(before) != _values(after)


def _values(result: Result) -> list[tuple[str, Outcome, Value]]:
    """Return what was observed. The hash of a secret is another at each look."""
    return [
        (each.field, each.outcome, None if each.secret else each.actual) for each in result.findings
    ]


def summary(
    name: str, watch: NodeWatch, own: Iterable[Outcome] = (), over: str | None = None
) -> str:
    """Return one line about a node that is watched: its items by outcome, its own tests (their
    outcomes are `own`), and its sources. `over`: the connection that it is behind (`SSH`), None if
    the watch runs on it.
    """
    found = counts(watch.state)
    failed = 0
    for outcome in own:
        if outcome is Outcome.DRIFT:
            failed += 1
        else:
            found[outcome] += 1
    numbers = {OWN_FAILED: failed, **{outcome.value: count for outcome, count in found.items()}}
    items = ", ".join(counted(numbers))
    up = [health.name for health in watch.health if health.up]
    down = [f"{health.name} is not up: {health.why}" for health in watch.health if not health.up]
    place = f"over {over}: " if over is not None else ""
    by = (
        f"watched by {', '.join(sorted(up))}"
        if up
        else f"{place}no events, everything is checked every {watch.interval:g} s"
    )
    return "; ".join([f"{name}: {items}", by, *sorted(down)])


def counts(state: State) -> dict[Outcome, int]:
    """Return how many items have each outcome."""
    found = dict.fromkeys(Outcome, 0)
    for result in state.counted:
        found[result.outcome] += 1
    return found
