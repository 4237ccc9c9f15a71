"""What a packet filter does with sets of packets."""

from collections.abc import Iterable, Mapping, Sequence

from power_edge.resources.firewall.packets import marks
from power_edge.resources.firewall.packets.dimension import SADDR, Dimension
from power_edge.resources.firewall.packets.program import (
    ALLOW,
    DENY,
    FIRST,
    NAT_LAST,
    NEW,
    REJECT,
    TRACKING,
    UNSEEN,
    UNTRACKED,
    VERDICTS,
    Action,
    BaseChain,
    Effort,
    FilterRule,
    Key,
    Program,
    Region,
    Undecidable,
)
from power_edge.resources.firewall.packets.sets import Box, Numbers, meet, subtract, within

MANY_REGIONS = 10_000
RANGES_PER_STEP = 16
"""Rules that are looked at, and ranges of numbers that are copied, in about the time of one step.
"""


def walk(
    program: Program, hooks: tuple[str, ...], family: int, start: Iterable[Region], effort: Effort
) -> list[Region]:
    """Return what happens to packets, as regions that together cover all of them.

    Regions overlap where packets of one kind are treated differently: under a rate limit (all
    regions are sure), or because of an opaque condition (none is sure). Undecidable when there are
    too many regions, or when it takes more than `effort` has left.
    """
    undecided, ended = list(start), list[Region]()
    path = program.path(hooks, family)
    hidden = _hidden(program, path, effort, forwarded="forward" in hooks)
    for base in (
        _decided(program, base, effort, some) for base, some in zip(path, hidden, strict=True)
    ):
        early = base.hook == "ingress" or (
            base.hook in {"prerouting", "output"} and base.priority <= TRACKING
        )
        inside, outside = _split(
            [_tracked(region, NEW, UNSEEN) for region in undecided] if early else undecided,
            # A chain of type nat is called for the first packet of a connection alone.
            tuple({**box, Dimension.STAGE: FIRST} for box in base.boxes)
            if base.nat
            else base.boxes,
            effort,
        )
        walker = _Walk(program, family, base, effort)
        undecided = [_tracked(region, UNSEEN, NEW) for region in outside + walker.base(inside)]
        ended += walker.ended
        _check(undecided, ended)
    return ended + undecided


HIDDEN: Mapping[str, Dimension] = {
    "ingress": Dimension.OIF,
    "prerouting": Dimension.OIF,
    "postrouting": Dimension.IIF,
    "egress": Dimension.IIF,
}
"""What rules cannot see of a forwarded packet, at each hook: it is not known there yet, or only in
newer kernels (the interface that it came by, at postrouting: since Linux 5.7).
"""
SOURCE = frozenset({*SADDR.values(), Dimension.SPORT, Dimension.SLOCAL})
"""What may have changed behind a translation of the source (by packets on Linux 6.18)."""


def _hidden(
    program: Program, path: Sequence[BaseChain], effort: Effort, *, forwarded: bool
) -> list[frozenset[Dimension]]:
    """Return what the rules of each base chain on a path cannot see of a packet as it was."""
    found = list[frozenset[Dimension]]()
    translated = {
        base.hook
        for base in path
        if base.nat and base.chain is not None and any(program.reachable(base.chain, effort))
    }
    for base in path:
        hidden = {HIDDEN[base.hook]} if forwarded and base.hook in HIDDEN else set[Dimension]()
        if not base.nat and (
            (base.hook in translated & {"input", "postrouting"} and base.place >= NAT_LAST)
            or (base.hook == "egress" and "postrouting" in translated)
        ):
            hidden |= SOURCE
        found.append(frozenset(hidden))
    return found


def _decided(
    program: Program, base: BaseChain, effort: Effort, hidden: frozenset[Dimension]
) -> BaseChain:
    """Return the base chain; without its rules where it is unknown what it is called for.

    `hidden`: what its rules cannot see of a packet as it was.
    """
    rules = [*program.reachable(base.chain, effort)] if base.chain is not None else []
    actions = {base.policy, *(rule.effect.action for rule in rules)}
    if base.nat and actions & {DENY, REJECT}:
        text = f"{base.text}: it filters in a nat chain, and connections may not be tracked"
    elif base.hook in {"prerouting", "output"} and base.priority == TRACKING:
        text = f"{base.text}: it runs before connections are looked up, or after"
    elif (actions & DECIDING or any(rule.changes for rule in rules)) and any(
        not hidden.isdisjoint(box) for rule in rules for box in rule.boxes
    ):
        text = f"{base.text}: it looks at an interface or a source that need not be known there"
    else:
        return base
    moves = (
        base.chain is None
        or bool(actions & {Action.UNKNOWN, Action.NOTRACK})
        or any(rule.changes for rule in rules)
    )
    return base._replace(chain=None, text=text, moves=moves)


DECIDING = {DENY, REJECT, Action.UNKNOWN, Action.NOTRACK}


def _tracked(region: Region, before: Numbers, after: Numbers) -> Region:
    return (
        region._replace(box={**region.box, Dimension.CONNTRACK: after})
        if region.box.get(Dimension.CONNTRACK) == before
        else region
    )


def _split(
    regions: Iterable[Region], boxes: tuple[Box, ...], effort: Effort
) -> tuple[list[Region], list[Region]]:
    inside, outside = [], list(regions)
    for box in boxes:
        effort.spend(len(outside))
        unsplit = []
        for region in outside:
            common = meet(region.box, box)
            if common is None:
                unsplit.append(region)
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
            unsplit.extend(region._replace(box=piece) for piece in pieces)
        outside = unsplit
    return inside, outside


def _check(*lists: list[Region]) -> None:
    if sum(map(len, lists)) > MANY_REGIONS:
        raise Undecidable("the ruleset has too many cases to follow")


class _Walk:
    """One run of a base chain.

    `ended`: the regions that a drop or reject ended. `accepted`: those that were accepted.
    """

    def __init__(self, program: Program, family: int, base: BaseChain, effort: Effort) -> None:
        self.program, self.family, self.base_chain, self.effort = program, family, base, effort
        self.ended: list[Region] = []
        self.accepted: list[Region] = []

    def base(self, regions: list[Region]) -> list[Region]:
        """Run the base chain. Return the regions that it accepts."""
        base = self.base_chain
        if base.chain is None:
            for region in regions:
                self._may_do_anything(region._replace(chain=None), base.text, moves=base.moves)
            return self.accepted
        fallen = self.chain(base.chain, regions, ())
        if base.policy == ALLOW:
            return self.accepted + fallen
        self.ended += [
            region._replace(verdict=base.policy, by="", chain=None, ruled=False)
            for region in fallen
        ]
        return self.accepted

    def chain(self, name: Key, regions: list[Region], callers: tuple[Key, ...]) -> list[Region]:
        """Return the regions that leave the chain undecided."""
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
                rest += _unsure(matched, f"{rule.text}: it holds for a time only")
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

    def _changed(self, rule: FilterRule, regions: list[Region]) -> list[Region]:
        """Return the regions with the marks that a rule sets."""
        for change in rule.changes:
            inside, outside = (
                _split(regions, ({Dimension.CONNTRACK: NEW},), self.effort)
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
                        else _unsure([new], f"{rule.text}: the value of a mark is unknown")
                    ),
                ]
        return regions

    def _idle(self, rule: FilterRule) -> bool:
        """Return whether a rule has no effect if it matches. Its opaque conditions then do not
        matter.
        """
        if (
            rule.effect.action is not Action.JUMP
            or rule.effect.target is None
            or not (rule.varies or rule.opaque)
        ):
            return rule.effect.action is Action.NEXT and not rule.changes
        called = list(self.program.reachable(rule.effect.target, self.effort))
        return rule.effect.target in self.program.chains and all(
            step.effect.action in {Action.NEXT, Action.RETURN, Action.JUMP} and not step.changes
            for step in called
        )

    def _do(
        self, rule: FilterRule, matched: list[Region], callers: tuple[Key, ...]
    ) -> tuple[list[Region], list[Region]]:
        """Return the regions that go on to the next rule, and those that return from the chain.

        `callers`: the chains that led to the rule; the last one is its own.
        """
        match rule.effect.action:
            case Action.ALLOW:
                filters = self.base_chain.filters
                self.accepted += [
                    region._replace(by=rule.text, chain=callers[-1], ruled=filters or region.ruled)
                    for region in matched
                ]
            case Action.DENY | Action.REJECT as verdict:
                self.ended += [
                    region._replace(verdict=verdict, by=rule.text, chain=callers[-1])
                    for region in matched
                ]
            case Action.RETURN:
                return [], matched
            case Action.JUMP if rule.effect.target:
                return self.chain(rule.effect.target, matched, callers), []
            case Action.GOTO if rule.effect.target:
                return [], self.chain(rule.effect.target, matched, callers)
            case Action.NOTRACK:  # too late once the connection was looked up (nft_notrack_eval)
                return [_tracked(region, UNSEEN, UNTRACKED) for region in matched], []
            case Action.NEXT:
                return matched, []
            case _:
                why = f"{rule.text}: {rule.opaque or 'not understood'}"
                for region in matched:
                    self._may_do_anything(region._replace(chain=callers[-1]), why)
        return [], []

    def _may_do_anything(self, region: Region, why: str, *, moves: bool = True) -> None:
        """Give a region any verdict.

        `moves`: later chains do not count, since the packet may end elsewhere (DNAT, a queue) or
        have no connection.
        """
        (uncertain,) = _unsure([region._replace(by=why)], why)
        self.ended += [
            uncertain._replace(verdict=verdict) for verdict in VERDICTS if moves or verdict != ALLOW
        ]
        self.accepted += [] if moves else [uncertain]


def _unsure(regions: Iterable[Region], why: str) -> list[Region]:
    return [region._replace(sure=False, doubt=region.doubt or why) for region in regions]


def _new(regions: list[Region], known: list[Region]) -> list[Region]:
    """Return the regions that `known` does not hold already.

    A rate limit or an opaque condition sends some packets into a chain and others past it. Those
    that the chain gives back are then in both lists.
    """
    return [
        region
        for region in regions
        if not any(region.sure <= other.sure and within(region.box, other.box) for other in known)
    ]
