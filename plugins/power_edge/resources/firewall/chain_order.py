"""The orders in which the kernel may run base chains of equal priority."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, islice, permutations, product, takewhile
from math import prod

from power_edge.resources.firewall.packet_filter import (
    DENY,
    REJECT,
    Action,
    BaseChain,
    Effort,
    Program,
    Undecidable,
)
from power_edge.resources.firewall.packet_sets import meet

MANY_ORDERS = 120
"""Orders of chains, and regions in one walk, beyond which a program counts as undecidable."""


MANY_BASES = 100
"""Base chains on one path beyond which their orders are not looked for."""


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


def _arranged(
    program: Program, group: list[BaseChain], effort: Effort
) -> Iterator[list[BaseChain]]:
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


def _order_matters(left: set[Action | str], right: set[Action | str]) -> bool:
    """Whether one changes what the other does: two that end a packet in one and the same way do
    not, nor does one that only accepts.
    """
    changes = {Action.UNKNOWN, Action.NOTRACK, SETS_MARK}
    return bool(left and right) and (bool((left | right) & changes) or len(left | right) > 1)


SETS_MARK = "mark"


def _meet(left: BaseChain, right: BaseChain) -> bool:
    return any(meet(one, other) is not None for one in left.boxes for other in right.boxes)


def _effects(program: Program, base: BaseChain, effort: Effort) -> set[Action | str]:
    """What a base chain may do to a packet, but for letting it on."""
    if base.chain is None:
        return {Action.UNKNOWN}
    rules = list(program.reachable(base.chain, effort))
    actions = {rule.effect.action for rule in rules} | {base.policy}
    return actions & {DENY, REJECT, Action.UNKNOWN, Action.NOTRACK} | (
        {SETS_MARK} if program.bits and any(rule.changes for rule in rules) else set()
    )
