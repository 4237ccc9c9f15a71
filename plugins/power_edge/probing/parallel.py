"""Ask many nodes at once, each with a deadline of its own."""

import errno
import os
import resource
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from queue import Empty, SimpleQueue
from typing import NamedTuple

from power_edge.probing.failure import NotAsked, Unreachable, one_line
from power_edge.probing.framing import Answer
from power_edge.probing.process import LONGEST_OUTPUT, Lifeline
from power_edge.probing.script import Timeouts
from power_edge.probing.transport import Job, ask

WIDTH = 64
"""Nodes asked at once: each costs a thread and, over ssh, a client process that mostly waits."""
LONGEST_TOGETHER = 256 * 1024 * 1024
"""Bytes that the answers of all nodes of a run may have together: all are kept until judged."""
LONGEST_AT_LEAST = 4 * 1024 * 1024
"""Bytes that one node may answer, however many nodes there are."""
_FILES_EACH, _FILES_KEPT, _FILES_LEAST = 12, 16, 8
"""Open files for each node that is being asked (both ends of the pipes to its process), and open
files kept free for everything else; the fewest of those with which one node is asked.
"""
HEAD_START = 0.05
"""Seconds that a caller who goes on computing waits at most until the nodes' commands run."""
_GRACE = 5.0  # seconds beyond the node's own deadlines, for a slow line to bring the last bytes


class Pending(NamedTuple):
    """An answer that is awaited."""

    job: Job
    future: "Future[Answer]"
    started: float
    turn: int
    """The node's turn, from 1: it waits for the nodes before it, each of which has a deadline."""
    lifeline: Lifeline
    """The lifeline of the processes towards the node."""

    @property
    def limit(self) -> float:
        """Seconds from the start until nothing more is waited for."""
        return time_limit(self.job.script.timeouts) * self.turn

    def is_done_within(self, seconds: float) -> bool:
        """Wait that long; return whether there is an answer, or the reason why there is none."""
        return bool(wait([self.future], seconds).done)

    def answer(self) -> Answer:
        """Wait for the answer, at most until the node's deadline; then end what was started.

        Raises Unreachable and NotAsked.
        """
        try:
            return self.future.result(max(0.0, self.started + self.limit - time.monotonic()))
        except TimeoutError:
            self.lifeline.cut()
            raise Unreachable(f"no answer in {self.limit:.0f} s") from None


def time_limit(timeouts: Timeouts) -> float:
    """Return how many seconds one node may take to answer, once it is its turn."""
    return timeouts.connect + timeouts.node + _GRACE


class _Turn(NamedTuple):
    """A node that waits to be asked."""

    job: Job
    future: "Future[Answer]"
    lifeline: Lifeline


def start(
    jobs: Sequence[Job],
    ask: Callable[[Job, Lifeline], Answer] = ask,
    *,
    beside: int = 0,
    head_start: float = HEAD_START,
) -> dict[str, Pending]:
    """Start to ask all nodes; return what is awaited, by the name of the node.

    `beside`: how many other nodes are asked meanwhile by other calls. `head_start`: seconds that
    this waits at most until the nodes' commands run.

    As many are asked at once as this machine has files and threads for; the others wait for their
    turn. The threads are daemons, unlike those of a ThreadPoolExecutor: a connection that hangs
    keeps neither the other nodes nor the end of the run waiting.
    """
    together = max(1, len(jobs) + beside)
    longest = min(LONGEST_OUTPUT, max(LONGEST_AT_LEAST, LONGEST_TOGETHER // together))
    started = time.monotonic()
    waiting: SimpleQueue[_Turn] = SimpleQueue()
    turns = [_Turn(job._replace(longest=longest), Future(), Lifeline()) for job in jobs]
    for turn in turns:
        waiting.put(turn)
    allowed = _width()
    width = _workers(min(allowed, len(jobs)), waiting, ask)
    for turn in turns if not width else ():
        turn.future.set_exception(
            NotAsked("no thread could be started" if allowed else os.strerror(errno.EMFILE))
        )
    pending = {
        turn.job.script.node: Pending(
            turn.job, turn.future, started, index // max(1, width) + 1, turn.lifeline
        )
        for index, turn in enumerate(turns)
    }
    # Threads share one interpreter. A thread that has let go of it, as for each file that it opens,
    # gets it back after 5 ms if the caller goes on computing: so it does not, until ssh runs.
    _wait_for_commands([turn.lifeline for turn in turns[:width]], head_start)
    return pending


def _wait_for_commands(lifelines: Sequence[Lifeline], seconds: float) -> None:
    """Wait until each lifeline has a running command or will never have one, at most so long."""
    end = time.monotonic() + seconds
    for lifeline in lifelines:
        lifeline.begun.wait(max(0.0, end - time.monotonic()))


def _width() -> int:
    """Return how many nodes may be asked at once: WIDTH, or fewer if too few files may be open.

    0 if not even one node can be asked.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return WIDTH
    try:
        free = limit - len(os.listdir("/dev/fd"))  # noqa: PTH208 names alone are counted
    except OSError:
        return 0
    return max(free >= _FILES_EACH + _FILES_LEAST, min(WIDTH, (free - _FILES_KEPT) // _FILES_EACH))


def _workers(
    width: int, waiting: "SimpleQueue[_Turn]", ask: Callable[[Job, Lifeline], Answer]
) -> int:
    """Start threads that ask the waiting nodes; return how many of `width` could be started."""
    for number in range(width):
        try:
            threading.Thread(
                target=_work, args=(waiting, ask), name=f"ask {number}", daemon=True
            ).start()
        except RuntimeError:
            return number
    return width


def _work(waiting: "SimpleQueue[_Turn]", ask: Callable[[Job, Lifeline], Answer]) -> None:
    while True:
        try:
            job, future, lifeline = waiting.get_nowait()
        except Empty:
            return
        if not future.set_running_or_notify_cancel():
            continue  # nobody waits for it any more
        try:
            future.set_result(ask(job, lifeline))
        except (Unreachable, NotAsked) as error:
            future.set_exception(error)
        except BaseException as error:
            future.set_exception(Unreachable(one_line(error)))
        finally:
            lifeline.begun.set()
