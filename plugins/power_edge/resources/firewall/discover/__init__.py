"""The firewall as a section of state.yaml: what the kernel does with new connections, as rules that
a person would have written.

What the kernel holds rule by rule, by whatever provider, comes in its own order; what else is open
is added where a rule can say it. docs/discovery/firewall.md tells what is left out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from power_edge.model import Outcome
from power_edge.model.discovery import Discovery
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import canonical, name, queries
from power_edge.resources.firewall.discover.infer_rules import compose
from power_edge.resources.firewall.discover.notes import notes
from power_edge.resources.firewall.judge import Declared, judge
from power_edge.resources.firewall.observation import Ruleset
from power_edge.resources.firewall.packet_filter import ALLOW, DENY, REJECT, Undecidable


def forms(_: str, observed: Ruleset) -> Iterator[Mapping[str, Any]]:
    """The section.

    What does not hold true of a rule that is there, or of the firewall as a whole, is left in:
    judging it tells why.
    """
    try:
        yield _section(observed)
    except Undecidable:
        yield {"enabled": True}


def _section(observed: Ruleset) -> dict[str, Any]:
    if _outcome("enabled", False, observed) is Outcome.COMPLIANT:
        return {"enabled": False}
    if not any(queries.filters(observed, family) for family in queries.FAMILIES):
        return {"enabled": True}
    incoming = _default("default_incoming", (DENY, REJECT, ALLOW), observed)
    outgoing = _default("default_outgoing", (ALLOW, DENY, REJECT), observed)
    comments = notes(observed.ufw_tuples or ())
    rules = [
        _plain(rule, comments.get(canonical(name(rule)))) for rule in compose(observed, incoming)
    ]
    return {
        "enabled": True,
        "default_incoming": incoming,
        "default_outgoing": outgoing,
        **({"rules": rules} if rules else {}),
    }


def _default(field: str, actions: tuple[str, ...], observed: Ruleset) -> str:
    """The action that holds; where none does the one that may, or else the first."""
    outcomes = {action: _outcome(field, action, observed) for action in actions}
    return min(
        actions,
        key=lambda action: [Outcome.COMPLIANT, Outcome.UNKNOWN, Outcome.DRIFT].index(
            outcomes[action]
        ),
    )


def _outcome(field: str, value: Any, observed: Ruleset) -> Outcome:
    (finding,) = judge(Declared(field, value, Firewall()), observed)
    return finding.outcome


def _plain(rule: Rule, comment: str | None) -> dict[str, Any]:
    """The rule as a person writes it: what is so by default is left out."""
    fields = {
        "port": rule.port,
        "proto": rule.proto,
        "action": rule.action,
        "from": rule.from_,
        "to": rule.to,
        "comment": comment,
    }
    return {
        field: value
        for field, value in fields.items()
        if value is not None and (field, value) not in {("from", "any"), ("to", "any")}
    }


DISCOVERY: Discovery[Declared, Ruleset] = Discovery(name=str, forms=forms)
