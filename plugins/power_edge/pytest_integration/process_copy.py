"""Run work in a copy of this process (fork), beside a watch."""

import os
import signal
import warnings
from collections.abc import Callable


def in_a_copy(work: Callable[[], None]) -> int:
    """Start some work in a copy of this process. The copy prints nothing. Return its pid.

    Raises OSError if there can be no copy.
    """
    with warnings.catch_warnings():
        # Python 3.12 warns of fork(2) with threads. Those of a watch only wait or judge, and the
        # copy needs nothing that they hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        # A signal to the copy must not wake the loop of the watch, whose socket it shares.
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            signal.signal(number, signal.SIG_DFL)
        print_nothing()
        work()
        status = 0
    finally:
        os._exit(status)


def print_nothing() -> None:
    """Let this process print nothing from now on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
