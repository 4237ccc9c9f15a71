"""A limit on the computing time for judging a node's answer: a hostile answer can be made so that
the judgement never ends.
"""

import ctypes
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class TookTooLong(Exception):
    """The time is used up. The text is a message for the user."""


class _Alarm(BaseException):
    """The time is over. Not an Exception, so that no handler of errors catches it."""


class CpuLimit:
    """Seconds of CPU time of this process that some work may take in all.

    Waiting costs nothing, and neither does a busy machine.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = self.remaining = seconds
        self._working = False

    def spend(self, work: Callable[[], T]) -> T:
        """Return what `work` returns.

        Raises TookTooLong: at once if nothing is left, or in the middle of the work when the
        time is used up.
        """
        if self.remaining <= 0:
            raise self._too_long()
        started = time.thread_time()
        try:
            if threading.current_thread() is threading.main_thread():
                return self._interrupted(work)
            with _THREADS.limit(self.remaining):
                return work()
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
            raise _Alarm

    def _too_long(self) -> TookTooLong:
        return TookTooLong(
            "the node's answer is too long or too complex: more than"
            f" {self.seconds:g} s of computing"
        )


class _Threads:
    """Ends work in other threads: only the main thread gets signals.

    While any of them works, one more thread looks at the CPU time of each, and raises _Alarm in
    those that have spent theirs.
    """

    _PAUSE = 0.1
    """Seconds between two looks."""

    def __init__(self) -> None:
        # A plain lock: Python raises nothing between acquiring it and entering the `with` block.
        self._lock = threading.Lock()
        self._ends: dict[int, float] = {}
        """Thread -> its CPU time when its work must have ended."""
        self._looking = False

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Raise _Alarm in this thread once the block has used `seconds` of CPU time. macOS does not
        report the CPU time of another thread: there the block runs to its end.
        """
        if not hasattr(time, "pthread_getcpuclockid"):
            yield
            return
        thread = threading.get_ident()
        with self._lock:
            self._ends[thread] = time.thread_time() + seconds
            if not self._looking:
                self._looking = True
                threading.Thread(target=self._look, name="cpu-limits", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._ends.pop(thread, None)
                _raise_in(thread, None)  # wherever Python looks for one: none comes from here on

    def _look(self) -> None:
        while True:
            time.sleep(self._PAUSE)
            with self._lock:
                if not self._ends:
                    self._looking = False
                    return
                for thread, end in [*self._ends.items()]:
                    # The thread is alive: it has to take the lock before it ends.
                    if time.clock_gettime(time.pthread_getcpuclockid(thread)) >= end:
                        del self._ends[thread]
                        _raise_in(thread, _Alarm)


def _raise_in(thread: int, exception: type[BaseException] | None) -> None:
    """Raise an exception in a thread, soon; None takes back one that has not been raised yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(exception) if exception is not None else None
    )


_THREADS = _Threads()
