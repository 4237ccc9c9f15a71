"""The session around a watch: the operators' own tests before it, the reports of its last state
after it.

SIGUSR1 lets the reports of the latest state be written while the watch goes on. pytest's reporters
write once, at the end of a session, and keep what they were given: so a copy of this process ends
its session.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

import pytest

from power_edge.model import Item
from power_edge.pytest_integration import compat, publishing
from power_edge.pytest_integration.choice import Choice
from power_edge.pytest_integration.collection import CheckItem
from power_edge.pytest_integration.process_copy import in_a_copy
from power_edge.pytest_integration.role_suites import suite_of
from power_edge.pytest_integration.run_state import RunState
from power_edge.pytest_integration.suite_sweep import SuiteSweep
from power_edge.pytest_integration.watching import Watching
from power_edge.watch.outputs.event_log import EventLog, Written
from power_edge.watch.outputs.relay import Relay

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
    session's items are ours alone, and the tests of suites, each with its latest result.

    Raises UsageError if the event log cannot be opened, and for an output that cannot be.
    """
    nodes = state.nodes
    items = [item for item in session.items if isinstance(item, CheckItem)]
    if not items:
        return  # there is nothing to watch, and pytest says so
    targets = publishing.targets(session.config, state, items)
    watched = {item.node_name for item in items}
    suites = [
        item
        for item in session.items
        if suite_of(item) is not None and state.node_of(item) in watched
    ]
    session.items[:] = [
        item for item in session.items if not isinstance(item, CheckItem) and item not in suites
    ]
    own_count = len(session.items)
    if own_count:
        nodes.ask()
        run_all(session)
    own = publishing.own_tests(state)
    log = _event_log(session.config)
    publisher = publishing.publisher(targets, state, say, own, log)
    choice = Choice(session.config, nodes, items)
    sweep = SuiteSweep(state, suites)
    session.config.pluginmanager.register(sweep, "power_edge_suites")
    watching = Watching(
        nodes,
        items,
        say,
        log,
        publisher,
        choose=_declared(choice),
        own=own,
        suites=sweep,
        choose_suites=choice.suites_of,
    )
    # From now on a reader that does not read blocks neither the watch nor its end.
    compat.keep_width(session.config)
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        relay = Relay(descriptor)
        session.config.add_cleanup(relay.close)
        session.config.add_cleanup(stream.flush)

    def latest() -> None:
        watching.settle()
        session.items[:] = [*_as_declared_now(items, watching, choice), *sweep.latest()]
        # Files that were loaded again may have none of the selected items. Then nothing was judged.
        session.testscollected = len(session.items) + own_count

    def reports() -> int:
        return in_a_copy(lambda: _end(session, latest, run_all))

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
    except Written as error:
        raise pytest.UsageError(
            f"--event-log={path}: {error.strerror}; two watches cannot share a log:"
            " end the other watch, or choose another file"
        ) from None
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
    """Yield the items of a watch. Those of a configuration that was loaded again are made again."""
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
    """Do what the end of a session does: report each item, and let all reports be written."""
    latest()
    run_all(session)
    session.config.hook.pytest_sessionfinish(session=session, exitstatus=session.exitstatus)
