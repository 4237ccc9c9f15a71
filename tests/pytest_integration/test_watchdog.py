"""The watchdog: signs of life for systemd, as long as no check is overdue."""

import asyncio
import os
import signal
import socket
from pathlib import Path
from threading import Timer
from types import SimpleNamespace
from typing import Any, cast

import pytest

from power_edge.model import Item
from power_edge.probing.kept_connection import Kept
from power_edge.pytest_integration import watching
from power_edge.pytest_integration.nodes import Nodes
from power_edge.pytest_integration.watching import Watched, Watching
from power_edge.watch.outputs.publisher import Publisher, Targets

HANGS = 30.0
"""Seconds after which a watch counts as one that nothing ends."""


class Stub:
    """A watch that is overdue, or not, as a test says; it ends all when it has said the last."""

    def __init__(self, overdue: list[bool]) -> None:
        self.begun = asyncio.Event()
        self.begun.set()
        self._overdue = overdue

    def overdue(self, _: float) -> float:
        if len(self._overdue) == 1:
            os.kill(os.getpid(), signal.SIGTERM)
            return 99.0 * self._overdue[0]
        return 99.0 * self._overdue.pop(0)


def nothing(_: str) -> list[Item]:
    return []


def watching_nothing() -> Watching:
    """A watch of no nodes, to which a test adds what it needs."""
    publisher = Publisher(Targets(), lambda _: None)
    return Watching(cast(Nodes, None), [], lambda _: None, None, publisher, choose=nothing)


def test_sighup_tries_a_node_that_did_not_answer_at_once() -> None:
    class Unreached(Stub):
        def check_all(self, why: str) -> None:
            checked.append((why, kept._next_try))

    checked: list[tuple[str, float]] = []
    kept = Kept()
    kept._next_try = 1e9
    watch = watching_nothing()
    watch._watched["rig-1"] = Watched(
        cast(Any, None), [], cast(Any, Unreached([])), cast(Any, None), kept
    )
    watch._reload_all()
    assert checked == [("SIGHUP", 0.0)]


@pytest.mark.parametrize(
    ("overdue", "signs"), [([False, True, True, False, True], 2), ([True, True], 0)]
)
def test_a_watch_that_is_overdue_sends_no_sign_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overdue: list[bool], signs: int
) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(address))
        monkeypatch.setenv("WATCHDOG_USEC", "3000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        watching = watching_nothing()
        # What a probe starts is not to speak to systemd.
        assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC"} & os.environ.keys()
        watching._watched["rig-1"] = Watched(
            cast(Any, None), [], cast(Any, Stub(overdue)), cast(Any, None), Kept()
        )
        # The stub ends the watch when it was asked. If nobody asks it, this does.
        late = Timer(HANGS, os.kill, (os.getpid(), signal.SIGTERM))
        late.start()
        watching.run(lambda: 0)
        assert late.is_alive(), "the watchdog was not asked"
        late.cancel()
        messages = []
        while True:
            try:
                messages.append(manager.recv(4096).decode())
            except BlockingIOError:
                break
    assert messages.count("WATCHDOG=1") == signs
    assert messages.count("READY=1") == 1
    assert messages[-1] == "STOPPING=1"


class Suites:
    """Suites that take a while; `tests` of them."""

    def __init__(self, tests: list[object], order: list[str]) -> None:
        self._tests = tests
        self._order = order
        self.seconds = 1e6

    def items(self, _: str) -> list[object]:
        return self._tests

    async def run(self, _: str) -> list[object]:
        for _tick in range(50):
            await asyncio.sleep(0)
        self._order.append("suites")
        return []


@pytest.mark.parametrize(
    ("tests", "expected"),
    [([], ["suites", "summary", "READY=1"]), (["a test"], ["READY=1", "suites", "summary"])],
    ids=["no suites", "suites"],
)
def test_systemd_hears_of_the_first_check_after_people_do(
    monkeypatch: pytest.MonkeyPatch, tests: list[object], expected: list[str]
) -> None:
    """But it does not wait for suites, which may take longer than a start may."""

    class Checked:
        def __init__(self) -> None:
            self.begun = asyncio.Event()
            self.state = SimpleNamespace(results={})

        async def run(self) -> None:
            await asyncio.Event().wait()

    order: list[str] = []
    monkeypatch.setattr(watching, "summary", lambda *_: "summary")

    async def scenario() -> None:
        watch = watching_nothing()
        watch._say = order.append
        watch._notifier = cast(Any, SimpleNamespace(send=order.append))
        watch._suites = cast(Any, Suites(tests, order))
        watch._nodes = cast(Any, SimpleNamespace(settle=lambda _: None))
        watch._selected["rig-1"] = []
        # The files of the node were loaded again before its first check: that watch has gone.
        replaced, checked = Checked(), Checked()
        watch._watched["rig-1"] = Watched(
            cast(Any, None), [], cast(Any, replaced), cast(Any, None), Kept()
        )
        ready = asyncio.create_task(watch._report_start())
        running = asyncio.create_task(watch._watch_and_report("rig-1", cast(Any, checked), None))
        await asyncio.sleep(0)
        checked.begun.set()
        async with asyncio.timeout(HANGS):
            await ready
            while "summary" not in order:
                await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scenario())
    assert order == expected


def test_a_node_whose_turn_did_not_come_is_not_said_to_lack_resources() -> None:
    settled: list[Any] = []
    watching = Watching(
        cast(Nodes, SimpleNamespace(settle=settled.append)),
        [],
        lambda _: None,
        None,
        Publisher(Targets(), lambda _: None),
        choose=nothing,
    )
    begun = SimpleNamespace(state=SimpleNamespace(results={}))
    watching._watched["rig-1"] = Watched(
        cast(Any, None), [], cast(Any, begun), cast(Any, None), Kept()
    )
    watching.settle()
    (latest,) = settled
    assert str(latest.answer) == "not asked, because the run ended before its turn: start it again"


def test_a_watch_gives_memory_back_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []

    def give_back() -> None:
        given.append(len(given))
        if len(given) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("power_edge.pytest_integration.watching._GIVE_BACK", 0.01)
    monkeypatch.setattr("power_edge.pytest_integration.watching.give_back", give_back)
    late = Timer(HANGS, os.kill, (os.getpid(), signal.SIGTERM))
    late.start()
    watching_nothing().run(lambda: 0)
    late.cancel()
    assert given[:3] == [0, 1, 2]
