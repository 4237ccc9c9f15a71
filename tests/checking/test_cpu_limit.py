"""A limit on computing: work that has no end is ended, whatever it catches, and nothing of the
alarm is left behind.
"""

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import NoReturn

import pytest

from power_edge.checking.cpu_limit import CpuLimit, TookTooLong

TOO_LONG = "the node's answer is too long or too complex: more than 0.05 s of computing"


def endless() -> NoReturn:
    for _ in count():
        pass
    raise AssertionError


def stubborn() -> NoReturn:
    """As a reader that takes any error for an answer that it does not understand."""
    while True:
        try:
            endless()
        except Exception:
            continue


@pytest.mark.parametrize("work", [endless, stubborn])
def test_work_without_end_is_ended(work: Callable[[], object]) -> None:
    with pytest.raises(TookTooLong) as raised:
        CpuLimit(0.05).spend(work)
    assert str(raised.value) == TOO_LONG


def test_what_is_spent_is_spent() -> None:
    limit = CpuLimit(0.05)
    with pytest.raises(TookTooLong):
        limit.spend(endless)
    with pytest.raises(TookTooLong, match=TOO_LONG):
        limit.spend(lambda: pytest.fail("there was nothing left"))


def test_small_works_share_it() -> None:
    limit = CpuLimit(0.05)

    def work() -> None:
        for _ in count():
            limit.spend(lambda: sum(range(10_000)))

    with pytest.raises(TookTooLong):
        work()


def test_works_that_take_no_time_spend_nothing() -> None:
    """A limit is for one node, and a node has hundreds of answers."""
    limit = CpuLimit(5)
    assert sum(limit.spend(lambda: 1) for _ in range(1000)) == 1000
    with pytest.raises(TookTooLong):
        CpuLimit(0).spend(lambda: pytest.fail("there was nothing to spend"))


def test_what_work_returns_and_raises_is_its_own() -> None:
    limit = CpuLimit(60)
    assert limit.spend(lambda: "done") == "done"
    with pytest.raises(KeyError):
        limit.spend(lambda: {"a": 1}["x"])


def test_nothing_of_the_alarm_is_left() -> None:
    def ours(*_: object) -> None: ...

    before = signal.signal(signal.SIGVTALRM, ours)
    try:
        with pytest.raises(TookTooLong):
            CpuLimit(0.05).spend(endless)
        CpuLimit(60).spend(lambda: None)
        assert signal.getsignal(signal.SIGVTALRM) is ours
        assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    finally:
        signal.signal(signal.SIGVTALRM, before)


def in_a_thread(work: Callable[[], object]) -> object:
    """What work returns in another thread, or the exception that it raises there."""
    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(work)
        return done.exception() or done.result()


@pytest.mark.parametrize("work", [endless, stubborn])
def test_work_without_end_is_ended_in_any_thread(work: Callable[[], object]) -> None:
    """A watch judges in threads, which get no signals: a hostile node kept one for ever, and with
    six of them no other node was judged.
    """
    limit = CpuLimit(0.05)
    assert str(in_a_thread(lambda: limit.spend(work))) == TOO_LONG
    assert str(in_a_thread(lambda: limit.spend(lambda: pytest.fail("spent")))) == TOO_LONG


def test_work_without_end_is_ended_after_a_pause() -> None:
    """Between two rounds of a watch nothing works, and nobody looks at the time."""
    in_a_thread(lambda: CpuLimit(60).spend(lambda: None))
    for thread in threading.enumerate():
        if thread.name == "cpu-limits":
            thread.join()
    assert str(in_a_thread(lambda: CpuLimit(0.05).spend(endless))) == TOO_LONG


def test_threads_have_limits_of_their_own() -> None:
    """Work that ends is not disturbed by what happens to another's, nor by what it began with."""
    with ThreadPoolExecutor(3) as threads:
        long = [threads.submit(CpuLimit(0.05).spend, endless) for _ in range(2)]
        short = [threads.submit(CpuLimit(60).spend, lambda: sum(range(100))) for _ in range(500)]
        assert [type(each.exception()) for each in long] == [TookTooLong] * 2
        assert [each.result() for each in short] == [sum(range(100))] * 500


def test_without_the_time_of_threads_work_runs_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(time, "pthread_getcpuclockid")
    limit = CpuLimit(0.01)
    whole = sum(range(3_000_000))
    assert in_a_thread(lambda: limit.spend(lambda: sum(range(3_000_000)))) == whole
    assert str(in_a_thread(lambda: limit.spend(lambda: None))) == TOO_LONG.replace("0.05", "0.01")
