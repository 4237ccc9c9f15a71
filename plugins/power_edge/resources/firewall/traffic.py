"""The connections that declarations are about, as sets of packets."""

from collections.abc import Mapping

from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall.packets.address_types import BROADCAST
from power_edge.resources.firewall.packets.dimension import DADDR, SADDR, Dimension
from power_edge.resources.firewall.packets.program import FIRST, FORWARDED, INCOMING, NEW
from power_edge.resources.firewall.packets.rule_match import PORTED, PROTOCOLS
from power_edge.resources.firewall.packets.sets import (
    FALSE,
    TRUE,
    Box,
    Numbers,
    complement,
    everything,
    interface,
    meet,
    network,
    numbers,
    within,
    without,
)
from power_edge.resources.firewall.ruleset import Ruleset

LOOPBACK = (interface("lo"), (0, 0))
EXTERNAL: Numbers = complement(numbers(LOOPBACK), Dimension.IIF)
"""All interfaces but lo. (0 stands for no interface.)"""
NO_INTERFACE: Numbers = ((0, 0),)
ICMP = numbers([(1, 1), (58, 58)])
NOT_ICMP: Numbers = complement(ICMP, Dimension.PROTO)
ECHO: Mapping[int, Box] = {
    4: {Dimension.PROTO: ((1, 1),), Dimension.ICMP: ((8 << 8, 8 << 8),)},
    6: {Dimension.PROTO: ((58, 58),), Dimension.ICMP: ((128 << 8, 128 << 8),)},
}
OTHER_REQUESTS: Mapping[int, Box] = {
    4: {
        Dimension.PROTO: ((1, 1),),
        Dimension.ICMP: numbers((kind << 8, kind << 8) for kind in (13, 15, 17)),
    },
    6: {Dimension.PROTO: ((58, 58),), Dimension.ICMP: ((139 << 8, (139 << 8) + 255),)},
}
"""ICMP requests other than echo: timestamp, information and address mask; in IPv6 node information
(RFC 4620).
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

The kernel refuses others itself (martians), or they are multicast.
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
RESERVED: Numbers = numbers([(1, (1 << 24) - 1), (240 << 24, (1 << 32) - 2)])
"""Addresses of IPv4 that no host should have: 0.0.0.0/8 and 240.0.0.0/4 (RFC 6890).

Linux accepts connections from them (by packets on Linux 6.18).
"""
FROM_RESERVED: Box = {SADDR[4]: RESERVED}
FROM_TCP_PORT_0: Box = {Dimension.PROTO: ((6, 6),), Dimension.SPORT: ((0, 0),)}
TO_BROADCAST: Box = {Dimension.DLOCAL: BROADCAST}
"""To broadcast or anycast addresses.

These need not be open where `allow` is declared, and must be closed where `deny` is.
"""
FROM_OWN_ADDRESS: Box = {Dimension.SLOCAL: ((1, 2),), Dimension.IIF: EXTERNAL}
"""From an address of the node, sent by others.

Linux accepts such packets from the broadcast address of another of its networks, and in IPv6 from
any own address.
"""
LINK_BROADCAST: Box = {Dimension.CAST: ((1, 2),)}
"""Sent to the broadcast or multicast hardware address of the link."""
UNUSUAL: tuple[Box, ...] = (
    FROM_TCP_PORT_0,
    {Dimension.PATH: ((0, 1),)},
    LINK_BROADCAST,
    {Dimension.PSH: TRUE},
    {Dimension.URG: TRUE},
    {Dimension.EXT: TRUE},
    FROM_OWN_ADDRESS,
    TO_BROADCAST,
)
"""Packets that no host sends and somebody may make by hand, and packets to broadcast addresses (by
packets on Linux 6.18; docs/verdicts/firewall.md, "Rules").
"""
PLAIN: Box = {
    Dimension.PSH: FALSE,
    Dimension.URG: FALSE,
    Dimension.EXT: FALSE,
    Dimension.CAST: FALSE,
    Dimension.PATH: ((2, 2),),
    Dimension.SLOCAL: FALSE,
}
"""Packets without unusual properties. Addresses and ports may have any value."""
OTHER_INTERFACE: Box = {Dimension.HOME: FALSE}
"""To an address of another interface than the one the packet comes by.

There are none on a node with a single interface.
"""
NO_PORT: Box = {Dimension.PROTO: PORTED, Dimension.DPORT: ((0, 0),)}
"""To port 0, where nothing can listen: bind(2) takes it for any port."""
CLIENTS: Box = {Dimension.SPORT: ((49152, 60999),)}
"""Ports that clients on every system connect from: IANA's dynamic ports (RFC 6335), as far as Linux
uses them (net.ipv4.ip_local_port_range).
"""
CARRIERS: Numbers = numbers(
    (number, number) for number in (4, 17, 41, 47, 50, 51, 94, 97, 98, 108, 115, 136, 137)
)
"""Protocols that may carry packets which the kernel unwraps: IP in IP, UDP (VXLAN, WireGuard, ESP),
GRE, ESP and AH, L2TP, MPLS.
"""
DHCP: Mapping[int, Box] = {
    4: {Dimension.PROTO: ((17, 17),), Dimension.SPORT: ((67, 67),), Dimension.DPORT: ((68, 68),)},
    6: {Dimension.PROTO: ((17, 17),), Dimension.DPORT: ((546, 546),), Dimension.DADDR6: LINK_LOCAL},
}
"""Answers to a DHCP client.

ufw and firewalld let them in by default, and no declaration can name them: it has no source port.
"""


def incoming(family: int) -> Box:
    """Return all connections that others open to the node."""
    return {
        SADDR[family]: UNICAST[family],
        DADDR[family]: UNICAST[family],
        Dimension.IIF: EXTERNAL,
        Dimension.OIF: NO_INTERFACE,
        Dimension.CONNTRACK: NEW,
        Dimension.STAGE: FIRST,
        Dimension.SLOCAL: ((0, 0), (2, 2)) if family == 4 else everything(Dimension.SLOCAL),
        Dimension.DLOCAL: ((1, 2),),
    }


def outgoing(family: int) -> Box:
    """Return all connections that the node opens to others."""
    return {
        **incoming(family),
        Dimension.IIF: NO_INTERFACE,
        Dimension.OIF: EXTERNAL,
        Dimension.SLOCAL: TRUE,
        Dimension.DLOCAL: FALSE,
    }


def forwarded(family: int) -> Box:
    """Return all connections that the node forwards: neither from nor to an address of its own.

    The kernel forwards nothing that was sent to all on the link (ip_forward), and no link-local
    addresses of IPv6.
    """
    ends = UNICAST[4] if family == 4 else without(UNICAST[6], LINK_LOCAL)
    return {
        SADDR[family]: ends,
        DADDR[family]: ends,
        Dimension.IIF: EXTERNAL,
        Dimension.OIF: EXTERNAL,
        Dimension.CONNTRACK: NEW,
        Dimension.STAGE: FIRST,
        Dimension.SLOCAL: FALSE,
        Dimension.DLOCAL: FALSE,
        Dimension.CAST: FALSE,
    }


def hooks_of(rule: Rule) -> tuple[str, ...]:
    """Return the hooks that the packets of a rule pass."""
    return FORWARDED if rule.routed else INCOMING


def ends(rule: Rule) -> tuple[tuple[int, Numbers] | None, tuple[int, Numbers] | None]:
    """Return the rule's `from` and its `to` as (family, addresses); None stands for any.

    ValueError for a text that is not an address.
    """
    return _end(rule.from_), _end(rule.to)


def _end(text: str) -> tuple[int, Numbers] | None:
    if text == "any":
        return None
    family, span = network(text)
    return family, (span,)


def named_families(rule: Rule) -> set[int]:
    """Return the families of the rule's addresses; empty for any to any."""
    return {end[0] for end in ends(rule) if end is not None}


def packets(
    rule: Rule, family: int, kind: Box | None = None, senders: Numbers | None = None
) -> Box | None:
    """Return the connections of one family that a rule is about, or None where there are none.

    For ICMP these are echo requests, or the packets of `kind`. `senders`: whose they are, in place
    of all that hosts may have.
    """
    if named_families(rule) - {family}:
        return None
    start = forwarded(family) if rule.routed else incoming(family)
    if senders is not None:
        start = {**start, SADDR[family]: senders}
    box = meet(start, protocol_of(rule, family) if kind is None else kind)
    for dimension, end in zip((SADDR, DADDR), ends(rule), strict=True):
        if box is not None and end is not None:
            box = meet(box, {dimension[family]: end[1]})
    return meet(box, arrival(rule)) if box is not None else None


def from_reserved(rule: Rule, family: int) -> Box | None:
    """Return what a rule is about of the packets from addresses that no host should have; None for
    nothing. What the node forwards is left out.
    """
    return packets(rule, family, senders=RESERVED) if family == 4 and not rule.routed else None


def arrival(rule: Rule) -> Box:
    """Return the interfaces that a rule names, as a set of packets."""
    named = {Dimension.IIF: rule.interface, Dimension.OIF: rule.out_interface}
    return {side: (interface(name),) for side, name in named.items() if name is not None}


def protocol_of(rule: Rule, family: int) -> Box:
    """Return the protocol and port of a rule; for ICMP, echo requests; for `any`, all but ICMP."""
    if rule.proto == "any":
        return {Dimension.PROTO: NOT_ICMP}
    if rule.port is None:
        return ECHO[family]
    number = PROTOCOLS[rule.proto]
    return {Dimension.PROTO: ((number, number),), Dimension.DPORT: (ports(rule.port),)}


def ports(declared: int | str) -> tuple[int, int]:
    """Return the first and the last port of `22` or `60000-61000`."""
    low, _, high = str(declared).partition("-")
    return int(low), int(high or low)


def overlap(left: Rule, right: Rule) -> bool:
    """Return whether two rules are about some of the same services, whoever connects."""
    if "any" in (left.proto, right.proto):
        return "icmp" not in (left.proto, right.proto)
    if left.proto != right.proto or left.port is None or right.port is None:
        return (left.proto, left.port) == (right.proto, right.port)
    (low, high), (other_low, other_high) = ports(left.port), ports(right.port)
    return max(low, other_low) <= min(high, other_high)


def port_text(low: int, high: int) -> int | str:
    """Return a range of ports as a rule declares it; a port by itself is a number."""
    return low if low == high else f"{low}-{high}"


def unusual(ruleset: Ruleset, box: Box) -> bool:
    """Return whether all packets of a box are unusual: `UNUSUAL`, or `OTHER_INTERFACE`."""
    return any(within(box, each) for each in (*UNUSUAL, FROM_RESERVED)) or (
        len(ruleset.network.interfaces or ()) == 1 and within(box, OTHER_INTERFACE)
    )


def unusual_note(box: Box, family: int, *, by_hand: bool) -> str:
    """Return in words what is unusual about the packets of a box; "" for nothing."""
    if within(box, TO_BROADCAST):
        return "at broadcast addresses" if family == 4 else "at anycast addresses"
    return "only packets made by hand" if by_hand else ""
