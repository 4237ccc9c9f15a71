"""A rule in nft's JSON (libnftables-json(5), STATEMENTS) as rules of a program."""

import json
import re
from collections.abc import Container, Iterator, Mapping

from power_edge.json_value import Json, a_list, a_member, a_pair, an_object, decoded, text_at
from power_edge.resources.firewall.packets import marks, rates
from power_edge.resources.firewall.packets.dimension import Dimension, Mark
from power_edge.resources.firewall.packets.program import (
    ALLOW,
    DENY,
    LATER,
    REJECT,
    Action,
    Effect,
    Effort,
    FilterRule,
    Key,
    limited,
)
from power_edge.resources.firewall.packets.rule_match import Match
from power_edge.resources.firewall.packets.sets import Box
from power_edge.resources.firewall.readers import compat, ipsets, iptables, nft_bytecode
from power_edge.resources.firewall.readers.iptables import SavedRule
from power_edge.resources.firewall.readers.iptables_options import Sets, narrow
from power_edge.resources.firewall.readers.nft_conditions import ConditionReader, RuleContext
from power_edge.resources.firewall.readers.nft_objects import UNPRINTED, Rule
from power_edge.resources.firewall.readers.nft_values import (
    NotUnderstood,
    is_catch_all,
    mark_of,
    plain_element,
)
from power_edge.text import printable

FAMILIES: Mapping[str, tuple[int, ...]] = {
    "ip": (4,),
    "ip6": (6,),
    "inet": (4, 6),
    "netdev": (4, 6),
}
_SET = re.compile(r'"@((?:[^"\\]|\\.)*)"')
"""The name of a set, in JSON."""
LIMITS = frozenset({"limit", "ct count", "quota"})
ENDING = frozenset({"xt", "match", "vmap", "set", "map", "reset", "flow", *LIMITS})
"""Parts of a rule after which it may end."""
IDLE = frozenset(
    {
        "counter",
        "log",
        "comment",
        "last",
        "secmark",
        "ct helper",
        "ct timeout",
        "snat",
        "masquerade",
    }
)
"""Statements after which the rule goes on, or which only change the source of outgoing packets."""
META_OF_ALL = frozenset(
    {"l4proto", "nfproto", "protocol", "iif", "oif", "iifname", "oifname", "pkttype", "mark"}
)
"""Keys of `meta` that every packet has. It may lack others: a user, a cgroup."""
HARMLESS_MANGLES = frozenset({"priority", "nftrace", "label", "event", "zone", "secmark"})


def rules_of(
    printed: Rule,
    context: RuleContext,
    saved: SavedRule | None,
    chains: Container[Key],
    room: Effort,
) -> Iterator[tuple[int, FilterRule]]:
    """Yield a rule of nft as (family, rule), for each family of its table.

    `saved`: its line of iptables-save. `chains`: those that it can jump to. `room`: the rules that
    may still be read; Undecidable beyond it.
    """
    for family in FAMILIES.get(printed.key[0], (4, 6)):
        rules = list(limited(_now_and_later(printed, family, context, saved), room))
        if saved is not None and rules:
            rules = _worded(rules, printed, saved, family, chains, sets=context.ipsets)
        if context.comparisons is not None:
            rules = list(nft_bytecode.compared(rules, printed, family, context.comparisons))
        yield from ((family, rule) for rule in rules)


def _now_and_later(
    printed: Rule, family: int, context: RuleContext, saved: SavedRule | None
) -> Iterator[FilterRule]:
    """Yield the rules with the elements that stay in the sets that they name.

    Then, as passing, with the elements that expire as well.
    """
    rules_now = list(_rule(printed, family, context, saved))
    text = json.dumps(printed.statements)
    names = (str(decoded(f'"{found}"')) for found in _SET.findall(text))
    sets = (context.sets.get((*printed.key[:2], name)) for name in names)
    if not any(some is not None and some.expiring for some in sets) and not (
        context.ipsets and '"xt"' in text
    ):
        yield from rules_now
        return
    later = list(
        _rule(
            printed,
            family,
            context._replace(permanent=True, ipsets=ipsets.permanent_only(context.ipsets)),
            saved,
        )
    )
    yield from later
    if rules_now != later:
        yield from iptables.passing(rules_now)


def _worded(
    rules: list[FilterRule],
    printed: Rule,
    saved: SavedRule,
    family: int,
    chains: Container[Key],
    *,
    sets: Sets,
) -> list[FilterRule]:
    """Return the rules with the text of iptables-save, where that says the same."""
    words = printable(iptables.as_text(saved, family))
    same = [rule._replace(text=words) for rule in rules]
    has_xt = any(kind == "xt" for kind, _ in printed.statements)
    return (
        same
        if has_xt or same == list(iptables.as_rules(saved, family, printed.key, chains, sets))
        else rules
    )


def _rule(
    printed: Rule, family: int, context: RuleContext, saved: SavedRule | None
) -> Iterator[FilterRule]:
    place = printed.key[:2]
    text = f"nft {' '.join(printed.key)} handle {printed.handle}"
    match = Match({family})
    reader = ConditionReader(match, family, place, context)
    xts = iter(compat.parts(printed.statements, saved))
    for kind, what in printed.statements:
        if kind == UNPRINTED:
            yield from match.rules(Effect(Action.UNKNOWN), text)
            return
        if kind in ENDING:
            yield from match.changed(text)
        if kind == "xt":
            part = next(xts)
            if (effect := _xt(part, match, family, context.ipsets)) is not None:
                yield from iptables.beside(match, part.name, part.options or (), text)
                yield from match.rules(effect, text)
                return
        elif kind == "match":
            reader.condition(what)
        elif kind in LIMITS:
            _limit(match, kind, what)
        elif kind in {"set", "map", "reset"} or (
            kind in IDLE and isinstance(what, dict) and "map" in what
        ):
            # The rule ends where the set is full, the key is not in the map, or the packet lacks
            # the option.
            match.doubt(f"{kind} statement")
        elif kind == "flow":
            # The rule ends for the first packet of a connection (nft_flow_offload_eval).
            match.stage(LATER)
            match.doubt("flow statement")
        elif kind == "mangle" and (which := mark_of(an_object(what)["key"])) is not None:
            yield from _set_mark(match, which, an_object(what)["value"], text)
        elif kind == "mangle":
            changed = an_object(an_object(what)["key"])
            if not _harmless(changed):
                yield from match.rules(Effect(Action.UNKNOWN), text)
                return
            yield from _onward(match, changed, an_object(what)["value"], text)
            if not _certain(an_object(what)["value"]):
                match.doubt("a value that a packet may lack")
            if _key_of(changed, "ct") == "zone":
                yield from match.changed(text)
                yield from match.zone(text)
            _implied(match, text_at(an_object(changed.get("payload", {})), "protocol"))
        elif kind == "vmap":
            yield from _verdict_map(an_object(what), reader, place, text)
            return
        elif kind == "notrack":
            yield from match.changed(text)
            yield from match.rules(Effect(Action.NOTRACK), text)
        elif kind not in IDLE:
            if kind == "reject" and isinstance(what, dict):
                _implied(match, text_at(what, "type"))
            yield from match.rules(_verdict(kind, what, place), text)
            return
    yield from match.changed(text)
    if any(rate.memory for rate in match.rates):
        yield from match.rules(Effect(Action.NEXT), text)


def _set_mark(match: Match, which: Mark, value: Json, text: str) -> Iterator[FilterRule]:
    """Note that a rule sets a mark. If the rule may end here, yield the changes before it."""
    change = marks.computed(which, value)
    if change.keep is None and not _certain(value):
        match.doubt("a value that a packet may lack")
    if _reads_connection(value):
        yield from match.changed(text)
        match.tracked()  # without a connection the rule ends
    match.changes.append(change)


def _reads_connection(value: Json) -> bool:
    """Return whether a value is computed from the mark of a connection."""
    if isinstance(value, list):
        return any(map(_reads_connection, value))
    return isinstance(value, dict) and (
        mark_of(value) == marks.CONNECTION or any(map(_reads_connection, value.values()))
    )


def _xt(part: compat.XtPart, match: Match, family: int, sets: Sets) -> Effect | None:
    """Return the effect of a target of iptables; None for a match, which narrows `match`."""
    if part.kind == "target":
        match.changes += iptables.changes(part.name, part.options or ())
        return (
            Effect(Action.UNKNOWN)
            if part.options is None and part.name not in iptables.HARMLESS
            else iptables.target(part.name, part.options or ())
        )
    if part.kind != "match":
        match.rates.append(rates.unknown(memory=rates.ANY_MEMORY))
        return Effect(Action.UNKNOWN)
    if part.name == "comment":
        return None
    if part.options is None:
        match.doubt(f"{printable(part.name)} match")
        if part.name in {"", "recent"}:
            match.rates.append(rates.unknown(memory=rates.ANY_MEMORY))
    else:
        narrow(match, family, part.options, sets)
    return None


def _implied(match: Match, how: str | None) -> None:
    """Apply the condition that nft leaves out of a rule.

    A refusal by the protocol of one family or by TCP, and a change of a header, apply to such
    packets only.
    """
    if how in {"icmp", "icmpv6", "ip", "ip6"}:
        match.family(4 if how in {"icmp", "ip"} else 6)
    elif how == "tcp reset":
        match.narrow(Dimension.PROTO, ((6, 6),))


def _limit(match: Match, kind: str, what: Json) -> None:
    if kind in {"limit", "ct count"} and not isinstance(what, str):
        match.rate(rates.of_nft(what) if kind == "limit" else rates.unknown(rates.AT_ONCE))
    else:
        match.doubt(kind)


def _harmless(changed: dict[str, Json]) -> bool:
    """Return whether nothing is judged that a `mangle` statement changes.

    A change of addresses or ports does, and so does one of the packet type: the kernel drops what
    seems to be for another host (ip_rcv).
    """
    kind, what = a_member(changed)
    if kind == "payload":
        return text_at(an_object(what), "field") in {"dscp", "ecn", "ttl", "hoplimit", "flowlabel"}
    return text_at(an_object(what), "key") in HARMLESS_MANGLES


def _onward(match: Match, changed: dict[str, Json], value: Json, text: str) -> Iterator[FilterRule]:
    """Yield the effect of a `mangle` statement that may leave a packet few hops."""
    payload = an_object(changed.get("payload", {}))
    many = isinstance(value, int) and value >= iptables.MANY_HOPS
    if text_at(payload, "field") not in {"ttl", "hoplimit"} or many:
        return
    yield from match.changed(text)
    own = match.copy()
    _implied(own, text_at(payload, "protocol"))
    yield from own.hops(text)


def _certain(value: Json) -> bool:
    """Return whether every packet has the value. The rule ends for a packet that does not.

    A packet without a connection has no mark of one (nft_ct_get_eval).
    """
    if not isinstance(value, dict):
        return not isinstance(value, list)
    kind, what = a_member(value)
    if kind in {"|", "&", "^", "<<", ">>"}:
        return all(map(_certain, a_list(what)))
    return mark_of(value) == marks.PACKET


def _verdict(kind: str, what: Json, place: tuple[str, str]) -> Effect:
    match kind:
        case "accept":
            return Effect(ALLOW)
        case "drop":
            return Effect(DENY)
        case "reject":
            return Effect(REJECT)
        case "return":
            return Effect(Action.RETURN)
        case "continue":
            return Effect(Action.NEXT)
        case "jump" | "goto" if isinstance(target := an_object(what)["target"], str):
            return Effect(Action(kind), (*place, target))
    return Effect(Action.UNKNOWN)


def _of_connections(key: dict[str, Json]) -> bool:
    """Return whether a key is one that every packet with a connection has, and no other packet."""
    return _key_of(key, "ct") in ("mark", "status", "direction")


def _key_of(key: dict[str, Json], kind: str) -> Json:
    """Return what a `meta` or `ct` expression looks at, None if it is another one."""
    return an_object(key[kind]).get("key") if kind in key else None


def _of_all(key: dict[str, Json]) -> bool:
    """Return whether every packet has a key, or every packet with a connection.

    The rule ends for a packet that lacks it (nft_meta_get_eval, nft_ct_get_eval).
    """
    return (
        _of_connections(key) or _key_of(key, "meta") in META_OF_ALL or _key_of(key, "ct") == "state"
    )


def _verdict_map(
    what: dict[str, Json], reader: ConditionReader, place: tuple[str, str], text: str
) -> Iterator[FilterRule]:
    """Yield a rule for each key. A packet has one key at most; without one it goes on."""
    start, data, left = reader.match, what["data"], an_object(what["key"])
    entries = reader.elements(data)
    if entries is None:
        start.doubt("a map that changes")
        yield from start.rules(Effect(Action.UNKNOWN), text)
        return
    keyed = list[Box]()
    doubt = None
    for key, value in sorted(map(a_pair, entries), key=lambda entry: is_catch_all(entry[0])):
        kind, target = a_member(value) if isinstance(value, dict) else (str(value), None)
        match = start.copy()
        if not is_catch_all(key):
            ConditionReader(match, reader.family, reader.place, reader.context).condition(
                {"op": "==", "left": left, "right": key}
            )
            keyed += match.boxes if match.families and match.opaque is None else []
            doubt = doubt or match.opaque
        else:
            # A packet with a key of its own never comes here, even if its chain gives it back
            # undecided.
            match.leave(keyed)
            try:
                plain_element(key)
            except NotUnderstood as error:
                match.doubt(str(error))
            if isinstance(data, str) and reader.context.sets[(*place, data[1:])].expiring:
                match.doubt("an element of a set that expires")
            if _of_connections(left):
                match.tracked()
            if doubt or not _of_all(left):
                match.doubt(doubt or "any other key")  # packets that have such a header
        yield from match.rules(_verdict(kind, target, place), text)
