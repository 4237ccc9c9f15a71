"""The properties by which rules distinguish packets. Each is a number, and one dimension of a set.

The family is not a dimension: IPv4 and IPv6 are followed apart, so that an address is a plain
number.
"""

from collections.abc import Mapping
from enum import StrEnum

NAME_BYTES = 16
"""Bytes of an interface's name (IFNAMSIZ). A name is read as one number."""
MARK_BITS = 32


class Dimension(StrEnum):
    """One property of a packet. `LIMITS` has the largest number of each."""

    PROTO = "proto"
    SPORT = "sport"
    DPORT = "dport"
    ICMP = "icmp"
    """Type * 256 + code."""
    PEER = "peer"
    """The address of the other machine, where source or target may be meant (`defaults`)."""
    SADDR4 = "saddr4"
    DADDR4 = "daddr4"
    SADDR6 = "saddr6"
    DADDR6 = "daddr6"
    IIF = "iif"
    """The interface that the packet comes by; 0 for none."""
    OIF = "oif"
    """The interface that the packet leaves by; 0 for none."""
    CONNTRACK = "conntrack"
    """0: new connection. 1: not tracked. 2: connection tracking has not looked at it yet."""
    STAGE = "stage"
    """0: the first packet of a connection; 1: the next one from the same side; 2: an answer."""
    SLOCAL = "slocal"
    """The source is 1: an address of the node; 2: a broadcast address of its networks (IPv4) or one
    of its anycast addresses (IPv6); 0: another one.
    """
    DLOCAL = "dlocal"
    """The same of the destination."""
    HOME = "home"
    """1: the destination is an address of the interface that the packet comes by."""
    PATH = "path"
    """Answers leave 2: by the interface that the packet comes by; 1: by another one; 0: by none."""
    CAST = "cast"
    """Sent on the link to 0: the node alone; 1: all (broadcast); 2: a group (multicast)."""
    PSH = "psh"
    """1: a TCP packet has this flag beside SYN."""
    URG = "urg"
    """1: a TCP packet has this flag beside SYN."""
    EXT = "ext"
    """1: an IPv6 packet has extension headers."""

    # A mark's bits are one dimension each; 0 is the lowest.
    _ignore_ = "bit"
    for bit in range(MARK_BITS):
        vars()[f"MARK{bit}"] = f"mark{bit}"
        vars()[f"CTMARK{bit}"] = f"ctmark{bit}"


class Mark(StrEnum):
    """The two marks that rules set and look at."""

    PACKET = "mark"
    CONNECTION = "ctmark"


SADDR: Mapping[int, Dimension] = {4: Dimension.SADDR4, 6: Dimension.SADDR6}
"""Family -> the dimension of its source addresses."""
DADDR: Mapping[int, Dimension] = {4: Dimension.DADDR4, 6: Dimension.DADDR6}
"""Family -> the dimension of its destination addresses."""
FAMILY: Mapping[Dimension, int] = {
    dimension: family for ends in (SADDR, DADDR) for family, dimension in ends.items()
}
"""The dimensions of addresses, and the family of each."""
BITS: Mapping[Mark, tuple[Dimension, ...]] = {
    mark: tuple(Dimension(f"{mark}{bit}") for bit in range(MARK_BITS)) for mark in Mark
}
"""The dimensions of a mark, lowest bit first."""
LIMITS: Mapping[Dimension, int] = {
    Dimension.PROTO: 0xFF,
    Dimension.SPORT: 0xFFFF,
    Dimension.DPORT: 0xFFFF,
    Dimension.ICMP: 0xFFFF,
    Dimension.PEER: (1 << 128) - 1,
    Dimension.SADDR4: (1 << 32) - 1,
    Dimension.DADDR4: (1 << 32) - 1,
    Dimension.SADDR6: (1 << 128) - 1,
    Dimension.DADDR6: (1 << 128) - 1,
    Dimension.IIF: (1 << 8 * NAME_BYTES) - 1,
    Dimension.OIF: (1 << 8 * NAME_BYTES) - 1,
    Dimension.CONNTRACK: 2,
    Dimension.STAGE: 2,
    Dimension.SLOCAL: 2,
    Dimension.DLOCAL: 2,
    Dimension.HOME: 1,
    Dimension.PATH: 2,
    Dimension.CAST: 2,
    Dimension.PSH: 1,
    Dimension.URG: 1,
    Dimension.EXT: 1,
    **{dimension: 1 for dimensions in BITS.values() for dimension in dimensions},
}
"""The largest number of each dimension; the smallest is 0."""
