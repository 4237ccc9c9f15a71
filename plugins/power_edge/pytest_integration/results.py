"""The results of the items of a run, in the process that reports."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from power_edge import exit_status
from power_edge.checking import check
from power_edge.checking.check import GATE_NAME, GATE_TYPE
from power_edge.model import Outcome, Result
from power_edge.model.generated import report_schema
from power_edge.pytest_integration.own_tests import OwnTests
from power_edge.report.mend_script import Step
from power_edge.report.record import record
from power_edge.report.terminal import OWN_FAILED, diff, differences

RECORD = "power_edge"
"""Attribute of a report: the record of the item that it is about."""


DIFFERENCES = "power_edge_differences"
"""Attribute of a report: what is wrong with its item, in a few words each."""
COMMANDS = "power_edge_commands"
"""Attribute of a report: the commands of its item's mend."""
DIFF = "power_edge_diff"
"""Attribute of a report: how a text differs, in lines. For the terminal alone."""
MEND = "power_edge_mend"
"""Key of both where a report is serialised."""


def attach(report: pytest.TestReport, result: Result) -> None:
    """Attach the record of a result to its report."""
    setattr(report, RECORD, record(result))
    setattr(report, DIFFERENCES, differences(result))
    setattr(report, COMMANDS, result.remedy.commands)
    setattr(report, DIFF, diff(result))


def step_of(report: object, item: report_schema.Item) -> Step:
    """Return the mend of an item from a report that `attach` was called with."""
    return Step(item, getattr(report, DIFFERENCES, ()), getattr(report, COMMANDS, ()))


def mend_as_json(report: object) -> list[list[Any]]:
    """Return what `attach` added beside the record, for `attach_json`."""
    return [
        list(getattr(report, DIFFERENCES, ())),
        [list(command) for command in getattr(report, COMMANDS, ())],
    ]


def attach_json(report: object, data: list[list[Any]]) -> None:
    """Attach what `mend_as_json` returned."""
    words, commands = data
    setattr(report, DIFFERENCES, tuple(words))
    setattr(report, COMMANDS, tuple(map(tuple, commands)))


def attached(report: object) -> report_schema.Item | None:
    """Return the record attached to a report, None if the report is not about an item."""
    return getattr(report, RECORD, None)


class RunResults:
    """Records by node, the own tests, and the gates of the nodes with a selected item."""

    def __init__(self) -> None:
        self._judged: dict[str, dict[tuple[str, str], report_schema.Item]] = defaultdict(dict)
        self.own = OwnTests()
        self.gates: dict[str, int] = {}
        """Node -> the exit status that its gate requires, whether or not the gate's own item was
        selected.
        """

    def add(self, item: report_schema.Item) -> None:
        """Add the record of an item; a later one of the same item replaces it."""
        self._judged[item.node][item.type, item.name] = item

    def of(self, node: str) -> list[report_schema.Item]:
        """Return the records of a node."""
        return list(self._judged[node].values())

    def has_gate(self, node: str) -> bool:
        """Whether the gate's own item was among those judged."""
        return (GATE_TYPE, GATE_NAME) in self._judged[node]

    def counts(self, node: str) -> dict[str, int]:
        """Return the number of a node's items and own tests by outcome; own tests that failed are
        counted apart from items that drift.
        """
        found = Counter(Outcome(item.outcome) for item in self._judged[node].values())
        own = Counter(self.own.of(node).values())
        failed = own.pop(Outcome.DRIFT, 0)
        return {outcome.value: (found + own)[outcome] for outcome in Outcome} | {OWN_FAILED: failed}

    def node_status(self, node: str) -> int:
        """Return the exit status that a node alone would give."""
        items = (Outcome(item.outcome) for item in self._judged[node].values())
        outcomes = [*items, *self.own.of(node).values()]
        return exit_status.worst([self.gates.get(node, 0), *_statuses(outcomes)])

    def status(self) -> int:
        """Return the exit status of the run, from all nodes and the own tests."""
        nodes = {*self.gates, *self._judged, *self.own.node_of.values()}
        return exit_status.worst([*_statuses(self.own.of_no_node()), *map(self.node_status, nodes)])


def _statuses(outcomes: Iterable[Outcome]) -> Iterator[int]:
    # The status of a blocked item is its gate's.
    return (check.STATUS.get(outcome, exit_status.COMPLIANT) for outcome in outcomes)
