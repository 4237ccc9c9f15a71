"""What a run found out about one node: the input of every report about nodes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from power_edge.config import Node
from power_edge.identity.gate import Gate
from power_edge.identity.identifiers import Shown
from power_edge.model import Outcome
from power_edge.model.generated import report_schema
from power_edge.report.own_test_name import OWN_TYPE, own_test_name


class NodeReport(NamedTuple):
    """One node: its gate, and the records of its judged items, including the gate's item."""

    node: Node
    gate: Gate
    results: Sequence[report_schema.Item]
    stale: bool
    """Whether it is not known if the node is up and which machine it is: its answer is too old, or
    it was not asked.
    """
    observed: float | None
    """When the node itself answered, in seconds since 1970; None if it did not."""
    own: Mapping[str, Outcome] | None
    """The outcomes of the operators' own tests by test id, None if there are no such tests."""
    shown: Shown = Shown("linux", {})
    """What the machine that answered showed of itself."""

    def outcomes(self) -> Iterator[tuple[str, str, Outcome]]:
        """Yield type, name and outcome of each item and of each own test."""
        for result in self.results:
            yield result.type, result.name, Outcome(result.outcome)
        for test, outcome in (self.own or {}).items():
            yield OWN_TYPE, own_test_name(self.node.name, test), outcome
