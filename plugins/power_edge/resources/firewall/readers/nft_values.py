"""Values in nft's JSON: elements of sets, ranges, prefixes and flags (libnftables-json(5))."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from power_edge.json_value import Json, a_pair, a_text, an_object
from power_edge.resources.firewall.packets import marks
from power_edge.resources.firewall.packets.dimension import Mark
from power_edge.resources.firewall.packets.sets import (
    Numbers,
    interface,
    network,
    numbers,
)

ICMP = {
    "echo-reply": 0, "destination-unreachable": 3, "source-quench": 4, "redirect": 5,
    "echo-request": 8, "router-advertisement": 9, "router-solicitation": 10, "time-exceeded": 11,
    "parameter-problem": 12, "timestamp-request": 13, "timestamp-reply": 14, "info-request": 15,
    "info-reply": 16, "address-mask-request": 17, "address-mask-reply": 18,
}  # fmt: skip
ICMPV6 = {
    "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4,
    "echo-request": 128, "echo-reply": 129, "mld-listener-query": 130, "mld-listener-report": 131,
    "mld-listener-done": 132, "mld-listener-reduction": 132, "nd-router-solicit": 133,
    "nd-router-advert": 134, "nd-neighbor-solicit": 135, "nd-neighbor-advert": 136,
    "nd-redirect": 137, "router-renumbering": 138, "ind-neighbor-solicit": 141,
    "ind-neighbor-advert": 142, "mld2-listener-report": 143,
}  # fmt: skip
EXTENSIONS: Numbers = numbers((number, number) for number in (0, 43, 44, 51, 60, 135, 139, 140))
"""Headers that may stand between the header of IPv6 and that of the protocol."""
PORT_HEADERS = {"tcp": 6, "udp": 17, "dccp": 33, "sctp": 132, "udplite": 136}
NFPROTO: Mapping[str, tuple[int, ...]] = {
    "ipv4": (4,),
    "ipv6": (6,),
    "ip": (4,),
    "ip6": (6,),
    "2": (4,),
    "10": (6,),
    **dict.fromkeys(("arp", "vlan", "8021q", "8021ad", "bridge", "netdev"), ()),
}
"""The families that a word of `meta nfproto` or `meta protocol` stands for."""
TCP_FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128}


class NamedSet(NamedTuple):
    """A set or a map. `changing`: packets change it. `expiring`: some of its elements expire."""

    elements: list[Json]
    changing: bool
    expiring: bool = False


class NotUnderstood(ValueError):
    """A condition that is not understood. It makes the rule opaque."""


def any_base(text: str) -> int:
    """Return a number in decimal, or with a prefix such as 0x."""
    return int(text, 0)


def expires(element: Json) -> bool:
    """Return whether an element of a set, or an entry of a map, expires."""
    key = element[0] if isinstance(element, list) and element else element
    inner = key.get("elem") if isinstance(key, dict) else None
    return isinstance(inner, dict) and bool({"timeout", "expires"} & set(inner))


def span(value: Json, number: Callable[[str], int]) -> tuple[int, int]:
    """Return a value or a range as (first, last). `number` turns a word into a number."""
    if isinstance(value, dict) and "range" in value:
        low, high = a_pair(value["range"])
        return number(str(low)), number(str(high))
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise NotUnderstood("a value")
    single = value if isinstance(value, int) else number(value)
    return single, single


def plain_element(value: Json) -> Json:
    """Return an element without its comment, counter and timeout.

    NotUnderstood for one that matches under conditions of its own.
    """
    if not isinstance(value, dict) or "elem" not in value:
        return value
    inner = an_object(value["elem"])
    if set(inner) - {"val", "comment", "counter", "timeout", "expires"}:
        raise NotUnderstood("an element with a condition")
    return inner["val"]


def is_catch_all(element: Json) -> bool:
    """Return whether an element of a set, or a key of a map, is the one for everything that no
    other one is for, with a counter or the like or without.
    """
    if isinstance(element, dict) and isinstance(inner := element.get("elem"), dict):
        element = inner.get("val")
    return element == "*"


def network_span(value: Json, family: int) -> tuple[int, int]:
    """Return an address, a prefix or a range as (first, last). NotUnderstood for another family."""
    if isinstance(value, dict) and "prefix" in value:
        prefix = an_object(value["prefix"])
        ends = [network(f"{prefix['addr']}/{prefix['len']}")]
    elif isinstance(value, dict) and "range" in value:
        ends = [network(a_text(end)) for end in a_pair(value["range"])]
    else:
        ends = [network(a_text(value))]
    if any(found != family for found, _ in ends):
        raise NotUnderstood("an address of the other family")
    return ends[0][1][0], ends[-1][1][1]


def interface_span(value: Json) -> tuple[int, int]:
    """Return the range of an interface's name."""
    if not isinstance(value, str):
        raise NotUnderstood(
            "an interface that was removed"
        )  # `iif` of a removed interface is printed as a number
    return interface(value)


def flag_bits(value: Json) -> int:
    """Return TCP flags as bits: a name, a number, a list, or flags joined by `|`."""
    if isinstance(value, dict) and "|" in value:
        value = value["|"]
    if isinstance(value, list):
        bits = 0
        for each in value:
            bits |= flag_bits(each)
        return bits
    if isinstance(value, str):
        if value not in TCP_FLAGS:
            raise NotUnderstood(f"tcp flag {value}")
        return TCP_FLAGS[value]
    if isinstance(value, int):
        return value
    raise NotUnderstood("bits")


def mark_of(what: Json) -> Mark | None:
    """Return the mark that an expression names, to compare it or to set it."""
    if what == {"meta": {"key": "mark"}}:
        return marks.PACKET
    return marks.CONNECTION if what == {"ct": {"key": "mark"}} else None
