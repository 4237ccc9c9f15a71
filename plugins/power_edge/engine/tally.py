"""What the items of a run came to, in the process that reports."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from power_edge import check
from power_edge.check import GATE_NAME, GATE_TYPE
from power_edge.model import Outcome


class Tally:
    """Results by node, as Result.metadata() has them, and the gates of the nodes with a selected item."""

    def __init__(self) -> None:
        # By type and name: ids show names escaped, and two can be equal.
        self._judged: dict[str, dict[tuple[str, str], Mapping[str, Any]]] = defaultdict(dict)
        self.gates: dict[str, int] = {}
        """Node -> the exit status that its gate calls for, whether or not the gate's own item was selected."""

    def add(self, metadata: Mapping[str, Any]) -> None:
        self._judged[metadata["node"]][metadata["type"], metadata["name"]] = metadata

    def results(self, node: str) -> list[Mapping[str, Any]]:
        return list(self._judged[node].values())

    def has_gate(self, node: str) -> bool:
        """Whether the gate's own item was among those judged."""
        return (GATE_TYPE, GATE_NAME) in self._judged[node]

    def counts(self, node: str) -> dict[str, int]:
        """How many items of a node had each outcome."""
        found = Counter(metadata["outcome"] for metadata in self._judged[node].values())
        return {outcome.value: found.get(outcome.value, 0) for outcome in Outcome}

    def node_status(self, node: str) -> int:
        """The exit status that a node alone would give."""
        statuses = (check.STATUS.get(Outcome(metadata["outcome"]), 0) for metadata in self._judged[node].values())
        return check.worst([self.gates.get(node, 0), *statuses])

    def status(self, *, own_failed: bool) -> int:
        """The exit status of the run, from all nodes and the operators' own tests."""
        return check.worst([int(own_failed), *map(self.node_status, {*self.gates, *self._judged})])
