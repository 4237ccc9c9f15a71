"""The session around a watch: own tests before it, the reports of its last state after it.

SIGUSR1 lets the reports of the latest state be written while the watch goes on. pytest's reporters
write once, at the end of a session, and keep what they were given: so a copy of this process ends
its session.
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

import pytest

from power_edge.model import Item
from power_edge.pytest_integration import compat, publishing
from power_edge.pytest_integration.choice import Choice
from power_edge.pytest_integration.collection import CheckItem
from power_edge.pytest_integration.run_state import RunState
from power_edge.pytest_integration.watching import Watching
from power_edge.watch.event_log import EventLog
from power_edge.watch.relay import Relay

RunAll = Callable[[pytest.Session], None]
"""Run the items of a session."""


def watch(
    session: pytest.Session,
    state: RunState,
    run_all: RunAll,
    say: Callable[[str], None],
    could_not_write: Callable[[Path, OSError], None],
) -> None:
    """Run the operators' own tests once, then watch until a signal ends it. Afterwards the
    session's items are ours alone, each with its latest result.

    Raises UsageError if the event log cannot be opened, and for an output that cannot be.
    """
    nodes = state.nodes
    items = [item for item in session.items if isinstance(item, CheckItem)]
    if not items:
        return  # there is nothing to watch, and pytest says so
    targets = publishing.targets(session.config, state, items)
    session.items[:] = [item for item in session.items if not isinstance(item, CheckItem)]
    own_count = len(session.items)
    if own_count:
        nodes.ask()
        run_all(session)
    own = publishing.own_tests(state)
    log = _event_log(session.config)
    publisher = publishing.publisher(targets, state, say, own, log)
    choice = Choice(session.config, nodes, items)
    watching = Watching(nodes, items, say, log, publisher, choose=_declared(choice), own=own)
    # From now on nobody who does not read holds up the watch, nor its end.
    compat.keep_width(session.config)
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        relay = Relay(descriptor)
        session.config.add_cleanup(relay.close)
        session.config.add_cleanup(stream.flush)

    def latest() -> None:
        watching.settle()
        session.items[:] = _as_declared_now(items, watching, choice)
        # Files that were loaded again may have none of the selected items. Then nothing was judged.
        session.testscollected = len(session.items) + own_count

    def reports() -> int:
        return _in_a_copy(lambda: _end(session, latest, run_all))

    watching.run(reports)
    latest()
    if targets.textfile is not None and publisher.textfile_error is not None:
        could_not_write(targets.textfile, publisher.textfile_error)


def _event_log(config: pytest.Config) -> EventLog | None:
    name = config.option.event_log
    if not name:
        return None
    path = config.invocation_params.dir / name
    try:
        return EventLog(path)
    except OSError as error:
        raise pytest.UsageError(f"--event-log={path}: {error.strerror}") from None


def _declared(choice: Choice) -> Callable[[str], list[Item]]:
    """Return what chooses the declared items of a node that are watched."""

    def choose(name: str) -> list[Item]:
        return [item.declared for item in choice.of(name) if item.declared is not None]

    return choose


def _as_declared_now(
    items: Iterable[CheckItem], watching: Watching, choice: Choice
) -> Iterator[CheckItem]:
    """Yield the items of a watch. Those of a configuration that was loaded again are made anew."""
    made: set[str] = set()
    for name, members in groupby(items, key=lambda item: item.node_name):
        if name not in watching.reloaded:
            yield from members
            continue
        yield from (item for item in members if item.declared is None)
        if name not in made:
            made.add(name)
            yield from choice.of(name)


def _end(session: pytest.Session, latest: Callable[[], None], run_all: RunAll) -> None:
    """End the session as its end would: report each item, and let all reports be written."""
    latest()
    run_all(session)
    session.config.hook.pytest_sessionfinish(session=session, exitstatus=session.exitstatus)


def _in_a_copy(work: Callable[[], None]) -> int:
    """Do some work in a copy of this process, which prints nothing and ends then. Return its pid.

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
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        work()
        status = 0
    finally:
        os._exit(status)
