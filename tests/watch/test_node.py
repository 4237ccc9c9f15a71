"""A node that is watched: which events lead to which checks, and what comes of them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from power_edge.identity.gate import Gate
from power_edge.model import Outcome
from power_edge.watch import node
from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.node import GATE, NodeWatch, State, counts, summary
from power_edge.watch.settings import Settings
from power_edge.watch.sources import Listener, Unavailable
from power_edge.watch.transition import Transition
from tests.support.views import result
from tests.watch.fakes import Machine, Played, event, item, outcomes

A, B = item("/a"), item("/b")
DRIFTS = result(Outcome.DRIFT, "x")
SLOW = 1e6
"""Seconds that no test waits."""


class Scene:
    """A watch of two files, a source that is up, and what came of it."""

    listener: Listener

    def __init__(self, settings: Settings, state: State | None, *, covers: bool) -> None:
        self.machine = Machine()
        self.played = Played(covers)
        self.transitions: asyncio.Queue[Transition] = asyncio.Queue()
        self.watch = NodeWatch(
            [A, B],
            self.machine.check,
            self.transitions.put_nowait,
            state=state,
            settings=settings,
            sources=[self.played.source],
        )

    async def changed(self) -> tuple[str, str | None, str]:
        transition = await self.transitions.get()
        before = transition.before.value if transition.before is not None else None
        return transition.result.item.name, before, transition.result.outcome.value


def play(
    scenario: Callable[[Scene], Awaitable[None]],
    settings: Settings = Settings(quiet=0, full=SLOW, uncovered=SLOW, doubtful=SLOW),  # noqa: B008
    state: State | None = None,
    *,
    covers: bool = True,
    up: bool = True,
) -> None:
    async def played() -> None:
        scene = Scene(settings, state, covers=covers)
        watching = asyncio.create_task(scene.watch.run())
        scene.listener = await scene.played.starts.get()
        if up:
            scene.listener.up()
        else:
            await scene.played.ends.put(Unavailable("not here"))
        try:
            await asyncio.wait_for(scene.watch.begun.wait(), 30)
            await asyncio.wait_for(scenario(scene), 30)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    asyncio.run(played())


def test_everything_is_checked_first_and_then_only_what_an_event_is_about() -> None:
    async def scenario(scene: Scene) -> None:
        assert await scene.machine.checks.get() == ["/a", "/b"]
        assert [await scene.changed(), await scene.changed()] == [
            ("/a", None, "compliant"),
            ("/b", None, "compliant"),
        ]
        listener = scene.listener
        scene.machine.outcomes["/b"] = Outcome.DRIFT
        listener.event(event("/b"))
        assert await scene.machine.checks.get() == ["/b"]
        assert await scene.changed() == ("/b", "compliant", "drift")
        assert outcomes(scene.watch.state.results) == {"/a": "compliant", "/b": "drift"}

    play(scenario)


def test_a_transition_has_the_first_event_that_led_to_it() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.machine.checks.get()
        listener = scene.listener
        [await scene.changed(), await scene.changed()]
        scene.machine.outcomes["/a"] = Outcome.DRIFT
        listener.event(event("/a", 5.0))
        listener.event(event("/a", 6.0))
        transition = await scene.transitions.get()
        assert transition.event == event("/a", 5.0)
        assert transition.detection_seconds == transition.time - 5.0

    play(scenario)


def test_what_an_event_was_about_is_checked_once_more() -> None:
    """A source that polls (4, then 4) does not notice a 3 in between, which the check has seen."""

    async def scenario(scene: Scene) -> None:
        await looked_twice(scene)
        scene.listener.event(event("/b"))
        assert await scene.machine.checks.get() == ["/b"]
        scene.machine.outcomes["/b"] = Outcome.DRIFT  # no event tells of it
        assert await scene.machine.checks.get() == ["/b"]
        assert await scene.changed() == ("/b", "compliant", "drift")
        assert await scene.machine.checks.get() == ["/b"]  # it has changed without an event
        scene.listener.event(event("/a"))
        assert await scene.machine.checks.get() == ["/a"]

    play(scenario, QUICK)


def test_a_check_of_everything_leaves_the_second_look_to_come() -> None:
    """It may read a 3 in between as well: the source has not had the time to look."""

    async def scenario(scene: Scene) -> None:
        await scene.machine.checks.get()
        [await scene.changed(), await scene.changed()]
        scene.listener.event(event("/b", 5.0))
        assert await scene.machine.checks.get() == ["/b"]
        scene.machine.outcomes["/a"] = Outcome.DRIFT
        scene.listener.event(event("/a", 6.0))
        scene.listener.lost(1, "the queue was full")
        assert await scene.machine.checks.get() == ["/a", "/b"]
        assert (await scene.transitions.get()).event == event("/a", 6.0)
        seconds = await scene.machine.checks.get()
        if seconds == ["/b"]:
            seconds += await scene.machine.checks.get()
        assert sorted(seconds) == ["/a", "/b"]

    play(scenario, Settings(quiet=0, sweep=0.1, full=SLOW, uncovered=SLOW, doubtful=SLOW))


async def looked_twice(scene: Scene) -> None:
    """Everything is checked at the start, and once more."""
    assert await scene.machine.checks.get() == ["/a", "/b"]
    [await scene.changed(), await scene.changed()]
    assert await scene.machine.checks.get() == ["/a", "/b"]


QUICK = Settings(quiet=0, sweep=0.001, full=SLOW, uncovered=SLOW, doubtful=SLOW)


def test_what_the_first_check_saw_for_a_moment_does_not_stay() -> None:
    """A source that polls may have read a 4 before that check, and a 4 after it."""

    async def scenario(scene: Scene) -> None:
        assert await scene.machine.checks.get() == ["/a", "/b"]
        scene.machine.outcomes["/b"] = Outcome.DRIFT  # no event tells of it
        [await scene.changed(), await scene.changed()]
        assert await scene.changed() == ("/b", "compliant", "drift")

    play(scenario, QUICK)


@pytest.mark.parametrize("why", ["lost", "buffer_size"])
def test_what_was_checked_instead_of_events_that_are_missing_is_checked_once_more(why: str) -> None:
    async def scenario(scene: Scene) -> None:
        await looked_twice(scene)
        if why == "lost":
            scene.listener.lost(1, "the queue was full")
        else:
            for _ in range(3):
                scene.listener.event(event("/a", 5.0))
        assert await scene.machine.checks.get() == ["/a", "/b"]
        scene.machine.outcomes["/b"] = Outcome.DRIFT  # no event tells of it
        assert await scene.machine.checks.get() == ["/a", "/b"]
        assert await scene.changed() == ("/b", "compliant", "drift")
        assert await scene.machine.checks.get() == ["/b"]  # it has changed without an event
        scene.listener.event(event("/a"))
        assert await scene.machine.checks.get() == ["/a"]

    play(scenario, replace(QUICK, most_waiting=2))


def test_an_event_that_overflows_the_buffer_counts_for_the_time_of_detection() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.machine.checks.get()
        [await scene.changed(), await scene.changed()]
        scene.machine.outcomes["/b"] = Outcome.DRIFT
        for path in ("/a", "/a", "/b"):
            scene.listener.event(event(path, 5.0))
        transition = await scene.transitions.get()
        assert transition.event == event("/b", 5.0)

    play(scenario, Settings(quiet=0, full=SLOW, uncovered=SLOW, doubtful=SLOW, most_waiting=2))


def test_what_watcher_yaml_names_lets_everything_be_checked() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.machine.checks.get()
        listener = scene.listener
        listener.event(Event("played", Subject(Kind.TOPIC, "org.example.Changed"), 1.0))
        assert await scene.machine.checks.get() == ["/a", "/b"]

    play(scenario)


@pytest.mark.parametrize("gap", ["lost", "again"])
def test_after_a_gap_everything_is_checked(gap: str) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.machine.checks.get()
        listener = scene.listener
        if gap == "lost":
            listener.lost(3, "the queue was full")
            assert scene.watch.health[0].lost == 3
        else:
            await scene.played.ends.put(ConnectionError("the bus has ended"))
            again = await scene.played.starts.get()
            (health,) = scene.watch.health
            assert (health.up, health.why, health.lost) == (False, "the bus has ended", 1)
            again.up()
        assert await scene.machine.checks.get() == ["/a", "/b"]

    play(scenario)


def test_while_a_source_is_down_everything_is_checked_again_and_again() -> None:
    async def scenario(scene: Scene) -> None:
        for _ in range(3):
            assert await scene.machine.checks.get() == ["/a", "/b"]

    play(scenario, Settings(full=SLOW, uncovered=0.001, doubtful=SLOW), up=False)


def test_what_no_source_covers_is_checked_again_and_again() -> None:
    async def scenario(scene: Scene) -> None:
        for _ in range(3):
            assert await scene.machine.checks.get() == ["/a", "/b"]

    play(scenario, Settings(full=SLOW, uncovered=0.001, doubtful=SLOW), covers=False)


def test_what_is_not_compliant_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(scene: Scene) -> None:
        scene.machine.outcomes["/b"] = Outcome.UNKNOWN
        scene.listener.event(event("/b"))
        while await scene.changed() != ("/b", "compliant", "unknown"):
            pass
        scene.machine.outcomes["/b"] = Outcome.COMPLIANT
        while await scene.changed() != ("/b", "unknown", "compliant"):
            pass

    monkeypatch.setattr(node, "_PATIENCE", 0)
    play(scenario, Settings(quiet=0.001, full=SLOW, uncovered=SLOW, doubtful=0.001))


PATIENT = Settings(quiet=0.001, full=SLOW, uncovered=SLOW, doubtful=SLOW)


def test_an_item_that_is_unknown_for_a_moment_is_not_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(node, "_AGAIN", 0.001)
    monkeypatch.setattr(node, "_PATIENCE", SLOW)

    async def scenario(scene: Scene) -> None:
        await scene.machine.checks.get()
        [await scene.changed(), await scene.changed()]
        scene.machine.outcomes["/a"] = Outcome.UNKNOWN
        scene.listener.event(event("/a", 5.0))
        for _ in range(3):  # it is looked at again and again
            assert await scene.machine.checks.get() == ["/a"]
        # Meanwhile /status shows what is known.
        assert outcomes(scene.watch.state.results)["/a"] == "unknown"
        assert scene.transitions.empty()
        scene.machine.outcomes["/a"] = Outcome.DRIFT
        transition = await scene.transitions.get()
        assert (transition.before, transition.result.outcome) == (Outcome.COMPLIANT, Outcome.DRIFT)
        assert transition.event == event("/a", 5.0)
        assert not scene.watch.state.held

    play(scenario, PATIENT)


def test_an_item_that_comes_back_from_unknown_has_not_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(node, "_AGAIN", 0.001)
    monkeypatch.setattr(node, "_PATIENCE", SLOW)

    async def scenario(scene: Scene) -> None:
        [await scene.changed(), await scene.changed()]
        scene.machine.outcomes["/a"] = Outcome.UNKNOWN
        scene.listener.lost(1, "full")  # a full check finds it, and another one
        while not scene.watch.state.held:
            await scene.machine.checks.get()
        scene.listener.lost(1, "full")
        await scene.machine.checks.get()
        scene.machine.outcomes["/a"] = Outcome.COMPLIANT
        while scene.watch.state.held:
            await scene.machine.checks.get()
            await asyncio.sleep(0)
        assert scene.transitions.empty()

    play(scenario, PATIENT)


def test_an_item_that_stays_unknown_is_reported_with_the_first_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(node, "_AGAIN", 0.001)
    monkeypatch.setattr(node, "_PATIENCE", 0.05)

    async def scenario(scene: Scene) -> None:
        [await scene.changed(), await scene.changed()]
        scene.machine.outcomes["/a"] = Outcome.UNKNOWN
        scene.listener.event(event("/a", 5.0))
        transition = await scene.transitions.get()
        assert (transition.before, transition.result.outcome) == (
            Outcome.COMPLIANT,
            Outcome.UNKNOWN,
        )
        assert transition.event == event("/a", 5.0)

    play(scenario, PATIENT)


def test_what_is_unknown_when_the_watch_ends_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "_PATIENCE", SLOW)
    ended: list[asyncio.Queue[Transition]] = []

    async def scenario(scene: Scene) -> None:
        [await scene.changed(), await scene.changed()]
        scene.machine.outcomes["/a"] = Outcome.UNKNOWN
        scene.listener.event(event("/a"))
        while not scene.watch.state.held:
            await scene.machine.checks.get()
            await asyncio.sleep(0)
        ended.append(scene.transitions)

    play(scenario, PATIENT)
    transition = ended[0].get_nowait()
    assert (transition.before, transition.result.outcome) == (Outcome.COMPLIANT, Outcome.UNKNOWN)


def test_a_drift_of_another_value_is_a_transition() -> None:
    async def scenario(scene: Scene) -> None:
        [await scene.changed(), await scene.changed()]
        scene.machine.outcomes["/a"] = Outcome.DRIFT
        scene.listener.event(event("/a"))
        assert await scene.changed() == ("/a", "compliant", "drift")
        scene.listener.event(event("/a"))
        scene.machine.values["/a"] = "0777"
        scene.listener.event(event("/a"))
        assert await scene.changed() == ("/a", "drift", "drift")
        assert scene.transitions.empty()

    play(scenario)


def test_an_item_that_is_new_is_checked_before_the_sources_are_up() -> None:
    known = State()

    async def first(scene: Scene) -> None:
        known.results["files", "/a"] = scene.watch.state.results["files", "/a"]
        known.last_cycle = scene.watch.state.last_cycle

    async def second() -> None:
        scene = Scene(Settings(full=SLOW, uncovered=SLOW, doubtful=SLOW), known, covers=True)
        assert outcomes(scene.watch.state.results) == {"/a": "compliant", "/b": "unknown"}
        watching = asyncio.create_task(scene.watch.run())
        await scene.played.starts.get()
        assert await scene.machine.checks.get() == ["/a", "/b"]
        assert await scene.changed() == ("/b", None, "compliant")
        assert not scene.watch.begun.is_set()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    play(first)
    asyncio.run(asyncio.wait_for(second(), 30))


def test_the_gate_counts_only_if_it_is_selected() -> None:
    def state(*, counts_gate: bool) -> State:
        results = {GATE: result(Outcome.COMPLIANT, "identity", "node"), ("s", "x"): DRIFTS}
        return State(results=results, counts_gate=counts_gate)

    assert sum(counts(state(counts_gate=True)).values()) == 2
    assert counts(state(counts_gate=False)) == dict.fromkeys(Outcome, 0) | {Outcome.DRIFT: 1}


def test_the_summary_counts_own_tests() -> None:
    async def scenario(scene: Scene) -> None:
        own = [Outcome.DRIFT, Outcome.COMPLIANT, Outcome.UNKNOWN]
        text = summary("a", scene.watch, own)
        assert text.startswith("a: 1 own test failed, 1 unknown, 3 compliant; ")

    play(scenario)


def test_a_gate_that_shuts_lets_everything_be_judged_again() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.machine.checks.get()
        listener = scene.listener
        scene.machine.gate = Gate(12, "another machine")
        scene.machine.outcomes = dict.fromkeys(["/a", "/b"], Outcome.BLOCKED)
        listener.event(event("/a"))
        assert await scene.machine.checks.get() == ["/a"]
        assert await scene.machine.checks.get() == ["/a", "/b"]
        for _ in range(4):
            await scene.changed()
        assert set(outcomes(scene.watch.state.results).values()) == {"blocked"}

    play(scenario)


def test_more_events_than_may_wait_let_everything_be_checked() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.machine.checks.get()
        listener = scene.listener
        for _ in range(3):
            listener.event(event("/a"))
        assert await scene.machine.checks.get() == ["/a", "/b"]

    play(scenario, Settings(quiet=0, full=SLOW, uncovered=SLOW, doubtful=SLOW, most_waiting=2))


def test_no_more_items_than_allowed_are_checked_together() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.machine.checks.get()
        listener = scene.listener
        for path in ("/a", "/b"):
            listener.event(event(path))
        assert [await scene.machine.checks.get(), await scene.machine.checks.get()] == [
            ["/a"],
            ["/b"],
        ]

    play(scenario, Settings(quiet=0, full=SLOW, uncovered=SLOW, doubtful=SLOW, most_together=1))


def test_what_an_earlier_watch_knew_is_kept_but_for_items_that_are_gone() -> None:
    known = State()

    async def first(scene: Scene) -> None:
        scene.machine.outcomes["/a"] = Outcome.DRIFT
        scene.listener.event(event("/a"))
        while await scene.changed() != ("/a", "compliant", "drift"):
            pass
        known.results.update(scene.watch.state.results)
        known.results["files", "/gone"] = known.results["files", "/b"]

    async def second(scene: Scene) -> None:
        await scene.watch.begun.wait()
        assert await scene.changed() == ("/a", "drift", "compliant")
        assert scene.transitions.empty()
        assert outcomes(scene.watch.state.results) == {"/a": "compliant", "/b": "compliant"}

    play(first)
    play(second, state=known)


def test_the_summary_names_the_sources_and_why_one_is_not_up() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.watch.begun.wait()
        assert summary("a", scene.watch) == "a: 2 compliant; watched by played"

    async def without(scene: Scene) -> None:
        await scene.watch.begun.wait()
        every = f"no events, everything is checked every {scene.watch.interval:g} s"
        assert summary("a", scene.watch) == f"a: 2 compliant; {every}; played is not up: not here"
        assert f"; over SSH: {every}; " in summary("a", scene.watch, over="SSH")

    play(scenario)
    play(without, up=False)


def test_nothing_is_checked_before_the_sources_are_up() -> None:
    async def scenario() -> None:
        scene = Scene(Settings(full=SLOW, uncovered=SLOW, doubtful=SLOW), None, covers=True)
        watching = asyncio.create_task(scene.watch.run())
        listener = await scene.played.starts.get()
        assert scene.machine.checks.empty()
        listener.up()
        assert await scene.machine.checks.get() == ["/a", "/b"]
        await scene.watch.begun.wait()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        assert scene.machine.checks.empty()

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_a_source_that_goes_down_lets_everything_be_checked_at_once_and_again_and_again() -> None:
    async def scenario(scene: Scene) -> None:
        while not scene.machine.checks.empty():
            scene.machine.checks.get_nowait()
        await scene.played.ends.put(ConnectionError("the bus has ended"))
        await scene.played.starts.get()
        for _ in range(3):
            assert await scene.machine.checks.get() == ["/a", "/b"]

    play(scenario, Settings(full=SLOW, uncovered=0.001, doubtful=SLOW))
