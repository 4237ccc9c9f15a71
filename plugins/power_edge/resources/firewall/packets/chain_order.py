"""The orders in which the kernel may run base chains of equal priority."""

from collections.abc import Container, Iterator
from dataclasses import replace
from functools import partial
from itertools import groupby, islice, permutations, product, takewhile
from math import prod

from power_edge.resources.firewall.packets.program import (
    DENY,
    REJECT,
    Action,
    BaseChain,
    Effort,
    Program,
    Undecidable,
)
from power_edge.resources.firewall.packets.sets import meet

MANY_ORDERS = 120
"""With more orders of chains a program is undecidable."""
MANY_BASES = 100
"""With more base chains on one path their orders are not looked for."""


def orders(
    program: Program, hooks: tuple[str, ...], family: int, effort: Effort
) -> Iterator[Program]:
    """Yield the program with its base chains in each order in which the kernel may run them.

    Of chains with one hook and one priority the kernel runs the last registered one first
    (nf_hook_entries_grow, since Linux 4.14; before, the first registered one). Which one that is
    cannot be read: handles count within one table, a table that was dormant registers its chains
    again, and legacy iptables registers when its table is first used. Undecidable beyond
    MANY_ORDERS, and when it takes more than `effort` has left.
    """
    path = program.path(hooks, family)
    groups = (list(group) for _, group in groupby(path, lambda base: (base.hook, base.place)))
    if len(path) > MANY_BASES:
        raise Undecidable(f"more than {MANY_BASES} chains are called")
    choices = [
        list(islice(_orders_of(program, group, effort), MANY_ORDERS + 1))
        if len(group) > 1
        else [group]
        for group in groups
    ]
    if prod(map(len, choices)) > MANY_ORDERS:
        raise Undecidable("too many chains have the same priority to try every order")
    for choice in product(*choices):
        # Program.path sorts stably, so it is enough to put the chains in this order.
        yield replace(program, bases=tuple(base for some in choice for base in some))


def _orders_of(
    program: Program, group: list[BaseChain], effort: Effort
) -> Iterator[list[BaseChain]]:
    """Yield the orders of chains with one hook and priority, one for each set of orders that cannot
    make a difference.
    """
    effects = [_effects(program, base, effort) for base in group]
    ordered_pairs = {
        (one, two)
        for one, two in permutations(range(len(group)), 2)
        if _order_matters(effects[one], effects[two]) and _meet(group[one], group[two])
    }

    def permute(done: tuple[int, ...], remaining: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        effort.spend(len(remaining))
        if not remaining:
            yield done
        for one in remaining:
            # A chain that could as well run before an earlier one does so in another order that is
            # tried.
            passed = takewhile(partial(_not_in, ordered_pairs, one), reversed(done))
            if all(other < one for other in passed):
                yield from permute(
                    (*done, one), tuple(other for other in remaining if other != one)
                )

    for order in permute((), tuple(range(len(group)))):
        yield [group[place] for place in order]


def _not_in(pairs: Container[tuple[int, int]], one: int, other: int) -> bool:
    return (one, other) not in pairs


def _order_matters(remaining: set[Action | str], right: set[Action | str]) -> bool:
    """Return whether the order of two chains can matter.

    It does not for chains that end packets with the same verdict, nor for a chain that only
    accepts.
    """
    changes = {Action.UNKNOWN, Action.NOTRACK, SETS_MARK}
    return bool(remaining and right) and (
        bool((remaining | right) & changes) or len(remaining | right) > 1
    )


SETS_MARK = "mark"


def _meet(remaining: BaseChain, right: BaseChain) -> bool:
    return any(meet(one, other) is not None for one in remaining.boxes for other in right.boxes)


def _effects(program: Program, base: BaseChain, effort: Effort) -> set[Action | str]:
    """Return what a base chain may do to a packet, but for accepting it."""
    if base.chain is None:
        return {Action.UNKNOWN}
    rules = list(program.reachable(base.chain, effort))
    actions = {rule.effect.action for rule in rules} | {base.policy}
    return actions & {DENY, REJECT, Action.UNKNOWN, Action.NOTRACK} | (
        {SETS_MARK} if program.bits and any(rule.changes for rule in rules) else set()
    )
