"""The firewall as a section of state.yaml: the rules that a person would have written.

They come from what the kernel does with new connections, by whatever provider, in the kernel's
order. What else is open is added where a rule can say it. docs/discovery/firewall.md lists what is
left out.
"""

from collections.abc import Iterator, Mapping

from power_edge.model import Outcome
from power_edge.model.discovery import Discovery
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import canonical, defaults, name, traffic
from power_edge.resources.firewall.discover.infer_rules import compose
from power_edge.resources.firewall.discover.notes import notes
from power_edge.resources.firewall.judge import Declared, judge
from power_edge.resources.firewall.packets.program import ALLOW, DENY, REJECT, Action, Undecidable
from power_edge.resources.firewall.ruleset import Ruleset


def forms(_: str, observed: Ruleset) -> Iterator[Mapping[str, object]]:
    """Yield the section.

    A field or a rule that does not hold stays in: judging it gives the reason.
    """
    try:
        yield _section(observed)
    except Undecidable:
        yield {"enabled": True}


def _section(observed: Ruleset) -> dict[str, object]:
    if _outcome("enabled", False, observed) is Outcome.COMPLIANT:
        return {"enabled": False}
    if not any(defaults.filters(observed, family) for family in traffic.FAMILIES):
        return {"enabled": True}
    incoming = _default("default_incoming", (DENY, REJECT, ALLOW), observed)
    outgoing = _default("default_outgoing", (ALLOW, DENY, REJECT), observed)
    comments = notes((observed.ufw and observed.ufw.lines) or ())
    rules = [
        _plain(rule, comments.get(canonical(name(rule)))) for rule in compose(observed, incoming)
    ]
    return {
        "enabled": True,
        "default_incoming": incoming,
        "default_outgoing": outgoing,
        **({"rules": rules} if rules else {}),
    }


def _default(field: str, actions: tuple[Action, ...], observed: Ruleset) -> str:
    """Return the action that holds; else one that may hold; else the first."""
    order = (Outcome.COMPLIANT, Outcome.UNKNOWN, Outcome.DRIFT)
    best = min(actions, key=lambda action: order.index(_outcome(field, action, observed)))
    return best.value


def _outcome(field: str, value: object, observed: Ruleset) -> Outcome:
    (finding,) = judge(Declared(field, value, Firewall()), observed)
    return finding.outcome


def _plain(rule: Rule, comment: str | None) -> dict[str, object]:
    """Return the rule as a person writes it, without the defaults."""
    fields = {
        "port": rule.port,
        "proto": rule.proto,
        "action": rule.action,
        "from": rule.from_,
        "to": rule.to,
        "interface": rule.interface,
        "out_interface": rule.out_interface,
        "routed": rule.routed or None,
        "comment": comment,
    }
    return {
        field: value
        for field, value in fields.items()
        if value is not None and (field, value) not in {("from", "any"), ("to", "any")}
    }


DISCOVERY: Discovery[Declared, Ruleset] = Discovery(name=str, forms=forms)
