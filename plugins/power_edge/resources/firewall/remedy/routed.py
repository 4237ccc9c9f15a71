"""Rules about forwarded connections. ufw has a command for those that its own rules decide."""

from power_edge.model import Command, Remedy
from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall import queries
from power_edge.resources.firewall.judge import Declared
from power_edge.resources.firewall.packets.program import ALLOW, LIMIT, OPENINGS
from power_edge.resources.firewall.readers.ufw_files import ANY
from power_edge.resources.firewall.remedy import access, by_hand, culprits, ufw
from power_edge.resources.firewall.remedy.ufw_plan import (
    checked_interface,
    checked_network,
    port_word,
)
from power_edge.resources.firewall.ruleset import Ruleset

ROUTE = "route:"
"""What the action of a rule about forwarded connections begins with, in ufw's files."""


def remedy(declared: Declared, observed: Ruleset) -> Remedy:
    """Return ufw's command where it certainly decides; otherwise a sentence.

    A new rule of ufw comes behind its others, and before its default. So the default has to be what
    decides otherwise.
    """
    rule: Rule = declared.value
    if observed.has_firewalld_rules:
        return Remedy(
            advice="firewalld forwards by policies between zones: change these by hand "
            "(firewall-cmd --info-policy shows each)"
        )
    if observed.ufw is None or not ufw.in_force(observed):
        return by_hand.remedy(declared, observed)
    if rule.proto == "icmp" or (rule.proto == "any" and rule.action == LIMIT):
        return Remedy(advice="ufw has no command for it: edit /etc/ufw/before.rules")
    if observed.ufw.settings.ipv6 is False and 6 in queries.families_of(observed, rule):
        return Remedy(advice=ufw.NO_IPV6)
    others = {each for each in culprits.of_rule(rule, observed) if not ufw.of_default(each)}
    doubt = culprits.doubt(rule, observed)
    if others or doubt:
        return Remedy(
            advice=f"{culprits.named(others) or doubt} decides on these connections: change it, or "
            "put a rule before it (ufw route insert)"
        )
    if not access.lets_through(ufw.without(observed), rule, {ALLOW, rule.action}):
        return Remedy(advice=access.OTHERS.format("ufw"))
    if observed.ufw.lines is None or observed.ufw.by_hand or _has_alike(observed.ufw.lines, rule):
        return Remedy(advice="ufw's files hold rules that are not loaded: see ufw status numbered")
    return Remedy((_command(rule),), cuts=rule.action not in OPENINGS)


def _has_alike(lines: tuple[str, ...], rule: Rule) -> bool:
    """Return whether ufw's files hold a rule about forwarded connections of the same service."""
    port = ANY if rule.port is None else port_word(rule)
    words = (line.split()[3:6] for line in lines)
    return any(
        some[0].startswith(ROUTE) and some[1] in {rule.proto, ANY} and some[2] in {port, ANY}
        for some in words
        if len(some) == 3
    )


def _command(rule: Rule) -> Command:
    words = ["ufw", "route", rule.action]
    for side, name in (("in", rule.interface), ("out", rule.out_interface)):
        words += [side, "on", checked_interface(name)] if name is not None else []
    words += ["proto", rule.proto] if rule.proto != ANY else []
    for side, end in (("from", rule.from_), ("to", rule.to)):
        words += [side, end if end == ANY else checked_network(end)]
    return (*words, *(("port", port_word(rule)) if rule.port is not None else ()))
