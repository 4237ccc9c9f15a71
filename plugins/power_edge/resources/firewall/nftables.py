"""The output of `nft -j list ruleset` (libnftables-json(5)) as a program.

Everything that is not understood makes its rule opaque, or ends as ValueError where nothing sound
can be said of the whole. nft omits conditions that follow from others: `tcp dport 22` implies the
protocol, `ip saddr` the family.
"""

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from power_edge.resources.firewall import compat, ipsets, iptables, marks
from power_edge.resources.firewall.iptables import Saved
from power_edge.resources.firewall.nft_conditions import NamedSet, Reader, Ruleset, expires
from power_edge.resources.firewall.packet_filter import (
    ALLOW,
    DENY,
    MANY_RULES,
    REJECT,
    VERDICTS,
    Base,
    Do,
    Effort,
    Key,
    Program,
    Rule,
    limited,
)
from power_edge.resources.firewall.packet_sets import Box, both, interface, numbers, shown, without
from power_edge.resources.firewall.rule_match import Match

FAMILIES: Mapping[str, tuple[int, ...]] = {
    "ip": (4,),
    "ip6": (6,),
    "inet": (4, 6),
    "netdev": (4, 6),
}
OTHERS: Mapping[str, tuple[int, ...]] = {"bridge": (4, 6), "arp": (4,)}
_SET = re.compile(r'"@((?:[^"\\]|\\.)*)"')
"""The name of a set, in JSON."""
_DEVICES = re.compile(r' hook \w+gress device(?:s = \{ (.*) \}| "([^"]*)"| (\S+)) priority ')
HARMLESS_FLAGS = frozenset({"owner", "persist"})
LIMITS = frozenset({"limit", "ct count", "quota"})
ENDING = frozenset({"xt", "match", "vmap", "set", "map", "reset", *LIMITS})
"""Parts of a rule behind which it need not go on."""
IDLE = frozenset(
    {
        "counter",
        "log",
        "comment",
        "last",
        "flow",
        "secmark",
        "ct helper",
        "ct timeout",
        "snat",
        "masquerade",
    }
)
"""Statements after which the rule goes on, or that only change where packets on their way out seem
to come from.
"""
HARMLESS_MANGLES = frozenset({"priority", "nftrace", "label", "event", "zone", "secmark"})

MANY_ELEMENTS = 2_000_000
"""Elements of sets that are read, each as often as a rule names its set.

A rule beyond them is opaque.
"""

OBJECTS = frozenset({"table", "chain", "rule", "set", "map"})
"""The objects that are read."""
NAMES = ("family", "table", "name", "chain", "hook")
"""Their fields that hold a name. Chains are found by these, so they are texts from here on."""

ODD = (KeyError, TypeError, AttributeError, StopIteration, RuntimeError, OverflowError)
"""What reading a structure that is not as expected ends in; StopIteration in a generator is a
RuntimeError, and so is too deep a nesting; OverflowError is a number that JSON writes and no
integer holds (1e999).
"""


def read(
    text: str,
    dormant: Iterable[tuple[str, str]] | None = None,
    saved: Mapping[Key, Sequence[Saved]] | None = None,
    *,
    named: Mapping[Key, Sequence[str]] | None = None,
    stacked: Iterable[tuple[str, str]] = (),
    addresses: iptables.Sets = iptables.NO_SETS,
) -> Program:
    """The ruleset as nft prints it. ValueError for text that is no such ruleset.

    `dormant`: the (family, table) that are switched off, None when that could not be read: nft
    1.0.6 prints nonsense for that flag in JSON. `saved`: the rules of each chain of iptables-nft as
    iptables-save prints them, for what nft shows as `xt`. `named`: the devices of chains as
    `devices` finds them, since nft 1.0.6 does not have them in JSON. `stacked`: the pairs of
    devices of which the first is below the second. `addresses`: the sets that matches of iptables
    look at.
    """
    try:
        objects = [_object(entry) for entry in json.loads(text)["nftables"]]
        asleep, doubtful = _sleeping((body for kind, body in objects if kind == "table"), dormant)
        sets = {
            (body["family"], body["table"], body["name"]): _set(body)
            for kind, body in objects
            if kind in {"set", "map"}
        }
        for key in _changed(body for kind, body in objects if kind == "rule"):
            if key in sets:
                sets[key] = sets[key]._replace(changing=True)
        chains: dict[Key, dict[int, list[Rule]]] = {}
        ruleset, room = Ruleset(sets, Effort(MANY_ELEMENTS), ipsets=addresses), Effort(MANY_RULES)
        bodies: dict[Key, list[Any]] = {}
        bases: list[Base] = []
        for kind, body in objects:
            if (
                kind not in {"chain", "rule"}
                or (place := (body["family"], body["table"])) in asleep
            ):
                continue
            if kind == "chain":
                chains[*place, body["name"]], bodies[*place, body["name"]] = {}, []
                bases += _bases(body, place in doubtful, (named or {}).get((*place, body["name"])))
            else:
                bodies[*place, body["chain"]].append(body)
        for key, some in bodies.items():
            for body, line in zip(some, compat.aligned(some, (saved or {}).get(key)), strict=True):
                for family, rule in _rules(body, ruleset, line, chains, room):
                    chains[key].setdefault(family, []).append(rule)
    except ODD as error:
        raise ValueError(
            f"not understood: nft's list of rules ({type(error).__name__}: {error})"
        ) from None
    frozen = {
        name: {family: tuple(some) for family, some in rules.items()}
        for name, rules in chains.items()
    }
    return _with_others(
        Program(
            chains=frozen,
            bases=(
                *bases,
                *_of_devices_below(Program(chains=frozen, bases=tuple(bases)), list(stacked)),
            ),
        )
    )


def _object(entry: Any) -> tuple[str, Any]:
    """The kind and the body of one object.

    TypeError where a name that others refer to is no text.
    """
    kind, body = next(iter(entry.items()))
    if kind in OBJECTS:
        for field in NAMES:
            if not isinstance(body.get(field, ""), str):
                raise TypeError(f"the {field} of a {kind} is not a text")
    return kind, body


def _sleeping(
    bodies: Iterable[Any], dormant: Iterable[tuple[str, str]] | None
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    asleep, doubtful = set(dormant or ()), set()
    for body in bodies:
        flags = body.get("flags", [])
        words = {flags} if isinstance(flags, str) else set(flags)
        place = (body["family"], body["name"])
        if "dormant" in words:
            asleep.add(place)
        elif words - HARMLESS_FLAGS and dormant is None:
            doubtful.add(place)
    return asleep, doubtful


def _set(body: Any) -> NamedSet:
    flags = body.get("flags", [])
    words = {flags} if isinstance(flags, str) else set(flags)
    elements = body.get("elem", [])
    idle = all(set(each) <= {"counter"} for each in body.get("stmt", []))
    some = elements if isinstance(elements, list) else [elements]
    # What programs put in and out is judged as it is found, like their rules; the rest is there
    # until its time is over.
    return NamedSet(some, "dynamic" in words or not idle, any(map(expires, some)))


def _changed(rules: Iterable[Any]) -> Iterator[Key]:
    """The sets and maps that packets change on their way: older kernels do not flag them."""
    for body in rules:
        for part in body["expr"]:
            for kind in ("set", "map"):
                if isinstance(part, Mapping) and kind in part:
                    yield (
                        body["family"],
                        body["table"],
                        str(part[kind].get("set", part[kind].get("map"))).removeprefix("@"),
                    )


def devices(text: str) -> dict[Key, list[str]]:
    """The devices of chains at ingress and egress, in the lines `table`, `chain` and `type` of `nft
    list ruleset`.
    """
    found: dict[Key, list[str]] = {}
    table, chain = ("", ""), ""
    for line in text.split("\n"):
        words = line.split()
        if line.startswith("table ") and len(words) > 2:
            table = words[1], words[2]
        elif words[:1] == ["chain"] and len(words) > 1:
            chain = words[1]
        elif match := _DEVICES.search(line):
            several, quoted, plain = match.groups()
            found[*table, chain] = (
                [name.strip('"') for name in several.split(", ")] if several else [quoted or plain]
            )
    return found


def _bases(body: Any, doubtful: bool, named: Sequence[str] | None) -> Iterator[Base]:
    if "hook" not in body:
        return
    family, table, name = body["family"], body["table"], body["name"]
    text = shown(f"nft {family} {table} {name}")
    own = body.get("dev", named or [])
    boxes: tuple[Box, ...] = ({},)
    reason = f"{text}: whether its table is dormant could not be read" if doubtful else text
    if own:
        names = [own] if isinstance(own, str) else own
        side = "oif" if body["hook"] == "egress" else "iif"
        boxes = ({side: numbers(interface(each) for each in names)},)
    elif body["hook"] in {"ingress", "egress"}:
        doubtful, reason = True, f"{text}: of which devices it is could not be read"
    policy = {"accept": ALLOW, "drop": DENY}[body.get("policy", "accept")]
    filters = body.get("type") == "filter" and body["hook"] in {"input", "output"}
    chain = None if doubtful else (family, table, name)
    hook = body["hook"] if family not in OTHERS else f"{family} {body['hook']}"
    yield Base(
        hook,
        int(body.get("prio", 0)),
        chain,
        FAMILIES.get(family, (4, 6)),
        policy,
        filters,
        boxes,
        reason,
        body.get("type") == "nat",
    )


def _of_devices_below(program: Program, stacked: list[tuple[str, str]]) -> Iterator[Base]:
    """A chain at ingress of a device sees what later counts as another device's: whether a packet
    of that one came by it is not known.
    """
    for base in program.bases:
        side = {"ingress": "iif", "egress": "oif"}.get(base.hook)
        if side is None or not any(_makes_a_difference(rule) for rule in _all(program, base)):
            continue
        below, before = base.boxes[0].get(side, ()), None
        while below != before:
            before, below = (
                below,
                numbers(
                    [
                        *below,
                        *(
                            interface(upper)
                            for lower, upper in stacked
                            if both(below, (interface(lower),))
                        ),
                    ]
                ),
            )
        above = without(below, base.boxes[0].get(side, ()))
        if above:
            yield base._replace(
                chain=None,
                boxes=({side: above},),
                text=f"{base.text}: it may be for packets of a device above",
            )


def _makes_a_difference(rule: Rule) -> bool:
    return rule.do.kind in {*VERDICTS, "unknown"} or bool(rule.changes)


def _with_others(program: Program) -> Program:
    """Rules of the bridge family come before those of IP, for packets that arrive over a bridge;
    those of arp decide who finds an IPv4 address.

    They are not followed: they may stop anything.
    """
    doubts = list[Base]()
    for family, families in OTHERS.items():
        bases = (
            base
            for base in program.bases
            if base.hook.startswith(f"{family} ") and base.hook != "bridge forward"
        )
        if any(_makes_a_difference(rule) for base in bases for rule in _all(program, base)):
            text = f"rules of the {family} family are not followed"
            doubts += [
                Base(hook, -1000, None, families, text=text, moves=family != "arp")
                for hook in ("prerouting", "postrouting")
            ]
    return Program(chains=program.chains, bases=(*program.bases, *doubts)) if doubts else program


def _all(program: Program, base: Base) -> Iterator[Rule]:
    table = base.chain[:2] if base.chain else None
    if base.policy != ALLOW or table is None:
        yield Rule(({},), Do("unknown"), base.text)
    for name, rules in program.chains.items():
        if name[:2] == table:
            for some in rules.values():
                yield from (rule for rule in some if rule.do.kind != ALLOW)


def _rules(
    body: Any, ruleset: Ruleset, saved: Saved | None, chains: Container[Key], room: Effort
) -> Iterator[tuple[int, Rule]]:
    for family in FAMILIES.get(body["family"], (4, 6)):
        rules = list(limited(_now_and_later(body, family, ruleset, saved), room))
        if saved is not None and rules:
            rules = _worded(rules, body, saved, family, chains, sets=ruleset.ipsets)
        yield from ((family, rule) for rule in rules)


def _now_and_later(body: Any, family: int, ruleset: Ruleset, saved: Saved | None) -> Iterator[Rule]:
    """The rules with what stays in the sets that they name; then, as passing, with what expires as
    well.
    """
    now = list(_rule(body, family, ruleset, saved))
    text = json.dumps(body["expr"])
    names = (json.loads(f'"{found}"') for found in _SET.findall(text))
    sets = (ruleset.sets.get((body["family"], body["table"], name)) for name in names)
    if not any(some is not None and some.expiring for some in sets) and not (
        ruleset.ipsets and '"xt"' in text
    ):
        yield from now
        return
    later = list(
        _rule(
            body,
            family,
            ruleset._replace(lasting=True, ipsets=ipsets.staying(ruleset.ipsets)),
            saved,
        )
    )
    yield from later
    if now != later:
        yield from iptables.passing(now)


def _worded(
    rules: list[Rule],
    body: Any,
    saved: Saved,
    family: int,
    chains: Container[Key],
    *,
    sets: iptables.Sets,
) -> list[Rule]:
    """The rules in iptables' words, where these say the same."""
    key = (body["family"], body["table"], body["chain"])
    words = shown(iptables.shown_as(saved, family))
    same = [rule._replace(text=words) for rule in rules]
    whole = any(isinstance(part, Mapping) and "xt" in part for part in body["expr"])
    return (
        same
        if whole or same == list(iptables.as_rules(saved, family, key, chains, sets))
        else rules
    )


def _rule(body: Any, family: int, ruleset: Ruleset, saved: Saved | None) -> Iterator[Rule]:
    place = (body["family"], body["table"])
    text = f"nft {body['family']} {body['table']} {body['chain']} handle {body.get('handle', '?')}"
    match = Match({family})
    reader = Reader(match, family, place, ruleset)
    xts = iter(compat.parts(body["expr"], saved))
    for part in body["expr"]:
        if isinstance(part, str):
            yield from match.rules(Do("unknown"), text)  # a statement that this nft has no JSON for
            return
        kind, what = next(iter(part.items()))
        if kind in ENDING:
            yield from match.changed(text)
        if kind == "xt":
            if (do := _xt(next(xts), match, family, ruleset.ipsets)) is not None:
                yield from match.rules(do, text)
                return
        elif kind == "match":
            reader.condition(what)
        elif kind in LIMITS:
            _limit(match, kind, what)
        elif kind in {"set", "map", "reset"} or (
            kind in IDLE and isinstance(what, Mapping) and "map" in what
        ):
            match.doubt(
                f"{kind} statement"
                # ends the rule where the set is full, the key is not in the map, the option not in the
                # packet
            )
        elif kind == "mangle" and (which := _mark_of(what["key"])) is not None:
            change = marks.computed(which, what["value"])
            if change.keep is None and not _certain(what["value"]):
                match.doubt("a value that may not be there")
            if change.copy and which == marks.PACKET:
                yield from match.changed(text)
                match.mark(marks.CONNECTION, [{}])  # where there is no connection the rule ends
            match.changes.append(change)
        elif kind == "mangle":
            if not _harmless(what):
                yield from match.rules(Do("unknown"), text)
                return
            if not _certain(what["value"]):
                match.doubt("a value that may not be there")
            _implied(match, what["key"].get("payload", {}).get("protocol"))
        elif kind == "vmap":
            yield from _verdict_map(what, reader, place, text)
            return
        elif kind == "notrack":
            yield from match.changed(text)
            yield from match.rules(Do("notrack"), text)
        elif kind not in IDLE:
            if kind == "reject" and isinstance(what, Mapping):
                _implied(match, what.get("type"))
            yield from match.rules(_verdict(kind, what, place), text)
            return
    yield from match.changed(text)


def _mark_of(key: Any) -> str | None:
    """Which mark a statement sets."""
    if key.get("meta", {}).get("key") == "mark":
        return marks.PACKET
    return marks.CONNECTION if key.get("ct", {}).get("key") == "mark" else None


def _xt(part: compat.Part, match: Match, family: int, sets: iptables.Sets) -> Do | None:
    """What a target of iptables does; None for a match, which narrows `match`."""
    if part.kind == "target":
        match.changes += iptables.changes(part.name, part.options or ())
        return (
            Do("unknown")
            if part.options is None and part.name not in iptables.HARMLESS
            else iptables.target(part.name, part.options or ())
        )
    if part.kind != "match":
        return Do("unknown")
    if part.name == "comment":
        return None
    if part.options is None:
        match.doubt(f"{shown(part.name)} match")
    else:
        iptables.narrow(match, family, part.options, sets)
    return None


def _implied(match: Match, how: Any) -> None:
    """A refusal by the protocol of one family or by TCP, and a change of a header, are for such
    packets alone; nft leaves the condition out.
    """
    if how in {"icmp", "icmpv6", "ip", "ip6"}:
        match.family(4 if how in {"icmp", "ip"} else 6)
    elif how == "tcp reset":
        match.narrow("proto", ((6, 6),))


def _limit(match: Match, kind: str, what: Any) -> None:
    if kind in {"limit", "ct count"} and not isinstance(what, str):
        match.varies = True
    elif kind != "counter":
        match.doubt(kind)


def _harmless(what: Any) -> bool:
    """Of `meta mark set` and the like; marks are opaque wherever they are looked at.

    Changes of addresses or ports are not harmless.

    Nor is one of the packet type: the kernel drops what is said to be another host's (ip_rcv).
    """
    key = what["key"]
    if "payload" in key:
        return key["payload"].get("field") in {"dscp", "ecn", "ttl", "hoplimit", "flowlabel"}
    return next(iter(key.values())).get("key") in HARMLESS_MANGLES


def _certain(value: Any) -> bool:
    """Whether a value is to be had from every packet: where it is not, the rule ends there."""
    if not isinstance(value, Mapping):
        return not isinstance(value, list)
    kind, what = next(iter(value.items()))
    if kind in {"|", "&", "^", "<<", ">>"}:
        return all(map(_certain, what))
    return kind in {"meta", "ct"} and what.get("key") == "mark"


def _verdict(kind: str, what: Any, place: tuple[str, str]) -> Do:
    match kind:
        case "accept":
            return Do(ALLOW)
        case "drop":
            return Do(DENY)
        case "reject":
            return Do(REJECT)
        case "return":
            return Do("return")
        case "continue":
            return Do("next")
        case "jump" | "goto" if isinstance(what["target"], str):
            return Do(kind, (*place, what["target"]))
    return Do("unknown")


def _verdict_map(what: Any, reader: "Reader", place: tuple[str, str], text: str) -> Iterator[Rule]:
    """A rule for each key: no packet has two of them, and one that has none goes on."""
    start, entries = reader.match, reader.elements(what["data"])
    if entries is None:
        start.doubt("a map that changes")
        yield from start.rules(Do("unknown"), text)
        return
    keyed = list[Box]()
    unclear = None
    for key, value in sorted(entries, key=lambda entry: entry[0] == "*"):
        kind, target = (
            next(iter(value.items())) if isinstance(value, Mapping) else (str(value), None)
        )
        match = start.copy()
        if key != "*":
            Reader(match, reader.family, reader.place, reader.ruleset).condition(
                {"op": "==", "left": what["key"], "right": key}
            )
            keyed += match.boxes if match.families and match.opaque is None else []
            unclear = unclear or match.opaque
        else:
            # What has a key of its own never comes here, also where its chain gives it back
            # undecided.
            match.leave(keyed)
            if (
                isinstance(what["data"], str)
                and reader.ruleset.sets[(*place, what["data"][1:])].expiring
            ):
                match.doubt("an element of a set that expires")
            if unclear or not {"meta", "ct"} & set(what["key"]):
                match.doubt(unclear or "any other key")  # of packets that have such a header
        yield from match.rules(_verdict(kind, target, place), text)
