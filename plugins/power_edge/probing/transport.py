"""Carry a script to one node through a testinfra backend, and bring its answer back."""

import errno
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from power_edge.probing.failure import NotAsked, Unreachable, no_answer, one_line
from power_edge.probing.framing import Answer, NoAnswer, merge, read
from power_edge.probing.host_keys import check_host_key
from power_edge.probing.process import (
    LONGEST_OUTPUT,
    TAKES_INPUT,
    Lifeline,
    NoRoom,
    execute,
    need_of_room,
)
from power_edge.probing.route import Route
from power_edge.probing.script import ProbeScript, Timeouts, unpacked_by

_HUNG_UP = re.compile(rb"kex_exchange_identification|Connection (closed|reset) by")
T = TypeVar("T")
_PAUSES = (0.25, 0.5, 1.0, 2.0)
"""Seconds before a connection is tried again."""


class Job(NamedTuple):
    """A script, and the route to its node; `longest` is how many bytes the answer may have."""

    script: ProbeScript
    route: Route
    longest: int = LONGEST_OUTPUT


def ask(job: Job, lifeline: Lifeline) -> Answer:
    """Return the node's answer.

    Raises Unreachable and NotAsked. Waits until the command ends or its lifeline is cut: the caller
    that waits sets the deadline (`parallel.Pending`).
    """
    with one_reason(job.route):
        host = connected(job.route, job.script.timeouts)
        sudo = job.route.shell_prefix()
        if host.backend.NAME in TAKES_INPUT:
            return _answer(host, unpacked_by(sudo), job.script.packed(), lifeline, job.longest)
        lines = job.script.commands(sudo)
        return merge(
            _answer(host, line, b"", lifeline, job.longest // len(lines)) for line in lines
        )


@contextmanager
def one_reason(route: Route) -> Iterator[None]:
    """Make one exception, with one line and no password, of all that a connection can raise:
    Unreachable or NotAsked.
    """
    try:
        yield
    except (Unreachable, NoAnswer) as error:
        raise Unreachable(route.without_password(str(error))) from None
    except NoRoom as error:
        raise NotAsked(str(error)) from None
    except MemoryError:
        raise NotAsked(os.strerror(errno.ENOMEM)) from None
    # testinfra's backends raise whatever their libraries do; the message may quote a password.
    except Exception as error:
        raise Unreachable(route.without_password(one_line(error))) from None


def connected(route: Route, timeouts: Timeouts) -> Any:
    """Return testinfra's host for a route, its host key checked. Raises NoRoom."""
    with need_of_room():
        host = route.host(timeouts.connect)
        check_host_key(host.backend)
    return host


def _answer(host: Any, command: str, stdin: bytes, lifeline: Lifeline, longest: int) -> Answer:
    result = _run(host, command, stdin, lifeline, longest)
    try:
        return read(result.stdout_bytes)
    except NoAnswer as error:
        raise Unreachable(
            no_answer(error, result.stdout_bytes, result.stderr_bytes, stdin, host.backend.NAME)
        ) from None


def _run(host: Any, command: str, stdin: bytes, lifeline: Lifeline, longest: int) -> Any:
    return patiently(lambda: execute(host, command, stdin, lifeline, longest))


def patiently(attempt: Callable[[], T]) -> T:
    """Try again if the server hung up before login, or this machine has no room.

    sshd refuses connections above MaxStartups (sshd_config(5); 10 by default), as when a fleet is
    behind one jump host.
    """
    for pause in _PAUSES:
        try:
            return attempt()
        except NoRoom:
            pass  # there may be room when another node's answer is here
        except RuntimeError as error:
            stderr = getattr(error.args[0], "stderr_bytes", b"") if error.args else b""
            if not _HUNG_UP.search(stderr):
                raise
        time.sleep(random.uniform(pause / 2, pause))
    return attempt()
