"""The address types of nft's `fib` and iptables' addrtype, as sets of packets.

By packets on Linux 6.18. Every judged packet goes from one address to another, and one of the two
is the node's. To the kernel an address of the node is local and not unicast; its broadcast
addresses (IPv4) and anycast addresses (IPv6) are neither. No judged packet has a multicast address.
"""

from collections.abc import Iterable

from power_edge.resources.firewall.packets.dimension import Dimension
from power_edge.resources.firewall.packets.sets import FALSE, TRUE, Box, Numbers, complement

BROADCAST: Numbers = ((2, 2),)
"""Of the dimensions SLOCAL and DLOCAL."""
TYPES = ("unicast", "local", "broadcast", "anycast", "multicast")
TCP: Numbers = ((6, 6),)
NOT_TCP: Numbers = complement(TCP, Dimension.PROTO)
ROUTED: Numbers = ((1, 2),)


def by_routes(
    family: int, end: str, names: Iterable[str], *, by_interface: bool = False
) -> list[Box]:
    """Return the packets whose address at one end (`saddr`, `daddr`) has one of these types.

    This is what nft does in both families, and iptables in IPv4. `by_interface`: an address of
    another interface than the one the packet comes by is unicast. ValueError for an unknown type.
    """
    return [box for name in _known(names) for box in _of(family, end, name, by_interface)]


def by_addrtype(family: int, end: str, names: Iterable[str]) -> list[Box]:
    """Return the same for iptables.

    In IPv6 it tests UNICAST and MULTICAST on the address itself, beside the types that routes give
    (match_type6 in xt_addrtype.c). An address of the node is then UNICAST like any other.
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
    # In IPv6 an address is anycast whatever interface it belongs to.
    return _to(
        TRUE if name == "local" else BROADCAST, {} if name == "anycast" else {Dimension.HOME: TRUE}
    )


def _to(which: Numbers, box: Box) -> list[Box]:
    """Return packets to such addresses.

    TCP never goes to broadcast or anycast addresses, so its packets are not split by them.
    """
    if which == FALSE:
        return [{**box, Dimension.DLOCAL: FALSE}]
    others: Box = {
        Dimension.PROTO: NOT_TCP,
        Dimension.DLOCAL: which,
        **box,
    }  # the protocol first: cutting this out leaves TCP in one piece
    if which == BROADCAST:
        return [others]
    return [
        others,
        {Dimension.PROTO: TCP, Dimension.DLOCAL: (*which[:-1], (which[-1][0], 2)), **box},
    ]
