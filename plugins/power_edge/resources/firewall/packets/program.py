"""A packet filter as a program.

The kernel runs the base chains of each hook by priority. A chain ends at the first rule that
matches and decides; accept ends one base chain only, drop and reject end all (nft(8), "VERDICT
STATEMENT"). A condition that cannot be interpreted is opaque: it may match or not, and both are
followed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from power_edge.resources.firewall.packets import marks
from power_edge.resources.firewall.packets.rates import Rate
from power_edge.resources.firewall.packets.sets import Box, Numbers

Key = tuple[str, str, str]
"""A chain: family, table, name."""


class Action(StrEnum):
    """What a rule does with a packet. Declarations use the first three, the verdicts."""

    ALLOW = "allow"
    DENY = "deny"
    REJECT = "reject"
    RETURN = "return"
    JUMP = "jump"
    GOTO = "goto"
    NOTRACK = "notrack"
    NEXT = "next"
    """Nothing that matters: the packet goes on to the next rule."""
    UNKNOWN = "unknown"


ALLOW, DENY, REJECT = VERDICTS = (Action.ALLOW, Action.DENY, Action.REJECT)
LIMIT: Final = "limit"
"""What declarations call an opening that new connections may use at a limited rate."""
OPENINGS = frozenset({"allow", LIMIT})
"""The actions of declared rules that let somebody in."""
UNTRACKED: Numbers = ((1, 1),)
INCOMING = ("ingress", "prerouting", "input")
FORWARDED = ("ingress", "prerouting", "forward", "postrouting", "egress")
OUTGOING = ("output", "postrouting", "egress")
NEW: Numbers = ((0, 0),)
UNSEEN: Numbers = ((2, 2),)
FIRST: Numbers = ((0, 0),)
NEXT: Numbers = ((1, 1),)
ANSWER: Numbers = ((2, 2),)
LATER: Numbers = ((1, 2),)
"""Of the dimension STAGE."""
TRACKING = -200
"""The priority at which the kernel looks up a packet's connection (NF_IP_PRI_CONNTRACK)."""
NAT_FIRST, NAT_LAST = -100, 100
"""The priorities at which targets and sources of connections are translated (NF_IP_PRI_NAT_DST,
NF_IP_PRI_NAT_SRC).
"""
MANY_RULES = 100_000
"""A ruleset with more rules, their boxes counted, is not read. Each takes up to 2 KB, and no
question could follow as many.
"""
QUESTION_STEPS = 50_000
SURVEY_STEPS = 500_000
"""Steps for a question about some packets (about a quarter of a second), and for one about all
packets, which is put once per node.
"""
RULES_PER_STEP = 8


class Effect(NamedTuple):
    """The action of a rule. `target`: the chain that a jump or goto leads to."""

    action: Action
    target: Key | None = None


class FilterRule(NamedTuple):
    """A rule of a chain. It matches the packets in `boxes`, which are disjoint.

    `opaque`: why it is unknown which of them it matches. `varies`: it matches some packets of a
    kind and not others, as a rate limit does. `changes`: the marks that it sets before it does
    anything else. `passing`: it matches now, through an element of a set that expires, or may go by
    itself. `rates`: its conditions on the rate of new connections.
    """

    boxes: tuple[Box, ...]
    effect: Effect
    text: str
    opaque: str | None = None
    varies: bool = False
    changes: tuple[marks.Change, ...] = ()
    passing: bool = False
    rates: tuple[Rate, ...] = ()


class BaseChain(NamedTuple):
    """A chain that the kernel calls. It sees the packets in `boxes`.

    `chain` is None for one that could not be read, and may do anything. `moves`: such a chain may
    also send packets to another port or address, or change what later chains look at.

    `nat`: its type is nat. It is then called for tracked connections only (nf_nat_inet_fn), and
    where the kernel translates addresses, whatever its own priority (nf_nat_register_fn; by packets
    on Linux 6.18).
    """

    hook: str
    priority: int
    chain: Key | None
    families: tuple[int, ...]
    policy: Action = ALLOW
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
    """The chains of a node and the base chains among them.

    A chain's rules are kept for each family, since addresses differ. `bits`: the bits of marks that
    are followed (`bits_of`).
    """

    chains: Mapping[Key, Mapping[int, tuple[FilterRule, ...]]] = field(default_factory=dict)
    bases: tuple[BaseChain, ...] = ()
    bits: tuple[int, ...] = ()

    def path(self, hooks: tuple[str, ...], family: int) -> list[BaseChain]:
        """Return the base chains that packets of a family meet at these hooks, in their order."""
        called = [base for base in self.bases if base.hook in hooks and family in base.families]
        return sorted(called, key=lambda base: (hooks.index(base.hook), base.place))

    def reachable(self, start: Key, effort: "Effort") -> Iterator[FilterRule]:
        """Yield the rules of a chain and of all chains that it leads to. Undecidable as `walk`."""
        found, pending = {start}, [start]
        while pending:
            for rules in self.chains.get(pending.pop(), {}).values():
                effort.spend(1 + len(rules) // RULES_PER_STEP)
                for rule in rules:
                    yield rule
                    if rule.effect.target is not None and rule.effect.target not in found:
                        found.add(rule.effect.target)
                        pending.append(rule.effect.target)


def bits_of(chains: Mapping[Key, Mapping[int, tuple[FilterRule, ...]]]) -> tuple[int, ...]:
    """Return the bits of marks that some rule looks at."""
    rules = (rule for chain in chains.values() for some in chain.values() for rule in some)
    return tuple(sorted(marks.looked_at(box for rule in rules for box in rule.boxes)))


class Region(NamedTuple):
    """Packets that are treated alike.

    `sure`: they certainly come here, or some of each kind under a rate limit; otherwise `doubt`
    names the opaque condition it depends on. `by`: the rule that decided last as text for people,
    "" for a policy or nothing. `chain`: the chain of that rule; None also for a base chain that may
    do anything. `ruled`: a rule of a filter chain accepted them.
    """

    box: Box
    verdict: Action = ALLOW
    sure: bool = True
    by: str = ""
    ruled: bool = False
    doubt: str | None = None
    chain: Key | None = None


class Undecidable(ValueError):
    """The program cannot be followed. The text says why."""


@dataclass(slots=True)
class Effort:
    """The work that one question may still cause, in steps.

    A step is one region held against one box of a rule. The node writes the ruleset, and can make
    it as hard to follow as it likes. Each question has its own effort, so that no verdict depends
    on what else is declared or was judged before.
    """

    left: int

    def spend(self, steps: int) -> None:
        """Take some steps. Undecidable when too few are left."""
        self.left -= steps
        if self.left < 0:
            raise Undecidable("the ruleset is too complex to be followed")


def limited(rules: Iterable[FilterRule], effort: Effort) -> Iterator[FilterRule]:
    """Yield the rules. Undecidable when there are more, boxes counted, than `effort` has left."""
    for rule in rules:
        effort.spend(1 + len(rule.boxes))
        yield rule
