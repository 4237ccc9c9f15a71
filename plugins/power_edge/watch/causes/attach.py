"""Hand on transitions with their causes: keeps the recent acts, and waits a moment for those that
come after the verdict.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from power_edge.model import Outcome
from power_edge.watch.causes import package_logs
from power_edge.watch.causes.attribution import BEFORE, Window, choose
from power_edge.watch.causes.cause import Act, Cause
from power_edge.watch.causes.machine_records import FindCause
from power_edge.watch.debounce import ItemId, key_of
from power_edge.watch.transition import Transition

_MOST = 4096
"""Acts that are kept. A storm of them pushes the oldest out: their causes are not known then."""
_MOMENT = 0.05
"""Seconds that an act may come after the verdict. The kernel hands audit records on in batches: the
slowest of hundreds took 47 ms.
"""
_LONGEST = 0.25
"""Seconds to look into journal and logs, at most. It takes 10 ms."""
_JUDGED = frozenset((Outcome.COMPLIANT, Outcome.DRIFT))
"""Only a change between these two is a change of the machine that somebody made."""
_AT_ONCE = 8
"""Looks into journal and logs at the same time."""


@dataclass
class _Waiting:
    """A transition that is not handed on yet. It can have happened since `since`; what had ended by
    `judged`, the item's last verdict, was part of that.
    """

    transition: Transition
    since: float
    judged: float
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[Cause | None] | None = None


class Causes:
    """Takes transitions, and hands them on in the same order, each with its cause."""

    def __init__(
        self,
        hand_on: Callable[[Transition], None],
        *,
        family: str = "",
        records: Sequence[FindCause] = (),
        awaited: Callable[[], bool] = lambda: False,
    ) -> None:
        """`records`: where to look beside the acts. `awaited`: whether a source is up whose acts
        can come late.
        """
        self._hand_on = hand_on
        self._family = family
        self._records = records
        self._awaited = awaited
        self._acts: deque[Act] = deque(maxlen=_MOST)
        self._last: dict[ItemId, Transition] = {}
        """How each item changed last."""
        self._logged: dict[ItemId, Cause] = {}
        """The log entry that has explained an item's last change. It explains no other."""
        self._waiting: deque[_Waiting] = deque()
        self._more = asyncio.Event()
        self._looks = asyncio.Semaphore(_AT_ONCE)

    def act(self, act: Act) -> None:
        """A source reports who did something."""
        self._acts.append(act)
        for waiting in self._waiting:
            waiting.arrived.set()

    def explain(self, transition: Transition, since: float | None) -> None:
        """Hand a transition on, at once if there is nothing to be found out.

        `since`: when its item was judged before, if no event reported the change.
        """
        event, item = transition.event, transition.result.item
        key = key_of(item)
        if event is not None:
            since = event.time - BEFORE
        # What was done before the item's last change belongs to that one.
        last = self._last.get(key)
        judged = last.time if last is not None else 0.0
        if since is not None and last is not None:
            since = max(since, last.event.time if last.event is not None else last.time)
        if transition.before is not None:
            self._last[key] = transition
        made = since is not None and {transition.before, transition.result.outcome} <= _JUDGED
        if not (self._waiting or (made and (self._acts or self._records or self._awaited()))):
            self._hand_on(transition)
            return
        since = since if made and since is not None else transition.time
        waiting = _Waiting(transition, since, max(since, judged))
        if made:
            waiting.task = asyncio.create_task(self._cause(waiting))
        self._waiting.append(waiting)
        self._more.set()

    async def run(self) -> None:
        """Explain until this is cancelled. What waits then is handed on with what is known."""
        try:
            while True:
                await self._more.wait()
                self._more.clear()
                while self._waiting:
                    first = self._waiting[0]
                    cause = await first.task if first.task is not None else None
                    self._waiting.popleft()
                    self._hand_on(first.transition._replace(cause=cause))
        finally:
            for each in self._waiting:
                if each.task is not None:
                    each.task.cancel()
                self._hand_on(each.transition._replace(cause=self._by_act(each)))
            self._waiting.clear()

    async def _cause(self, waiting: _Waiting) -> Cause | None:
        record = asyncio.create_task(self._recorded_cause(waiting))
        try:
            # The verdict is not held up, nor are others: this transition alone waits.
            with suppress(TimeoutError):
                async with asyncio.timeout(_MOMENT):
                    while self._by_act(waiting) is None and self._awaited():
                        waiting.arrived.clear()
                        await waiting.arrived.wait()
            found = await record
        finally:
            record.cancel()
        cause = self._by_act(waiting)
        if cause is None or found is None:
            return cause or found
        return cause._replace(detail=(*cause.detail, *found.detail))

    async def _recorded_cause(self, waiting: _Waiting) -> Cause | None:
        """Return what journal and logs say."""
        result, until = waiting.transition.result, waiting.transition.time
        try:
            async with asyncio.timeout(_LONGEST), self._looks:
                for find in self._records:
                    cause = await find(result, waiting.judged, until)
                    if cause is not None and cause != self._logged.get(key_of(result.item)):
                        if cause.kind == package_logs.KIND:
                            self._logged[key_of(result.item)] = cause
                        return cause
        except Exception:  # a broken log or library must not end the watch: no cause is known then
            return None
        return None

    def _by_act(self, waiting: _Waiting) -> Cause | None:
        transition = waiting.transition
        item, until, event = transition.result.item, transition.time, transition.event
        at = event.time if event is not None else None
        return choose(self._acts, item, Window(waiting.since, until, at), self._family)
