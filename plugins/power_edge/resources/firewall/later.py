"""What happens to a connection after its first packet.

A rule that accepts only new connections accepts the first packet, but the connection cannot
continue. So the next packet from the same side and the first answer are followed too, and answers
to the node's own connections. All have the state `established` (by packets on Linux 6.18).
"""

from collections.abc import Iterable, Iterator

from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall import queries, traffic
from power_edge.resources.firewall.packets import marks
from power_edge.resources.firewall.packets.chain_order import orders
from power_edge.resources.firewall.packets.dimension import DADDR, SADDR, Dimension
from power_edge.resources.firewall.packets.program import (
    ALLOW,
    ANSWER,
    FORWARDED,
    INCOMING,
    NEW,
    NEXT,
    OUTGOING,
    QUESTION_STEPS,
    SURVEY_STEPS,
    Effort,
    Region,
)
from power_edge.resources.firewall.packets.sets import FALSE, TRUE, Box, meet
from power_edge.resources.firewall.packets.walk import walk
from power_edge.resources.firewall.ruleset import Ruleset

BACK = {False: OUTGOING, True: ("forward",)}
"""The hooks at which answers are followed, by whether the connection is forwarded. What the others
see of a forwarded answer depends on the translation of addresses.
"""


def cut_off(rule: Rule, observed: Ruleset, family: int, boxes: list[Box]) -> list[Region | None]:
    """Return, for each order of chains, a region that stops connections of a rule after their first
    packet; None if there is none. A region that certainly stops them is preferred. Raises
    Undecidable, as `walk` does.
    """
    return [
        min(
            (region for region in regions if region.verdict != ALLOW),
            key=lambda region: not region.sure,
            default=None,
        )
        for regions in _trace(observed, family, boxes, routed=bool(rule.routed))
    ]


def _trace(
    ruleset: Ruleset, family: int, boxes: Iterable[Box], *, routed: bool
) -> Iterator[list[Region]]:
    """Yield, for each order of chains, what happens to the next packet and to the answer of these
    connections. Only connections whose first packet is certainly accepted are followed.

    Only packets between existing hosts and interfaces count. A connection has the mark that its
    first packet gave it.
    """
    effort = Effort(QUESTION_STEPS)
    program = ruleset.program
    clear = marks.clear(program.bits)
    start = [Region({**box, **clear}) for box in boxes]
    hooks = FORWARDED if routed else INCOMING
    for order in orders(program, hooks, family, effort):
        usual = (
            meet({**region.box, **marks.only(clear, marks.PACKET)}, traffic.PLAIN)
            for region in walk(order, hooks, family, start, effort)
            if region.verdict == ALLOW and region.sure and queries.applies(ruleset, region)
        )
        begun = [{**box, Dimension.CONNTRACK: NEW} for box in usual if box is not None]
        following = [Region({**box, Dimension.STAGE: NEXT}) for box in begun]
        answers = [
            Region(answer)
            for box in begun
            if (answer := _answer(ruleset, family, box, routed=routed)) is not None
        ]
        gone_on = walk(order, hooks, family, following, effort)
        for back in orders(program, BACK[routed], family, effort):
            came_back = walk(back, BACK[routed], family, answers, effort)
            yield [
                region
                for region in (*gone_on, *came_back)
                if queries.interface_exists(ruleset, region)
            ]


def _answer(ruleset: Ruleset, family: int, box: Box, *, routed: bool) -> Box | None:
    """Return the answers to connections: addresses, ports and interfaces are swapped. Return None
    if answers have another form (ICMP), or come from an address that the node does not have.
    """
    if meet(box, {Dimension.PROTO: traffic.NOT_ICMP}) is None:
        return None
    turned = {
        SADDR[family]: DADDR[family],
        DADDR[family]: SADDR[family],
        Dimension.SPORT: Dimension.DPORT,
        Dimension.DPORT: Dimension.SPORT,
        Dimension.PROTO: Dimension.PROTO,
        Dimension.OIF: Dimension.IIF,
        Dimension.IIF: Dimension.OIF,
    }
    answer: Box = {
        **{side: some for side, some in box.items() if side not in {*turned, Dimension.HOME}},
        **{side: box[other] for side, other in turned.items() if other in box},
        Dimension.STAGE: ANSWER,
        Dimension.SLOCAL: FALSE if routed else TRUE,
        Dimension.DLOCAL: FALSE,
    }
    own = ruleset.network.addresses.get(family)
    return meet(answer, {SADDR[family]: own}) if own and not routed else answer


def to_own_connections(ruleset: Ruleset, family: int, protocol: Box) -> list[list[Region]]:
    """Return, for each order of chains, what happens to answers to the node's own connections.

    Raises Undecidable, as `walk` does.
    """
    effort = Effort(SURVEY_STEPS)
    program = ruleset.program
    box = meet(
        {
            **traffic.incoming(family),
            **traffic.PLAIN,
            **marks.clear(program.bits),
            Dimension.DPORT: traffic.CLIENTS[Dimension.SPORT],
            Dimension.STAGE: ANSWER,
        },
        protocol,
    )
    start = [Region(box)] if box is not None else []
    return [
        walk(order, INCOMING, family, start, effort)
        for order in orders(program, INCOMING, family, effort)
    ]
