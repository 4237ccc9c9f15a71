"""The output of `nft -j list ruleset` (libnftables-json(5)) as a program.

What is not understood makes its rule opaque. ValueError where nothing reliable can be said of the
whole. nft omits conditions that follow from others: `tcp dport 22` implies the protocol, `ip saddr`
the family.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from power_edge.json_value import an_object
from power_edge.resources.firewall.packets.dimension import Dimension
from power_edge.resources.firewall.packets.program import (
    ALLOW,
    DENY,
    MANY_RULES,
    REJECT,
    Action,
    BaseChain,
    Effect,
    Effort,
    FilterRule,
    Key,
    Program,
)
from power_edge.resources.firewall.packets.sets import Box, both, interface, numbers, without
from power_edge.resources.firewall.readers import compat
from power_edge.resources.firewall.readers.iptables import SavedRule
from power_edge.resources.firewall.readers.iptables_options import NO_SETS, Sets
from power_edge.resources.firewall.readers.nft_bytecode import Comparisons
from power_edge.resources.firewall.readers.nft_conditions import RuleContext
from power_edge.resources.firewall.readers.nft_objects import (
    Chain,
    ElementSet,
    Object,
    Rule,
    Table,
    objects,
)
from power_edge.resources.firewall.readers.nft_rules import FAMILIES, rules_of
from power_edge.resources.firewall.readers.nft_values import NamedSet, expires
from power_edge.text import printable

OTHERS: Mapping[str, tuple[int, ...]] = {"bridge": (4, 6), "arp": (4,)}
_DEVICES = re.compile(r' hook \w+gress device(?:s = \{ (.*) \}| "([^"]*)"| (\S+)) priority ')
HARMLESS_FLAGS = frozenset({"owner", "persist"})
MANY_ELEMENTS = 2_000_000
"""So many elements of sets are read, an element counting for each rule that names its set. A rule
beyond them is opaque.
"""
TYPES = frozenset({"filter", "nat", "route"})
"""Those of base chains (nft(8), CHAINS)."""
MATTERS = frozenset({DENY, REJECT, Action.NOTRACK, Action.UNKNOWN})
"""What rules that are not followed may do to a packet, so that it counts."""
MALFORMED = (KeyError, TypeError, RuntimeError, OverflowError)
"""Errors of reading a structure of another form.

RuntimeError: nesting that is too deep. OverflowError: a number that JSON can write and no integer
can hold (1e999).
"""


def read(
    text: str,
    dormant: Iterable[tuple[str, str]] | None = None,
    saved: Mapping[Key, Sequence[SavedRule]] | None = None,
    *,
    named: Mapping[Key, Sequence[str]] | None = None,
    stacked: Iterable[tuple[str, str]] = (),
    addresses: Sets = NO_SETS,
    comparisons: Comparisons | None = None,
) -> Program:
    """Return the ruleset that nft printed as a program. ValueError for other text.

    `dormant`: the (family, table) that are switched off, None where that could not be read (nft
    1.0.6 prints that flag wrongly in JSON). `saved`: the rules of each chain of iptables-nft as
    iptables-save prints them, for what nft shows as `xt`. `named`: the devices of chains as
    `devices` finds them (nft 1.0.6 does not have them in JSON). `stacked`: pairs of devices, the
    first below the second. `addresses`: the sets that matches of iptables look at.
    `comparisons`: what the kernel compares in each rule; None where that is not known.
    """
    try:
        found = list(objects(text))
        dormant_tables, doubtful = _dormant_tables(
            [each for each in found if isinstance(each, Table)], dormant
        )
        active = [
            each
            for each in found
            if isinstance(each, Chain | Rule) and each.key[:2] not in dormant_tables
        ]
        by_chain = _by_chain(active)
        chains: dict[Key, dict[int, list[FilterRule]]] = {key: {} for key in by_chain}
        bases = [
            base
            for each in active
            if isinstance(each, Chain) and each.hook is not None
            for base in [_base(each, each.hook, doubtful, named or {})]
        ]
        context = RuleContext(
            _sets(found), Effort(MANY_ELEMENTS), ipsets=addresses, comparisons=comparisons
        )
        room = Effort(MANY_RULES)
        for key, some in by_chain.items():
            lines = compat.aligned(len(some), (saved or {}).get(key))
            for printed, line in zip(some, lines, strict=True):
                for family, rule in rules_of(printed, context, line, chains, room):
                    chains[key].setdefault(family, []).append(rule)
    except MALFORMED as error:
        raise ValueError(
            f"not understood: nft's list of rules ({type(error).__name__}: {error})"
        ) from None
    frozen = {
        name: {family: tuple(some) for family, some in rules.items()}
        for name, rules in chains.items()
    }
    upper_devices = _of_devices_below(Program(chains=frozen, bases=tuple(bases)), list(stacked))
    return _with_others(Program(chains=frozen, bases=(*bases, *upper_devices)))


def _by_chain(found: Iterable[Chain | Rule]) -> dict[Key, list[Rule]]:
    """Return the rules of each chain, in their order. KeyError for a rule of no chain."""
    by_chain: dict[Key, list[Rule]] = {}
    for each in found:
        if isinstance(each, Chain):
            by_chain[each.key] = []
        else:
            by_chain[each.key].append(each)
    return by_chain


def _sets(found: Sequence[Object]) -> dict[Key, NamedSet]:
    """Return the sets and maps, with those marked that rules change."""
    # What programs put in and take out is judged as it is now, like their rules. Other elements
    # stay until their time is over.
    sets = {
        each.key: NamedSet(each.elements, each.changes, any(map(expires, each.elements)))
        for each in found
        if isinstance(each, ElementSet)
    }
    for key in _changed(each for each in found if isinstance(each, Rule)):
        if key in sets:
            sets[key] = sets[key]._replace(changing=True)
    return sets


def _dormant_tables(
    tables: Iterable[Table], dormant: Iterable[tuple[str, str]] | None
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Return the tables that are switched off, and those that may be."""
    dormant_tables, doubtful = set(dormant or ()), set()
    for table in tables:
        if "dormant" in table.flags:
            dormant_tables.add(table.place)
        elif table.flags - HARMLESS_FLAGS and dormant is None:
            doubtful.add(table.place)
    return dormant_tables, doubtful


def _changed(rules: Iterable[Rule]) -> Iterator[Key]:
    """Yield the sets and maps that packets change. Older kernels do not flag them."""
    for rule in rules:
        for kind, body in rule.statements:
            if kind in {"set", "map"}:
                what = an_object(body)
                yield (*rule.key[:2], str(what.get("set", what.get("map"))).removeprefix("@"))


def devices(text: str) -> dict[Key, list[str]]:
    """Return the devices of chains at ingress and egress.

    `text`: the lines `table`, `chain` and `type` of `nft list ruleset`.
    """
    found: dict[Key, list[str]] = {}
    table, chain = ("", ""), ""
    for line in text.split("\n"):
        words = line.split()
        if line.startswith("table ") and len(words) > 2:
            table = words[1], words[2]
        elif words[:1] == ["chain"] and len(words) > 1:
            chain = words[1]
        elif match := _DEVICES.search(line):
            several, quoted, plain = match.groups()
            found[*table, chain] = (
                [name.strip('"') for name in several.split(", ")] if several else [quoted or plain]
            )
    return found


def _base(
    chain: Chain,
    hook: str,
    doubtful: Container[tuple[str, str]],
    devices_of: Mapping[Key, Sequence[str]],
) -> BaseChain:
    """Return the base chain that a chain with a hook is.

    `doubtful`: tables that may be dormant. `devices_of`: as `devices` finds them.
    """
    family = chain.key[0]
    text = printable(f"nft {' '.join(chain.key)}")
    names = chain.devices or devices_of.get(chain.key)
    is_unclear = chain.key[:2] in doubtful
    boxes: tuple[Box, ...] = ({},)
    reason = f"{text}: whether its table is dormant could not be read" if is_unclear else text
    if names:
        side = Dimension.OIF if hook == "egress" else Dimension.IIF
        boxes = ({side: numbers(interface(each) for each in names)},)
    elif hook in {"ingress", "egress"}:
        is_unclear, reason = True, f"{text}: its devices could not be read"
    if chain.type not in TYPES:
        is_unclear, reason = True, f"{text}: its type is not known"
    return BaseChain(
        hook if family not in OTHERS else f"{family} {hook}",
        chain.priority,
        None if is_unclear else chain.key,
        FAMILIES.get(family, (4, 6)),
        {"accept": ALLOW, "drop": DENY}[chain.policy],
        chain.type == "filter" and hook in {"input", "output", "forward"},
        boxes,
        reason,
        chain.type == "nat",
    )


def _of_devices_below(program: Program, stacked: list[tuple[str, str]]) -> Iterator[BaseChain]:
    """Yield base chains that may do anything, for packets of devices above another one.

    A chain at ingress of the lower device may see them: it is unknown by which device a packet
    came.
    """
    for base in program.bases:
        side = {"ingress": Dimension.IIF, "egress": Dimension.OIF}.get(base.hook)
        if side is None or not any(_makes_a_difference(rule) for rule in _all(program, base)):
            continue
        below, before = base.boxes[0].get(side, ()), None
        while below != before:
            before, below = (
                below,
                numbers(
                    [
                        *below,
                        *(
                            interface(upper)
                            for lower, upper in stacked
                            if both(below, (interface(lower),))
                        ),
                    ]
                ),
            )
        upper_devices = without(below, base.boxes[0].get(side, ()))
        if upper_devices:
            yield base._replace(
                chain=None,
                boxes=({side: upper_devices},),
                text=f"{base.text}: it may be for packets of a device above",
            )


def _makes_a_difference(rule: FilterRule) -> bool:
    """Return whether a rule does more than to let packets by."""
    return rule.effect.action in MATTERS or bool(rule.changes)


def _with_others(program: Program) -> Program:
    """Return the program with what rules of the bridge and arp families may do.

    Rules of bridge run before those of IP, for packets that arrive over a bridge. Rules of arp
    decide who finds an IPv4 address. They are not followed: they may stop anything.
    """
    doubts = list[BaseChain]()
    for family, families in OTHERS.items():
        bases = (
            base
            for base in program.bases
            if base.hook.startswith(f"{family} ") and base.hook != "bridge forward"
        )
        if any(_makes_a_difference(rule) for base in bases for rule in _all(program, base)):
            text = f"rules of the {family} family are not followed"
            doubts += [
                BaseChain(hook, -1000, None, families, text=text, moves=family != "arp")
                for hook in ("prerouting", "postrouting")
            ]
    return Program(chains=program.chains, bases=(*program.bases, *doubts)) if doubts else program


def _all(program: Program, base: BaseChain) -> Iterator[FilterRule]:
    table = base.chain[:2] if base.chain else None
    if base.policy != ALLOW or table is None:
        yield FilterRule(({},), Effect(Action.UNKNOWN), base.text)
    for name, rules in program.chains.items():
        if name[:2] == table:
            for some in rules.values():
                yield from some
