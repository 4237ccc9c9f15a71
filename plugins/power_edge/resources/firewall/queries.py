"""What is asked of a ruleset: the packets that a declaration speaks of, and how they fare."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall import marks
from power_edge.resources.firewall.address_types import BROADCAST
from power_edge.resources.firewall.observation import Ruleset
from power_edge.resources.firewall.packet_filter import (
    ALLOW,
    INCOMING,
    OUTGOING,
    QUESTION_STEPS,
    SURVEY_STEPS,
    Effort,
    Region,
    Undecidable,
    orders,
    walk,
)
from power_edge.resources.firewall.packet_sets import (
    FALSE,
    TRUE,
    Box,
    Numbers,
    both,
    complement,
    everything,
    interface,
    meet,
    merge,
    network,
    numbers,
    size,
    subtract_all,
    within,
    without,
)
from power_edge.resources.firewall.rule_match import NEW, PORTED, PROTOCOLS

P = ParamSpec("P")
T = TypeVar("T")
LO = (interface("lo"), (0, 0))
OUTER: Numbers = complement(numbers(LO), "iif")
"""Interfaces that packets of others come by. (0: no interface at all.)"""
NO_INTERFACE: Numbers = ((0, 0),)
ICMP = numbers([(1, 1), (58, 58)])
NOT_ICMP: Numbers = complement(ICMP, "proto")
ECHO: Mapping[int, Box] = {
    4: {"proto": ((1, 1),), "icmp": ((8 << 8, 8 << 8),)},
    6: {"proto": ((58, 58),), "icmp": ((128 << 8, 128 << 8),)},
}
OTHER_REQUESTS: Mapping[int, Box] = {
    4: {"proto": ((1, 1),), "icmp": numbers((kind << 8, kind << 8) for kind in (13, 15, 17))},
    6: {"proto": ((58, 58),), "icmp": ((139 << 8, (139 << 8) + 255),)},
}
"""What else a stranger may ask of a node by ICMP: timestamp, information, address mask; node
information in IPv6 (RFC 4620).
"""
LINK_LOCAL: Numbers = (network("fe80::/10")[1],)
FAMILIES = (4, 6)
UNICAST: Mapping[int, Numbers] = {
    4: without(
        ((0, (1 << 32) - 1),),
        numbers(network(text)[1] for text in ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3")),
    ),
    6: without(
        ((0, (1 << 128) - 1),), numbers(network(text)[1] for text in ("::/127", "ff00::/8"))
    ),
}
"""Addresses between which connections are made over a wire.

Others are refused by the kernel itself (martians) or are no connection's (multicast).
"""
PUBLIC: Mapping[int, Numbers] = {
    4: without(
        UNICAST[4],
        numbers(
            network(text)[1]
            for text in (
                "10.0.0.0/8",
                "100.64.0.0/10",
                "169.254.0.0/16",
                "172.16.0.0/12",
                "192.168.0.0/16",
            )
        ),
    ),
    6: (network("2000::/3")[1],),
}
NOBODY: Box = {"proto": ((6, 6),), "sport": ((0, 0),)}
TO_ALL: Box = {"dlocal": BROADCAST}
"""To broadcast or anycast addresses.

What is allowed need not be open there, and what is closed must not be.
"""
FORGED: Box = {"slocal": ((1, 2),), "iif": OUTER}
"""What others send from addresses of the node.

Linux takes it from a broadcast address of another of its networks, and in IPv6 from any own one.
"""
ON_THE_LINK: Box = {"cast": ((1, 2),)}
"""Sent to the hardware address of all on the link."""
ODD: tuple[Box, ...] = (
    NOBODY,
    {"path": ((0, 1),)},
    ON_THE_LINK,
    {"psh": TRUE},
    {"urg": TRUE},
    {"ext": TRUE},
    FORGED,
    TO_ALL,
)
"""What no host sends, and somebody may make by hand (`nobodys`); and what is sent to all."""
AWAY: Box = {"home": FALSE}
"""What comes by one interface for an address of another one: nothing does where there is one
interface only.
"""
NO_PORT: Box = {"proto": PORTED, "dport": ((0, 0),)}
"""Where nothing can listen: bind(2) takes port 0 for any."""
CLIENTS: Box = {"sport": ((49152, 60999),)}
"""Ports that clients connect from on every system: IANA's dynamic ports (RFC 6335), as far as Linux
uses them (net.ipv4.ip_local_port_range).
"""
CARRIERS: Numbers = numbers(
    (number, number) for number in (4, 17, 41, 47, 50, 51, 94, 97, 98, 108, 115, 136, 137)
)
"""Protocols that may carry packets which the kernel unwraps: IP in IP, UDP (VXLAN, WireGuard, ESP),
GRE, ESP and AH, L2TP, MPLS.
"""
DHCP: Mapping[int, Box] = {
    4: {"proto": ((17, 17),), "sport": ((67, 67),), "dport": ((68, 68),)},
    6: {"proto": ((17, 17),), "dport": ((546, 546),), "daddr6": LINK_LOCAL},
}
"""Answers to a DHCP client. ufw and firewalld let them in of themselves, and no declaration can say
so (it would need a source port).
"""


def _once(answer: Callable[P, T]) -> Callable[P, T]:
    """Answer a question that many others need once, also where the answer is that it is
    undecidable.
    """

    @lru_cache(maxsize=16)
    def kept(*args: Any, **kwargs: Any) -> T | Undecidable:
        try:
            return answer(*args, **kwargs)
        except Undecidable as error:
            return error

    @wraps(answer)
    def once(*args: P.args, **kwargs: P.kwargs) -> T:
        found = kept(*args, **kwargs)  # type: ignore[arg-type]
        if isinstance(found, Undecidable):
            raise Undecidable(str(found))
        return found

    return once


def incoming(family: int) -> Box:
    """All connections that others open to the node."""
    return {
        f"saddr{family}": UNICAST[family],
        f"daddr{family}": UNICAST[family],
        "iif": OUTER,
        "oif": NO_INTERFACE,
        "conntrack": NEW,
        "slocal": ((0, 0), (2, 2)) if family == 4 else everything("slocal"),
        "dlocal": ((1, 2),),
    }


def outgoing(family: int) -> Box:
    """All connections that the node opens to others."""
    return {**incoming(family), "iif": NO_INTERFACE, "oif": OUTER, "slocal": TRUE, "dlocal": FALSE}


def ends(rule: Rule) -> dict[str, tuple[int, Numbers] | None]:
    """(family, addresses) of `from` and `to`; None for any.

    ValueError for one that is no address.
    """
    found: dict[str, tuple[int, Numbers] | None] = {}
    for field, text in (("from", rule.from_), ("to", rule.to)):
        family, span = network(text) if text != "any" else (0, (0, 0))
        found[field] = (family, (span,)) if family else None
    return found


def named_families(rule: Rule) -> set[int]:
    """The families that the rule's addresses name; empty for any to any."""
    return {end[0] for end in ends(rule).values() if end is not None}


def packets(rule: Rule, family: int, kind: Box | None = None) -> Box | None:
    """The connections of one family that a rule speaks of, None for none; of ICMP the echo
    requests, or `kind`.
    """
    if named_families(rule) - {family}:
        return None
    box = meet(incoming(family), protocol_of(rule, family) if kind is None else kind)
    for dimension, end in zip(("saddr", "daddr"), ends(rule).values(), strict=True):
        if box is not None and end is not None:
            box = meet(box, {f"{dimension}{family}": end[1]})
    return box


def protocol_of(rule: Rule, family: int) -> Box:
    if rule.port is None:
        return ECHO[family]
    number = PROTOCOLS[rule.proto]
    return {"proto": ((number, number),), "dport": ((rule.port, rule.port),)}


def fare(
    ruleset: Ruleset, family: int, boxes: Iterable[Box], hooks: tuple[str, ...] = INCOMING
) -> list[list[Region]]:
    """How the packets fare: a list of regions for each order in which the kernel may run chains of
    equal priority. Undecidable as `walk`.

    Without what no host sends and is stopped (`nobodys`).
    """
    return _fare(ruleset, family, boxes, hooks, Effort(QUESTION_STEPS))


def _fare(
    ruleset: Ruleset, family: int, boxes: Iterable[Box], hooks: tuple[str, ...], effort: Effort
) -> list[list[Region]]:
    start = list(_marked(ruleset, list(boxes), hooks))
    every = [
        walk(program, hooks, family, start, effort)
        for program in orders(ruleset.program, hooks, family, effort)
    ]
    return [
        [
            region._replace(box=marks.without(region.box))
            for region in regions
            if not nobodys(ruleset, region)
        ]
        for regions in every
    ]


def _marked(ruleset: Ruleset, boxes: list[Box], hooks: tuple[str, ...]) -> Iterator[Region]:
    """The packets with the marks that they bring: none, if no tunnel or program of the node's own
    gave them one.
    """
    bits = ruleset.program.bits
    clear = marks.clear(bits)
    yield from (Region({**box, **clear}) for box in boxes)
    if not bits:
        return
    if hooks == OUTGOING:
        free = {
            dimension: some
            for dimension, some in clear.items()
            if dimension not in marks.only(clear, marks.PACKET)
        }
        yield from (
            Region({**box, **free}, sure=False, doubt="a program of the node may have set a mark")
            for box in boxes
        )
        return
    for carried in _carried(ruleset):
        yield from (
            Region(
                {**box, **clear, **carried},
                sure=False,
                doubt="a tunnel may keep the mark of what carried it",
            )
            for box in boxes
        )


@_once
def _carried(ruleset: Ruleset) -> tuple[Box, ...]:
    """The marks other than none that rules give to packets in which others may be wrapped: what
    comes out of a tunnel may keep them.
    """
    program, found = ruleset.program, dict[tuple[tuple[str, Numbers], ...], Box]()
    if not any(
        rule.changes
        for chain in program.chains.values()
        for some in chain.values()
        for rule in some
    ):
        return ()
    clear = marks.clear(program.bits)
    for family in FAMILIES:
        effort = Effort(SURVEY_STEPS)
        start = [Region({**incoming(family), "proto": CARRIERS, **clear})]
        for order in orders(program, INCOMING, family, effort):
            for region in walk(order, INCOMING, family, start, effort):
                mark = marks.only(region.box, marks.PACKET)
                if region.verdict == ALLOW and mark != marks.only(clear, marks.PACKET):
                    found.setdefault(tuple(sorted(mark.items())), mark)
    return tuple(found.values())


@_once
def survey(ruleset: Ruleset, family: int, *, outward: bool) -> list[list[Region]]:
    """How everything but ICMP fares, incoming or outgoing."""
    box = {**(outgoing(family) if outward else incoming(family)), "proto": NOT_ICMP}
    return _fare(ruleset, family, [box], OUTGOING if outward else INCOMING, Effort(SURVEY_STEPS))


def judged_families(ruleset: Ruleset, action: str) -> list[int]:
    """The families in which `any` is judged: IPv6 only where the node has addresses of it; to
    allow, more than link-local ones.
    """
    if ruleset.inet6 is None:
        return [4, 6]
    addresses = numbers((number, number) for number in ruleset.inet6)
    return [4, 6] if (without(addresses, LINK_LOCAL) if action == ALLOW else addresses) else [4]


def nobodys(ruleset: Ruleset, region: Region) -> bool:
    """Whether a region is of packets that no host sends, and they are stopped: then it speaks for
    and against nothing.

    No host connects from TCP port 0 (it is reserved, RFC 6335; bind(2) takes it for any port), so
    it may be refused where all is declared allowed. Linux takes such a packet, so whoever makes one
    by hand must not get in where it is declared closed. UDP has such packets (RFC 768). The same is
    true of the others in `ODD` (by packets on Linux 6.18).
    """
    return region.verdict != ALLOW and odd(ruleset, region.box)


def odd(ruleset: Ruleset, box: Box) -> bool:
    """Whether all packets of a box are such that no host sends them."""
    return any(within(box, each) for each in ODD) or (
        len(ruleset.interfaces or ()) == 1 and within(box, AWAY)
    )


def oddity(box: Box, family: int, *, by_hand: bool) -> str:
    """What is odd about the packets of a box, in words; "" for nothing."""
    if within(box, TO_ALL):
        return "at broadcast addresses" if family == 4 else "at anycast addresses"
    return "in packets that are made by hand" if by_hand else ""


def exists(ruleset: Ruleset, region: Region) -> bool:
    """Whether the region speaks of an interface and an address that the node has."""
    return comes_by(ruleset, region) and all(
        both(region.box.get(f"daddr{family}", own), own)
        for family, own in ruleset.addresses.items()
    )


def comes_by(ruleset: Ruleset, region: Region) -> bool:
    """Whether the region speaks of an interface that the node has."""
    reach = region.box.get("iif", OUTER)
    return reach == OUTER or bool(both(reach, ruleset.existing))


# A default is what most connections meet. What differs for some ports or for some sources is a
# rule, and shows up as an extra.
CLASSES: tuple[tuple[str, Numbers], ...] = (
    ("tcp", ((6, 6),)),
    ("udp", ((17, 17),)),
    ("other protocols", without(NOT_ICMP, numbers([(6, 6), (17, 17)]))),
)


def default(ruleset: Ruleset, family: int, action: str, *, outward: bool = False) -> bool | None:
    """Whether most new connections meet that action, on each interface of a default route; None:
    cannot be decided.

    Most: not all but half of the ports from more than a 64th of the public addresses. That leaves
    room for rules about private networks, single ports and services; an exception any larger is the
    real default.
    """
    answers = {
        _default(ruleset, family, action, regions, outward)
        for regions in survey(ruleset, family, outward=outward)
    }
    return answers.pop() if len(answers) == 1 else None


def _default(
    ruleset: Ruleset, family: int, action: str, regions: list[Region], outward: bool
) -> bool | None:
    side, peer, own = ("oif", "daddr", "saddr") if outward else ("iif", "saddr", "daddr")
    outside = numbers(interface(name) for name in ruleset.outside) or ruleset.existing or OUTER
    verdict: bool | None = True
    for _, protocols in CLASSES:
        kind, whole = (
            ("dport", everything("dport"))
            if not without(protocols, PORTED)
            else ("proto", protocols)
        )
        sure, all_ = list[Box](), list[Box]()
        for region in regions:
            box = meet(region.box, {"proto": protocols, side: outside, **CLIENTS})
            to_all = within(region.box, TO_ALL) or within(region.box, ON_THE_LINK)
            if region.verdict == action or box is None or (odd(ruleset, region.box) and not to_all):
                continue
            entry = {
                "sport": box["sport"],
                kind: box.get(kind, whole),
                "peer": box.get(f"{peer}{family}", UNICAST[family]),
            }
            all_.append(entry)
            if (
                region.sure
                and not to_all
                and 2 * size(box.get(f"{own}{family}", UNICAST[family])) > size(UNICAST[family])
            ):
                sure.append(entry)
        if _most(sure, kind, family, size(whole)):
            return False
        if _most(all_, kind, family, size(whole)):
            verdict = None
    return verdict


def _most(entries: list[Box], kind: str, family: int, whole: int) -> bool:
    """Whether these are over half of the ports (`kind`, of `whole`) for a 64th of the peers, of
    clients on most of the ports that they come from.
    """
    # What several rules say one after the other counts as one.
    merged = [
        box
        for box in merge(entries, ("sport", kind, "peer"))
        if 2 * size(box["sport"]) > size(CLIENTS["sport"])
    ]
    sources = numbers(
        pair
        for box in merged
        if 2 * size(box.get(kind, ((0, whole - 1),))) > whole
        for pair in box["peer"]
    )
    ports = numbers(
        pair
        for box in merged
        if broad(box["peer"], family)
        for pair in box.get(kind, ((0, whole - 1),))
    )
    return broad(sources, family) or 2 * size(ports) > whole


def broad(peers: Numbers, family: int) -> bool:
    return 64 * size(both(peers, PUBLIC[family])) > size(PUBLIC[family])


def filters(ruleset: Ruleset, family: int) -> bool | None:
    """Whether something stops incoming connections, whoever they come from.

    None: only those of some sources, or it cannot be decided.
    """
    answers = {
        _filters(ruleset, family, regions) for regions in survey(ruleset, family, outward=False)
    }
    return answers.pop() if len(answers) == 1 else None


def _filters(ruleset: Ruleset, family: int, regions: list[Region]) -> bool | None:
    stopped = [region for region in regions if region.verdict != ALLOW and exists(ruleset, region)]
    if any(region.sure and broad(region.box[f"saddr{family}"], family) for region in stopped):
        return True
    return None if stopped else False


def why_unsure(ruleset: Ruleset, family: int) -> str | None:
    """Why it cannot be decided whether something stops incoming connections; None: it can, or only
    some sources are stopped.
    """
    stopped = (
        region
        for regions in survey(ruleset, family, outward=False)
        for region in regions
        if region.verdict != ALLOW and exists(ruleset, region)
    )
    return next(
        (
            region.doubt
            for region in stopped
            if region.doubt and broad(region.box[f"saddr{family}"], family)
        ),
        None,
    )


def open_regions(ruleset: Ruleset, family: int) -> Iterator[Region]:
    """What is let in, but for ICMP.

    Sure is what every order of chains lets in. Undecidable as `walk`.
    """
    every = survey(ruleset, family, outward=False)
    effort = Effort(QUESTION_STEPS)
    for number, regions in enumerate(every):
        others = [
            region for place, other in enumerate(every) if place != number for region in other
        ]
        doubtful = [region.box for region in others if region.verdict != ALLOW or not region.sure]
        for region in regions:
            if region.verdict != ALLOW:
                continue
            effort.spend(len(doubtful))
            certain = subtract_all([region.box], doubtful) if region.sure else []
            if number == 0:
                yield from (region._replace(box=box) for box in certain)
            for box in subtract_all([region.box], certain) if certain != [region.box] else []:
                yield region._replace(
                    box=box, sure=False, doubt=region.doubt or "chains have equal priority"
                )
