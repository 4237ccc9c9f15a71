"""The conditions of nft's rules (libnftables-json(5), "EXPRESSIONS")."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from power_edge.json_value import Json, a_list, a_member, a_text, an_object, text_at
from power_edge.resources.firewall.packets import address_types, marks
from power_edge.resources.firewall.packets.dimension import DADDR, SADDR, Dimension, Mark
from power_edge.resources.firewall.packets.program import FIRST, Effort, Key
from power_edge.resources.firewall.packets.rule_match import (
    DIRECTIONS,
    FLAGS_LATER,
    HAS_ROUTE_BACK,
    PACKET_TYPES,
    PSH,
    STATES,
    STATUSES,
    SYN,
    URG,
    Match,
    protocol,
)
from power_edge.resources.firewall.packets.sets import (
    FALSE,
    Box,
    Numbers,
    both,
    complement,
    numbers,
)
from power_edge.resources.firewall.readers.ipsets import AddressSet
from power_edge.resources.firewall.readers.nft_bytecode import Comparisons
from power_edge.resources.firewall.readers.nft_values import (
    EXTENSIONS,
    ICMP,
    ICMPV6,
    NFPROTO,
    PORT_HEADERS,
    NamedSet,
    NotUnderstood,
    any_base,
    expires,
    flag_bits,
    interface_span,
    is_catch_all,
    mark_of,
    network_span,
    plain_element,
    span,
)
from power_edge.text import printable

T = TypeVar("T")

ECN = 0xC0
FRAGMENT_OFFSET = 0x1FFF
UNEXPECTED = "a condition in JSON of an unexpected form"
"""Begins the doubt about a condition that made reading fail.

A person's ruleset should have none: tests fail on it, since it may also hide an error in here.
"""


class RuleContext(NamedTuple):
    """What rules refer to: the sets and maps by (family, table, name), and the sets of ipset.

    `permanent`: leave out the elements of `sets` that expire. `effort`: the elements that may still
    be read. `comparisons`: what the kernel compares in each rule; None where that is not known.
    """

    sets: Mapping[Key, NamedSet]
    effort: Effort
    permanent: bool = False
    ipsets: Mapping[str, AddressSet] = {}
    comparisons: Comparisons | None = None


class ConditionReader:
    """Reads the conditions of one rule, for one family."""

    def __init__(
        self, match: Match, family: int, place: tuple[str, str], context: RuleContext
    ) -> None:
        self.match, self.family, self.place, self.context = match, family, place, context

    def condition(self, what: Json) -> None:
        """Narrow the match by the body of one `match` statement.

        What is not understood makes the rule opaque.
        """
        body = an_object(what)
        op, left, right = a_text(body["op"]), an_object(body["left"]), body["right"]
        try:
            flags = left.get("payload") == {"protocol": "tcp", "field": "flags"}
            if (
                op not in {"==", "in"}
                and isinstance(right, str)
                and right.startswith("@")
                and self._named(right).expiring
            ):
                raise NotUnderstood("an element of a set that expires")
            if op not in {"==", "!=", "in", "<", ">", "<=", ">="} and not (op == "!" and flags):
                raise NotUnderstood(f"operator {op}")
            self._condition(op, left, right)
        except ValueError as error:
            self.match.doubt(printable(str(error)) or "not understood")
        except (KeyError, TypeError) as error:
            self.match.doubt(printable(f"{UNEXPECTED} ({type(error).__name__}: {error})"))

    def _condition(self, op: str, left: Json, right: Json) -> None:
        kind, what = a_member(left)
        match kind:
            case "concat":
                self._concat(op, a_list(what), right)
            case "payload":
                self._payload(op, an_object(what), right)
            case "meta":
                self._meta(op, a_text(an_object(what)["key"]), right)
            case "ct":
                self._conntrack(op, a_text(an_object(what)["key"]), right)
            case "fib":
                self._fib(op, an_object(what), right)
            case "exthdr":
                self._extension(op, an_object(what), right)
            case "&":
                self._flags(op, a_list(what), right)
            case _:
                raise NotUnderstood(f"{kind} match")

    def elements(self, data: Json) -> list[Json] | None:
        """Return what is in a set or a map; None for one whose contents change by themselves.

        NotUnderstood for one that does not exist.
        """
        if isinstance(data, str) and data.startswith("@"):
            named = self._named(data)
            self.context.effort.spend(len(named.elements))
            return (
                None
                if named.changing
                else [
                    each
                    for each in named.elements
                    if not self.context.permanent or not expires(each)
                ]
            )
        some = data["set"] if isinstance(data, dict) else data
        return some if isinstance(some, list) else [some]

    def _named(self, data: str) -> NamedSet:
        named = self.context.sets.get((*self.place, data[1:]))
        if named is None:
            raise NotUnderstood(f"set {data}")
        return named

    def _values(self, right: Json) -> list[Json]:
        """Return the right side as a list of scalars, ranges, prefixes, and concatenations."""
        if (isinstance(right, str) and right.startswith("@")) or (
            isinstance(right, dict) and "set" in right
        ):
            found = self.elements(right)
            if found is None:
                raise NotUnderstood("a set that changes")
            if any(is_catch_all(each) for each in found):
                raise NotUnderstood("a set with an element for everything else")
        else:
            found = right if isinstance(right, list) else [right]
        return [plain_element(each) for each in found]

    def _narrow(self, dimension: Dimension, op: str, some: Numbers) -> None:
        """Compare a number with a set of numbers. For `<` and the like the set holds one number."""
        match op:
            case "==" | "in":
                self.match.narrow(dimension, some)
            case "!=":
                self.match.narrow(dimension, some, negated=True)
            case _:
                ((low, high),) = some
                if low != high:
                    raise NotUnderstood("a range in a comparison")
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

    def _simple(
        self, dimension: Dimension, op: str, right: Json, number: Callable[[str], int]
    ) -> None:
        if op == "in" and not isinstance(right, dict):
            raise NotUnderstood("a bit mask")
        self._narrow(dimension, op, numbers(span(value, number) for value in self._values(right)))

    def _payload(self, op: str, what: dict[str, Json], right: Json) -> None:
        header, name = text_at(what, "protocol") or "", text_at(what, "field")
        if header in {"ip", "ip6"}:
            self.match.family(4 if header == "ip" else 6)
            if header != ("ip" if self.family == 4 else "ip6"):
                return
            if name in {"saddr", "daddr"}:
                self._narrow(
                    (SADDR if name == "saddr" else DADDR)[self.family],
                    op,
                    numbers(network_span(value, self.family) for value in self._values(right)),
                )
            elif name == "protocol":
                self._simple(Dimension.PROTO, op, right, protocol)
            elif name == "nexthdr":
                self._next_header(op, right)
            else:
                raise NotUnderstood(f"{header} {name} match")
        elif name in {"sport", "dport"} and (header in PORT_HEADERS or header == "th"):
            if header == "th":
                self.match.any_transport = True
            else:
                self.match.narrow(Dimension.PROTO, ((PORT_HEADERS[header], PORT_HEADERS[header]),))
            self._simple(Dimension(name), op, right, int)
        elif header in {"icmp", "icmpv6"}:
            self._icmp(header, name, op, right)
        elif header == "tcp" and name == "flags":
            self.match.narrow(Dimension.PROTO, ((6, 6),))
            self._tcp_flags(op, 255, right)
        else:
            raise NotUnderstood(f"{header or 'raw payload'} {name or ''} match")

    def _next_header(self, op: str, right: Json) -> None:
        """Read the header behind that of IPv6. Without extension headers it is the protocol's."""
        some = numbers(span(value, protocol) for value in self._values(right))
        if both(some, EXTENSIONS) or op not in {"==", "!="}:
            raise NotUnderstood("extension header match")
        plain: Box = {Dimension.PROTO: some, Dimension.EXT: FALSE}
        if op == "==":
            self.match.choose([plain])
        else:
            self.match.leave([plain])

    def _icmp(self, header: str, name: str | None, op: str, right: Json) -> None:
        self.match.family(4 if header == "icmp" else 6)
        number, known = (1, ICMP) if header == "icmp" else (58, ICMPV6)
        self.match.narrow(Dimension.PROTO, ((number, number),))
        if (
            name != "type"
            or op not in {"==", "!=", "in"}
            or (op == "in" and not isinstance(right, dict))
        ):
            raise NotUnderstood(f"{header} {name} match")
        kinds = numbers(
            span(value, lambda word: known[word] if word in known else int(word))
            for value in self._values(right)
        )
        self._narrow(
            Dimension.ICMP, op, numbers((low * 256, high * 256 + 255) for low, high in kinds)
        )

    def _meta(self, op: str, key: str, right: Json) -> None:
        match key:
            case "l4proto":
                self._simple(Dimension.PROTO, op, right, protocol)
            case "nfproto" | "protocol":
                if op not in {"==", "!="}:
                    raise NotUnderstood(f"meta {key} {op}")
                words = self._values(right)
                expected = {family for word in words for family in _known(word, NFPROTO)}
                self.match.when((self.family in expected) is (op == "=="))
            case "iif" | "oif" | "iifname" | "oifname":
                if op not in {"==", "!="}:
                    raise NotUnderstood(f"meta {key} {op}")
                self._narrow(
                    Dimension(key[:3]),
                    op,
                    numbers(interface_span(value) for value in self._values(right)),
                )
            case "pkttype":
                if op not in {"==", "!="}:
                    raise NotUnderstood(f"meta {key} {op}")
                self.match.packet_type(
                    numbers(
                        span for word in self._values(right) for span in _known(word, PACKET_TYPES)
                    ),
                    negated=op == "!=",
                )
            case "mark":
                self._mark(marks.PACKET, op, right)
            case _:
                raise NotUnderstood(f"meta {key} match")

    def _conntrack(self, op: str, key: str, right: Json) -> None:
        if key == "mark":
            self._mark(marks.CONNECTION, op, right)
            return
        values = self._values(right)
        single = (
            op == "in" or len(values) == 1 or isinstance(right, dict)
        )  # `==` and `!=` compare a list as one bit mask
        if key == "state" and single:
            self.match.among(STATES, map(_word, values), negated=op == "!=")
        elif key == "status" and single:
            self.match.tracked()
            self.match.among(STATUSES, map(_word, values), negated=op == "!=")
        elif key == "direction" and op in {"==", "!="}:
            self.match.tracked()
            ways = numbers(way for word in values for way in _known(word, DIRECTIONS))
            self.match.narrow(Dimension.STAGE, ways, negated=op == "!=")
        else:
            raise NotUnderstood(f"ct {key} match")

    def _mark(self, which: Mark, op: str, right: Json) -> None:
        if op not in {"==", "!="}:
            raise NotUnderstood(f"{which} {op}")
        some = numbers(span(value, any_base) for value in self._values(right))
        self.match.mark(which, marks.among(which, some), negated=op == "!=")

    def _fib(self, op: str, what: dict[str, Json], right: Json) -> None:
        listed = what["flags"]
        flags = {_word(each) for each in (listed if isinstance(listed, list) else [listed])}
        if op not in {"==", "!="}:
            raise NotUnderstood("fib match")
        if what["result"] == "type" and flags in ({"saddr"}, {"daddr"}, {"daddr", "iif"}):
            end = "saddr" if "saddr" in flags else "daddr"
            self.match.one_of(
                address_types.by_routes(
                    self.family, end, map(_word, self._values(right)), by_interface="iif" in flags
                ),
                negated=op == "!=",
            )
        elif (
            what["result"] in ("oif", "oifname")
            and "saddr" in flags
            and (isinstance(right, bool) or right in (0, "0"))
        ):
            self.match.narrow(
                Dimension.PATH,
                HAS_ROUTE_BACK["iif" in flags],
                negated=(right is True) is not (op == "=="),
            )
        else:
            raise NotUnderstood("fib match")

    def _extension(self, op: str, what: dict[str, Json], right: Json) -> None:
        """Read a condition on an extension header. IPv4 has none.

        A field of a missing header matches nothing. nft does not print the family. Old kernels let
        `missing` match packets of IPv4 (ipv6_find_hdr); in others the rule ends (by packets on
        Linux 6.18).
        """
        missing = "field" not in what and isinstance(right, bool) and right is (op != "==")
        if self.family == 6:
            self.match.plain(missing)
        elif missing:
            raise NotUnderstood("extension header match on IPv4")
        else:
            self.match.when(False)

    def _flags(self, op: str, what: list[Json], right: Json) -> None:
        left, mask = what
        if (which := mark_of(left)) is not None:
            if op not in {"==", "!="} or not isinstance(mask, int) or not isinstance(right, int):
                raise NotUnderstood("bit mask match")
            self.match.mark(which, marks.equal(which, right, mask), negated=op == "!=")
            return
        payload = an_object(an_object(left).get("payload", {}))
        if (
            payload == {"protocol": "ip", "field": "frag-off"}
            and mask == FRAGMENT_OFFSET
            and right == 0
            and op in {"==", "!="}
        ):
            self.match.family(4)
            self.match.when(op == "==")  # a connection does not begin with a later fragment
            return
        if (
            text_at(payload, "field") in {"sport", "dport"}
            and isinstance(mask, int)
            and isinstance(right, int)
        ):
            some = numbers((port, port) for port in range(1 << 16) if port & mask == right)
            self._payload(op, payload, {"set": [{"range": [*span]} for span in some]})
            return
        if payload != {"protocol": "tcp", "field": "flags"} or op not in {"==", "!="}:
            raise NotUnderstood("bit mask match")
        self.match.narrow(Dimension.PROTO, ((6, 6),))
        self._tcp_flags(op, flag_bits(mask), right)

    def _tcp_flags(self, op: str, mask: int, right: Json) -> None:
        """Read a condition on the flags of TCP.

        A connection's first packet has SYN, and may offer ECN with the two highest bits.
        """
        expected = (
            [flag_bits(value) for value in self._values(right)]
            if isinstance(right, dict) and "set" in right
            else [flag_bits(right)]
        )
        if (
            op in {"in", "!"}
            and len(expected) == 1
            and (expected[0] & SYN or not expected[0] & ECN)
        ):
            self.match.tcp_flags(lambda flags: bool(expected[0] & flags) is (op == "in"))
        elif op in {"==", "!="} and not mask & ECN:
            self.match.tcp_flags(lambda flags: (flags & mask in expected) is (op == "=="))
        elif op in {"==", "!="} and not any(
            bits & mask & ~(ECN | PSH | URG) == SYN & mask for bits in expected
        ):
            later = [
                stage
                for flags, stage in FLAGS_LATER.items()
                if (flags & mask in expected) is (op == "==")
            ]
            first = FIRST if op == "!=" else ()
            self.match.stage(numbers(pair for stage in (first, *later) for pair in stage))
        else:
            raise NotUnderstood("tcp flags match")

    def _concat(self, op: str, parts: list[Json], right: Json) -> None:
        if op not in {"==", "in"}:
            raise NotUnderstood("a negated concatenation")
        boxes: list[Box] = []
        for value in self._values(right):
            fields = a_list(value["concat"] if isinstance(value, dict) else value)
            match = Match({self.family})
            each = ConditionReader(match, self.family, self.place, self.context)
            for part, expected in zip(parts, fields, strict=True):
                each.condition({"op": "==", "left": part, "right": expected})
            if match.opaque is not None:
                raise NotUnderstood(match.opaque)
            self.match.any_transport |= match.any_transport
            self.match.varies |= match.varies
            self.match.rates += match.rates
            boxes += match.boxes if match.families else []
        self.match.choose(boxes)


def _known(value: Json, meanings: Mapping[str, Sequence[T]]) -> Sequence[T]:
    """Return what a word means. A word without a meaning here may match any packet."""
    word = _word(value)
    if word not in meanings:
        raise NotUnderstood(f"the value {word}")
    return meanings[word]


def _word(value: Json) -> str:
    """Return a name as text. nft prints a number where it has no name for a value."""
    return str(value) if isinstance(value, int) else a_text(value)
