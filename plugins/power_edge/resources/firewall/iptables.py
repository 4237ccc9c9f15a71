"""iptables-save(8) and ip6tables-save(8) as a program."""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from power_edge.resources.firewall import address_types, ipsets, marks, packet_sets
from power_edge.resources.firewall.ipsets import AddressSet
from power_edge.resources.firewall.packet_filter import (
    ALLOW,
    DENY,
    MANY_RULES,
    REJECT,
    Base,
    Do,
    Effort,
    Key,
    Program,
    Rule,
    limited,
)
from power_edge.resources.firewall.packet_sets import (
    NOTHING,
    Numbers,
    address,
    interface,
    network,
    numbers,
    shown,
)
from power_edge.resources.firewall.rule_match import ANSWERED, SENT, STATES, Match, protocol

HOOKS = {
    "PREROUTING": "prerouting",
    "INPUT": "input",
    "FORWARD": "forward",
    "OUTPUT": "output",
    "POSTROUTING": "postrouting",
}
PRIORITIES = {"raw": -300, "mangle": -150, "filter": 0, "security": 50}
"""Of netfilter's hooks (linux/netfilter_ipv4.h); those of nat differ by hook."""
TARGETS = {"ACCEPT": Do(ALLOW), "DROP": Do(DENY), "REJECT": Do(REJECT), "RETURN": Do("return")}
HARMLESS = frozenset({
    "LOG", "NFLOG", "ULOG", "TRACE", "MARK", "CONNMARK", "CONNSECMARK", "SECMARK", "AUDIT", "CHECKSUM", "TCPMSS", "TOS", "DSCP", "TTL", "HL",
    "CLASSIFY", "SET", "LED", "IDLETIMER", "RATEEST", "ECN", "SNAT", "MASQUERADE",
})  # fmt: skip
"""Targets after which a packet goes on, or that only change the source of packets on their way out.
"""
VARYING = frozenset({"limit", "hashlimit", "connlimit", "statistic"})
MODULES = frozenset({
    "tcp", "udp", "udplite", "sctp", "dccp", "multiport", "conntrack", "state", "addrtype", "icmp", "icmp6", "iprange", "pkttype", "comment",
    "recent", "rpfilter", "rt", "mark", "connmark", "set",
})  # fmt: skip
"""Matches whose options are looked at one by one; another one makes the rule opaque by being there.
"""
STATE_WORDS: Mapping[str, Numbers] = {name.upper(): some for name, some in STATES.items()} | {
    "DNAT": NOTHING,
    "SNAT": NOTHING,
}
TCP_FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ALL": 63, "NONE": 0}
Sets = Mapping[str, AddressSet]
NO_SETS: Sets = {}
_TOKEN = re.compile(r'"((?:\\.|[^"\\])*)"|(\S+)', re.DOTALL)
_COMMENT = re.compile(r' -m comment --comment (?:"(?:\\.|[^"\\])*"|\S+)', re.DOTALL)
_WHOLE = re.compile(r'(?:[^"\n]+|"(?:\\.|[^"\\])*")*(?:"[^\n]*)?', re.DOTALL)
"""A line, and those after it as far as a quoted comment goes on."""


Token = tuple[str, bool]
"""A word, and whether it was printed without quotes: only such a word can be an option."""


class Saved(NamedTuple):
    """One rule as iptables-save prints it, taken apart.

    `matches`: each `-m NAME` with the tokens from there to the next one. `target` is None for a
    rule without one, and `jump` is `jump` or `goto`; `rest` are the target's own options.
    """

    line: str
    tokens: tuple[Token, ...]
    matches: tuple[tuple[str, tuple[Token, ...]], ...]
    target: str | None
    jump: str
    rest: tuple[Token, ...]


def read(text: str, family: int, kind: str, sets: Sets = NO_SETS) -> Program:
    """The output of iptables-save (family 4) or ip6tables-save (6); `kind` begins the keys of its
    chains. ValueError for what no such tool prints.

    To be believed of the legacy variant alone: that of nftables prints rules which it cannot
    express without a part of their conditions.
    """
    policies, saved = _parsed(text, kind)
    room = Effort(MANY_RULES)
    rules = {
        key: tuple(
            rule for one in some for rule in limited(as_rules(one, family, key, saved, sets), room)
        )
        for key, some in saved.items()
    }
    bases = (_base(key, policy, family) for key, policy in policies.items() if key[2] in HOOKS)
    return Program(
        chains={name: {family: some} for name, some in rules.items()}, bases=tuple(bases)
    )


def listed(text: str, kind: str) -> Mapping[Key, list[Saved]]:
    """The rules of each chain, in their order.

    A table that the tool could not show ("incompatible, use 'nft' tool") is not in it.
    """
    return _parsed(text, kind)[1]


def taken_apart(line: str, start: str) -> Saved:
    """One line that adds a rule to a chain; `start` is what comes before the rule itself."""
    return _saved(line.removeprefix(start), line)


def _parsed(text: str, kind: str) -> tuple[dict[Key, str], dict[Key, list[Saved]]]:
    policies: dict[Key, str] = {}
    rules: dict[Key, list[Saved]] = {}
    table = ""
    for line in _lines(text):
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":") and table:
            name, policy, *_ = [*line[1:].split(), "", ""]
            rules[kind, table, name], policies[kind, table, name] = [], policy
        elif table and (start := line.find("-A ")) in {0, line.find("] ") + 2}:
            chain, _, rest = line[start + 3 :].partition(" ")
            if (kind, table, chain) not in rules:
                raise ValueError(
                    f"iptables-save adds to a chain that it does not list: {chain[:80]!r}"
                )
            rules[kind, table, chain].append(_saved(rest, line[start:]))
        elif line.strip() and line.strip() != "COMMIT" and not line.startswith("#"):
            raise ValueError(f"not a line of iptables-save: {line[:80]!r}")
    return policies, rules


def _lines(text: str) -> Iterator[str]:
    return (match[0] for match in _WHOLE.finditer(text) if match[0])


def _saved(rest: str, line: str) -> Saved:
    tokens = tuple((quoted or bare, bool(bare)) for quoted, bare in _TOKEN.findall(rest))
    end = next(
        (place for place, token in enumerate(tokens) if _ends(tokens, place, token)), len(tokens)
    )
    starts = [
        place
        for place in range(end)
        if tokens[place] == ("-m", True) and not _is_value(tokens, place)
    ]
    matches = tuple(
        (tokens[start + 1][0] if start + 1 < end else "", tokens[start:stop])
        for start, stop in pairwise([*starts, end])
    )
    target = tokens[end + 1][0] if end + 1 < len(tokens) else None
    jump = "goto" if tokens[end : end + 1] == (("-g", True),) else "jump"
    return Saved(line, tokens, matches, target, jump, tokens[end + 2 :])


def _ends(tokens: tuple[Token, ...], place: int, token: Token) -> bool:
    return token in {("-j", True), ("-g", True)} and not _is_value(tokens, place)


def _is_value(tokens: tuple[Token, ...], place: int) -> bool:
    """Whether a word that looks like an option is the value of the one before (a comment `-j` is
    printed without quotes).
    """
    before = tokens[place - 1] if place else ("", False)
    return (
        before[1]
        and before[0] in OPTIONS
        and before[0] not in FLAGS
        and not _is_value(tokens, place - 1)
    )


def _base(chain: tuple[str, str, str], policy: str, family: int) -> Base:
    _, table, name = chain
    hook = HOOKS[name]
    if table != "nat" and table not in PRIORITIES:
        raise ValueError(f"iptables table {table!r}")
    priority = (
        PRIORITIES[table] if table != "nat" else (-100 if hook in {"prerouting", "output"} else 100)
    )
    verdict = {"ACCEPT": ALLOW, "DROP": DENY}.get(policy)
    if verdict is None:
        raise ValueError(f"policy {policy!r} of chain {name}")
    return Base(
        hook,
        priority,
        chain,
        (family,),
        verdict,
        table == "filter",
        text=f"the nat table's {name}" if table == "nat" else "",
        nat=table == "nat",
    )


def as_rules(
    saved: Saved, family: int, key: Key, chains: Container[Key], sets: Sets = NO_SETS
) -> Iterator[Rule]:
    """The whole of a rule of the chain `key`; `chains` are those that it can lead to.

    First with what stays in sets, then, as passing, with what expires as well.
    """
    now = list(_as_rules(saved, family, key, chains, sets))
    later = (
        list(_as_rules(saved, family, key, chains, ipsets.staying(sets)))
        if any(name == "set" for name, _ in saved.matches)
        else now
    )
    yield from later
    yield from passing(now) if now != later else ()


def passing(rules: Iterable[Rule]) -> Iterator[Rule]:
    """Rules that match by elements of sets that expire."""
    doubt = "marks set by an element of a set that expires"
    return (
        rule._replace(passing=True, opaque=rule.opaque or (doubt if rule.changes else None))
        for rule in rules
    )


def _as_rules(
    saved: Saved, family: int, key: Key, chains: Container[Key], sets: Sets
) -> Iterator[Rule]:
    match = Match({family})
    _Reader(match, family, saved.tokens, sets).read()
    own = (*key[:2], saved.target or "")
    do = Do(saved.jump, own) if own in chains else target(saved.target, saved.rest)
    match.changes += changes(saved.target, saved.rest) if own not in chains else []
    if sum(token in {("-j", True), ("-g", True)} for token in saved.tokens) > 1:
        do = Do(
            "unknown"
            # an argument that looks like a target (--string -j): which is which takes to know all
            # options of all matches
        )
    yield from match.rules(do, shown_as(saved, family))


def shown_as(saved: Saved, family: int) -> str:
    """A rule for people."""
    return f"{'iptables' if family == 4 else 'ip6tables'} {_COMMENT.sub('', saved.line)[:200]}"


def narrow(match: Match, family: int, tokens: tuple[Token, ...], sets: Sets = NO_SETS) -> None:
    """Narrow a match by the part of a rule that stands for one `-m NAME`."""
    _Reader(match, family, tokens, sets).read()


def target(name: str | None, options: tuple[Token, ...]) -> Do:
    """What a target does that is no chain."""
    if name is None or name in HARMLESS:
        return Do("next")
    if name == "NOTRACK" or (name == "CT" and ("--notrack", True) in options):
        return Do("notrack")
    if name == "CT":
        return Do("next")
    return TARGETS.get(name, Do("unknown"))


def changes(name: str | None, options: tuple[Token, ...]) -> list[marks.Change]:
    """The marks that a target sets (iptables-extensions(8), MARK and CONNMARK)."""
    if name not in {"MARK", "CONNMARK"}:
        return []
    which = marks.PACKET if name == "MARK" else marks.CONNECTION
    words = [word for word, _ in options]
    given = (
        dict(zip(words[::2], words[1::2], strict=False))
        if "--restore-mark" not in words and "--save-mark" not in words
        else {}
    )
    try:
        for option, value in given.items():
            number, _, mask = value.partition("/")
            bits = int(mask or str(marks.ALL), 0)
            if option in {"--set-xmark", "--set-mark"} and len(given) == 1:
                # --set-mark clears the bits of its value as well
                kept = marks.ALL & ~(bits | (int(number, 0) if option == "--set-mark" else 0))
                return [marks.Change(which, kept, 0, int(number, 0), which == marks.CONNECTION)]
        if words and words[0] in {"--restore-mark", "--save-mark"} and name == "CONNMARK":
            masks = dict(zip(words[1::2], words[2::2], strict=False))
            if set(masks) <= {"--nfmask", "--ctmask", "--mask"}:
                nfmask, ctmask = (
                    int(masks.get(one, masks.get("--mask", str(marks.ALL))), 0)
                    for one in ("--nfmask", "--ctmask")
                )
                if words[0] == "--restore-mark":
                    return [marks.Change(marks.PACKET, marks.ALL & ~nfmask, ctmask, 0, True)]
                return [marks.Change(marks.CONNECTION, marks.ALL & ~ctmask, nfmask, 0, True)]
    except ValueError:
        pass
    return [marks.Change(one, None) for one in packet_sets.MARKS]


class _Reader:
    """Reads the options of one rule, in the order in which iptables-save prints them: matches, then
    the target and what belongs to it.
    """

    def __init__(self, match: Match, family: int, tokens: Iterable[Token], sets: Sets) -> None:
        self.match, self.family, self.sets = match, family, sets
        self._tokens = iter(tokens)
        self._module = ""
        self._options = set[str]()
        self._set: tuple[str, str, bool] | None = None

    def read(self) -> None:
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
                self.match.doubt(shown(str(error)))
            negated = False
        self._finish()

    def _finish(self) -> None:
        """The end of a match that its options only change."""
        if self._module == "rpfilter":
            self.match.narrow(
                "path",
                ANSWERED[not self._options & {"--loose"}],
                negated="--invert" in self._options,
            )
        if self._module == "set":
            self._set_of_addresses()
        self._options, self._set = set(), None

    def _set_of_addresses(self) -> None:
        name, side, negated = self._set or ("", "", False)
        dimension = {"src": "saddr", "dst": "daddr"}.get(side)
        known = self.sets.get(name)
        if known is None or dimension is None or self._options:
            self.match.doubt("set match")
            return
        some = (known.lasting if negated else known.all) if known.family == self.family else NOTHING
        self.match.narrow(f"{dimension}{self.family}", some, negated=negated)
        if negated and known.expires:
            self.match.doubt("an element of a set that expires")

    def _value(self) -> str:
        return next(self._tokens, ("", True))[0]

    def _option(self, option: str, negated: bool) -> None:
        if option == "-m":
            self._finish()
            self._module = self._value()
            if self._module in VARYING:
                self.match.varies = True
            elif self._module == "rt":
                self.match.plain(False)
            elif self._module not in MODULES:
                self.match.doubt(shown(f"{self._module} match"))
        elif self._module in {*VARYING, "rt", "rpfilter"} and option not in OPTIONS:
            self._options.add(option)
        elif self._module == "set" and option not in OPTIONS:
            if option == "--match-set" and self._set is None:
                self._set = self._value(), self._value(), negated
            else:
                self._options.add(option)  # it changes what the match says of an element
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

    def _recent(self, option: str, negated: bool) -> None:
        if option in {"--name", "--mask", "--seconds", "--hitcount"}:
            self._value()
        if option == "--hitcount":
            self.match.varies = True
            self.match.opaque = None if self.match.opaque == "recent match" else self.match.opaque
        elif option in {"--rcheck", "--update", "--remove"} or negated:
            self.match.doubt("recent match")

    def protocol_is(self, number: int) -> None:
        self.match.narrow("proto", ((number, number),))

    def ports(self, text: str) -> Numbers:
        return numbers(_port_range(part) for part in text.split(","))

    def flags(self, text: str) -> int:
        return (
            sum({name: TCP_FLAGS[name] for name in text.split(",") if name in TCP_FLAGS}.values())
            if text
            else 0
        )

    def next_value(self) -> str:
        return self._value()


Option = Callable[[_Reader, str, bool], None]


def _port_range(text: str) -> tuple[int, int]:
    low, colon, high = text.partition(":")
    first = int(low or "0")
    return first, int(high or "65535") if colon else first


def _addresses(dimension: str) -> Option:
    def narrow(reader: _Reader, value: str, negated: bool) -> None:
        family, span = network(value)
        if family != reader.family:
            raise ValueError(f"address {value}")
        reader.match.narrow(f"{dimension}{family}", (span,), negated=negated)

    return narrow


def _address_range(dimension: str) -> Option:
    def narrow(reader: _Reader, value: str, negated: bool) -> None:
        low, _, high = value.partition("-")
        (family, first), (_, last) = address(low), address(high)
        reader.match.narrow(f"{dimension}{family}", numbers([(first, last)]), negated=negated)

    return narrow


def _interface(dimension: str) -> Option:
    def narrow(reader: _Reader, value: str, negated: bool) -> None:
        reader.match.narrow(
            dimension,
            (interface(value[:-1] + "*" if value.endswith("+") else value),),
            negated=negated,
        )

    return narrow


def _ports(*dimensions: str) -> Option:
    def narrow(reader: _Reader, value: str, negated: bool) -> None:
        some = reader.ports(value)
        if len(dimensions) == 1:
            reader.match.narrow(dimensions[0], some, negated=negated)
        elif negated:
            for dimension in dimensions:
                reader.match.narrow(dimension, some, negated=True)
        else:
            reader.match.choose({dimension: some} for dimension in dimensions)

    return narrow


def _protocol(reader: _Reader, value: str, negated: bool) -> None:
    if value not in {"all", "0"}:
        number = protocol(value)
        reader.match.narrow("proto", ((number, number),), negated=negated)


def _words(dimension: str, known: Mapping[str, Numbers]) -> Option:
    def narrow(reader: _Reader, value: str, negated: bool) -> None:
        reader.match.among(dimension, known, value.split(","), negated=negated)

    return narrow


def _address_types(end: str) -> Option:
    def narrow(reader: _Reader, value: str, negated: bool) -> None:
        reader.match.one_of(
            address_types.by_addrtype(reader.family, end, value.lower().split(",")), negated=negated
        )

    return narrow


def _icmp(number: int) -> Option:
    def narrow(reader: _Reader, value: str, negated: bool) -> None:
        reader.protocol_is(number)
        if value in {"any", "255"} and number == 1:
            reader.match.when(not negated)
            return
        kind, slash, code = value.partition("/")
        low, high = (int(code), int(code)) if slash else (0, 255)
        reader.match.narrow(
            "icmp", ((int(kind) * 256 + low, int(kind) * 256 + high),), negated=negated
        )

    return narrow


def _tcp_flags(reader: _Reader, value: str, negated: bool) -> None:
    reader.protocol_is(6)
    mask, wanted = reader.flags(value), reader.flags(reader.next_value())
    reader.match.tcp_flags(lambda flags: (flags & mask == wanted) is not negated)


def _syn(reader: _Reader, _value: str, negated: bool) -> None:
    reader.protocol_is(6)
    reader.match.when(not negated)


def _packet_type(reader: _Reader, value: str, negated: bool) -> None:
    reader.match.sent(SENT.get(value, NOTHING), negated=negated)


def _fragment(reader: _Reader, _value: str, negated: bool) -> None:
    reader.match.when(negated)  # second and further fragments; a connection does not begin with one


def _direction(reader: _Reader, value: str, negated: bool) -> None:
    reader.match.when((value == "ORIGINAL") is not negated)


def _note(_reader: _Reader, _text: str, _negated: bool) -> None:
    """A comment: says nothing of packets."""


FLAGS = {"-f", "--syn"}
OPTIONS: Mapping[str, Option] = {
    "-p": _protocol,
    "-s": _addresses("saddr"),
    "-d": _addresses("daddr"),
    "--src-range": _address_range("saddr"),
    "--dst-range": _address_range("daddr"),
    "-i": _interface("iif"),
    "-o": _interface("oif"),
    "-f": _fragment,
    "--sport": _ports("sport"),
    "--dport": _ports("dport"),
    "--sports": _ports("sport"),
    "--dports": _ports("dport"),
    "--ports": _ports("sport", "dport"),
    "--ctstate": _words("conntrack", STATE_WORDS),
    "--state": _words("conntrack", STATE_WORDS),
    "--ctdir": _direction,
    "--src-type": _address_types("saddr"),
    "--dst-type": _address_types("daddr"),
    "--icmp-type": _icmp(1),
    "--icmpv6-type": _icmp(58),
    "--tcp-flags": _tcp_flags,
    "--syn": _syn,
    "--pkt-type": _packet_type,
    "--comment": _note,
}
