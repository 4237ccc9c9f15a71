"""Where a watch publishes its state: the options, and the errors in them."""

import os
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pytest

from power_edge.model import Outcome
from power_edge.pytest_integration.collection import CheckItem
from power_edge.pytest_integration.run_state import RunState
from power_edge.watch.outputs.event_log import EventLog
from power_edge.watch.outputs.listen import listen, parse
from power_edge.watch.outputs.publisher import Publisher, Targets


def refuse(options: Namespace) -> None:
    """Raise UsageError if the address of --metrics-listen is not valid."""
    if options.metrics_listen:
        try:
            parse(options.metrics_listen)
        except ValueError as error:
            raise pytest.UsageError(f"--metrics-listen={options.metrics_listen}: {error}") from None


def targets(config: pytest.Config, state: RunState, items: Sequence[CheckItem]) -> Targets:
    """Return where the watch of these items publishes. The socket listens already.

    Raises UsageError if the textfile would lack items of a node, and if the port is taken.
    """
    file, address = config.option.prometheus_textfile, config.option.metrics_listen
    if file and not _whole(state, items):
        raise pytest.UsageError(
            "--prometheus-textfile holds whole nodes, and this watch is of selected items:"
            " leave out -k, -m and ids, or take --metrics-listen instead"
        )
    textfile = config.invocation_params.dir / file if file else None
    if not address:
        return Targets(textfile)
    try:
        return Targets(textfile, listen(parse(address)))
    except OSError as error:
        # Python adds the address to some of them. Those about names have numbers of their own.
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else error.strerror or error
        raise pytest.UsageError(
            f"--metrics-listen={address}: {reason}; give another HOST:PORT"
        ) from None


Own = Callable[[str], Mapping[str, Outcome] | None]
"""Returns the outcomes of a node's own tests, None if it has none."""


def own_tests(state: RunState) -> Own:
    """Return what knows the own tests of a run."""

    def own(name: str) -> Mapping[str, Outcome] | None:
        tests = state.results.own
        return tests.of(name) if tests.about(name) else None

    return own


def publisher(
    targets: Targets, state: RunState, say: Callable[[str], None], own: Own, log: EventLog | None
) -> Publisher:
    """Return what publishes there; the own tests were run."""

    def log_error() -> str | None:
        return log.error if log is not None else None

    broken = [folder.name for folder in state.nodes.selection.broken]
    return Publisher(targets, say, broken=broken, own=own, log_error=log_error)


def _whole(state: RunState, items: Sequence[CheckItem]) -> bool:
    """Whether all items of each node are selected, and all own tests about nodes."""
    counts = Counter(item.node_name for item in items)
    # The gate is one item more than those that are declared.
    return not state.deselected and all(
        counts[name] == len(node.items) + 1 for name, node in state.nodes.by_name.items()
    )
