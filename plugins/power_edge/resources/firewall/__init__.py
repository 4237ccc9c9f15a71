"""Firewall: what happens to new connections.

The kernel's rules are the only witness: what ufw, firewalld or a file say about them may not be in
force. They are followed with sets of packets; a pass means that every packet the declaration speaks
of fares as declared. docs/verdicts/firewall.md tells the choices.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from power_edge.model import Entry, ResourceType
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import queries
from power_edge.resources.firewall.judge import Declared, judge
from power_edge.resources.firewall.observation import Ruleset, parse
from power_edge.resources.firewall.packet_sets import network
from power_edge.resources.firewall.remedy import remedy
from power_edge.resources.firewall.triggers import triggers
from power_edge.resources.firewall.undeclared import extras

_RULE = re.compile(r"(\w+) (?:(\d+)/)?(\w+) from (\S+) to (\S+)")
FIELDS = ("enabled", "default_incoming", "default_outgoing")


def entries(firewall: Firewall) -> Iterator[Entry[Declared]]:
    """The items of the section. `exclusive: false` asserts nothing, so it is none."""
    for field in FIELDS:
        value = getattr(firewall, field)
        if value is not None:
            yield Entry(field, Declared(field, value, firewall), (field,))
    for index, rule in enumerate(firewall.rules or ()):
        yield Entry(name(rule), Declared("rule", rule, firewall, index), ("rules", index))
    if firewall.exclusive:
        yield Entry("exclusive", Declared("exclusive", True, firewall), ("exclusive",))


def name(rule: Rule) -> str:
    what = rule.proto if rule.port is None else f"{rule.port}/{rule.proto}"
    return f"{rule.action} {what} from {rule.from_} to {rule.to}"


def canonical(text: str) -> str:
    """The name with its networks in one spelling (`10.0.0.9/8`, `FD00:0::/8`); other texts as they
    are.
    """
    match = _RULE.fullmatch(text)
    if match is None:
        return text
    try:
        source, target = (end if end == "any" else repr(network(end)) for end in match.groups()[3:])
    except ValueError:
        return text
    return f"{match[1]} {match[2]}/{match[3]} from {source} to {target}"


def expected(declared: Declared) -> Mapping[str, Any]:
    if declared.field != "rule":
        return {declared.field: declared.value}
    rule: Rule = declared.value
    fields = {
        "proto": rule.proto,
        "port": rule.port,
        "action": rule.action,
        "from": rule.from_,
        "to": rule.to,
    }
    return {field: value for field, value in fields.items() if value is not None}


def problems(declared: Declared) -> Iterator[tuple[str, str]]:
    """Addresses that are none, and two actions for the same packets."""
    if declared.field != "rule":
        return
    rule: Rule = declared.value
    fields = {"from": rule.from_, "to": rule.to}
    bad = [field for field, text in fields.items() if text != "any" and not _is_network(text)]
    for field in bad:
        yield field, "not an address or a network: write 10.0.0.1, 10.0.0.0/8, fd00::1 or fd00::/8"
    if bad:
        return
    families = queries.named_families(rule)
    if len(families) > 1:
        yield "to", "one of from and to is IPv4 and the other IPv6: no packet is both"
    elif all(queries.packets(rule, family) is None for family in families or queries.FAMILIES):
        yield (
            "from",
            "no connection comes from or goes to loopback or multicast addresses over a wire",
        )
    mine = canonical(name(rule)).removeprefix(rule.action)
    for other in (declared.firewall.rules or [])[: declared.place]:
        if (
            other.action != rule.action
            and canonical(name(other)).removeprefix(other.action) == mine
        ):
            yield (
                "action",
                f"an earlier rule declares {other.action} for the same connections: keep one of them",
            )


def _is_network(text: str) -> bool:
    try:
        return bool(network(text))
    except ValueError:
        return False


def extra(declared: Declared, observed: Ruleset) -> Iterator[str]:
    """What is open and not declared; it stands with the item `enabled`."""
    if declared.field == "enabled" and not declared.firewall.exclusive:
        try:
            yield from (found.shown for found in extras(declared.firewall, observed))
        except ValueError as error:
            yield f"could not be told: {error}"


RESOURCE: ResourceType[Declared, Ruleset] = ResourceType(
    name="firewall",
    declares=Firewall,
    whole=True,
    entries=entries,
    canonical=canonical,
    expected=expected,
    problems=problems,
    parse=parse,
    judge=judge,
    remedy=remedy,
    extra=extra,
    ask=lambda _: (),
    triggers=triggers,
)
