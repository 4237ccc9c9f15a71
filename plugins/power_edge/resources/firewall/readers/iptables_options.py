"""The options of a rule as iptables-save prints them (iptables(8), iptables-extensions(8))."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from power_edge.resources.firewall.packets import address_types, marks, rates
from power_edge.resources.firewall.packets.dimension import DADDR, SADDR, Dimension
from power_edge.resources.firewall.packets.program import FIRST, LATER, NEW
from power_edge.resources.firewall.packets.rule_match import (
    DIRECTIONS,
    HAS_ROUTE_BACK,
    PACKET_TYPES,
    STATES,
    STATUSES,
    Match,
    protocol,
)
from power_edge.resources.firewall.packets.sets import (
    NOTHING,
    Box,
    Numbers,
    address,
    complement,
    interface,
    network,
    numbers,
)
from power_edge.resources.firewall.readers.ipsets import AddressSet
from power_edge.text import printable

VARYING = frozenset({"limit", "hashlimit", "connlimit", "statistic"})
MODULES = frozenset({
    "tcp", "udp", "udplite", "sctp", "dccp", "multiport", "conntrack", "state", "addrtype", "icmp",
    "icmp6", "iprange", "pkttype", "comment", "recent", "rpfilter", "rt", "mark", "connmark", "set",
})  # fmt: skip
"""Matches whose options are read one by one. Any other match makes the rule opaque."""
STATE_WORDS: Mapping[str, Sequence[Box]] = {
    name.upper(): some for name, some in {**STATES, **STATUSES}.items()
}
TCP_FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ALL": 63, "NONE": 0}
Sets = Mapping[str, AddressSet]
NO_SETS: Sets = {}
Token = tuple[str, bool]
"""A word, and whether it was printed without quotes. Only such a word can be an option."""


def narrow(match: Match, family: int, tokens: tuple[Token, ...], sets: Sets = NO_SETS) -> None:
    """Narrow a match by the part of a rule that stands for one `-m NAME`."""
    OptionReader(match, family, tokens, sets).read()


class OptionReader:
    """Reads the options of one rule in the order of iptables-save: matches, then the target."""

    def __init__(self, match: Match, family: int, tokens: Iterable[Token], sets: Sets) -> None:
        self.match, self.family, self.sets = match, family, sets
        self._tokens = iter(tokens)
        self._module = ""
        self._options = set[str]()
        self._rates: list[tuple[str, str, bool]] = []
        self._set: tuple[str, str, bool] | None = None
        self.asks_for_state = False

    def read(self) -> None:
        """Read all options, up to the target. One that is not understood makes the rule opaque."""
        negated = False
        for token, bare in self._tokens:
            if bare and token == "!":
                negated = True
                continue
            if bare and token in {"-j", "-g"}:
                break
            try:
                self._option(token if bare else "", negated)
            except ValueError as error:
                self.match.doubt(printable(str(error)))
            negated = False
        self._finish()

    def _finish(self) -> None:
        """Apply a match whose options only change what it means."""
        if self._module == "rpfilter":
            self.match.narrow(
                Dimension.PATH,
                HAS_ROUTE_BACK[not self._options & {"--loose"}],
                negated="--invert" in self._options,
            )
        if self._module == "set":
            self._set_of_addresses()
        if self._module in VARYING:
            self.match.rate(rates.of_iptables(self._module, self._rates))
        if self._module == "recent":
            self.match.rates.append(rates.of_iptables(self._module, self._rates))
        self._options, self._set, self._rates = set(), None, []
        self.asks_for_state = False

    def _set_of_addresses(self) -> None:
        name, side, negated = self._set or ("", "", False)
        dimension = {"src": SADDR, "dst": DADDR}.get(side)
        known = self.sets.get(name)
        if known is None or dimension is None or self._options:
            self.match.doubt("set match")
            return
        some = (
            (known.permanent if negated else known.all) if known.family == self.family else NOTHING
        )
        self.match.narrow(dimension[self.family], some, negated=negated)
        if negated and known.expires:
            self.match.doubt("an element of a set that expires")

    def _value(self) -> str:
        return next(self._tokens, ("", True))[0]

    def _option(self, option: str, negated: bool) -> None:
        if option == "-m":
            self._finish()
            self._module = self._value()
            if self._module == "rt":
                self.match.plain(False)
            elif self._module not in MODULES | VARYING:
                self.match.doubt(printable(f"{self._module} match"))
        elif self._module in VARYING and option not in OPTIONS:
            self._rate_option(option, negated)
        elif self._module in {"rt", "rpfilter"} and option not in OPTIONS:
            self._options.add(option)
        elif self._module == "set" and option not in OPTIONS:
            if option == "--match-set" and self._set is None:
                self._set = self._value(), self._value(), negated
            else:
                self._options.add(option)  # it changes how the match treats an element
        elif self._module == "recent":
            self._recent(option, negated)
        elif option == "--mark" and self._module in {"mark", "connmark"}:
            value, _, mask = self._value().partition("/")
            which = marks.PACKET if self._module == "mark" else marks.CONNECTION
            self.match.mark(
                which,
                marks.equal(which, int(value, 0), int(mask or str(marks.ALL), 0)),
                negated=negated,
            )
        elif option in OPTIONS:
            OPTIONS[option](self, self._value() if option not in FLAGS else "", negated)
        else:
            raise ValueError(f"{self._module or 'unknown'} match")

    def _rate_option(self, option: str, negated: bool) -> None:
        self._rates.append((option, self._value() if option in rates.VALUED else "", negated))

    def _recent(self, option: str, negated: bool) -> None:
        self._rate_option(option, negated)
        if option == "--hitcount":
            self.match.varies = True
            self.match.opaque = None if self.match.opaque == "recent match" else self.match.opaque
        elif option in {"--rcheck", "--update", "--remove"} or negated:
            self.match.doubt("recent match")

    def protocol_is(self, number: int) -> None:
        """Keep the packets of one protocol."""
        self.match.narrow(Dimension.PROTO, ((number, number),))

    def ports(self, text: str) -> Numbers:
        """Return the ports in a list such as `22,80:90`. ValueError for another text."""
        return numbers(_port_range(part) for part in text.split(","))

    def flags(self, text: str) -> int:
        """Return the bits of TCP flags in a list such as `SYN,ACK`. ValueError for another text."""
        bits = 0
        for name in text.split(","):
            if name not in TCP_FLAGS:
                raise ValueError(f"TCP flag {name}")
            bits |= TCP_FLAGS[name]
        return bits

    def next_value(self) -> str:
        """Take the next token as the value of an option."""
        return self._value()


Option = Callable[[OptionReader, str, bool], None]


def _port_range(text: str) -> tuple[int, int]:
    low, colon, high = text.partition(":")
    first = int(low or "0")
    return first, int(high or "65535") if colon else first


def _addresses(
    dimension: Mapping[int, Dimension], reader: OptionReader, value: str, negated: bool
) -> None:
    family, span = network(value)
    if family != reader.family:
        raise ValueError(f"address {value}")
    reader.match.narrow(dimension[family], (span,), negated=negated)


def _address_range(
    dimension: Mapping[int, Dimension], reader: OptionReader, value: str, negated: bool
) -> None:
    low, _, high = value.partition("-")
    (family, first), (_, last) = address(low), address(high)
    reader.match.narrow(dimension[family], numbers([(first, last)]), negated=negated)


def _interface(dimension: Dimension, reader: OptionReader, value: str, negated: bool) -> None:
    name = interface(value[:-1] + "*" if value.endswith("+") else value)
    reader.match.narrow(dimension, (name,), negated=negated)


def _port(dimension: Dimension, reader: OptionReader, value: str, negated: bool) -> None:
    reader.match.narrow(dimension, reader.ports(value), negated=negated)


def _either_port(reader: OptionReader, value: str, negated: bool) -> None:
    some, ends = reader.ports(value), (Dimension.SPORT, Dimension.DPORT)
    if negated:
        for dimension in ends:
            reader.match.narrow(dimension, some, negated=True)
    else:
        reader.match.choose({dimension: some} for dimension in ends)


def _protocol(reader: OptionReader, value: str, negated: bool) -> None:
    number = protocol(value)
    reader.match.narrow(Dimension.PROTO, ((number, number),), negated=negated)


def _state(reader: OptionReader, value: str, negated: bool) -> None:
    reader.asks_for_state = True
    reader.match.among(STATE_WORDS, value.split(","), negated=negated)


def _address_types(end: str, reader: OptionReader, value: str, negated: bool) -> None:
    types = address_types.by_addrtype(reader.family, end, value.lower().split(","))
    reader.match.one_of(types, negated=negated)


def _icmp(number: int, reader: OptionReader, value: str, negated: bool) -> None:
    reader.protocol_is(number)
    if value in {"any", "255"} and number == 1:
        reader.match.when(not negated)
        return
    kind, slash, code = value.partition("/")
    low, high = (int(code), int(code)) if slash else (0, 255)
    reader.match.narrow(
        Dimension.ICMP, ((int(kind) * 256 + low, int(kind) * 256 + high),), negated=negated
    )


def _tcp_flags(reader: OptionReader, value: str, negated: bool) -> None:
    reader.protocol_is(6)
    mask, expected = reader.flags(value), reader.flags(reader.next_value())
    reader.match.tcp_flags(lambda flags: (flags & mask == expected) is not negated)


def _syn(reader: OptionReader, _value: str, negated: bool) -> None:
    reader.protocol_is(6)
    reader.match.stage(LATER if negated else FIRST)


def _packet_type(reader: OptionReader, value: str, negated: bool) -> None:
    if value not in PACKET_TYPES:
        raise ValueError(f"packet type {value}")
    reader.match.packet_type(PACKET_TYPES[value], negated=negated)


def _fragment(reader: OptionReader, _value: str, negated: bool) -> None:
    reader.match.when(negated)  # second and further fragments; a connection does not begin with one


def _direction(reader: OptionReader, value: str, negated: bool) -> None:
    """A packet without a connection is not asked for a direction: beside a state it matches,
    otherwise it does not (conntrack_mt).
    """
    fitting = DIRECTIONS["original" if (value == "ORIGINAL") is not negated else "reply"]
    boxes: list[Box] = [{Dimension.CONNTRACK: NEW, Dimension.STAGE: fitting}]
    if reader.asks_for_state:
        boxes.append({Dimension.CONNTRACK: complement(NEW, Dimension.CONNTRACK)})
    reader.match.choose(boxes)


def _note(_reader: OptionReader, _text: str, _negated: bool) -> None:
    """A comment does not narrow the match."""


FLAGS = {"-f", "--syn"}
OPTIONS: Mapping[str, Option] = {
    "-p": _protocol,
    "-s": partial(_addresses, SADDR),
    "-d": partial(_addresses, DADDR),
    "--src-range": partial(_address_range, SADDR),
    "--dst-range": partial(_address_range, DADDR),
    "-i": partial(_interface, Dimension.IIF),
    "-o": partial(_interface, Dimension.OIF),
    "-f": _fragment,
    "--sport": partial(_port, Dimension.SPORT),
    "--dport": partial(_port, Dimension.DPORT),
    "--sports": partial(_port, Dimension.SPORT),
    "--dports": partial(_port, Dimension.DPORT),
    "--ports": _either_port,
    "--ctstate": _state,
    "--state": _state,
    "--ctdir": _direction,
    "--src-type": partial(_address_types, "saddr"),
    "--dst-type": partial(_address_types, "daddr"),
    "--icmp-type": partial(_icmp, 1),
    "--icmpv6-type": partial(_icmp, 58),
    "--tcp-flags": _tcp_flags,
    "--syn": _syn,
    "--pkt-type": _packet_type,
    "--comment": _note,
}
