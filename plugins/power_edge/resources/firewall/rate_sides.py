"""A packet filter as it is below all rates of new connections, and beyond them.

A node that limits is two packet filters: one for the first connections, one for those that come
too fast. A condition on a rate always holds in one of them and never in the other, so both are
followed like any other. What neither accepts is not open; what the second one does not accept is
accepted no faster than the sum of the rates, since whatever depends on a rate counts there.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from power_edge.resources.firewall.packets.program import FilterRule, Key, Program
from power_edge.resources.firewall.packets.rates import (
    ANY_MEMORY,
    LARGEST_BURST,
    UNCLEAR,
    Rate,
    Side,
)
from power_edge.resources.firewall.packets.sets import meet
from power_edge.resources.firewall.ruleset import Ruleset


@lru_cache(maxsize=4)
def beyond_rates(ruleset: Ruleset) -> Ruleset:
    """Return the node as connections find it that come faster than any rate allows."""
    return replace(ruleset, program=on_side(ruleset.program, Side.ABOVE))


@lru_cache(maxsize=4)
def within_rates(ruleset: Ruleset) -> Ruleset:
    """Return the node as the first connections find it."""
    return replace(ruleset, program=on_side(ruleset.program, Side.BELOW))


def on_side(program: Program, side: Side) -> Program:
    """Return the program on one side (BELOW or ABOVE) of all rates.

    A rule that matches on an unknown side is opaque there.
    """
    memories = _Memories(program)
    chains = {
        key: {
            family: tuple(_rules_in(rules, key, family, side, memories))
            for family, rules in by_family.items()
        }
        for key, by_family in program.chains.items()
    }
    return replace(program, chains=chains)


def _rules_in(
    rules: Sequence[FilterRule], chain: Key, family: int, side: Side, memories: "_Memories"
) -> Iterator[FilterRule]:
    for place, rule in enumerate(rules):
        if not rule.varies:
            yield rule
            continue
        doubt = memories.doubt(rules, place, chain, family)
        if doubt:
            yield rule._replace(varies=False, opaque=rule.opaque or doubt)
        elif all(rate.side in {side, Side.RECORDS, Side.EITHER} for rate in rule.rates):
            yield rule._replace(varies=any(rate.side is Side.EITHER for rate in rule.rates))


class _User(NamedTuple):
    """A condition that counts somewhere, and the rule of a chain that it stands in."""

    rate: Rate
    rules: Sequence[FilterRule]
    place: int
    chain: Key


class _Memories:
    """What the rules of a program count in, where several rules count in the same place, and how
    often one packet may come by a rule.
    """

    def __init__(self, program: Program) -> None:
        self._users: dict[tuple[str, int], list[_User]] = defaultdict(list)
        self._callers: dict[tuple[Key, int], list[Key]] = defaultdict(list)
        self._called = Counter(
            (base.chain, family)
            for base in program.bases
            if base.chain is not None
            for family in base.families
        )
        self._ways: dict[tuple[Key, int], int] = {}
        for chain, by_family in program.chains.items():
            for family, rules in by_family.items():
                for place, rule in enumerate(rules):
                    if rule.effect.target is not None:
                        self._callers[rule.effect.target, family].append(chain)
                    for rate in rule.rates:
                        self._users[rate.memory, family].append(_User(rate, rules, place, chain))

    def doubt(self, rules: Sequence[FilterRule], place: int, chain: Key, family: int) -> str:
        """Return why it is unknown on which side of a rate a rule matches; "" where it is known."""
        rule = rules[place]
        reasons = (
            rate.doubt
            or (rate.memory and self._recent(rate, rules, place, family))
            or self._full(rate, rule, chain, family)
            for rate in rule.rates
        )
        return next(filter(None, reasons), "" if rule.rates else UNCLEAR)

    def _recent(self, rate: Rate, rules: Sequence[FilterRule], place: int, family: int) -> str:
        """Return a doubt where not each packet that is tested is recorded as well, by the rule
        before or behind, where other rules may remove what was recorded, or where connections count
        that do not meet this rate.
        """
        others = [
            each for memory in (rate.memory, ANY_MEMORY) for each in self._users[memory, family]
        ]
        if any(other.rate.side is Side.UNKNOWN for other in others):
            return f"other rules change '{rate.memory}'"
        if not any(_records(each, rate.memory) for each in _beside(rules, place)):
            return f"no rule beside it records in '{rate.memory}' what it tests"
        for other in others:
            tested = other.rate.side is not Side.RECORDS or any(
                one.memory == rate.memory and one.side is Side.ABOVE
                for each in _beside(other.rules, other.place)
                for one in each.rates
            )
            if not tested or (other.rate.side is Side.ABOVE and other.rate != rate):
                return (
                    f"what other rules record in '{rate.memory}' counts as well, and is not limited"
                    " to this rate"
                )
        return ""

    def _full(self, rate: Rate, mine: FilterRule, chain: Key, family: int) -> str:
        """Return a doubt where one packet may count so often that even the first is too many."""
        if rate.side not in {Side.BELOW, Side.ABOVE}:
            return ""
        times = (
            sum(
                self._times(each.chain, family)
                for each in self._users[rate.memory, family]
                if each.rate.side is Side.RECORDS and _overlap(each.rules[each.place], mine)
            )
            if rate.memory
            else self._times(chain, family)
        )
        return "" if times <= rate.room else "it may be full with the first connection"

    def _times(self, chain: Key, family: int) -> int:
        """Return the number of ways in which a packet can reach a chain: it does so at most this
        often. MANY_WAYS for more, and where they are not counted.
        """
        if (chain, family) not in self._ways:
            found, pending, steps = 0, [chain], 0
            while pending and steps < MANY_WAYS:
                steps += 1
                place = pending.pop(), family
                found += self._called[place]
                pending += self._callers[place]
            self._ways[chain, family] = MANY_WAYS if pending else found
        return self._ways[chain, family]


MANY_WAYS = LARGEST_BURST + 1


def _beside(rules: Sequence[FilterRule], place: int) -> Iterator[FilterRule]:
    """Yield the rules before and behind a rule that are for the same packets."""
    for each in (*rules[max(place - 1, 0) : place], *rules[place + 1 : place + 2]):
        if each.boxes == rules[place].boxes:
            yield each


def _records(rule: FilterRule, memory: str) -> bool:
    return (
        rule.opaque is None
        and not rule.varies
        and not rule.passing
        and [(rate.side, rate.memory) for rate in rule.rates] == [(Side.RECORDS, memory)]
    )


def _overlap(left: FilterRule, right: FilterRule) -> bool:
    return any(meet(one, other) is not None for one in left.boxes for other in right.boxes)
