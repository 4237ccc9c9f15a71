"""The operators' own tests of a run: the node that each is about, and its outcome."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from power_edge.model import Outcome

NODE = "power_edge_own"
"""Attribute of a report: the node that the test is about. xdist serialises it."""
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
    """Return the outcome of one phase of an own test, None if the phase has none.

    A failure is drift, xfail is waived. A skipped test counts only if its node is blocked.
    """
    if report.failed:
        return Outcome.UNKNOWN if hasattr(report, UNKNOWN) else Outcome.DRIFT
    if report.skipped:
        if hasattr(report, "wasxfail"):
            return Outcome.WAIVED
        return Outcome.BLOCKED if blocked else None
    return Outcome.COMPLIANT if report.when == "call" else None


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst of some outcomes, at least one."""
    return min(outcomes, key=_WORST_FIRST.index)


class OwnTests:
    """The own tests by test id, in the process that reports."""

    def __init__(self) -> None:
        self.node_of: dict[str, str] = {}
        """Id -> node, of the tests that are about one."""
        self._outcomes: dict[str, Outcome] = {}
        self._begun: set[str] = set()

    def add(self, test: str, outcome: Outcome | None) -> None:
        """Add the outcome of one phase. The worst of all phases counts."""
        self._begun.add(test)
        if outcome is not None:
            self._outcomes[test] = worst([self._outcomes.get(test, outcome), outcome])

    def replace(self, test: str, node: str, outcome: Outcome) -> None:
        """Let a test about a node have this outcome, whatever it had."""
        self.node_of[test] = node
        self._outcomes[test] = outcome
        self._begun.add(test)

    def forget(self, test: str) -> None:
        """Forget a test: it is no longer selected."""
        self.node_of.pop(test, None)
        self._outcomes.pop(test, None)

    def of(self, node: str) -> Mapping[str, Outcome]:
        """Return the outcome of each test about a node, by test id."""
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
        """Yield the outcomes of the tests that are about no node."""
        return (outcome for test, outcome in self._outcomes.items() if test not in self.node_of)

    def not_begun(self) -> set[str]:
        """Return the ids of the tests about nodes that were collected and did not run."""
        return self.node_of.keys() - self._begun
