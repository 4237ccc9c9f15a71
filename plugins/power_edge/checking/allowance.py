"""A limit on the time that it takes to make something of what a node printed: it is a stranger's,
and may be made to take for ever.
"""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class TookTooLong(Exception):
    """The allowance is spent; the text says so, for people."""


class _Rung(BaseException):
    """The alarm; no handler of ordinary errors takes it for one."""


class Allowance:
    """Seconds of this process's computing that some work may take in all.

    Waiting costs nothing, nor does a busy machine.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = self.left = seconds
        self._working = False

    def spend(self, work: Callable[[], T]) -> T:
        """What `work` returns.

        Raises TookTooLong: at once where nothing is left, and in the middle of the work when it has
        been spent.

        In another thread than the main one, which alone gets signals, the work is let go on to its
        end.
        """
        if self.left <= 0:
            raise self._too_long()
        begun = time.thread_time()
        try:
            return (
                self._interrupted(work)
                if threading.current_thread() is threading.main_thread()
                else work()
            )
        except _Rung:
            self.left = 0
            raise self._too_long() from None
        finally:
            self.left -= time.thread_time() - begun

    def _interrupted(self, work: Callable[[], T]) -> T:
        before = signal.signal(signal.SIGVTALRM, self._ring)
        try:
            self._working = True
            signal.setitimer(signal.ITIMER_VIRTUAL, self.left)
            return work()
        finally:
            self._working = False
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)

    def _ring(self, _signal: int, _frame: FrameType | None) -> None:
        if self._working:
            self._working = False
            raise _Rung

    def _too_long(self) -> TookTooLong:
        return TookTooLong(
            f"what the node printed is too much, or too hard to follow: more than {self.seconds:g} s of computing"
        )
