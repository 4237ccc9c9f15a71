"""One item judged: what every report is made from."""

from typing import Any, NamedTuple

from power_edge.model.item import Item
from power_edge.model.outcome import Finding, Outcome


class Result(NamedTuple):
    """An item, its outcome, and what led to it.

    `why` is one line for people, None where expected and actual say it all. `mend` is one shell line, run as root on the node. `extra` names
    what was found beyond the declaration (open firewall rules): no drift, but worth saying.
    """

    item: Item
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    why: str | None = None
    mend: str | None = None
    extra: tuple[str, ...] = ()

    def metadata(self) -> dict[str, Any]:
        """The fields of a result as JSON, JUnit and the rest name them; plain builtin types only, which is all that survives xdist."""
        blocked = self.outcome is Outcome.BLOCKED
        actual = dict.fromkeys(self.item.expected) | {finding.field: finding.actual for finding in self.findings}
        plain: dict[str, Any] = {
            "node": self.item.node,
            "type": self.item.type,
            "name": self.item.name,
            "outcome": str(self.outcome.value),
            "expected": {**self.item.expected, **{finding.field: finding.expected for finding in self.findings}},
            "actual": None if blocked else actual,
            "why": self.why,
            "source": str(self.item.source),
            "mend": self.mend,
        }
        if self.extra:
            plain["extra"] = list(self.extra)
        return plain
