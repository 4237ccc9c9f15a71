"""What a node's watch says of its checks: when one ended, and whether one is overdue."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from power_edge.identity.gate import Gate
from power_edge.model import Item, Outcome
from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.node import Checked, NodeWatch, State
from power_edge.watch.settings import Settings
from power_edge.watch.sources import Watched
from power_edge.watch.supervisor import Supervisor
from power_edge.watch.transition import Transition
from tests.support.views import OPEN, item, result
from tests.watch.fakes import Played

HANGS = 120.0
"""Seconds after which a test that waits for what does not happen gives up."""
CALM = Settings(full=600.0, uncovered=600.0, doubtful=600.0)
EVENT = Event("values", Subject(Kind.VALUE, "/proc/sys/x"), 0.0)


class Node:
    """A node whose checks end when they are let go."""

    def __init__(self) -> None:
        self.gate = OPEN
        self.go = asyncio.Event()
        self.log: list[object] = []
        self.watch = NodeWatch(
            [], self.check, self.log.append, settings=CALM, on_cycle=self.ended, deadline=60.0
        )

    async def check(self, items: Sequence[Item]) -> Checked:
        await self.go.wait()
        return Checked(self.gate, [result(Outcome.DRIFT, "x")])

    def ended(self, state: State) -> None:
        self.log.append((state.cycles, state.last_full is not None, state.last_answer is not None))


def watching(test: Callable[[Node], Awaitable[None]]) -> Node:
    async def run() -> Node:
        node = Node()
        task = asyncio.create_task(node.watch.run())
        try:
            async with asyncio.timeout(HANGS):
                await test(node)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return node

    return asyncio.run(run())


async def ended(node: Node, cycles: int) -> None:
    while node.watch.state.cycles < cycles:
        await asyncio.sleep(0.001)


def test_a_check_ends_after_its_transitions() -> None:
    async def test(node: Node) -> None:
        node.go.set()
        await ended(node, 1)

    transition, *rest = watching(test).log
    assert isinstance(transition, Transition)
    assert rest == [(1, True, True)]


def test_a_node_that_does_not_answer() -> None:
    async def test(node: Node) -> None:
        node.gate = Gate(11, "unreachable: off")
        node.go.set()
        await ended(node, 1)

    assert watching(test).log[-1] == (1, True, False)


def test_overdue() -> None:
    async def test(node: Node) -> None:
        loop = asyncio.get_running_loop()
        watch = node.watch
        assert watch.overdue(loop.time()) == 0, "it has not begun"
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        begun = loop.time()
        # A check runs: it has its deadline.
        assert watch.overdue(begun) == 0
        assert watch.overdue(begun + 59) == 0
        assert 9 < watch.overdue(begun + 70) < 11
        # Meanwhile an event waits.
        watch._due.add([item("x")], EVENT, begun)
        assert watch.overdue(begun + 5) == 5
        node.go.set()
        await ended(node, 1)
        await asyncio.sleep(0)
        # The next full check is due in ten minutes.
        now = loop.time()
        assert watch.overdue(now + 590) == 0
        assert 9 < watch.overdue(now + 610) < 11

    watching(test)


def test_a_source_that_was_up() -> None:
    async def run() -> None:
        played = Played()
        supervisor = Supervisor(played.source, Watched(frozenset()), lambda _: None, lambda _: None)
        health = supervisor.health
        task = asyncio.create_task(supervisor.run())
        async with asyncio.timeout(HANGS):
            listener = await played.starts.get()
            assert not health.was_up
            listener.up()
            await played.ends.put(OSError("gone"))
            await played.starts.get()  # it is tried again
        assert (health.up, health.was_up, health.why) == (False, True, "gone")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
