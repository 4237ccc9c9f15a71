"""A limit on the computing time that a node's answer may take: the answer is a stranger's, and may
be made to take for ever.
"""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class TookTooLong(Exception):
    """The allowance is spent. The text is a message for the user."""


class _Alarm(BaseException):
    """The time is over. Not an Exception, so that no handler of errors catches it."""


class Allowance:
    """Seconds of CPU time of this process that some work may take in all.

    Waiting costs nothing, and neither does a busy machine.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = self.remaining = seconds
        self._working = False

    def spend(self, work: Callable[[], T]) -> T:
        """Return what `work` returns.

        Raises TookTooLong: at once if nothing is left, or in the middle of the work when the
        allowance is spent. Only the main thread gets signals; in any other thread the work runs to
        its end.
        """
        if self.remaining <= 0:
            raise self._too_long()
        started = time.thread_time()
        try:
            return (
                self._interrupted(work)
                if threading.current_thread() is threading.main_thread()
                else work()
            )
        except _Alarm:
            self.remaining = 0
            raise self._too_long() from None
        finally:
            self.remaining -= time.thread_time() - started

    def _interrupted(self, work: Callable[[], T]) -> T:
        before = signal.signal(signal.SIGVTALRM, self._on_alarm)
        try:
            self._working = True
            signal.setitimer(signal.ITIMER_VIRTUAL, self.remaining)
            return work()
        finally:
            self._working = False
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)

    def _on_alarm(self, _signal: int, _frame: FrameType | None) -> None:
        if self._working:
            self._working = False
            raise _Alarm

    def _too_long(self) -> TookTooLong:
        return TookTooLong(
            "the node's answer is too long or too complex: more than"
            f" {self.seconds:g} s of computing"
        )
