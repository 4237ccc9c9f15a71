"""The rules of a section: those that somebody wrote, and what else is open beside them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from power_edge.model import Outcome
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import canonical, name, queries, traffic
from power_edge.resources.firewall.discover.kernel_rules import (
    Statement,
    declarable,
    merged,
    rules,
    statements,
)
from power_edge.resources.firewall.judge import Declared, judge
from power_edge.resources.firewall.packets.dimension import Dimension
from power_edge.resources.firewall.packets.program import (
    ALLOW,
    DENY,
    LIMIT,
    OPENINGS,
    VERDICTS,
    Region,
)
from power_edge.resources.firewall.packets.sets import both, interface, numbers
from power_edge.resources.firewall.readers.ufw_files import ANY, EVERY, routes
from power_edge.resources.firewall.ruleset import Ruleset
from power_edge.resources.firewall.state import ufw_in
from power_edge.resources.firewall.undeclared import openings

MACHINES = (
    "DOCKER",
    "LIBVIRT",
    "KUBE-",
    "CNI-",
    "NETAVARK",
    "cali-",
    "CILIUM",
    "FLANNEL",
    "WEAVE",
    "ts-",
    "f2b-",
    "sshguard",
    "crowdsec",
)
"""Names of chains and tables that programs fill and empty at run time begin so."""
BANNERS = ("f2b-", "sshguard", "crowdsec")
"""Those of programs that ban single addresses at the ports that they watch."""
USERS = frozenset({"ufw-user-input", "ufw6-user-input"})
ZONES = ("_pre", "_deny", "_allow", "_post")
"""Names of chains of firewalld that hold what was added to a zone end so."""
NAME = re.compile(r"(?!-)[A-Za-z0-9_.-]+")
"""Names of interfaces that are declared. Every usual one is such a name."""
EXCEPTIONS = 4
MANY = 300
"""Rules beyond these are not declared. Judging rules together takes the square of their number, a
second for these.
"""


def compose(observed: Ruleset, default: str) -> list[Rule]:
    """Return the rules, in the order in which they count.

    Undecidable where the ruleset cannot be followed.
    """
    judged: dict[str, list[int]] = {
        action: queries.judged_families(observed, action) for action in (*VERDICTS, LIMIT)
    }
    written = merged(
        {family: [*_written(observed, family, default)] for family in traffic.FAMILIES}, judged
    )
    first_rules = _distinct([*written, *_echo(observed, default)])[:MANY]
    found = _completed(_limited(first_rules, observed, default), observed, default)
    left: dict[int, list[Rule]] = {}
    for opening in openings(_firewall(found, default), observed):
        if opening.sure:
            left.setdefault(opening.family, []).extend(rules(opening.box, ALLOW, opening.family))
    added = [
        rule
        for rule in merged(left, judged)[: MANY - len(found)]
        if not _by_a_machine(rule, observed)
    ]
    for place, rule in enumerate(added, 1):
        following = added[place:]
        wrong = _wrong(len(found), [*found, rule, *following], observed, default)
        narrow = (
            _on_interfaces(rule, found, following, observed, default) if "action" in wrong else []
        )
        found += narrow or [rule]
    watched = _watched(observed)
    local = [
        rule
        for rule in _distinct(found)
        if not any(traffic.overlap(rule, other) for other in watched)
    ]
    return [*local, *_routed(observed, default)]


def _routed(observed: Ruleset, default: str) -> Iterator[Rule]:
    """Yield ufw's rules about forwarded connections, as far as they hold.

    One without a port and a protocol is about every protocol but ICMP.
    """
    found: dict[Rule, None] = {}
    for each in routes((observed.ufw and observed.ufw.lines) or ()):
        services: list[tuple[str, int | str | None]] = [("any", None)]
        if each.port != ANY:
            protocols = ("tcp", "udp") if each.proto == ANY else (each.proto,)
            services = [(proto, port) for proto in protocols for port in _ports(each.port)]
        elif each.proto != ANY:
            continue
        for proto, port in services:
            ends = (ANY if end in EVERY else end for end in (each.source, each.target))
            rule = Rule(
                proto=proto,  # type: ignore[arg-type]
                port=port,
                action=each.action,  # type: ignore[arg-type]
                from_=next(ends),
                to=next(ends),
                interface=each.interface or None,
                out_interface=each.out_interface or None,
                routed=True,
            )
            found[rule] = None
    rules = list(found)
    for place in range(len(rules)):
        if not _wrong(place, rules, observed, default):
            yield rules[place]


def _ports(text: str) -> list[int | str]:
    """Return the ports of ufw's `22,60000:61000` as rules declare them; empty for another text."""
    try:
        spans = [part.partition(":")[::2] for part in text.split(",")]
        return list(declarable(numbers((int(low), int(high or low)) for low, high in spans)))
    except ValueError:
        return []


def _firewall(found: Iterable[Rule], default: str) -> Firewall:
    return Firewall(default_incoming=default, rules=list(found))  # type: ignore[arg-type]


def _distinct(found: Iterable[Rule]) -> list[Rule]:
    """Return the first of all rules about the same packets, since it decides."""
    first: dict[str, Rule] = {}
    for rule in found:
        first.setdefault(canonical(name(rule)).removeprefix(rule.action), rule)
    return list(first.values())


def _limited(found: list[Rule], observed: Ruleset, default: str) -> list[Rule]:
    """Return the rules, with those that the kernel limits as limits.

    A rule that was read from a rate limit that is not in force is left out.
    """
    done = list[Rule]()
    for place, rule in enumerate(found):
        following = found[place + 1 :]
        limit = replace(rule, action=LIMIT)
        if rule.action not in OPENINGS or (
            rule.action == ALLOW
            and "action" not in _wrong(len(done), [*done, rule, *following], observed, default)
        ):
            done.append(rule)
        elif "action" not in _wrong(len(done), [*done, limit, *following], observed, default):
            done.append(limit)
        elif rule.action == ALLOW:
            done.append(rule)
    return done


def _written(observed: Ruleset, family: int, default: str) -> Iterator[Rule]:
    for statement in statements(observed.program, family):
        some = (
            rules(statement.box, statement.effect.action, family)
            if statement.effect.action in VERDICTS
            else []
        )
        if some and _by_a_person(statement, default, icmp=some[0].port is None):
            yield from (replace(rule, action=LIMIT) for rule in some) if statement.limited else some


def _by_a_person(statement: Statement, default: str, *, icmp: bool) -> bool:
    names = {part for chain in statement.chains for part in chain[1:]}
    if any(part.startswith(MACHINES) for part in names):
        return False
    provider = any(part.startswith(("ufw-", "ufw6-", "filter_IN_", "IN_")) for part in names)
    if not provider or names & USERS or statement.chains[-1][2].endswith(ZONES):
        return True
    # ufw and firewalld answer echo requests, and drop what is noise to them. Somebody wrote another
    # opening.
    return not icmp and statement.effect.action == ALLOW != default


def _echo(observed: Ruleset, default: str) -> Iterator[Rule]:
    """Yield a rule against echo requests where ufw, which lets them in by default, does not."""
    if default != ALLOW and ufw_in(observed, 4):
        denied = (Rule(proto="icmp", action="deny"), Rule(proto="icmp", action="reject"))
        yield from (rule for rule in denied if not _wrong(0, [rule], observed, default))


def _wrong(place: int, found: list[Rule], observed: Ruleset, default: str) -> set[str]:
    """Return the fields in which a rule does not hold."""
    findings = judge(Declared("rule", found[place], _firewall(found, default), place), observed)
    return {finding.field for finding in findings if finding.outcome is not Outcome.COMPLIANT}


def _completed(found: list[Rule], observed: Ruleset, default: str) -> list[Rule]:
    """Return the rules with others beside them that make them hold.

    Exceptions for some sources come before a rule, and openings for other sources behind it.
    """
    done = list[Rule]()
    for place, rule in enumerate(found):
        following = found[place + 1 :]
        wrong = _wrong(len(done), [*done, rule, *following], observed, default)
        before = (
            _beside(rule, observed, [*done, *following])
            if "action" in wrong and rule.action != LIMIT
            else []
        )
        behind = (
            _beside(rule, observed, [*done, *following], wider=True)
            if wrong & {"from", "to"}
            else []
        )
        better = [*done, *before, rule, *behind]
        is_better = bool(before or behind) and not _wrong(
            len(done) + len(before), [*better, *following], observed, default
        )
        if is_better:
            done = better
        elif "action" in wrong:
            done += _on_interfaces(rule, done, following, observed, default) or [rule]
        else:
            done.append(rule)
    return done


def _on_interfaces(
    rule: Rule, done: list[Rule], following: list[Rule], observed: Ruleset, default: str
) -> list[Rule]:
    """Return a rule for each interface where it holds; empty where there are none, or many."""
    reached = [
        region.box[Dimension.IIF]
        for family in traffic.FAMILIES
        for region in _regions(rule, family, observed)
        if region.sure
        and region.verdict == rule.action
        and region.box[Dimension.IIF] != traffic.EXTERNAL
    ]
    found = [
        replace(rule, interface=name)
        for name in observed.network.interfaces or ()
        if any(both(some, (interface(name),)) for some in reached) and NAME.fullmatch(name)
    ]
    if len(found) > EXCEPTIONS:
        return []
    every = [*done, *found, *following]
    places = range(len(done), len(done) + len(found))
    return [] if any(_wrong(place, every, observed, default) for place in places) else found


def _beside(rule: Rule, observed: Ruleset, known: list[Rule], *, wider: bool = False) -> list[Rule]:
    """Return rules for those of a rule's connections that are treated differently.

    `wider`: rules for what else is open at its port. Empty where there would be too many, or where
    a program made them.
    """
    question = replace(rule, from_=ANY, to=ANY) if wider else rule
    families = (
        queries.judged_families(observed, DENY)
        if wider
        else sorted(traffic.named_families(rule)) or queries.judged_families(observed, rule.action)
    )
    by_family: dict[int, list[Rule]] = {}
    for family in families:
        for region in _regions(question, family, observed):
            if (
                region.sure
                and queries.applies(observed, region)
                and (region.verdict == ALLOW if wider else region.verdict != rule.action)
            ):
                by_family.setdefault(family, []).extend(rules(region.box, region.verdict, family))
    some = [
        each
        for each in dict.fromkeys(chain(*by_family.values()))
        if each not in known and (each.from_, each.to) != (ANY, ANY)
    ]
    return (
        some
        if len(some) <= EXCEPTIONS and not any(_by_a_machine(each, observed) for each in some)
        else []
    )


def _by_a_machine(rule: Rule, observed: Ruleset) -> bool:
    """Return whether a program's chain or table decides on some of a rule's packets."""
    regions = (region for family in traffic.FAMILIES for region in _regions(rule, family, observed))
    return any(
        name.startswith(MACHINES)
        for region in regions
        if region.chain is not None
        for name in region.chain[1:]
    )


def _regions(rule: Rule, family: int, observed: Ruleset) -> list[Region]:
    box = traffic.packets(rule, family)
    return (
        [
            region
            for regions in queries.trace(observed, family, [box], traffic.hooks_of(rule))
            for region in regions
        ]
        if box is not None
        else []
    )


def _watched(observed: Ruleset) -> set[Rule]:
    """Return rules for the services at which addresses are banned: who gets in changes with each
    ban.
    """
    found = set[Rule]()
    for family in traffic.FAMILIES:
        for box, effect, chains, _ in statements(observed.program, family):
            names = [
                part
                for key in (*chains, *([effect.target] if effect.target else []))
                for part in key[1:]
            ]
            if any(part.startswith(BANNERS) for part in names):
                found |= set(rules(box, DENY, family))
    return found
