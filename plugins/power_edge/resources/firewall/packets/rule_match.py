"""What a rule matches, collected condition by condition while the rule is read."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from power_edge.resources.firewall.packets import marks, rates
from power_edge.resources.firewall.packets.dimension import Dimension, Mark
from power_edge.resources.firewall.packets.marks import CONNECTION, Change
from power_edge.resources.firewall.packets.program import (
    ANSWER,
    DENY,
    FIRST,
    LATER,
    NEW,
    NEXT,
    Action,
    Effect,
    FilterRule,
)
from power_edge.resources.firewall.packets.rates import Rate, Side
from power_edge.resources.firewall.packets.sets import (
    FALSE,
    TRUE,
    Box,
    Numbers,
    both,
    complement,
    meet,
    numbers,
    subtract_all,
)
from power_edge.text import printable

MANY_BOXES = 4096
PROTOCOLS: Mapping[str, int] = {
    "ip": 0, "hopopt": 0, "icmp": 1, "igmp": 2, "ggp": 3, "ipencap": 4, "st": 5, "tcp": 6, "egp": 8,
    "igp": 9, "udp": 17, "dccp": 33, "ipv6": 41, "ipv6-route": 43, "ipv6-frag": 44, "rsvp": 46,
    "gre": 47, "esp": 50, "ipv6-esp": 50, "ah": 51, "ipv6-auth": 51, "ipv6-icmp": 58, "icmpv6": 58,
    "ipv6-nonxt": 59, "ipv6-opts": 60, "eigrp": 88, "ospf": 89, "ospfigp": 89, "ipip": 94,
    "etherip": 97, "encap": 98, "pim": 103, "ipcomp": 108, "comp": 108, "vrrp": 112, "l2tp": 115,
    "sctp": 132, "mobility-header": 135, "mh": 135, "udplite": 136, "mptcp": 262,
}  # fmt: skip
"""Names as in /etc/protocols. iptables, nft and the kernel print names and numbers."""
PORTED: Numbers = numbers((number, number) for number in (6, 17, 33, 132, 136))
"""Protocols whose header begins with the two ports."""
TCP: Numbers = ((6, 6),)
SYN, PSH, URG, ACK = 0x02, 0x08, 0x20, 0x10
"""Flags of TCP. A connection's first packet may have the first three."""
FLAGS_LATER: Mapping[int, Numbers] = {ACK: NEXT, SYN | ACK: ANSWER}
"""The flags of later packets, by their stage."""
PACKET_TYPES: Mapping[str, Numbers] = {
    "host": ((0, 0),),
    "unicast": ((0, 0),),
    "broadcast": ((1, 1),),
    "multicast": ((2, 2),),
    "other": (),
}
"""Packet types, as nft and iptables name them. What is addressed to another host never arrives."""
STATES: Mapping[str, Sequence[Box]] = {
    "new": [{Dimension.CONNTRACK: NEW, Dimension.STAGE: FIRST}],
    "untracked": [{Dimension.CONNTRACK: ((1, 1),)}],
    "established": [{Dimension.CONNTRACK: NEW, Dimension.STAGE: LATER}],
    "related": [],
    "invalid": [{Dimension.CONNTRACK: ((2, 2),)}],
}
"""A packet that connection tracking has not looked at yet counts as invalid (nft_ct.c,
xt_conntrack.c).
"""
STATUSES: Mapping[str, Sequence[Box]] = {"dnat": [], "snat": []}
DIRECTIONS: Mapping[str, Numbers] = {"original": ((0, 1),), "reply": ANSWER}
"""The stages of the packets that go in these directions."""
HAS_ROUTE_BACK: Mapping[bool, Numbers] = {True: ((2, 2),), False: ((1, 2),)}
"""Packets whose source has a route: by the interface that they came by (True), or by any (False).
Reverse path filters ask this.
"""


def protocol(name: str) -> int:
    """Return the number of a protocol. ValueError for an unknown name."""
    if name.isdecimal():
        return int(name)
    if name not in PROTOCOLS:
        raise ValueError(f"protocol {name}")
    return PROTOCOLS[name]


@dataclass
class Match:
    """The packets that a rule matches, in the families that it applies to."""

    families: set[int]
    boxes: list[Box] = field(default_factory=lambda: [{}])
    opaque: str | None = None
    varies: bool = False
    any_transport: bool = False
    changes: list[Change] = field(default_factory=list)
    rates: list[Rate] = field(default_factory=list)

    def copy(self) -> "Match":
        """Return a copy that can be narrowed by itself."""
        return Match(
            set(self.families),
            list(self.boxes),
            self.opaque,
            self.varies,
            self.any_transport,
            list(self.changes),
            list(self.rates),
        )

    def narrow(self, dimension: Dimension, some: Numbers, *, negated: bool = False) -> None:
        """Keep packets whose number in a dimension is in a set, or (`negated`) is not."""
        self.choose(
            [{dimension: complement(some, dimension) if negated else some}]
            if some or negated
            else []
        )

    def choose(self, boxes: Iterable[Box]) -> None:
        """Keep the packets of any of these boxes."""
        choice = list(boxes)
        if len(self.boxes) * len(choice) > MANY_BOXES:
            self.doubt("too many combinations")
            return
        self.boxes = [
            common
            for own in self.boxes
            for other in choice
            if (common := meet(own, other)) is not None
        ]

    def leave(self, boxes: Iterable[Box]) -> None:
        """Remove the packets of all these boxes."""
        for box in boxes:
            self.boxes = subtract_all(self.boxes, [box])
            if len(self.boxes) > MANY_BOXES:
                self.doubt("too many combinations")
                return

    def one_of(self, boxes: Iterable[Box], *, negated: bool = False) -> None:
        """Keep, or (`negated`) remove, the packets of any of these boxes."""
        if negated:
            self.leave(boxes)
        else:
            self.choose(boxes)

    def when(self, truth: bool) -> None:
        """Apply a condition that is true, or false, of all packets that are judged."""
        if not truth:
            self.boxes = []

    def packet_type(self, types: Numbers, *, negated: bool = False) -> None:
        """Keep packets of these types: to whom they were sent on the link (`Dimension.CAST`).

        Of what is sent to all, the kernel accepts everything but TCP (tcp_v4_rcv; by packets on
        Linux 6.18).
        """
        others = types if negated else complement(types, Dimension.CAST)
        self.leave(
            [{Dimension.CAST: others, Dimension.PROTO: complement(TCP, Dimension.PROTO)}]
            if others
            else []
        )
        self.leave([{Dimension.PROTO: TCP}] if both(others, FALSE) else [])

    def plain(self, truth: bool) -> None:
        """Keep packets without an extension header of IPv6, or (`truth` false) with it.

        Who makes a packet by hand chooses its headers.
        """
        self.narrow(Dimension.EXT, FALSE if truth else TRUE)
        if not truth:
            self.rate(rates.EITHER)

    def rate(self, condition: Rate) -> None:
        """Add a condition on the rate of connections: some packets of a kind meet it."""
        self.varies |= condition.side is not Side.RECORDS
        self.rates.append(condition)

    def tcp_flags(self, holds: Callable[[int], bool]) -> None:
        """Apply a condition on the flags of TCP.

        A connection's first packet has SYN, and may have PSH and URG as well (by packets on Linux
        6.18). The next one from there has ACK, and the answer SYN and ACK.
        """
        self.narrow(Dimension.PROTO, TCP)
        flags = [(psh, urg) for psh, urg in product((0, PSH), (0, URG)) if holds(SYN | psh | urg)]
        later = [stage for bits, stage in FLAGS_LATER.items() if holds(bits)]
        if len(flags) == 4 and len(later) == len(FLAGS_LATER):
            return
        first: list[Box] = (
            [{Dimension.STAGE: FIRST}]
            if len(flags) == 4
            else [
                {
                    Dimension.STAGE: FIRST,
                    Dimension.PSH: TRUE if psh else FALSE,
                    Dimension.URG: TRUE if urg else FALSE,
                }
                for psh, urg in flags
            ]
        )
        self.choose([*first, *({Dimension.STAGE: stage} for stage in later)])

    def stage(self, some: Numbers) -> None:
        """Keep the packets of some stages of a connection."""
        self.narrow(Dimension.STAGE, some)

    def among(
        self,
        known: Mapping[str, Sequence[Box]],
        names: Iterable[str],
        *,
        negated: bool = False,
    ) -> None:
        """Keep the packets that match any of these words. `known`: the sets of packets by word.

        An unknown word makes the rule opaque.
        """
        words = list(names)
        unknown = [word for word in words if word not in known]
        if unknown:
            self.doubt(f"the value {unknown[0]}")
        else:
            self.one_of([box for word in words for box in known[word]], negated=negated)

    def zone(self, text: str) -> Iterator[FilterRule]:
        """Yield the effect of a statement that gives a packet another zone of connection tracking.

        In another zone, the packet may belong to another connection than the packets before it, or
        than the answers (by packets on Linux 6.18). So the state of later packets is unknown.
        """
        later = self.copy()
        later.stage(LATER)
        later.doubt("it sets a zone of connection tracking")
        yield from later.rules(Effect(Action.UNKNOWN), text)

    def hops(self, text: str) -> Iterator[FilterRule]:
        """Yield the effect of a statement that leaves a packet few hops (TTL, RFC 791).

        Another host may then drop it, or this one. One to the node itself needs none.
        """
        onward = self.copy()
        onward.changes.clear()
        onward.narrow(Dimension.DLOCAL, FALSE)
        onward.doubt("it leaves packets few hops, so they may not arrive")
        yield from onward.rules(Effect(DENY), text)

    def changed(self, text: str) -> Iterator[FilterRule]:
        """Yield the changes of marks so far as a rule of their own: the rest of the rule need not
        match.

        A condition on the old mark need not hold for the new one.
        """
        if self.changes:
            yield from self.rules(Effect(Action.NEXT), text)
            if marks.looked_at(self.boxes):
                self.boxes = [marks.without(box) for box in self.boxes]
                self.doubt("a condition on a mark that it sets")
            self.changes.clear()

    def mark(self, which: Mark, boxes: Iterable[Box], *, negated: bool = False) -> None:
        """Apply a condition on a mark."""
        if which == CONNECTION:
            self.tracked()
        self.one_of(boxes, negated=negated)

    def tracked(self) -> None:
        """Keep the packets with a connection.

        A condition on anything of a connection but its state never matches others, negated or not
        (nft_ct_get_eval, connmark_mt).
        """
        self.narrow(Dimension.CONNTRACK, NEW)

    def family(self, family: int) -> None:
        """Keep the packets of one family."""
        self.families &= {family}

    def doubt(self, why: str) -> None:
        """Note a condition that cannot be interpreted. The first one is kept."""
        self.opaque = self.opaque or why

    def rules(self, effect: Effect, text: str) -> Iterator[FilterRule]:
        """Yield the rules that this match amounts to.

        None if it cannot match; two if it looks at ports and names no protocol.
        """
        if not self.boxes or not self.families:
            return
        text = printable(text)
        if not self.any_transport:
            yield self._rule(self.boxes, effect, text, self.opaque)
            return
        ported = [
            box for own in self.boxes if (box := meet(own, {Dimension.PROTO: PORTED})) is not None
        ]
        others = [
            box
            for own in self.boxes
            if (box := meet(own, {Dimension.PROTO: complement(PORTED, Dimension.PROTO)}))
            is not None
        ]
        if ported:
            yield self._rule(ported, effect, text, self.opaque)
        if others:
            doubt = self.opaque or "ports of a protocol that has none"
            yield self._rule(others, effect, text, doubt)

    def _rule(
        self, boxes: Iterable[Box], effect: Effect, text: str, opaque: str | None
    ) -> FilterRule:
        return FilterRule(
            tuple(boxes),
            effect,
            text,
            opaque,
            self.varies,
            tuple(self.changes),
            rates=tuple(self.rates),
        )
