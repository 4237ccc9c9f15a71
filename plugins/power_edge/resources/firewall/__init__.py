"""Firewall: what happens to new connections.

Only the kernel's rules count: what ufw, firewalld or a file say may not be in force. The rules are
followed with sets of packets; a pass means that every packet of the declaration is treated as
declared. docs/verdicts/firewall.md has the choices.
"""

import re
from collections.abc import Iterator, Mapping

from power_edge.model import Entry, ResourceType, Value
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import traffic
from power_edge.resources.firewall.fact import fact
from power_edge.resources.firewall.judge import Declared, judge
from power_edge.resources.firewall.observation import parse
from power_edge.resources.firewall.packets.sets import network
from power_edge.resources.firewall.remedy import remedy
from power_edge.resources.firewall.ruleset import Ruleset
from power_edge.resources.firewall.triggers import triggers
from power_edge.resources.firewall.undeclared import extras

_RULE = re.compile(
    r"(\w+) ((?:\d+(?:-\d+)?/)?\w+) from (\S+) to (\S+)((?: on \S+)?(?: out \S+)?(?: routed)?)"
)
LAST_PORT = 65535
FIELDS = ("enabled", "default_incoming", "default_outgoing")


def entries(firewall: Firewall) -> Iterator[Entry[Declared]]:
    """Yield the items of the section. `exclusive: false` asserts nothing, so it is not an item."""
    for field in FIELDS:
        value = getattr(firewall, field)
        if value is not None:
            yield Entry(field, Declared(field, value, firewall), (field,))
    for index, rule in enumerate(firewall.rules or ()):
        yield Entry(name(rule), Declared("rule", rule, firewall, index), ("rules", index))
    if firewall.exclusive:
        yield Entry("exclusive", Declared("exclusive", True, firewall), ("exclusive",))


def name(rule: Rule) -> str:
    """Return the name of a rule's item: `allow 22/tcp from any to any`.

    A range of ports is `60000-61000/udp`. A rule about one interface ends in ` on eth0`, and one
    about forwarded connections in ` on wg0 out eth0 routed`.
    """
    what = rule.proto if rule.port is None else f"{rule.port}/{rule.proto}"
    where = "" if rule.interface is None else f" on {rule.interface}"
    where += "" if rule.out_interface is None else f" out {rule.out_interface}"
    where += " routed" if rule.routed else ""
    return f"{rule.action} {what} from {rule.from_} to {rule.to}{where}"


def canonical(text: str) -> str:
    """Return the name of a rule with its networks in one spelling; other texts unchanged.

    `10.0.0.9/8` becomes `10.0.0.0/8`, and `FD00:0::/8` becomes `fd00::/8`.
    """
    match = _RULE.fullmatch(text)
    if match is None:
        return text
    try:
        source, target = (
            end if end == "any" else repr(network(end)) for end in match.groups()[2:4]
        )
    except ValueError:
        return text
    return f"{match[1]} {match[2]} from {source} to {target}{match[5]}"


def expected(declared: Declared) -> Mapping[str, Value]:
    """Return the declared fields of an item, as reports show them."""
    if declared.field != "rule":
        return {declared.field: declared.value}
    rule: Rule = declared.value
    fields = {
        "proto": rule.proto,
        "port": rule.port,
        "action": rule.action,
        "from": rule.from_,
        "to": rule.to,
        "interface": rule.interface,
        "out_interface": rule.out_interface,
        "routed": rule.routed or None,
    }
    return {field: value for field, value in fields.items() if value is not None}


def problems(declared: Declared) -> Iterator[tuple[str, str]]:
    """Yield (field, why) for invalid ports and addresses, and for rules that contradict an earlier
    one.
    """
    if declared.field != "rule":
        return
    rule: Rule = declared.value
    if rule.port is not None and (wrong := _port_problem(rule.port)):
        yield "port", wrong
        return
    for field, place in (("interface", rule.interface), ("out_interface", rule.out_interface)):
        if place == "lo":
            yield field, "connections from other machines do not come by lo: use another one"
            return
    if rule.out_interface is not None and not rule.routed:
        yield (
            "out_interface",
            "only a forwarded connection leaves by an interface: add routed: true",
        )
        return
    if rule.proto == "any" and (rule.port is not None or not rule.routed):
        yield "proto", "any is for routed rules without a port: write tcp, udp or icmp"
        return
    fields = {"from": rule.from_, "to": rule.to}
    invalid = [field for field, text in fields.items() if text != "any" and not _is_network(text)]
    for field in invalid:
        yield field, "not an address or a network: write 10.0.0.1, 10.0.0.0/8, fd00::1 or fd00::/8"
    if invalid:
        return
    families = traffic.named_families(rule)
    if len(families) > 1:
        yield (
            "to",
            "from and to are of different families: use IPv4 or IPv6 for both",
        )
    elif all(traffic.packets(rule, family) is None for family in families or traffic.FAMILIES):
        yield (
            "from",
            "connections from other machines have no loopback or multicast addresses: use others",
        )
    own_name = canonical(name(rule)).removeprefix(rule.action)
    for other in (declared.firewall.rules or [])[: declared.place]:
        if (
            other.action != rule.action
            and canonical(name(other)).removeprefix(other.action) == own_name
        ):
            yield (
                "action",
                f"an earlier rule declares {other.action} for the same connections: remove one",
            )


def _port_problem(port: int | str) -> str | None:
    low, high = traffic.ports(port)
    if max(low, high) > LAST_PORT:
        return f"the last port is {LAST_PORT}: write a range that ends there or before"
    if low > high:
        return f"a range begins with the lower port: write {high}-{low}"
    if low == high and isinstance(port, str):
        return f"a range has more than one port: write {low}"
    return None


def _is_network(text: str) -> bool:
    try:
        return bool(network(text))
    except ValueError:
        return False


def extra(declared: Declared, observed: Ruleset) -> Iterator[str]:
    """Yield what is open and not declared. It is shown with the item `enabled`."""
    if declared.field == "enabled" and not declared.firewall.exclusive:
        try:
            yield from (found.label for found in extras(declared.firewall, observed))
        except ValueError as error:
            yield f"undeclared openings are unknown: {error}"


RESOURCE: ResourceType[Declared, Ruleset] = ResourceType(
    name="firewall",
    declares=Firewall,
    whole=True,
    lead="enabled",
    entries=entries,
    canonical=canonical,
    expected=expected,
    problems=problems,
    parse=parse,
    judge=judge,
    remedy=remedy,
    turn=90,
    extra=extra,
    fact=fact,
    ask=lambda _: (),
    triggers=triggers,
    quiet=0.5,
)
