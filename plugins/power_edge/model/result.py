"""One item judged: what every report is made from."""

from collections.abc import Mapping, Set
from typing import Any, NamedTuple

from power_edge.model.item import Item
from power_edge.model.outcome import Finding, Outcome
from power_edge.text import readable


class Result(NamedTuple):
    """An item, its outcome, and what led to it.

    `why` is one line for people, None where expected and actual say it all. `mend` is one shell
    line, run as root on the node; `mend_cuts`: it could end the operator's way to the node.
    `advice` is a sentence about what a person would do. `extra` names what was found beyond the
    declaration (open firewall rules): no drift, but worth saying.
    """

    item: Item
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    why: str | None = None
    mend: str | None = None
    mend_cuts: bool = False
    advice: str | None = None
    extra: tuple[str, ...] = ()

    def metadata(self) -> dict[str, Any]:
        """The fields of a result as JSON, JUnit and the rest name them; plain builtin types only,
        which is all that survives xdist.
        """
        blocked = self.outcome is Outcome.BLOCKED
        actual = dict.fromkeys(self.item.expected) | {
            finding.field: finding.actual for finding in self.findings
        }
        plain: dict[str, Any] = {
            "node": self.item.node,
            "type": self.item.type,
            "name": _plain(self.item.name),
            "outcome": str(self.outcome.value),
            "expected": _plain(
                {
                    **self.item.expected,
                    **{finding.field: finding.expected for finding in self.findings},
                }
            ),
            "actual": None if blocked else _plain(actual),
            "why": _plain(self.why),
            "source": str(self.item.source),
            "mend": _plain(self.mend),
        }
        if self.mend_cuts:
            plain["mend_cuts"] = True
        if self.advice:
            plain["advice"] = _plain(self.advice)
        if self.extra:
            plain["extra"] = _plain(self.extra)
        return plain


def _plain(value: Any) -> Any:
    """A value in builtin types.

    Bytes that are no UTF-8 are escaped (`\\xff`): no format that a report is written in can hold
    them.
    """
    if value is None or type(value) in (bool, int, float):
        return value
    if isinstance(value, str):
        return readable(str(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return sorted(map(_plain, value)) if isinstance(value, Set) else str(value)
