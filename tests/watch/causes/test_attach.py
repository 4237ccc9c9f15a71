"""Transitions go on in their order, each with its cause; none holds up another's verdict."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from power_edge.model import Item, Outcome, Result
from power_edge.watch.causes.attach import Causes
from power_edge.watch.causes.cause import Act, Cause
from power_edge.watch.causes.machine_records import unit_cause
from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.journal import Entry
from power_edge.watch.transition import Transition
from tests.support.cases import items_of

MOTD, ISSUE = items_of(
    {"files": [{"path": "/etc/motd", "mode": "0644"}, {"path": "/etc/issue", "mode": "0644"}]}
)
ALICE = Cause("audit", user="alice", command="vi", pid=7, time=100.0)


def act(item: Item = MOTD, at: float = 100.0, cause: Cause = ALICE) -> Act:
    return Act(Subject(Kind.PATH, item.name), at, cause._replace(time=at), item.name)


def drift(
    item: Item = MOTD,
    at: float = 100.2,
    event: float | None = 100.0,
    before: Outcome | None = Outcome.COMPLIANT,
    after: Outcome = Outcome.DRIFT,
) -> Transition:
    told = Event("inotify", Subject(Kind.PATH, item.name), event) if event is not None else None
    return Transition(at, Result(item, after), before, told)


class Run:
    """Causes that run, and what they have handed on."""

    def __init__(self, *, audit: bool = False, record: Cause | None = None) -> None:
        async def kept(result: Result, since: float, until: float) -> Cause | None:
            return record

        self.found: asyncio.Queue[Transition] = asyncio.Queue()
        self.causes = Causes(
            self.found.put_nowait,
            records=(kept,) if record is not None else (),
            awaited=lambda: audit,
        )

    @property
    def handed_on(self) -> list[Transition]:
        return [self.found.get_nowait() for _ in range(self.found.qsize())]


def running(test: Callable[[Run], Awaitable[None]], run: Callable[[], Run] = Run) -> None:
    async def within() -> None:
        made = run()
        task = asyncio.create_task(made.causes.run())
        try:
            await test(made)
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(within())


def test_a_transition_gets_the_act_that_came_before_it() -> None:
    async def test(run: Run) -> None:
        run.causes.act(act())
        run.causes.explain(drift(), None)
        assert (await run.found.get()).cause == ALICE

    running(test)


def test_an_act_that_comes_after_the_verdict_is_waited_for_if_audit_is_up() -> None:
    async def test(run: Run) -> None:
        run.causes.explain(drift(), None)
        run.causes.explain(drift(ISSUE), None)
        await asyncio.sleep(0)
        assert run.handed_on == []
        run.causes.act(act(ISSUE))
        run.causes.act(act(MOTD))
        first, second = await run.found.get(), await run.found.get()
        assert [each.result.item for each in (first, second)] == [MOTD, ISSUE]
        assert (first.cause, second.cause) == (ALICE, ALICE)

    running(test, lambda: Run(audit=True))


def test_without_an_act_it_goes_on_without_a_cause() -> None:
    async def test(run: Run) -> None:
        run.causes.explain(drift(), None)
        assert (await run.found.get()).cause is None

    running(test, lambda: Run(audit=True))


def test_nothing_is_waited_for_where_nobody_can_tell() -> None:
    async def test(run: Run) -> None:
        run.causes.explain(drift(), None)
        assert [each.cause for each in run.handed_on] == [None]

    running(test)


@pytest.mark.parametrize(
    "found",
    [
        drift(before=None),
        drift(before=Outcome.UNKNOWN),
        drift(after=Outcome.BLOCKED),
        drift(event=None),
    ],
)
def test_what_nobody_need_have_done_has_no_cause(found: Transition) -> None:
    async def test(run: Run) -> None:
        run.causes.act(act(at=found.time))
        run.causes.explain(found, None)
        assert [each.cause for each in run.handed_on] == [None]

    running(test, lambda: Run(audit=True))


def test_a_change_that_a_sweep_found_has_the_act_since_the_last_sweep() -> None:
    async def test(run: Run) -> None:
        run.causes.act(act(at=60.0))
        run.causes.explain(drift(event=None), since=50.0)
        run.causes.explain(drift(ISSUE, event=None), since=50.0)
        first, second = await run.found.get(), await run.found.get()
        assert first.cause == ALICE._replace(time=60.0)
        assert second.cause is None

    running(test)


def test_an_act_before_the_last_change_did_that_one() -> None:
    async def test(run: Run) -> None:
        run.causes.act(act(at=100.0))
        run.causes.explain(drift(), None)
        back = drift(at=101.0, event=100.9, before=Outcome.DRIFT, after=Outcome.COMPLIANT)
        run.causes.act(act(at=100.9, cause=ALICE._replace(user="bob", pid=8)))
        run.causes.explain(back, None)
        assert (await run.found.get()).cause == ALICE
        cause = (await run.found.get()).cause
        assert cause == ALICE._replace(user="bob", pid=8, time=100.9)

    running(test)


def test_a_record_is_offered_and_added_to_an_act() -> None:
    ended = Cause("service", unit="x.service", detail=("result signal",))

    async def test(run: Run) -> None:
        run.causes.explain(drift(), None)
        assert (await run.found.get()).cause == ended
        run.causes.act(act(at=104.9))
        run.causes.explain(drift(at=105.2, event=105.0), None)
        cause = (await run.found.get()).cause
        assert cause == ALICE._replace(time=104.9, detail=("result signal",))

    running(test, lambda: Run(record=ended))


def test_what_ended_before_the_last_verdict_is_no_record_of_the_next() -> None:
    asked: list[tuple[float, float]] = []

    async def kept(result: Result, since: float, until: float) -> Cause | None:
        asked.append((since, until))
        return None

    async def test(run: Run) -> None:
        run.causes = Causes(run.found.put_nowait, records=(kept,))
        task = asyncio.create_task(run.causes.run())
        run.causes.explain(drift(at=100.2, event=100.0), None)
        back = drift(at=100.9, event=100.7, before=Outcome.DRIFT, after=Outcome.COMPLIANT)
        run.causes.explain(back, None)
        for _ in range(2):
            await run.found.get()
        assert asked == [(98.0, 100.2), (100.2, 100.9)]
        task.cancel()

    running(test)


@pytest.mark.parametrize(("kind", "again"), [("package", None), ("service", "the same")])
def test_a_log_entry_explains_one_change(kind: str, again: str | None) -> None:
    entry = Cause(kind, command="the same", time=99.0)

    async def test(run: Run) -> None:
        run.causes.explain(drift(), None)
        assert (await run.found.get()).cause == entry
        back = drift(at=100.9, event=100.7, before=Outcome.DRIFT, after=Outcome.COMPLIANT)
        run.causes.explain(back, None)
        cause = (await run.found.get()).cause
        assert (cause.command if cause is not None else None) == again

    running(test, lambda: Run(record=entry))


def test_a_record_that_fails_ends_nothing() -> None:
    async def broken(result: Result, since: float, until: float) -> Cause | None:
        raise RuntimeError("the library is broken")

    async def test(run: Run) -> None:
        run.causes = Causes(run.found.put_nowait, records=(broken,))
        task = asyncio.create_task(run.causes.run())
        run.causes.explain(drift(), None)
        run.causes.explain(drift(ISSUE), None)
        assert [(await run.found.get()).cause for _ in range(2)] == [None, None]
        assert not task.done()
        task.cancel()

    running(test)


def test_what_waits_at_the_end_is_handed_on() -> None:
    async def test() -> list[Transition]:
        run = Run(audit=True)
        task = asyncio.create_task(run.causes.run())
        run.causes.explain(drift(), None)
        run.causes.explain(drift(ISSUE), None)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return run.handed_on

    assert [each.result.item for each in asyncio.run(test())] == [MOTD, ISSUE]


LINES = [
    Entry(999.7, "x.service", "x: started", "a"),
    Entry(1000.024637, "x.service", "x: Main process exited, code=killed, status=9/KILL", "b"),
    Entry(1000.024656, "x.service", "x: Failed with result 'signal'.", "c"),
    Entry(1000.348596, "x.service", "x: Scheduled restart job, restart counter is at 1.", "d"),
    Entry(1000.364963, "x.service", "Started x.", "e"),
]
RESTARTED = {
    "Result": "success",
    "ExecMainPID": 47,
    "ExecMainCode": 0,
    "ExecMainStatus": 0,
    "ActiveExitTimestamp": 1_000_024_703,
    "InactiveEnterTimestamp": 1_000_348_748,
    "ActiveEnterTimestamp": 1_000_364_936,
}
"""A service after `kill -9`, which systemd has restarted."""
DEAD = {
    "Result": "signal",
    "ExecMainPID": 42,
    "ExecMainCode": 2,
    "ExecMainStatus": 9,
    "ActiveExitTimestamp": 1_000_024_703,
    "InactiveEnterTimestamp": 1_000_024_703,
    "ActiveEnterTimestamp": 900_000_000,
}
DETAIL = tuple(line.message for line in LINES[:3])


def test_systemds_record_of_a_unit_that_ended() -> None:
    assert unit_cause("x.service", DEAD, LINES[:3], 999, 1001) == Cause(
        "service",
        unit="x.service",
        pid=42,
        time=1000.024703,
        detail=("result signal, its main process ended by signal 9", *DETAIL),
    )


def test_a_unit_that_was_started_again_has_the_lines_of_its_end_alone() -> None:
    assert unit_cause("x.service", RESTARTED, LINES, 999, 1001) == Cause(
        "service", unit="x.service", time=1000.024703, detail=DETAIL
    )


def test_lines_up_to_the_end_of_a_stop_count() -> None:
    stopped = DEAD | {"InactiveEnterTimestamp": 1_000_350_000, "Result": "success"}
    cause = unit_cause(
        "x.service", stopped | {"ExecMainCode": 1, "ExecMainStatus": 0}, LINES, 999, 1001
    )
    assert cause is not None
    assert cause.detail == (
        "result success, its main process ended with 0",
        *(line.message for line in LINES[2:]),
    )


def test_a_unit_that_never_came_up_ended_when_it_failed() -> None:
    failed = DEAD | {"ActiveExitTimestamp": 0, "ActiveEnterTimestamp": 0, "Result": "exit-code"}
    cause = unit_cause("x.service", failed, [], 999, 1001)
    assert cause is not None
    assert cause.time == 1000.024703


def test_a_unit_that_systemd_has_forgotten_has_its_journal() -> None:
    stopped = Entry(1000.4, "x.service", "Stopped x.", "f", "9d1aaa27d60140bd96365438aad20286")
    cause = unit_cause("x.service", {}, [*LINES[:2], stopped], 999, 1001)
    assert cause == Cause(
        "service",
        unit="x.service",
        time=1000.4,
        detail=(LINES[0].message, LINES[1].message, "Stopped x."),
    )
    assert unit_cause("x.service", {}, [stopped], 1000.5, 1001) is None
    # Its own messages say nothing of its end.
    assert unit_cause("x.service", {}, LINES, 999, 1001) is None


def test_a_unit_that_ended_at_another_time_has_no_recorded_cause() -> None:
    assert unit_cause("x.service", DEAD, LINES, 1000.5, 1001) is None
    assert unit_cause("x.service", DEAD, LINES, 999, 1000) is None
    assert unit_cause("x.service", {}, LINES, 0, 1001) is None
