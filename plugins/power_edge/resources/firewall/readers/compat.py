"""The parts of a rule that nft shows as `xt` (matches and targets of iptables), from iptables-save.

iptables-save prints rules of nftables without what it cannot express: a set, a map, a bit mask
(tried with 1.8.9 and 1.8.11, exit status 0). So only its `xt` parts are used. Rules correspond by
their order in a chain. Nothing is used where the two tools list different numbers of rules, or
different names of matches and target.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from power_edge.json_value import a_member, an_object, text_at
from power_edge.resources.firewall.readers.iptables import SavedRule
from power_edge.resources.firewall.readers.iptables_options import Token
from power_edge.resources.firewall.readers.nft_objects import Statement

ADDRESSES = frozenset({"saddr", "daddr", "protocol", "nexthdr"})
ENDS = frozenset({"accept", "drop", "return", "jump", "goto"})
DEVICES = frozenset({"l4proto", "iifname", "oifname", "iif", "oif"})

ALIASES: Mapping[str, str] = {"state": "conntrack"}
"""Names of matches in iptables-save, and what the kernel calls them."""


class XtPart(NamedTuple):
    """One `xt` part. `kind` is `match`, `target`, or "" where nft does not say.

    `options`: its tokens in iptables-save; None where they are unknown.
    """

    kind: str
    name: str
    options: tuple[Token, ...] | None


def aligned(count: int, saved: Sequence[SavedRule] | None) -> Iterator[SavedRule | None]:
    """Yield for each of the `count` rules of a chain in nft's JSON its line of iptables-save, or
    None.
    """
    yield from saved if saved is not None and len(saved) == count else [None] * count


def parts(statements: Sequence[Statement], saved: SavedRule | None) -> list[XtPart]:
    """Return the `xt` parts of a rule, in their order."""
    bodies = [body for kind, body in statements if kind == "xt"]
    found = [
        XtPart(str(body["type"]), str(body["name"]), None)
        for body in bodies
        if isinstance(body, dict) and {"type", "name"} <= set(body)
    ]
    if len(found) < len(bodies):
        return _unnamed(statements, len(bodies), saved)
    if saved is None:
        return found
    names = [part.name for part in found if part.kind == "match"]
    matches = [(ALIASES.get(name, name), tokens) for name, tokens in saved.matches]
    segments = [(name, tokens) for name, tokens in matches if name in names]
    targets: list[str | None] = [part.name for part in found if part.kind == "target"]
    if [name for name, _ in segments] != names or (targets or [_end(statements)]) != [saved.target]:
        return found
    left = iter(segments)
    return [
        part._replace(options=next(left)[1] if part.kind == "match" else saved.rest)
        for part in found
    ]


def _end(statements: Sequence[Statement]) -> str | None:
    """Return iptables-save's name of the verdict in nft's JSON; None without a verdict."""
    for kind, body in statements:
        if kind in ENDS:
            return str(body["target"]) if isinstance(body, dict) else kind.upper()
    return None


def _unnamed(statements: Sequence[Statement], count: int, saved: SavedRule | None) -> list[XtPart]:
    """Return the `xt` parts of a rule whose names nft does not print (before 1.0.6).

    All that iptables-save prints behind `-m` must then be one of these parts, and nft must show
    nothing else that could be printed there.
    """
    unknown = [XtPart("", "", None)] * count
    if saved is None or not all(map(_plain, statements)):
        return unknown
    kinds = {kind for kind, _ in statements}
    target = (
        [] if saved.target is None or kinds & ENDS else [XtPart("target", saved.target, saved.rest)]
    )
    matches = [XtPart("match", *one) for one in saved.matches if one[0] not in kinds & {"limit"}]
    # Before 1.8.9 iptables-nft keeps a comment beside the rule: it is printed, but is not part of
    # it.
    for choice in (matches, [part for part in matches if part.name != "comment"]):
        if len(choice) + len(target) == count:
            return choice + target
    return unknown


def _plain(statement: Statement) -> bool:
    """Return whether iptables-save prints this before the first `-m`, behind `-j`, or as `-m
    limit`.
    """
    if statement.kind != "match":
        return statement.kind in {"xt", "counter", "limit", *ENDS}
    kind, what = a_member(an_object(statement.body)["left"])
    if kind == "payload":
        header, field = (text_at(an_object(what), name) for name in ("protocol", "field"))
        return header in {"ip", "ip6"} and field in ADDRESSES
    return kind == "meta" and text_at(an_object(what), "key") in DEVICES
