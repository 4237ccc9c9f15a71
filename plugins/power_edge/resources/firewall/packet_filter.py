"""A packet filter as a program, and what it does with packets.

The kernel runs the base chains of each hook by priority. A chain ends at the first rule that
matches and decides; accept ends one base chain only, drop and reject end all (nft(8), "VERDICT
STATEMENT"). What cannot be interpreted is opaque: it may match or not, and both ways are followed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from power_edge.resources.firewall import marks
from power_edge.resources.firewall.packet_sets import Box, Numbers

Key = tuple[str, str, str]
"""Of a chain: family, table, name."""


class Action(StrEnum):
    """What a rule does with a packet. The first three are verdicts, and are declared by these words."""

    ALLOW = "allow"
    DENY = "deny"
    REJECT = "reject"
    RETURN = "return"
    JUMP = "jump"
    GOTO = "goto"
    NOTRACK = "notrack"
    NEXT = "next"
    """Nothing that matters: the packet meets the next rule."""
    UNKNOWN = "unknown"


ALLOW, DENY, REJECT = VERDICTS = (Action.ALLOW, Action.DENY, Action.REJECT)
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
MANY_RULES = 100_000
"""Rules, and boxes of them, beyond which a ruleset is not read: each takes up to 2 KB, and one
question cannot follow as many.
"""
QUESTION_STEPS = 50_000
SURVEY_STEPS = 500_000
"""Steps that a question about some packets may take, about a quarter of a second, and one about all
packets, which is asked once a node.
"""
RULES_PER_STEP = 8


class Effect(NamedTuple):
    """The action of a rule. `target`: the chain that a jump or goto leads to."""

    action: Action
    target: Key | None = None


class FilterRule(NamedTuple):
    """A rule of a chain.

    It matches packets that are in one of `boxes`; boxes of one rule share no packet.

    `opaque`: why nobody can say which of them it matches. `varies`: it matches some packets of a
    kind and not others, as a rate limit does. `changes`: the marks that it sets before it does
    anything else. `passing`: it matches now, by an element of a set that expires.
    """

    boxes: tuple[Box, ...]
    effect: Effect
    text: str
    opaque: str | None = None
    varies: bool = False
    changes: tuple[marks.Change, ...] = ()
    passing: bool = False


class BaseChain(NamedTuple):
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
    """Chains by (family, table, name) and the base chains.

    A chain's rules are kept for each family, since addresses differ.

    `bits`: those of marks that are followed (`bits_of`).
    """

    chains: Mapping[Key, Mapping[int, tuple[FilterRule, ...]]] = field(default_factory=dict)
    bases: tuple[BaseChain, ...] = ()
    bits: tuple[int, ...] = ()

    def path(self, hooks: tuple[str, ...], family: int) -> list[BaseChain]:
        here = [base for base in self.bases if base.hook in hooks and family in base.families]
        return sorted(here, key=lambda base: (hooks.index(base.hook), base.place))

    def reachable(self, start: Key, effort: "Effort") -> Iterator[FilterRule]:
        """Yield the rules of a chain and of all chains that it leads to. Undecidable as `walk`."""
        found, ahead = {start}, [start]
        while ahead:
            for rules in self.chains.get(ahead.pop(), {}).values():
                effort.spend(1 + len(rules) // RULES_PER_STEP)
                for rule in rules:
                    yield rule
                    if rule.effect.target is not None and rule.effect.target not in found:
                        found.add(rule.effect.target)
                        ahead.append(rule.effect.target)


def bits_of(chains: Mapping[Key, Mapping[int, tuple[FilterRule, ...]]]) -> tuple[int, ...]:
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
    verdict: Action = ALLOW
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


def limited(rules: Iterable[FilterRule], effort: Effort) -> Iterator[FilterRule]:
    """The rules as they are read.

    Undecidable when there are more, boxes counted, than `effort` has left.
    """
    for rule in rules:
        effort.spend(1 + len(rule.boxes))
        yield rule
