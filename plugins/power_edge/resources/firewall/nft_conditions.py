"""The conditions of nft's rules (libnftables-json(5), "EXPRESSIONS")."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from power_edge.resources.firewall import address_types, marks
from power_edge.resources.firewall.ipsets import AddressSet
from power_edge.resources.firewall.packet_filter import Effort, Key
from power_edge.resources.firewall.packet_sets import (
    FALSE,
    Box,
    Numbers,
    both,
    complement,
    interface,
    network,
    numbers,
    shown,
)
from power_edge.resources.firewall.rule_match import (
    ANSWERED,
    PSH,
    SENT,
    STATES,
    STATUSES,
    SYN,
    URG,
    Match,
    protocol,
)

ICMP = {
    "echo-reply": 0, "destination-unreachable": 3, "source-quench": 4, "redirect": 5, "echo-request": 8, "router-advertisement": 9,
    "router-solicitation": 10, "time-exceeded": 11, "parameter-problem": 12, "timestamp-request": 13, "timestamp-reply": 14, "info-request": 15,
    "info-reply": 16, "address-mask-request": 17, "address-mask-reply": 18,
}  # fmt: skip
ICMPV6 = {
    "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4, "echo-request": 128, "echo-reply": 129,
    "mld-listener-query": 130, "mld-listener-report": 131, "mld-listener-done": 132, "mld-listener-reduction": 132, "nd-router-solicit": 133,
    "nd-router-advert": 134, "nd-neighbor-solicit": 135, "nd-neighbor-advert": 136, "nd-redirect": 137, "router-renumbering": 138,
    "ind-neighbor-solicit": 141, "ind-neighbor-advert": 142, "mld2-listener-report": 143,
}  # fmt: skip
TCP_FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128}
ECN = 0xC0
EXTENSIONS: Numbers = numbers((number, number) for number in (0, 43, 44, 51, 60, 135, 139, 140))
"""Headers that may stand between that of IPv6 and that of the protocol."""
FRAGMENT_OFFSET = 0x1FFF
PORT_HEADERS = {"tcp": 6, "udp": 17, "dccp": 33, "sctp": 132, "udplite": 136}
NFPROTO: Mapping[Any, tuple[int, ...]] = {
    "ipv4": (4,),
    "ipv6": (6,),
    "ip": (4,),
    "ip6": (6,),
    2: (4,),
    10: (6,),
}


class NamedSet(NamedTuple):
    """`changing`: packets change it. `expiring`: some of its elements go by themselves."""

    elements: list[Any]
    changing: bool
    expiring: bool = False


class Ruleset(NamedTuple):
    """What rules refer to: the sets and maps by (family, table, name), and those of ipset.

    `lasting`: without the former's elements that expire.

    `effort`: the elements that may still be read.
    """

    sets: Mapping[Key, NamedSet]
    effort: Effort
    lasting: bool = False
    ipsets: Mapping[str, AddressSet] = {}


class Odd(ValueError):
    """Not understood; makes the rule opaque."""


class Reader:
    """Reads the conditions of one rule, for one family."""

    def __init__(self, match: Match, family: int, place: tuple[str, str], ruleset: Ruleset) -> None:
        self.match, self.family, self.place, self.ruleset = match, family, place, ruleset

    def condition(self, what: Any) -> None:
        op, left, right = what["op"], what["left"], what["right"]
        try:
            flags = left.get("payload") == {"protocol": "tcp", "field": "flags"}
            if (
                op not in {"==", "in"}
                and isinstance(right, str)
                and right.startswith("@")
                and self._named(right).expiring
            ):
                raise Odd("an element of a set that expires")
            if op not in {"==", "!=", "in", "<", ">", "<=", ">="} and not (op == "!" and flags):
                raise Odd(f"operator {op}")
            self._condition(op, left, right)
        except (Odd, ValueError, KeyError, TypeError) as error:
            self.match.doubt(shown(str(error)) or "not understood")

    def _condition(self, op: str, left: Any, right: Any) -> None:
        kind, what = next(iter(left.items()))
        match kind:
            case "concat":
                self._concat(op, what, right)
            case "payload":
                self._payload(op, what, right)
            case "meta":
                self._meta(op, what["key"], right)
            case "ct":
                self._conntrack(op, what, right)
            case "fib":
                self._fib(op, what, right)
            case "exthdr":
                self._extension(op, what, right)
            case "&":
                self._flags(op, what, right)
            case _:
                raise Odd(f"{kind} match")

    def elements(self, data: Any) -> list[Any] | None:
        """What is in a set or a map; None for one whose contents change by themselves.

        Odd for one that is not there.
        """
        if isinstance(data, str) and data.startswith("@"):
            named = self._named(data)
            self.ruleset.effort.spend(len(named.elements))
            return (
                None
                if named.changing
                else [
                    each for each in named.elements if not self.ruleset.lasting or not expires(each)
                ]
            )
        some = data["set"] if isinstance(data, Mapping) else data
        return some if isinstance(some, list) else [some]

    def _named(self, data: str) -> NamedSet:
        named = self.ruleset.sets.get((*self.place, data[1:]))
        if named is None:
            raise Odd(f"set {data}")
        return named

    def _values(self, right: Any) -> list[Any]:
        """The right side as a list of scalars, ranges, prefixes, and concatenations."""
        if (isinstance(right, str) and right.startswith("@")) or (
            isinstance(right, Mapping) and "set" in right
        ):
            found = self.elements(right)
            if found is None:
                raise Odd("a set that changes")
        else:
            found = right if isinstance(right, list) else [right]
        return [_element(each) for each in found]

    def _narrow(self, dimension: str, op: str, some: Numbers) -> None:
        """A number compared with a set of numbers; with `<` and the like the set holds one."""
        match op:
            case "==" | "in":
                self.match.narrow(dimension, some)
            case "!=":
                self.match.narrow(dimension, some, negated=True)
            case _:
                ((low, high),) = some
                if low != high:
                    raise Odd("a range in a comparison")
                below = numbers([(0, low - 1)]) if low else ()
                up_to = numbers([(0, low)])
                self.match.narrow(
                    dimension,
                    {
                        "<": below,
                        "<=": up_to,
                        ">": complement(up_to, dimension),
                        ">=": complement(below, dimension),
                    }[op],
                )

    def _simple(self, dimension: str, op: str, right: Any, number: Any) -> None:
        if op == "in" and not isinstance(right, Mapping):
            raise Odd("a bit mask")
        self._narrow(dimension, op, numbers(_span(value, number) for value in self._values(right)))

    def _payload(self, op: str, what: Any, right: Any) -> None:
        header, name = what.get("protocol"), what.get("field")
        if header in {"ip", "ip6"}:
            self.match.family(4 if header == "ip" else 6)
            if header != ("ip" if self.family == 4 else "ip6"):
                return
            if name in {"saddr", "daddr"}:
                self._narrow(
                    f"{name}{self.family}",
                    op,
                    numbers(_network(value, self.family) for value in self._values(right)),
                )
            elif name == "protocol":
                self._simple("proto", op, right, protocol)
            elif name == "nexthdr":
                self._next_header(op, right)
            else:
                raise Odd(f"{header} {name} match")
        elif name in {"sport", "dport"} and (header in PORT_HEADERS or header == "th"):
            if header == "th":
                self.match.any_transport = True
            else:
                self.match.narrow("proto", ((PORT_HEADERS[header], PORT_HEADERS[header]),))
            self._simple(name, op, right, int)
        elif header in {"icmp", "icmpv6"}:
            self._icmp(header, name, op, right)
        elif header == "tcp" and name == "flags":
            self.match.narrow("proto", ((6, 6),))
            self._tcp_flags(op, 255, right)
        else:
            raise Odd(f"{header or 'raw payload'} {name or ''} match")

    def _next_header(self, op: str, right: Any) -> None:
        """The header behind that of IPv6: that of the protocol, where there are no extension
        headers.
        """
        some = numbers(_span(value, protocol) for value in self._values(right))
        if both(some, EXTENSIONS) or op not in {"==", "!="}:
            raise Odd("extension header match")
        plain: Box = {"proto": some, "ext": FALSE}
        if op == "==":
            self.match.choose([plain])
        else:
            self.match.leave([plain])

    def _icmp(self, header: str, name: str | None, op: str, right: Any) -> None:
        self.match.family(4 if header == "icmp" else 6)
        number, known = (1, ICMP) if header == "icmp" else (58, ICMPV6)
        self.match.narrow("proto", ((number, number),))
        if (
            name != "type"
            or op not in {"==", "!=", "in"}
            or (op == "in" and not isinstance(right, Mapping))
        ):
            raise Odd(f"{header} {name} match")
        kinds = numbers(
            _span(value, lambda word: known[word] if word in known else int(word))
            for value in self._values(right)
        )
        self._narrow("icmp", op, numbers((low * 256, high * 256 + 255) for low, high in kinds))

    def _meta(self, op: str, key: str, right: Any) -> None:
        match key:
            case "l4proto":
                self._simple("proto", op, right, protocol)
            case "nfproto" | "protocol":
                if op not in {"==", "!="}:
                    raise Odd(f"meta {key} {op}")
                wanted = {
                    family for value in self._values(right) for family in NFPROTO.get(value, (0,))
                }
                self.match.when((self.family in wanted) is (op == "=="))
            case "iif" | "oif" | "iifname" | "oifname":
                if op not in {"==", "!="}:
                    raise Odd(f"meta {key} {op}")
                self._narrow(
                    key[:3], op, numbers(_interface(value) for value in self._values(right))
                )
            case "pkttype":
                if op not in {"==", "!="}:
                    raise Odd(f"meta {key} {op}")
                self.match.sent(
                    numbers(span for word in self._values(right) for span in SENT.get(word, ())),
                    negated=op == "!=",
                )
            case "mark":
                self._mark(marks.PACKET, op, right)
            case _:
                raise Odd(f"meta {key} match")

    def _conntrack(self, op: str, what: Any, right: Any) -> None:
        key = what["key"]
        if key == "mark":
            self._mark(marks.CONNECTION, op, right)
            return
        words = self._values(right)
        single = (
            op == "in" or len(words) == 1 or isinstance(right, Mapping)
        )  # `==` and `!=` compare a list as one mask of bits
        if key == "state" and single:
            self.match.among("conntrack", STATES, words, negated=op == "!=")
        elif key == "status" and single:
            self.match.among("conntrack", STATUSES, words, negated=op == "!=")
        elif key == "direction" and op in {"==", "!="}:
            self.match.when(("original" in words) is (op == "=="))
        else:
            raise Odd(f"ct {key} match")

    def _mark(self, which: str, op: str, right: Any) -> None:
        if op not in {"==", "!="}:
            raise Odd(f"{which} {op}")
        some = numbers(_span(value, _plain_number) for value in self._values(right))
        self.match.mark(which, marks.among(which, some), negated=op == "!=")

    def _fib(self, op: str, what: Any, right: Any) -> None:
        flags = set(what["flags"] if isinstance(what["flags"], list) else [what["flags"]])
        if op not in {"==", "!="}:
            raise Odd("fib match")
        if what["result"] == "type" and flags in ({"saddr"}, {"daddr"}, {"daddr", "iif"}):
            end = "saddr" if "saddr" in flags else "daddr"
            self.match.one_of(
                address_types.by_routes(
                    self.family, end, self._values(right), by_interface="iif" in flags
                ),
                negated=op == "!=",
            )
        elif (
            what["result"] in {"oif", "oifname"}
            and "saddr" in flags
            and right in (True, False, "0")
        ):
            self.match.narrow(
                "path", ANSWERED["iif" in flags], negated=(right is True) is not (op == "==")
            )
        else:
            raise Odd("fib match")

    def _extension(self, op: str, what: Any, right: Any) -> None:
        """A field of a header that is not there matches nothing. IPv4 has no such headers.

        nft names no family. To old kernels a header is missing from IPv4 (ipv6_find_hdr); in others
        the rule ends (by packets on Linux 6.18).
        """
        missing = "field" not in what and isinstance(right, bool) and right is (op != "==")
        if self.family == 6:
            self.match.plain(missing)
        elif missing:
            raise Odd("extension header match on IPv4")
        else:
            self.match.when(False)

    def _flags(self, op: str, what: Any, right: Any) -> None:
        left, mask = what
        if (which := _which_mark(left)) is not None:
            if op not in {"==", "!="} or not isinstance(mask, int) or not isinstance(right, int):
                raise Odd("bit mask match")
            self.match.mark(which, marks.equal(which, right, mask), negated=op == "!=")
            return
        if (
            left.get("payload") == {"protocol": "ip", "field": "frag-off"}
            and mask == FRAGMENT_OFFSET
            and right == 0
            and op in {"==", "!="}
        ):
            self.match.family(4)
            self.match.when(op == "==")  # a connection does not begin with a later fragment
            return
        payload = left.get("payload", {})
        if (
            payload.get("field") in {"sport", "dport"}
            and isinstance(mask, int)
            and isinstance(right, int)
        ):
            some = numbers((port, port) for port in range(1 << 16) if port & mask == right)
            self._payload(op, payload, {"set": [{"range": [*span]} for span in some]})
            return
        if left.get("payload") != {"protocol": "tcp", "field": "flags"} or op not in {"==", "!="}:
            raise Odd("bit mask match")
        self.match.narrow("proto", ((6, 6),))
        self._tcp_flags(op, _bits(mask), right)

    def _tcp_flags(self, op: str, mask: int, right: Any) -> None:
        """The first packet of a connection has SYN, and may or may not offer ECN with the two
        highest bits.
        """
        wanted = (
            [_bits(value) for value in self._values(right)]
            if isinstance(right, Mapping) and "set" in right
            else [_bits(right)]
        )
        if op in {"in", "!"} and len(wanted) == 1 and (wanted[0] & SYN or not wanted[0] & ECN):
            self.match.tcp_flags(lambda flags: bool(wanted[0] & flags) is (op == "in"))
        elif op in {"==", "!="} and not mask & ECN:
            self.match.tcp_flags(lambda flags: (flags & mask in wanted) is (op == "=="))
        elif op in {"==", "!="} and not any(
            bits & mask & ~(ECN | PSH | URG) == SYN & mask for bits in wanted
        ):
            self.match.when(op == "!=")
        else:
            raise Odd("tcp flags match")

    def _concat(self, op: str, parts: list[Any], right: Any) -> None:
        if op not in {"==", "in"}:
            raise Odd("a negated concatenation")
        boxes: list[Box] = []
        for value in self._values(right):
            fields = value["concat"] if isinstance(value, Mapping) else value
            match = Match({self.family})
            each = Reader(match, self.family, self.place, self.ruleset)
            for part, wanted in zip(parts, fields, strict=True):
                each.condition({"op": "==", "left": part, "right": wanted})
            if match.opaque is not None:
                raise Odd(match.opaque)
            self.match.any_transport |= match.any_transport
            self.match.varies |= match.varies
            boxes += match.boxes if match.families else []
        self.match.choose(boxes)


def _which_mark(what: Any) -> str | None:
    return {
        "{'meta': {'key': 'mark'}}": marks.PACKET,
        "{'ct': {'key': 'mark'}}": marks.CONNECTION,
    }.get(str(what))


def _plain_number(text: str) -> int:
    return int(text, 0)


def expires(element: Any) -> bool:
    """Whether an element of a set, or an entry of a map, goes by itself."""
    key = element[0] if isinstance(element, list) and element else element
    return (
        isinstance(key, Mapping)
        and isinstance(key.get("elem"), Mapping)
        and bool({"timeout", "expires"} & set(key["elem"]))
    )


def _span(value: Any, number: Any) -> tuple[int, int]:
    if isinstance(value, Mapping) and "range" in value:
        low, high = value["range"]
        return int(number(str(low))), int(number(str(high)))
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Odd("a value")
    single = value if isinstance(value, int) else int(number(value))
    return single, single


def _element(value: Any) -> Any:
    """An element without what is kept beside it.

    Odd for one that matches under conditions of its own.
    """
    if not isinstance(value, Mapping) or "elem" not in value:
        return value
    if set(value["elem"]) - {"val", "comment", "counter", "timeout", "expires"}:
        raise Odd("an element with a condition")
    return value["elem"]["val"]


def _network(value: Any, family: int) -> tuple[int, int]:
    if isinstance(value, Mapping) and "prefix" in value:
        found, span = network(f"{value['prefix']['addr']}/{value['prefix']['len']}")
    elif isinstance(value, Mapping) and "range" in value:
        (found, low), (_, high) = (network(end) for end in value["range"])
        span = (low[0], high[1])
    else:
        found, span = network(value)
    if found != family:
        raise Odd("an address of the other family")
    return span


def _interface(value: Any) -> tuple[int, int]:
    if not isinstance(value, str):
        raise Odd(
            "an interface that is not there"
        )  # `iif` of one that has gone is printed as its number
    return interface(value)


def _bits(value: Any) -> int:
    if isinstance(value, Mapping) and "|" in value:
        value = value["|"]
    if isinstance(value, list):
        bits = 0
        for each in value:
            bits |= _bits(each)
        return bits
    if isinstance(value, str):
        return TCP_FLAGS[value]
    if isinstance(value, int):
        return value
    raise Odd("bits")
