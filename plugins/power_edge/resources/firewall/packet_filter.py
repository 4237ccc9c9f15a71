"""A packet filter as a program, and what it does with packets.

The kernel runs the base chains of each hook by priority. A chain ends at the first rule that
matches and decides; accept ends one base chain only, drop and reject end all (nft(8), "VERDICT
STATEMENT"). What cannot be interpreted is opaque: it may match or not, and both ways are followed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby, islice, permutations, product, takewhile
from math import prod
from typing import NamedTuple

from power_edge.resources.firewall import marks
from power_edge.resources.firewall.packet_sets import Box, Numbers, meet, subtract, within

Key = tuple[str, str, str]
"""Of a chain: family, table, name."""
ALLOW, DENY, REJECT = "allow", "deny", "reject"
VERDICTS = (ALLOW, DENY, REJECT)
UNTRACKED: Numbers = ((1, 1),)
INCOMING = ("ingress", "prerouting", "input")
OUTGOING = ("output", "postrouting", "egress")
NEW: Numbers = ((0, 0),)
UNSEEN: Numbers = ((2, 2),)
TRACKING = -200
"""The priority at which the kernel looks a packet's connection up (NF_IP_PRI_CONNTRACK)."""
NAT_FIRST, NAT_LAST = -100, 100
"""Where targets and sources of connections are translated (NF_IP_PRI_NAT_DST, NF_IP_PRI_NAT_SRC).
"""
MANY_REGIONS = 10_000
MANY_ORDERS = 120
"""Orders of chains, and regions in one walk, beyond which a program counts as undecidable."""
MANY_RULES = 100_000
"""Rules, and boxes of them, beyond which a ruleset is not read: each takes up to 2 KB, and one
question cannot follow as many.
"""
MANY_BASES = 100
"""Base chains on one path beyond which their orders are not looked for."""
QUESTION_STEPS = 50_000
SURVEY_STEPS = 500_000
"""Steps that a question about some packets may take, about a quarter of a second, and one about all
packets, which is asked once a node.
"""
RULES_PER_STEP = 8
RANGES_PER_STEP = 16
"""Rules that are looked at, and ranges of numbers that are copied, in the time of a step or less.
"""


class Do(NamedTuple):
    """What a rule does: a verdict, `return`, `jump` or `goto` (to `target`), `notrack`, `next`
    (nothing that matters), or `unknown`.
    """

    kind: str
    target: Key | None = None


class Rule(NamedTuple):
    """A rule of a chain.

    It matches packets that are in one of `boxes`; boxes of one rule share no packet.

    `opaque`: why nobody can say which of them it matches. `varies`: it matches some packets of a
    kind and not others, as a rate limit does. `changes`: the marks that it sets before it does
    anything else. `passing`: it matches now, by an element of a set that expires.
    """

    boxes: tuple[Box, ...]
    do: Do
    text: str
    opaque: str | None = None
    varies: bool = False
    changes: tuple[marks.Change, ...] = ()
    passing: bool = False


class Base(NamedTuple):
    """A chain that the kernel calls.

    `chain` is None for what could not be read at all, and may do anything to the packets in
    `boxes`.

    `nat`: its type is nat, so that it is called for tracked connections alone (nf_nat_inet_fn), and
    where the kernel translates addresses, whatever its own priority is (nf_nat_register_fn; by
    packets on Linux 6.18). `moves`: what could not be read may also send packets to another port or
    address, or change what later chains look at.
    """

    hook: str
    priority: int
    chain: Key | None
    families: tuple[int, ...]
    policy: str = ALLOW
    filters: bool = True
    boxes: tuple[Box, ...] = ({},)
    text: str = ""
    nat: bool = False
    moves: bool = True

    @property
    def place(self) -> int:
        """The priority at which it is called."""
        return (
            self.priority
            if not self.nat
            else NAT_FIRST
            if self.hook in {"prerouting", "output"}
            else NAT_LAST
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """Chains by (family, table, name) and the base chains.

    A chain's rules are kept for each family, since addresses differ.

    `bits`: those of marks that are followed (`bits_of`).
    """

    chains: Mapping[Key, Mapping[int, tuple[Rule, ...]]] = field(default_factory=dict)
    bases: tuple[Base, ...] = ()
    bits: tuple[int, ...] = ()

    def path(self, hooks: tuple[str, ...], family: int) -> list[Base]:
        here = [base for base in self.bases if base.hook in hooks and family in base.families]
        return sorted(here, key=lambda base: (hooks.index(base.hook), base.place))


def bits_of(chains: Mapping[Key, Mapping[int, tuple[Rule, ...]]]) -> tuple[int, ...]:
    """The bits of marks that some rule looks at."""
    rules = (rule for chain in chains.values() for some in chain.values() for rule in some)
    return tuple(sorted(marks.looked_at(box for rule in rules for box in rule.boxes)))


class Region(NamedTuple):
    """Packets that fare alike.

    `sure`: they (or some of each kind, under a rate limit) certainly come here; otherwise it hangs
    on something opaque, named in `doubt`. `by` is the rule that decided last, "" where a policy or
    nothing did. `ruled`: a rule of a filter chain accepted them.
    """

    box: Box
    verdict: str = ALLOW
    sure: bool = True
    by: str = ""
    ruled: bool = False
    doubt: str | None = None


class Undecidable(ValueError):
    """The program is beyond what can be followed."""


@dataclass(slots=True)
class Effort:
    """The work that one question may still cause, in steps: one region held against one box of a
    rule.

    The node writes the ruleset, and may make it as hard to follow as it likes. Each question has
    an effort of its own, so that no verdict depends on what else is declared, or judged before.
    """

    left: int

    def spend(self, steps: int) -> None:
        """Takes some steps. Undecidable when there are none left."""
        self.left -= steps
        if self.left < 0:
            raise Undecidable("the ruleset is too complex to be followed")


def limited(rules: Iterable[Rule], effort: Effort) -> Iterator[Rule]:
    """The rules as they are read.

    Undecidable when there are more, boxes counted, than `effort` has left.
    """
    for rule in rules:
        effort.spend(1 + len(rule.boxes))
        yield rule


def walk(
    program: Program, hooks: tuple[str, ...], family: int, start: Iterable[Region], effort: Effort
) -> list[Region]:
    """What becomes of packets: regions that together cover all of them.

    Undecidable when it grows too large, or takes more than `effort` has left.

    Regions overlap where packets of a kind fare differently: under a rate limit (all of them sure),
    and where something is opaque (none sure).
    """
    alive, ended = list(start), list[Region]()
    for base in (_decided(program, base, effort) for base in program.path(hooks, family)):
        early = base.hook == "ingress" or (
            base.hook in {"prerouting", "output"} and base.priority <= TRACKING
        )
        inside, outside = _split(
            [_tracked(region, NEW, UNSEEN) for region in alive] if early else alive,
            base.boxes,
            effort,
        )
        walker = _Walk(program, family, base, effort)
        alive = [_tracked(region, UNSEEN, NEW) for region in outside + walker.base(inside)]
        ended += walker.ended
        _check(alive, ended)
    return ended + alive


def _decided(program: Program, base: Base, effort: Effort) -> Base:
    """The base chain, opaque where it cannot be told for which packets it is called."""
    rules = [*_reachable(program, base.chain, effort)] if base.chain is not None else []
    kinds = {rule.do.kind for rule in rules}
    if base.nat and (base.policy != ALLOW or kinds & {DENY, REJECT}):
        text = f"{base.text}: filters in a nat chain, and no rule need be there that makes the kernel track connections"
    elif base.hook in {"prerouting", "output"} and base.priority == TRACKING:
        text = f"{base.text}: it runs before connections are looked up, or after"
    else:
        return base
    moves = (
        base.chain is None
        or bool(kinds & {"unknown", "notrack"})
        or any(rule.changes for rule in rules)
    )
    return base._replace(chain=None, text=text, moves=moves)


def _tracked(region: Region, before: Numbers, after: Numbers) -> Region:
    return (
        region._replace(box={**region.box, "conntrack": after})
        if region.box.get("conntrack") == before
        else region
    )


def orders(
    program: Program, hooks: tuple[str, ...], family: int, effort: Effort
) -> Iterator[Program]:
    """The program with its base chains in each order in which the kernel may run them.

    Of chains at one hook with one priority the one that was registered last runs first
    (nf_hook_entries_grow, Linux 4.14 and later; before, the one that was registered first). When
    that was is nowhere to be read: handles count within one table, a table that was dormant
    registers its chains anew, and legacy iptables registers where its table is first used.
    Undecidable beyond MANY_ORDERS, and when it takes more than `effort` has left.
    """
    path = program.path(hooks, family)
    groups = (list(group) for _, group in groupby(path, lambda base: (base.hook, base.place)))
    if len(path) > MANY_BASES:
        raise Undecidable(f"more than {MANY_BASES} chains are called")
    choices = [
        list(islice(_arranged(program, group, effort), MANY_ORDERS + 1))
        if len(group) > 1
        else [group]
        for group in groups
    ]
    if prod(map(len, choices)) > MANY_ORDERS:
        raise Undecidable("more chains have the same priority than can be tried in every order")
    for choice in product(*choices):
        # The sort of Program.path is stable, so it is enough to put the chains in this order.
        yield replace(program, bases=tuple(base for some in choice for base in some))


def _arranged(program: Program, group: list[Base], effort: Effort) -> Iterator[list[Base]]:
    """The orders of chains of one hook and priority, one of each set of orders between which
    nothing can make a difference.
    """
    effects = [_effects(program, base, effort) for base in group]
    bound = {
        (one, two)
        for one, two in permutations(range(len(group)), 2)
        if _order_matters(effects[one], effects[two]) and _meet(group[one], group[two])
    }

    def arrange(done: tuple[int, ...], left: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        effort.spend(len(left))
        if not left:
            yield done
        for one in left:
            # What may as well stand before a later one of the list stands there in another order
            # that is tried.
            passed = takewhile(lambda other, one=one: (one, other) not in bound, reversed(done))  # type: ignore[misc]
            if all(other < one for other in passed):
                yield from arrange((*done, one), tuple(other for other in left if other != one))

    for order in arrange((), tuple(range(len(group)))):
        yield [group[place] for place in order]


def _order_matters(left: set[str], right: set[str]) -> bool:
    """Whether one changes what the other does: two that end a packet in one and the same way do
    not, nor does one that only accepts.
    """
    changes = {"unknown", "notrack", "mark"}
    return bool(left and right) and (bool((left | right) & changes) or len(left | right) > 1)


def _meet(left: Base, right: Base) -> bool:
    return any(meet(one, other) is not None for one in left.boxes for other in right.boxes)


def _effects(program: Program, base: Base, effort: Effort) -> set[str]:
    """What a base chain may do to a packet, but for letting it on."""
    if base.chain is None:
        return {"unknown"}
    rules = list(_reachable(program, base.chain, effort))
    kinds = {rule.do.kind for rule in rules} | {base.policy}
    return kinds & {DENY, REJECT, "unknown", "notrack"} | (
        {"mark"} if program.bits and any(rule.changes for rule in rules) else set()
    )


def _split(
    regions: Iterable[Region], boxes: tuple[Box, ...], effort: Effort
) -> tuple[list[Region], list[Region]]:
    inside, outside = [], list(regions)
    for box in boxes:
        effort.spend(len(outside))
        still = []
        for region in outside:
            common = meet(region.box, box)
            if common is None:
                still.append(region)
                continue
            inside.append(region._replace(box=common))
            pieces = list(subtract(region.box, box))
            ranges = sum(
                len(each[dimension])
                for each in (box, common, *pieces)
                for dimension in box
                if dimension in each
            )
            effort.spend(ranges // RANGES_PER_STEP)
            still.extend(region._replace(box=piece) for piece in pieces)
        outside = still
    return inside, outside


def _check(*lists: list[Region]) -> None:
    if sum(map(len, lists)) > MANY_REGIONS:
        raise Undecidable("the ruleset falls into too many cases to follow")


class _Walk:
    """One base chain's run.

    What a verdict of drop or reject ended is in `ended`, what was accepted in `accepted`.
    """

    def __init__(self, program: Program, family: int, base: Base, effort: Effort) -> None:
        self.program, self.family, self.base_chain, self.effort = program, family, base, effort
        self.ended: list[Region] = []
        self.accepted: list[Region] = []

    def base(self, regions: list[Region]) -> list[Region]:
        base = self.base_chain
        if base.chain is None:
            for region in regions:
                self._anything(region, base.text, moves=base.moves)
            return self.accepted
        fallen = self.chain(base.chain, regions, ())
        if base.policy == ALLOW:
            return self.accepted + fallen
        self.ended += [
            region._replace(verdict=base.policy, by="", ruled=False) for region in fallen
        ]
        return self.accepted

    def chain(self, name: Key, regions: list[Region], callers: tuple[Key, ...]) -> list[Region]:
        """The regions that leave the chain undecided."""
        if name in callers or len(callers) > 64:
            raise Undecidable(f"chain {name[2]} calls itself")
        if name not in self.program.chains:
            raise Undecidable(f"chain {name[2]} is not in the ruleset")
        returned: list[Region] = []
        for rule in self.program.chains[name].get(self.family, ()):
            if not regions:
                break
            if self._idle(rule):
                continue
            matched, rest = _split(regions, rule.boxes, self.effort)
            if not matched:
                continue
            opaque = rule.opaque or (
                "it need not be called" if rule.changes and self.base_chain.nat else None
            )
            if opaque is not None:
                matched = _unsure(matched, f"{rule.text}: {opaque}")
                rest += matched
            elif rule.passing:
                rest += _unsure(matched, f"{rule.text}: an element of a set that expires")
            elif rule.varies:
                rest += matched
            after, back = self._do(rule, self._changed(rule, matched), (*callers, name))
            if opaque is not None or rule.varies or rule.passing:
                self.effort.spend(1 + len(after) * len(rest))
                after = _new(after, rest)
            regions = rest + after
            returned += back
            _check(regions, returned, self.ended, self.accepted)
        return returned + regions

    def _changed(self, rule: Rule, regions: list[Region]) -> list[Region]:
        """The regions with the marks that a rule sets."""
        for change in rule.changes:
            inside, outside = (
                _split(regions, ({"conntrack": NEW},), self.effort)
                if change.tracked
                else (regions, [])
            )
            regions = outside
            for region in inside:
                box, known = marks.changed(region.box, change, self.program.bits)
                new = region._replace(box=box)
                regions = [
                    *regions,
                    *(
                        [new]
                        if known
                        else _unsure([new], f"{rule.text}: a mark that cannot be told")
                    ),
                ]
        return regions

    def _idle(self, rule: Rule) -> bool:
        """Whether it makes no difference if the rule matches: then neither do its opaque parts."""
        if rule.do.kind != "jump" or rule.do.target is None or not (rule.varies or rule.opaque):
            return rule.do.kind == "next" and not rule.changes
        called = list(_reachable(self.program, rule.do.target, self.effort))
        return rule.do.target in self.program.chains and all(
            step.do.kind in {"next", "return", "jump"} and not step.changes for step in called
        )

    def _do(
        self, rule: Rule, matched: list[Region], callers: tuple[Key, ...]
    ) -> tuple[list[Region], list[Region]]:
        """The regions that go on to the next rule, and those that return from the chain."""
        match rule.do.kind:
            case "allow":
                filters = self.base_chain.filters
                self.accepted += [
                    region._replace(by=rule.text, ruled=filters or region.ruled)
                    for region in matched
                ]
            case "deny" | "reject" as verdict:
                self.ended += [region._replace(verdict=verdict, by=rule.text) for region in matched]
            case "return":
                return [], matched
            case "jump" if rule.do.target:
                return self.chain(rule.do.target, matched, callers), []
            case "goto" if rule.do.target:
                return [], self.chain(rule.do.target, matched, callers)
            case "notrack":  # too late once the connection was looked up (nft_notrack_eval)
                return [_tracked(region, UNSEEN, UNTRACKED) for region in matched], []
            case "next":
                return matched, []
            case _:
                for region in matched:
                    self._anything(region, f"{rule.text}: {rule.opaque or 'not understood'}")
        return [], []

    def _anything(self, region: Region, why: str, *, moves: bool = True) -> None:
        """Any verdict.

        `moves`: what later chains say does not count, for the packet may end elsewhere (DNAT, a
        queue), or have no connection.
        """
        (lost,) = _unsure([region._replace(by=why)], why)
        self.ended += [
            lost._replace(verdict=verdict) for verdict in VERDICTS if moves or verdict != ALLOW
        ]
        self.accepted += [] if moves else [lost]


def _unsure(regions: Iterable[Region], why: str) -> list[Region]:
    return [region._replace(sure=False, doubt=region.doubt or why) for region in regions]


def _new(regions: list[Region], known: list[Region]) -> list[Region]:
    """Without what is on its way already: those packets that a rate limit or something opaque did
    not send into the chain that gave these back.
    """
    return [
        region
        for region in regions
        if not any(region.sure <= other.sure and within(region.box, other.box) for other in known)
    ]


def _reachable(program: Program, start: Key, effort: Effort) -> Iterator[Rule]:
    """The rules of a chain and of all that it leads to."""
    observed, ahead = {start}, [start]
    while ahead:
        for rules in program.chains.get(ahead.pop(), {}).values():
            effort.spend(1 + len(rules) // RULES_PER_STEP)
            for rule in rules:
                yield rule
                if rule.do.target is not None and rule.do.target not in observed:
                    observed.add(rule.do.target)
                    ahead.append(rule.do.target)
