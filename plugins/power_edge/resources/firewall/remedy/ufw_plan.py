"""ufw's rules on file, and the commands that change them."""

import re
from collections.abc import Iterable, Iterator

from power_edge.model import Command
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import traffic
from power_edge.resources.firewall.packets.dimension import DADDR, SADDR
from power_edge.resources.firewall.packets.program import ALLOW, OPENINGS
from power_edge.resources.firewall.packets.sets import (
    Numbers,
    meet,
    network,
)
from power_edge.resources.firewall.readers.ufw_files import ANY, EVERY, Settings, Tuple
from power_edge.resources.firewall.ssh_access import OrderedRule
from power_edge.text import printable


class Files:
    """ufw's rules, and the commands that change them.

    Each command has the effect here that it has on ufw's files: a rule that differs from one on
    file in action or logging alone replaces it; another rule comes last, or first with `prepend`.
    """

    def __init__(self, rules: Iterable[Tuple], settings: Settings) -> None:
        self.rules = list(rules)
        self.settings = settings
        self.commands: list[Command] = []

    def tuples(self, rule: Rule, action: str) -> list[Tuple]:
        """Return the rules that ufw makes of a declared rule."""
        families = sorted(traffic.named_families(rule)) or [4, 6]
        if self.settings.ipv6 is False:
            families = [family for family in families if family == 4]
        every = {4: EVERY[0], 6: EVERY[1]}
        return [
            Tuple(
                action, "", rule.proto, port_word(rule),
                every[family] if rule.to == ANY else checked_network(rule.to), ANY,
                every[family] if rule.from_ == ANY else checked_network(rule.from_), "-", "-",
                rule.interface or "",
            )
            for family in families
        ]  # fmt: skip

    def listed(self, each: Tuple) -> int | None:
        """Return the place of the rule about the same connections, whatever its action; or None."""
        found = (place for place, other in enumerate(self.rules) if same_rule(each, other))
        return next(found, None)

    def holds(self, rule: Rule) -> bool:
        """Return whether the rule is on file, in each family that ufw would write."""
        places = [(each, self.listed(each)) for each in self.tuples(rule, rule.action)]
        return all(
            place is not None and self.rules[place].action == each.action for each, place in places
        )

    def shadowed(self, rule: Rule) -> bool:
        """Return whether a rule of another action comes first for some of the same connections."""
        for each in self.tuples(rule, rule.action):
            place = self.listed(each)
            earlier = self.rules if place is None else self.rules[:place]
            for other in earlier:
                same_family = other.family == each.family
                if same_family and other.action != each.action and overlap(other, each):
                    return True
        return False

    def add(self, rule: Rule, *, first: bool = False) -> None:
        """Add a rule as ufw does, behind the others or (`first`) before them."""
        port = port_word(rule)
        spec: Command = (f"{port}/{rule.proto}",)
        where: Command = ()
        if rule.interface is not None:
            where = ("in", "on", checked_interface(rule.interface))
        if where or (rule.from_, rule.to) != (ANY, ANY):
            spec = ("proto", rule.proto, "from", rule.from_, "to", rule.to, "port", port)
        self.commands.append(("ufw", *(("prepend",) if first else ()), rule.action, *where, *spec))
        for each in self.tuples(rule, rule.action):
            place = self.listed(each)
            if place is not None:
                self.rules[place] = each
            elif first:
                self.rules.insert(0, each)
            else:
                self.rules.append(each)

    def remove(self, each: Tuple) -> None:
        """Remove a rule as it is spelled on file, in both families where both have it."""
        spelled_alike = [other for other in self.rules if other.spelling() == each.spelling()]
        both = {twin.family for twin in spelled_alike} == {4, 6} or self.settings.ipv6 is False
        self.commands.append(("ufw", "delete", *each.spelling(both=both)))
        self.rules = [other for other in self.rules if other not in spelled_alike]

    def open(self, firewall: Firewall) -> None:
        """Add the declared openings that are not on file."""
        for rule in firewall.rules or ():
            local = rule.port is not None and not rule.routed
            if local and rule.action in OPENINGS and not self.holds(rule):
                self.add(rule)

    def ordered_rules(self) -> Iterator[OrderedRule]:
        """Yield the rules in their order. A limit counts as an opening."""
        for each in self.rules:
            yield OrderedRule(ALLOW if each.action in OPENINGS else each.action, each.box())


def port_word(rule: Rule) -> str:
    """Return the ports of a rule as ufw spells them: `60000:61000`."""
    return str(rule.port).replace("-", ":")


def checked_interface(name: str) -> str:
    """Return a name that ufw takes. ValueError for another one."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise ValueError(f"ufw takes no interface with such a name: {printable(name)}")
    return name


def same_rule(left: Tuple, right: Tuple) -> bool:
    """Return whether two rules are the same to ufw: all but action and log (UFWRule.match)."""
    return left.family == right.family and _fields(left) == _fields(right)


def _fields(each: Tuple) -> tuple[object, ...]:
    box = each.box()
    ends: list[Numbers] = [box[end[each.family]] for end in (SADDR, DADDR)]
    return (each.proto, each.port, each.from_port, each.app, each.from_app, each.interface, *ends)


def overlap(left: Tuple, right: Tuple) -> bool:
    """Return whether two rules match some of the same packets."""
    return meet(left.box(), right.box()) is not None


def checked_network(text: str) -> str:
    """Return the text of an address or a network. ValueError for another text."""
    network(text)  # ValueError for another text
    return text
