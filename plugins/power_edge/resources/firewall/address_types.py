"""The types of addresses that nft's `fib` and iptables' addrtype tell apart, as sets of packets (by
packets on Linux 6.18).

What is judged goes from one address to another, and one of the two is the node's. An address of the
node is local to the kernel, and not unicast. Its broadcast addresses (IPv4) and anycast addresses
(IPv6) are neither. No packet is judged that goes to a multicast address or comes from one.
"""

from collections.abc import Iterable

from power_edge.resources.firewall.dimension import Dimension
from power_edge.resources.firewall.packet_sets import FALSE, TRUE, Box, Numbers, complement

BROADCAST: Numbers = ((2, 2),)
"""Of `slocal` and `dlocal`."""
TYPES = ("unicast", "local", "broadcast", "anycast", "multicast")
TCP: Numbers = ((6, 6),)
NOT_TCP: Numbers = complement(TCP, Dimension.PROTO)
ROUTED: Numbers = ((1, 2),)


def by_routes(
    family: int, end: str, names: Iterable[str], *, by_interface: bool = False
) -> list[Box]:
    """The packets whose address at one end (`saddr`, `daddr`) has one of these types; of nft in
    both families, and of iptables in IPv4.

    `by_interface`: an address of another interface than the one that the packet comes by is
    unicast. ValueError for a type that is not known here.
    """
    return [box for name in _known(names) for box in _of(family, end, name, by_interface)]


def by_addrtype(family: int, end: str, names: Iterable[str]) -> list[Box]:
    """The same of iptables.

    In IPv6 UNICAST and MULTICAST are asked of the address itself, and have to hold beside the types
    that routes tell (match_type6 of xt_addrtype.c). An address of the node is UNICAST there like
    any other.
    """
    some = _known(names)
    if family == 4:
        return by_routes(4, end, some)
    if "broadcast" in some:
        raise ValueError("broadcast in IPv6")
    if "multicast" in some:
        return []
    routed = [name for name in some if name != "unicast"]
    return by_routes(6, end, routed) if routed else [{}]


def _known(names: Iterable[str]) -> list[str]:
    some = list(dict.fromkeys(names))
    for name in some:
        if name not in TYPES:
            raise ValueError(f"address type {name}")
    return some


def _of(family: int, end: str, name: str, by_interface: bool) -> list[Box]:
    if name not in {"unicast", "local", "broadcast" if family == 4 else "anycast"}:
        return []
    if end == "saddr":
        unicast: Box = (
            {Dimension.SLOCAL: FALSE}
            if family == 4
            else {Dimension.SLOCAL: FALSE, Dimension.PATH: ROUTED}
        )  # without a route it is unreachable
        return [
            {"unicast": unicast, "local": {Dimension.SLOCAL: TRUE}}.get(
                name, {Dimension.SLOCAL: BROADCAST}
            )
        ]
    if not by_interface:
        return _to({"unicast": FALSE, "local": TRUE}.get(name, BROADCAST), {})
    if name == "unicast":
        return [{Dimension.HOME: FALSE}] if family == 4 else _to(((0, 1),), {Dimension.HOME: FALSE})
    # IPv6 tells an anycast address whatever interface it is of.
    return _to(
        TRUE if name == "local" else BROADCAST, {} if name == "anycast" else {Dimension.HOME: TRUE}
    )


def _to(which: Numbers, box: Box) -> list[Box]:
    """Packets to such addresses.

    TCP never goes to broadcast or anycast ones, so its packets are not told apart by these.
    """
    if which == FALSE:
        return [{**box, Dimension.DLOCAL: FALSE}]
    others: Box = {
        Dimension.PROTO: NOT_TCP,
        Dimension.DLOCAL: which,
        **box,
    }  # the protocol first: what is cut out leaves TCP whole
    if which == BROADCAST:
        return [others]
    return [
        others,
        {Dimension.PROTO: TCP, Dimension.DLOCAL: (*which[:-1], (which[-1][0], 2)), **box},
    ]
