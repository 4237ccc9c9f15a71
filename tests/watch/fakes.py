"""A source that a test plays, items without a node, and a check that answers what a test says."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from power_edge.identity.gate import Gate
from power_edge.model import Item, Outcome, Result, drifts
from power_edge.model import Source as Place
from power_edge.model.generated.resources.files_schema import File
from power_edge.watch.debounce import ItemId, key_of
from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.node import Checked
from power_edge.watch.sources import Listener, Source, Watched

OPEN = Gate(0)


def item(path: str) -> Item:
    """A file that is declared."""
    declared = File(path=path, mode="0644")
    return Item("a", "files", path, path, declared, {"mode": "0644"}, (Place("f", 1),))


def event(path: str, time: float = 100.0) -> Event:
    return Event("played", Subject(Kind.PATH, path), time)


@dataclass
class Played:
    """A source: `listener` is there once it has been started."""

    covers: bool = True
    starts: "asyncio.Queue[Listener]" = field(default_factory=asyncio.Queue)
    ends: "asyncio.Queue[Exception]" = field(default_factory=asyncio.Queue)
    watched: Watched | None = None

    async def _run(self, watched: Watched, listener: Listener) -> None:
        self.watched = watched
        await self.starts.put(listener)
        raise await self.ends.get()

    @property
    def source(self) -> Source:
        return Source(
            name="played",
            wants=lambda _: True,
            covers=lambda subject: self.covers and subject.kind is Kind.PATH,
            run=self._run,
        )


class Machine:
    """What a check finds: `outcomes` by path, compliant for any other; each check is recorded."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.values: dict[str, str] = {}
        """What is observed of a file that drifts: its mode."""
        self.gate = OPEN
        self.checks: asyncio.Queue[list[str]] = asyncio.Queue()

    async def check(self, items: Sequence[Item]) -> Checked:
        results = [self._result(each) for each in items]
        await self.checks.put([each.name for each in items])
        return Checked(self.gate, results)

    def _result(self, each: Item) -> Result:
        outcome = self.outcomes.get(each.name, Outcome.COMPLIANT)
        mode = self.values.get(each.name, "0600")
        findings = (drifts("mode", "0644", mode),) if outcome is Outcome.DRIFT else ()
        return Result(each, outcome, findings)


def outcomes(results: Mapping[ItemId, Result]) -> dict[str, str]:
    return {name: result.outcome.value for (_, name), result in results.items()}


def keys(items: Iterable[Item]) -> list[ItemId]:
    return [key_of(each) for each in items]
