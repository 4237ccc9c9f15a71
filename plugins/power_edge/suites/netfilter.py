"""What a node's packet filter does with forwarded packets. Pure.

A flow is many packets. Each rule takes all of them, none, or may take some; what is not certain is
in doubt, and a verdict that depends on it is unknown. The kernel's rules: nft(8), iptables(8).
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from ipaddress import (
    IPv4Network,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
    summarize_address_range,
)
from itertools import starmap
from typing import Any, NamedTuple

from power_edge.json_value import Json, a_list, a_member, a_text, an_object

Network = IPv4Network | IPv6Network


class Flow(NamedTuple):
    """Packets from `source` to `destination`, in by one interface and out by another."""

    source: Network
    destination: Network
    iif: str
    oif: str
    state: str
    """The state in conntrack: new or established."""
    own: tuple[Network, ...] = ()
    """The node's addresses on the outer interface: the source of translated packets."""
    answer: bool = False
    """From the side of the outer interface."""

    @property
    def version(self) -> int:
        """The IP version, 4 or 6."""
        return self.source.version


class Verdict(Enum):
    """Whether something happens to a flow: to all of it, to none, to a part, or not known."""

    YES = "yes"
    NO = "no"
    PART = "a part"
    UNKNOWN = "unknown"


class Answer(NamedTuple):
    """What happens to a flow, and which chain says so."""

    verdict: Verdict
    why: str


class Takes(Enum):
    """How much of a flow a condition holds for. PART is never all of it."""

    ALL = 0
    NONE = 1
    PART = 2
    DOUBT = 3


_OPPOSITE = {Takes.ALL: Takes.NONE, Takes.NONE: Takes.ALL}


class End(Enum):
    """What a rule does with the packets that it takes."""

    NAT = "nat"
    ACCEPT = "accept"
    DROP = "drop"
    RETURN = "return"
    DOUBT = "doubt"


@dataclass(frozen=True)
class Jump:
    """To another chain of the table; `goto` does not come back to this one."""

    chain: str
    goto: bool = False


@dataclass(frozen=True)
class Snat:
    """The source becomes this address."""

    address: str


class Rule(NamedTuple):
    """Conditions in the form of `nft -j`, and what the rule does; None: nothing to the flow."""

    conditions: tuple[Json, ...]
    does: End | Jump | Snat | None


@dataclass
class Table:
    """A table, of nft or of iptables-legacy."""

    name: str
    family: str
    uncertain: bool = False
    """It has flags. nft 1.0.6 does not say in JSON which, so it may be dormant."""
    rules: dict[str, list[Rule]] = field(default_factory=dict)
    bases: list["Base"] = field(default_factory=list)
    sets: dict[str, Json] = field(default_factory=dict)

    def concerns(self, version: int) -> bool:
        """Return whether packets of an IP version (4 or 6) pass the table."""
        own = ("ip", "arp") if version == 4 else ("ip6",)
        return self.family in ("inet", "bridge", "netdev", *own)


class Base(NamedTuple):
    """A chain that the kernel calls."""

    chain: str
    type: str
    hook: str
    policy: End
    priority: int | None
    """None: not known."""


class Seat(NamedTuple):
    """Where packets are when a chain sees them."""

    family: str
    hook: str
    tracked: bool
    """Conntrack has seen them."""

    @property
    def routed(self) -> bool:
        """Whether they have an outgoing interface."""
        return self.hook in ("forward", "postrouting")

    @property
    def is_ip(self) -> bool:
        """Whether their interfaces are those that IP sees: not the port of a bridge."""
        return self.family in ("ip", "ip6", "inet") and self.hook not in ("ingress", "egress")


class Ruleset(NamedTuple):
    """All tables of a node."""

    tables: tuple[Table, ...]
    untracked: bool = False
    """A rule takes packets out of conntrack, and so out of NAT."""
    offloaded: bool = False
    """There are flowtables, whose packets pass no chain."""
    marks: bool = False
    """A rule gives packets a mark, which `ip rule` may ask for."""
    policies: tuple[tuple[Network, Network], ...] = ()
    """The sources and destinations that IPsec has policies for."""


def ruleset(nft: Json, saved: Mapping[str, str] = {}, legacy: Mapping[str, str] = {}) -> Ruleset:
    """Return the ruleset of a node.

    `nft` is `nft -j list ruleset`, parsed. `saved` are iptables-nft-save and ip6tables-nft-save by
    family (ip, ip6): nft does not print all that iptables put into its tables. `legacy` are
    iptables-legacy-save and ip6tables-legacy-save. Raises ValueError for what is none of these.
    """
    try:
        tables = _nft(nft)
        statements = list(_statements(nft))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not the ruleset of nft: {error!r}") from None
    for family, text in saved.items():
        for table in _saved(text, family):
            place = (table.family, table.name)
            if place in tables and _is_opaque(tables[place]):
                tables[place] = _with_text(tables[place], table)
    old = [table for family, text in legacy.items() for table in _saved(text, family)]
    words = {word for text in (*saved.values(), *legacy.values()) for word in text.split()}
    return Ruleset(
        (*tables.values(), *old),
        untracked=any(starmap(_untracks, statements)) or not words.isdisjoint(_UNTRACKED),
        offloaded=any(kind == "flowtable" for kind, _ in _objects(nft)),
        marks=any(starmap(_marks, statements)) or not words.isdisjoint(_MARKING),
    )


_HIDDEN = re.compile(
    r"  \[ (ct load (l3)?protocol|meta load [io]iftype|payload load \S+ @ link header) "
)
_OF_RULE = re.compile(r"(ip6?|inet|arp|bridge|netdev) (\S+) \S+ \d+( \d+)?")
_NOWHERE = ("", "")
_UNDERSTOOD = re.compile(r"  \[ \S.* \]")


def with_hidden(rules: Ruleset, instructions: str) -> Ruleset:
    """Return the ruleset, in doubt about the tables with conditions that nft leaves out.

    `instructions` is `nft -t --debug=netlink list ruleset`. nft takes some conditions for implied
    by others, and prints them neither as text nor as JSON (seen with 1.0.6 and 1.1.3). Raises
    ValueError if the ruleset has rules and no instructions, or instructions outside of a rule.
    """
    doubtful = set[tuple[str, str]]()
    found_some = False
    place = _NOWHERE
    for line in instructions.split("\n"):
        if found := _OF_RULE.fullmatch(line.rstrip(" ")):  # libnftnl before 1.2 ends it with one
            place = found[1], found[2]
        elif line.startswith("  ["):
            if place == _NOWHERE:
                raise ValueError("nft --debug=netlink prints instructions outside of a rule")
            found_some = True
            # In a table of the bridge family the type of the frame is a condition like any other.
            if not _UNDERSTOOD.fullmatch(line) or (_HIDDEN.match(line) and place[0] != "bridge"):
                doubtful.add(place)
        elif not line.startswith((" ", "\t")):
            place = _NOWHERE
    if not found_some and any(any(table.rules.values()) for table in rules.tables):
        raise ValueError("nft --debug=netlink prints no instructions")
    tables = (
        replace(table, uncertain=True) if (table.family, table.name) in doubtful else table
        for table in rules.tables
    )
    return rules._replace(tables=tuple(tables))


def needs_saved(nft: Json) -> bool:
    """Whether a ruleset (`nft -j`, parsed) has rules of iptables that nft does not print whole."""
    return any(map(_is_opaque, ruleset(nft).tables))


def masquerade(rules: Ruleset, flow: Flow) -> Answer:
    """Return whether a new flow leaves with another source address."""
    found = [
        (table, base, *_outcomes(rules, table, base, flow))
        for table, base in _bases(rules, flow)
        if base.type == "nat" and base.hook == "postrouting"
    ]
    if any(End.DROP in ends or End.DOUBT in ends for _, _, ends, _ in found):
        return Answer(Verdict.UNKNOWN, "a rule of NAT is not understood")
    for table, base, ends, _ in found:
        if ends == {End.NAT}:
            if rules.untracked:
                return Answer(Verdict.UNKNOWN, "a rule takes packets out of conntrack (notrack)")
            return Answer(Verdict.YES, _place(table, base))
    some = [(table, base, doubt) for table, base, ends, doubt in found if End.NAT in ends]
    if not some:
        return Answer(Verdict.NO, "no rule of NAT takes it")
    table, base, _ = some[0]
    if len(some) > 1 or any(doubt for *_, doubt in some):
        return Answer(Verdict.UNKNOWN, f"a rule in {_place(table, base)} is not understood")
    return Answer(Verdict.PART, f"{_place(table, base)} takes a part of it")


def passes(rules: Ruleset, flow: Flow) -> Answer:
    """Return whether the filter lets a flow through, by all chains that it passes."""
    if rules.offloaded:
        return Answer(Verdict.UNKNOWN, "there are flowtables")
    for source, destination in rules.policies:
        if _overlap(source, flow.source) and _overlap(destination, flow.destination):
            return Answer(Verdict.UNKNOWN, f"IPsec has a policy for {source} to {destination}")
    worst = Answer(Verdict.YES, "no chain stops it")
    for table, base in _bases(rules, flow):
        if not _passed(table, base, flow):
            continue
        ends: set[End] = set()
        doubt = False
        for each in _as_seen(base, flow):
            found, inner = _outcomes(rules, table, base, each)
            ends, doubt = ends | found, doubt or inner
        if ends <= {End.ACCEPT, End.NAT}:
            continue
        place = _place(table, base)
        certain = base.hook == "forward" and table.family != "bridge"
        if certain and not doubt and End.DOUBT not in ends:
            what = "stops it" if ends == {End.DROP} else "stops a part of it"
            return Answer(Verdict.NO if ends == {End.DROP} else Verdict.PART, f"{place} {what}")
        worst = Answer(Verdict.UNKNOWN, f"{place} may stop it, or lead it elsewhere")
    return worst


def _passed(table: Table, base: Base, flow: Flow) -> bool:
    """Whether forwarded packets pass a chain."""
    if base.type == "nat":  # asked about the first packet of a connection alone
        return flow.state == "new" and base.hook in ("prerouting", "postrouting")
    if table.family == "arp":  # without ARP nobody is reached
        return True
    if table.family == "bridge":  # what is routed comes in to the node, and goes out from it
        return base.hook != "forward"
    return base.hook not in ("input", "output")


def _as_seen(base: Base, flow: Flow) -> Iterator[Flow]:
    """Yield a flow with its addresses as declared, and as they are where they are translated."""
    yield flow
    if base.type == "nat":
        return
    if flow.answer and base.hook in ("prerouting", "ingress"):
        yield from (flow._replace(destination=each) for each in flow.own)
    if not flow.answer and base.hook in ("postrouting", "egress"):
        yield from (flow._replace(source=each) for each in flow.own)


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _place(table: Table, base: Base) -> str:
    return f"{table.family} {table.name} {base.chain}"


def _bases(rules: Ruleset, flow: Flow) -> Iterator[tuple[Table, Base]]:
    for table in rules.tables:
        if table.concerns(flow.version):
            yield from ((table, base) for base in table.bases)


# Walking.


_CONNTRACK = -200
"""The priority at which conntrack sees packets first (NF_IP_PRI_CONNTRACK)."""


def _outcomes(rules: Ruleset, table: Table, base: Base, flow: Flow) -> tuple[set[End], bool]:
    """Return what may become of the packets in a base chain, and whether that is in doubt."""
    if table.uncertain:
        return {End.DOUBT}, True
    before = base.hook == "prerouting" and (base.priority is None or base.priority <= _CONNTRACK)
    seat = Seat(table.family, base.hook, tracked=not (rules.untracked or before))
    ends, doubt = _walk(table, base.chain, flow, seat, 0)
    if End.RETURN in ends:
        ends = (ends - {End.RETURN}) | {base.policy}
    return ends, doubt


def _walk(table: Table, chain: str, flow: Flow, seat: Seat, depth: int) -> tuple[set[End], bool]:
    """Return the ends that packets may find in a chain. RETURN: they come out of it."""
    ends: set[End] = set()
    doubt = False
    if depth > 16 or chain not in table.rules:
        return {End.DOUBT}, True
    for rule in table.rules[chain]:
        takes = _takes(rule, flow, seat, table.sets)
        if takes is Takes.NONE or rule.does is None:
            continue
        goes_on = takes is not Takes.ALL
        if isinstance(rule.does, Jump):
            found, inner = _walk(table, rule.does.chain, flow, seat, depth + 1)
            if not rule.does.goto and End.RETURN in found:
                found, goes_on = found - {End.RETURN}, True
            doubt |= inner
        elif isinstance(rule.does, Snat):
            # Answers to an address of another place may not come back.
            mine = any(_covers(rule.does.address, each) is Takes.ALL for each in flow.own)
            found = {End.NAT if mine else End.DOUBT}
        else:
            found = {rule.does}
        # Two rules that take a part each may together take all.
        doubt |= takes is Takes.DOUBT or (takes is Takes.PART and bool(found & ends))
        ends |= found
        if not goes_on:
            return ends, doubt
    return ends | {End.RETURN}, doubt


def _takes(rule: Rule, flow: Flow, seat: Seat, sets: Mapping[str, Json]) -> Takes:
    """Return how much of a flow a rule takes: what all of its conditions hold for."""
    found = {_holds(condition, flow, seat, sets) for condition in rule.conditions}
    for worst in (Takes.NONE, Takes.PART, Takes.DOUBT):
        if worst in found:
            return worst
    return Takes.ALL


def _holds(condition: Json, flow: Flow, seat: Seat, sets: Mapping[str, Json]) -> Takes:
    match = condition.get("match") if isinstance(condition, dict) else None
    if not isinstance(match, dict):
        return Takes.DOUBT
    right = match["right"]
    if isinstance(right, str) and right.startswith("@"):
        right = sets.get(right[1:])
    found = _compared(match["left"], right, flow, seat)
    match match["op"]:
        case "==" | "in":
            return found
        case "!=":
            return _OPPOSITE.get(found, found)
        case _:
            return Takes.DOUBT


def _compared(left: Json, right: Json, flow: Flow, seat: Seat) -> Takes:
    own, other = ("ip", "ip6") if flow.version == 4 else ("ip6", "ip")
    match left:
        case {"payload": {"protocol": protocol, "field": "saddr" | "daddr" as which}} if (
            protocol == own
        ):
            return _covers(right, flow.source if which == "saddr" else flow.destination)
        case {"payload": {"protocol": protocol}} if protocol == other:
            return Takes.DOUBT if right is None else Takes.NONE
        case {"payload": {"protocol": "tcp" | "udp" | "th" | "icmp" | "icmpv6"}}:
            return Takes.PART if isinstance(right, int) else Takes.DOUBT
        case {"meta": {"key": "l4proto"}} | {"payload": {"field": "protocol" | "nexthdr"}}:
            return Takes.PART if isinstance(right, str | int) else Takes.DOUBT
        case {"meta": {"key": "oifname" | "oif"}} if seat.is_ip and seat.routed:
            return _named(right, flow.oif)
        case {"meta": {"key": "iifname" | "iif"}} if seat.is_ip:
            return _named(right, flow.iif)
        case {"meta": {"key": "nfproto"}}:
            return _one_of(right, "ipv4" if flow.version == 4 else "ipv6")
        case {"meta": {"key": "mark"}}:
            # Packets have no mark unless a rule gave them one.
            return Takes.PART if isinstance(right, int) and right else Takes.DOUBT
        case {"ct": {"key": "state"}} if seat.is_ip and seat.tracked:
            return _state(right, flow)
        case {"ct": {"key": "status"}} if seat.is_ip and seat.tracked:
            # Nobody redirected this flow.
            return Takes.NONE if right == "dnat" else Takes.DOUBT
        case {"fib": {"result": "type", "flags": ["daddr"]}} if not flow.answer:
            # What is forwarded is for no address of the node.
            return Takes.NONE if right == "local" else Takes.DOUBT
        case _:
            return Takes.DOUBT


def _words(right: Json) -> list[str] | None:
    """Return the texts that a value or a set stands for, None if it holds anything else."""
    values = right.get("set") if isinstance(right, dict) else right
    values = values if isinstance(values, list) else [values]
    words = [each for each in values if isinstance(each, str)]
    return words if words and len(words) == len(values) else None


def _one_of(right: Json, mine: str) -> Takes:
    words = _words(right)
    if words is None:
        return Takes.DOUBT
    return Takes.ALL if mine in words else Takes.NONE


def _state(right: Json, flow: Flow) -> Takes:
    found = _one_of(right, flow.state)
    if found is Takes.NONE and "snat" in (_words(right) or ()):  # of iptables: it is translated
        return Takes.DOUBT
    return found


def _named(right: Json, mine: str) -> Takes:
    words = _words(right)
    if words is None:  # a number is an interface that is gone
        return Takes.DOUBT
    fits = any(mine.startswith(word[:-1]) if word.endswith("*") else mine == word for word in words)
    return Takes.ALL if fits else Takes.NONE


def _covers(right: Json, mine: Network) -> Takes:
    try:
        nets = list(_networks(right))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Takes.DOUBT
    same: Iterator[Any] = (net for net in nets if net.version == mine.version)
    found = [net for net in collapse_addresses(same) if net.overlaps(mine)]
    if any(mine.subnet_of(net) for net in found):
        return Takes.ALL
    return Takes.PART if found else Takes.NONE


def _networks(value: Json) -> Iterator[Network]:
    """Yield the networks of an address, a prefix, a range or a set. Raises ValueError and others
    for anything else.
    """
    match value:
        case str():
            yield ip_network(value, strict=False)
        case {"prefix": {"addr": address, "len": length}}:
            yield ip_network(f"{address}/{length}")
        case {"range": [first, last]}:
            yield from summarize_address_range(ip_address(a_text(first)), ip_address(a_text(last)))
        case {"set": list(values)} | list(values):
            for each in values:
                yield from _networks(each)
        case _:  # an element that expires, too
            raise ValueError("no address")


# Reading nft.

_NEUTRAL = {"counter", "comment", "log"}
_HARMLESS = {
    ("meta", "mark"),
    ("meta", "nftrace"),
    ("meta", "priority"),
    ("ct", "mark"),
    ("tcp option", "maxseg"),
}
"""What a rule may write into packets that go where they went before."""
_MARKING = {"MARK", "CONNMARK"}
_NEUTRAL_TARGETS = {"LOG", "NFLOG", "TCPMSS", "CHECKSUM", "TRACE", "CLASSIFY", *_MARKING}
_UNTRACKED = {"CT", "NOTRACK"}
_TARGETS = {
    "MASQUERADE": End.NAT,
    "SNAT": End.DOUBT,  # until it says to what
    "ACCEPT": End.ACCEPT,
    "DROP": End.DROP,
    "REJECT": End.DROP,
    "RETURN": End.RETURN,
}


def _nft(document: Json) -> dict[tuple[str, str], Table]:
    tables: dict[tuple[str, str], Table] = {}
    for kind, content in _objects(document):
        if kind not in ("table", "chain", "rule", "set"):
            continue
        body = an_object(content)
        family = a_text(body["family"])
        if kind == "table":
            name = a_text(body["name"])
            tables[family, name] = Table(name, family, uncertain=bool(body.get("flags")))
            continue
        table = tables[family, a_text(body["table"])]
        if kind == "rule":
            rule = _rule(map(a_member, a_list(body["expr"])))
            table.rules.setdefault(a_text(body["chain"]), []).append(rule)
            continue
        name = a_text(body["name"])
        if kind == "set":
            changes = bool({"flags", "timeout"} & body.keys()) and body.get("flags") != ["interval"]
            table.sets[name] = None if changes else {"set": body.get("elem", [])}
            continue
        table.rules.setdefault(name, [])
        if "hook" in body:
            policy = End.DROP if body.get("policy") == "drop" else End.ACCEPT
            priority = body.get("prio")
            table.bases.append(
                Base(
                    name,
                    a_text(body["type"]),
                    a_text(body["hook"]),
                    policy,
                    priority if isinstance(priority, int) else None,
                )
            )
    return tables


def _objects(document: Json) -> Iterator[tuple[str, Json]]:
    """Yield the kind and the content of each object of a ruleset."""
    return map(a_member, a_list(an_object(document)["nftables"]))


def _statements(document: Json) -> Iterator[tuple[str, Json]]:
    """Yield the kind and the content of each statement of all rules."""
    for kind, rule in _objects(document):
        if kind == "rule":
            yield from map(a_member, a_list(an_object(rule)["expr"]))


def _untracks(kind: str, body: Json) -> bool:
    return kind == "notrack" or _xt_name(kind, body) in _UNTRACKED


def _marks(kind: str, body: Json) -> bool:
    if kind == "mangle":
        return _written(body) == ("meta", "mark")
    return _xt_name(kind, body) in _MARKING


def _xt_name(kind: str, body: Json) -> Json:
    """Return the name of a match or a target of iptables; None for another statement, and for one
    whose name nft does not print.
    """
    return body.get("name") if kind == "xt" and isinstance(body, dict) else None


def _written(body: Json) -> tuple[str, str] | None:
    """Return what a statement `mangle` of nft writes: the kind of its place, and its name."""
    match an_object(body).get("key"):
        case {"meta": {"key": str(name)}}:
            return "meta", name
        case {"ct": {"key": str(name)}}:
            return "ct", name
        case {"tcp option": {"name": "maxseg"}}:
            return "tcp option", "maxseg"
        case _:
            return None


def _rule(statements: Iterable[tuple[str, Json]]) -> Rule:
    conditions: list[Json] = []
    does: End | Jump | Snat | None = None
    for kind, body in statements:
        match kind:
            case "match":
                conditions.append({kind: body})
            case "masquerade":
                does = End.NAT
            case "snat":
                address = an_object(body).get("addr")
                does = Snat(address) if isinstance(address, str) else End.DOUBT
            case "mangle" if _written(body) in _HARMLESS:
                pass
            case "accept":
                does = End.ACCEPT
            case "drop" | "reject":
                does = End.DROP
            case "return":
                does = End.RETURN
            case "jump" | "goto":
                does = Jump(a_text(an_object(body)["target"]), goto=kind == "goto")
            case "xt" if an_object(body)["type"] == "target":
                name = a_text(an_object(body)["name"])
                if name not in _NEUTRAL_TARGETS:
                    does = _TARGETS.get(name, End.DOUBT)
                if does is End.DOUBT:
                    conditions.append({kind: body})  # the text of iptables says more
            case "xt" if an_object(body)["name"] == "comment":
                pass
            case "xt":
                conditions.append({kind: body})
            case _ if kind not in _NEUTRAL:  # a map of verdicts, a limit, what will come
                does = End.DOUBT
                conditions.append({kind: body})
    return Rule(tuple(conditions), does)


def _is_opaque(table: Table) -> bool:
    """Whether a table has conditions of iptables that nft does not print."""
    return any(_of_iptables(rule) for rules in table.rules.values() for rule in rules)


def _of_iptables(rule: Rule) -> bool:
    return any(isinstance(condition, dict) and "xt" in condition for condition in rule.conditions)


def _with_text(table: Table, text: Table) -> Table:
    """Return a table of nft with what iptables-save says of the rules that nft does not print
    whole. Of others iptables-save leaves out what it cannot express: a set, a map, a bit mask.

    Rules correspond by their order in a chain. One without counterpart stays in doubt.
    """
    rules = {
        chain: [
            said if _of_iptables(own) else own
            for own, said in zip(some, text.rules[chain], strict=True)
        ]
        if len(some) == len(text.rules.get(chain, ()))
        else some
        for chain, some in table.rules.items()
    }
    return replace(table, rules=rules)


# Reading iptables-save.

_HOOKS = {
    "PREROUTING": "prerouting",
    "INPUT": "input",
    "FORWARD": "forward",
    "OUTPUT": "output",
    "POSTROUTING": "postrouting",
}
_PRIORITIES = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
_MODULES = {
    "comment",
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "conntrack",
    "state",
    "multiport",
    "mark",
    "addrtype",
}
"""Modules whose options below say all."""
_PORTS = {"--dport", "--sport", "--dports", "--sports", "--icmp-type", "--icmpv6-type"}
_QUIET = {"--comment", "--reject-with", "--log-prefix", "--log-level"}
_FLAGS = {"--random", "--random-fully", "--persistent"}


def _saved(text: str, family: str) -> Iterator[Table]:
    """Yield the tables of iptables-save. Raises ValueError for other text."""
    table: Table | None = None
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if line == "COMMIT":
            if table is not None:
                yield table
            table = None
        elif line.startswith("*"):
            table = Table(line[1:], family)
        elif table is None:
            raise ValueError(f"not a table of iptables: {line!r}")
        elif line.startswith(":"):
            name, policy, *_ = line[1:].split()
            table.rules[name] = []
            if name in _HOOKS:
                type_ = "nat" if table.name == "nat" else "filter"
                end = End.DROP if policy == "DROP" else End.ACCEPT
                priority = _PRIORITIES.get(table.name)
                table.bases.append(Base(name, type_, _HOOKS[name], end, priority))
        else:
            option, chain, *words = shlex.split(line)
            if option != "-A":
                raise ValueError(f"not a rule of iptables: {line!r}")
            table.rules[chain].append(_saved_rule(words, family))
    if table is not None:
        raise ValueError("the tables of iptables end too soon")


def _saved_rule(words: Sequence[str], family: str) -> Rule:
    conditions: list[Json] = []
    does: End | Jump | Snat | None = None
    rest = list(words)
    while rest:
        op = "=="
        option = rest.pop(0)
        if option == "!":
            op, option = "!=", rest.pop(0)
        if option in _FLAGS:
            continue
        value = rest.pop(0) if rest else ""
        match option:
            case "-s" | "-d":
                which = "saddr" if option == "-s" else "daddr"
                payload: Json = {"payload": {"protocol": family, "field": which}}
                conditions.append(_match(op, payload, value))
            case "-i" | "-o":
                key = "iifname" if option == "-i" else "oifname"
                name = f"{value[:-1]}*" if value.endswith("+") else value
                conditions.append(_match(op, {"meta": {"key": key}}, name))
            case "-p":
                conditions.append(_match(op, {"meta": {"key": "l4proto"}}, value))
            case "--ctstate" | "--state":
                states: Json = [*value.lower().split(",")]
                conditions.append(_match(op, {"ct": {"key": "state"}}, states))
            case "--dst-type":
                fib: Json = {"fib": {"result": "type", "flags": ["daddr"]}}
                conditions.append(_match(op, fib, value.lower()))
            case "--to-source":
                does = Snat(value)
            case "--mark":
                number = _number(value)
                conditions.append(_match(op, {"meta": {"key": "mark"}}, number))
            case "-m" if value in _MODULES:
                pass
            case _ if option in _PORTS:
                conditions.append(_match(op, {"payload": {"protocol": "th"}}, 1))
            case "-j" | "-g":
                if value in _TARGETS:
                    does = _TARGETS[value]
                elif value in _NEUTRAL_TARGETS:
                    break  # what follows is the target's
                else:  # a target that is not known is a chain that does not exist
                    does = Jump(value, goto=option == "-g")
            case _ if option in _QUIET:
                pass
            case _:
                conditions.append({"option": option})
                if value.startswith("-"):
                    rest.insert(0, value)
    return Rule(tuple(conditions), does)


def _match(op: str, left: Json, right: Json) -> dict[str, Json]:
    return {"match": {"op": op, "left": left, "right": right}}


def _number(text: str) -> int | None:
    """Return a mark without a mask, else None."""
    try:
        return int(text, 0)
    except ValueError:
        return None
