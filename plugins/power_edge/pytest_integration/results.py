"""What the items of a run came to, in the process that reports."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from power_edge import exit_status
from power_edge.checking import check
from power_edge.checking.check import GATE_NAME, GATE_TYPE
from power_edge.model import Outcome
from power_edge.pytest_integration.own_tests import OwnTests
from power_edge.report.terminal import OWN_FAILED


class Tally:
    """Results by node, as Result.metadata() has them, the own tests, and the gates of the nodes
    with a selected item.
    """

    def __init__(self) -> None:
        self._judged: dict[str, dict[tuple[str, str], Mapping[str, Any]]] = defaultdict(dict)
        self.own = OwnTests()
        self.gates: dict[str, int] = {}
        """Node -> the exit status that its gate calls for, whether or not the gate's own item was
        selected.
        """

    def add(self, metadata: Mapping[str, Any]) -> None:
        self._judged[metadata["node"]][metadata["type"], metadata["name"]] = metadata

    def results(self, node: str) -> list[Mapping[str, Any]]:
        return list(self._judged[node].values())

    def has_gate(self, node: str) -> bool:
        """Whether the gate's own item was among those judged."""
        return (GATE_TYPE, GATE_NAME) in self._judged[node]

    def counts(self, node: str) -> dict[str, int]:
        """How many items of a node had each outcome, and how many own tests failed.

        Unknown holds own tests, too.
        """
        found = Counter(metadata["outcome"] for metadata in self._judged[node].values())
        own = Counter(self.own.of(node).values())
        found[Outcome.UNKNOWN] += own[Outcome.UNKNOWN]
        return {outcome.value: found[outcome] for outcome in Outcome} | {
            OWN_FAILED: own[Outcome.DRIFT]
        }

    def node_status(self, node: str) -> int:
        """The exit status that a node alone would give."""
        items = (Outcome(metadata["outcome"]) for metadata in self._judged[node].values())
        outcomes = [*items, *self.own.of(node).values()]
        return exit_status.worst([self.gates.get(node, 0), *_statuses(outcomes)])

    def status(self) -> int:
        """The exit status of the run, from all nodes and the own tests."""
        nodes = {*self.gates, *self._judged, *self.own.node_of.values()}
        return exit_status.worst([*_statuses(self.own.of_no_node()), *map(self.node_status, nodes)])


def _statuses(outcomes: Iterable[Outcome]) -> Iterator[int]:
    return (
        check.STATUS.get(outcome, exit_status.COMPLIANT) for outcome in outcomes
    )  # the status of a blocked item is its gate's
