"""One judged item: what every report is made from."""

from typing import NamedTuple

from power_edge.model.item import Item
from power_edge.model.outcome import Finding, Outcome
from power_edge.model.remedy import NOTHING, Remedy


class Result(NamedTuple):
    """An item, its outcome, and what led to it.

    `why` is one line for people, None if expected and actual values are enough. `remedy` is what
    ends a drift. `extra` names what was found beyond the declaration (open firewall rules): a
    warning, no drift.
    """

    item: Item
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    why: str | None = None
    remedy: Remedy = NOTHING
    extra: tuple[str, ...] = ()

    @property
    def mend_cuts(self) -> bool:
        """Whether the remedy's commands could end the operator's own way to the node."""
        return bool(self.remedy.commands) and self.remedy.cuts

    @property
    def advice(self) -> str | None:
        """What a person would do, None if the commands leave nothing to do."""
        return self.remedy.advice
