"""A limit on computing: work that has no end is ended, whatever it catches, and nothing of the
alarm is left behind.
"""

import signal
import threading
from itertools import count
from typing import NoReturn

import pytest

from power_edge.checking.allowance import Allowance, TookTooLong

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
def test_work_without_end_is_ended(work: object) -> None:
    with pytest.raises(TookTooLong) as raised:
        Allowance(0.05).spend(work)  # type: ignore[arg-type]
    assert str(raised.value) == TOO_LONG


def test_what_is_spent_is_spent() -> None:
    allowance = Allowance(0.05)
    with pytest.raises(TookTooLong):
        allowance.spend(endless)
    with pytest.raises(TookTooLong, match=TOO_LONG):
        allowance.spend(lambda: pytest.fail("there was nothing left"))


def test_small_works_share_it() -> None:
    allowance = Allowance(0.05)

    def work() -> None:
        for _ in count():
            allowance.spend(lambda: sum(range(10_000)))

    with pytest.raises(TookTooLong):
        work()


def test_what_work_returns_and_raises_is_its_own() -> None:
    allowance = Allowance(60)
    assert allowance.spend(lambda: "done") == "done"
    with pytest.raises(KeyError):
        allowance.spend(lambda: {"a": 1}["x"])


def test_nothing_of_the_alarm_is_left() -> None:
    def ours(*_: object) -> None: ...

    before = signal.signal(signal.SIGVTALRM, ours)
    try:
        with pytest.raises(TookTooLong):
            Allowance(0.05).spend(endless)
        Allowance(60).spend(lambda: None)
        assert signal.getsignal(signal.SIGVTALRM) is ours
        assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    finally:
        signal.signal(signal.SIGVTALRM, before)


def test_another_thread_ends_its_work_and_begins_no_more() -> None:
    """Signals are for the main thread alone."""
    allowance = Allowance(0.01)
    found: list[object] = []

    def work() -> None:
        found.append(allowance.spend(lambda: sum(range(3_000_000))))
        try:
            allowance.spend(lambda: None)
        except TookTooLong as error:
            found.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [sum(range(3_000_000)), TOO_LONG.replace("0.05", "0.01")]
