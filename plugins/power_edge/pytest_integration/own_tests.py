"""The operators' own tests of a run: which node each is about, and what it came to."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from power_edge.model import Outcome

NODE = "power_edge_own"
"""Attribute of a report: the node that the test is about.

It survives the way from an xdist worker.
"""
UNKNOWN = "power_edge_unknown"
"""Attribute of a report: the test ended by Unknown."""

_WORST_FIRST = (Outcome.DRIFT, Outcome.UNKNOWN, Outcome.BLOCKED, Outcome.WAIVED, Outcome.COMPLIANT)


class Report(Protocol):
    """What this module reads of pytest's TestReport and SubtestReport."""

    @property
    def when(self) -> str | None: ...
    @property
    def failed(self) -> bool: ...
    @property
    def skipped(self) -> bool: ...


def outcome_of(report: Report, *, blocked: bool) -> Outcome | None:
    """What one phase of an own test says in the words of items; None if it says nothing.

    A failure is drift, xfail is waived, and a skipped test counts only where its node is blocked.
    """
    if report.failed:
        return Outcome.UNKNOWN if hasattr(report, UNKNOWN) else Outcome.DRIFT
    if report.skipped:
        if hasattr(report, "wasxfail"):
            return Outcome.WAIVED
        return Outcome.BLOCKED if blocked else None
    return Outcome.COMPLIANT if report.when == "call" else None


class OwnTests:
    """Own tests by id, in the process that reports."""

    def __init__(self) -> None:
        self.node_of: dict[str, str] = {}
        """Id -> node, of the tests that are about one."""
        self._outcomes: dict[str, Outcome] = {}
        self._begun: set[str] = set()

    def add(self, test: str, outcome: Outcome | None) -> None:
        """Take the outcome of one phase; of several the worst counts."""
        self._begun.add(test)
        if outcome is not None:
            known = self._outcomes.get(test, outcome)
            self._outcomes[test] = min(known, outcome, key=_WORST_FIRST.index)

    def of(self, node: str) -> Mapping[str, Outcome]:
        """The outcome of each test about a node, by id."""
        return {
            test: outcome
            for test, outcome in self._outcomes.items()
            if self.node_of.get(test) == node
        }

    def failed(self, test: str) -> bool:
        """Whether a test has failed, or ended by Unknown."""
        return self._outcomes.get(test) in (Outcome.DRIFT, Outcome.UNKNOWN)

    def about(self, node: str) -> bool:
        """Whether any test is about a node."""
        return node in self.node_of.values()

    def of_no_node(self) -> Iterator[Outcome]:
        """The outcomes of the tests that are about no node."""
        return (outcome for test, outcome in self._outcomes.items() if test not in self.node_of)

    def not_begun(self) -> set[str]:
        """The tests about nodes that were collected and did not run."""
        return self.node_of.keys() - self._begun
