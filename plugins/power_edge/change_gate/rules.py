"""Does the policy allow a change? One function for each of its rules; all are pure."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cached_property
from typing import NamedTuple

from power_edge.change_gate.change import Change, Kind, differences
from power_edge.change_gate.sides import Difference, Pair
from power_edge.config.node import Node
from power_edge.config.policy import FILE, Policy
from power_edge.model import Item, Source
from power_edge.text import counted, quoted

_PRODUCTION = "production"


class Actor(NamedTuple):
    """Who made a change: all names that a policy may have for each person."""

    persons: tuple[frozenset[str], ...] = ()
    """Empty if it is not verified who made it."""
    why: str = "no --actor was given, and the commits are not all signed with known keys"
    """Why `persons` is empty."""

    @property
    def label(self) -> str:
        """The author, for display."""
        return ", ".join(min(names, key=len) for names in self.persons) or "not verified"

    def is_among(self, names: Iterable[str]) -> bool:
        """Whether each person has one of these names. False if it is not verified who made it."""
        known = {name.casefold() for name in names}
        return bool(self.persons) and all(
            any(each.casefold() in known for each in person) for person in self.persons
        )


class Breach(NamedTuple):
    """A rule of the policy that a change breaks."""

    rule: str
    """The key of the rule in policy.yaml."""
    message: str
    source: Source
    """What breaks it; line 0 for something that was removed, and for a whole file."""
    policy: Source
    lift: str
    """Who can lift the breach, and how."""


@dataclass(frozen=True)
class Case:
    """A change, with all that rules ask about it."""

    policy: Policy
    difference: Difference
    now: datetime
    actor: Actor
    unsigned: Sequence[str] = ()
    """Hashes of commits without a valid signature; empty unless the policy asks for signatures."""
    earlier: Callable[[Collection[str]], Iterable[Mapping[str, Node]]] = lambda _: ()
    """Nodes of these names as they were before the base, the newest state first. Read on demand: it
    takes some time, and only the removal of an item asks for it.
    """

    @cached_property
    def by_path(self) -> Mapping[tuple[str, ...], Sequence[Change]]:
        """The changes of each path of a field, by its spellings."""
        paths: dict[tuple[str, ...], list[Change]] = {}
        for change in self.difference.changes:
            for path in change.paths:
                paths.setdefault(path, []).append(change)
        return paths

    @cached_property
    def keepers(self) -> tuple[str, ...]:
        """Who may change the policy itself: the `who` of entries whose `paths` name policy.yaml."""
        return tuple(
            dict.fromkeys(
                name
                for owner in self.policy.declared.owners or ()
                if any(covers(pattern, FILE) for pattern in owner.paths or ())
                for name in owner.who
            )
        )

    def lifted_by_policy(self, otherwise: str = "") -> str:
        """Return who can lift a rule by changing the policy first."""
        who = (
            f"{_listed(self.keepers)} can change the policy, in a change of its own"
            if self.keepers
            else "the policy has no owner: only a merge without this check can change it"
        )
        return f"{otherwise}, or {who}" if otherwise else who


def breaches(case: Case) -> list[Breach]:
    """Return all breaches, in the order of the rules below."""
    return [breach for rule in RULES.values() for breach in rule(case)]


def covers(pattern: str, path: str) -> bool:
    """Whether a pattern of paths means a file: the file itself, or a folder above it."""
    return fnmatchcase(path, pattern) or fnmatchcase(path, f"{pattern.rstrip('/')}/*")


def touches(pattern: str, spellings: Iterable[str]) -> bool:
    """Whether a pattern of fields means the path of a field, a part of it, or what it is below; in
    any spelling of that path.
    """
    return any(fnmatchcase(f".{path}.", f"*.{pattern}.*") for path in spellings)


def place_of(change: Change) -> Source:
    """Return the place to show for a change: its cause; for a removal, the file alone."""
    if change.cause is not None:
        return change.cause
    return change.source._replace(line=0) if change.kind is Kind.REMOVED else change.source


def _max_nodes(case: Case) -> Iterator[Breach]:
    most, touched = case.policy.declared.max_nodes, case.difference.touched
    if most is not None and len(touched) > most:
        yield Breach(
            "max_nodes",
            f"the change touches {len(touched)} nodes ({_listed(touched)}), and {most} are allowed",
            _first_place(case, touched),
            case.policy.at("max_nodes"),
            case.lifted_by_policy("split the change"),
        )


def _max_share(case: Case) -> Iterator[Breach]:
    touched = set(case.difference.touched)
    for role, share in (case.policy.declared.max_share or {}).items():
        having = [
            pair
            for pair in case.difference.pairs
            if pair.before is not None and role in roles(pair.before)
        ]
        concerned = [
            pair.name
            for pair in case.difference.pairs
            if pair.name in touched
            and any(node is not None and role in roles(node) for node in (pair.before, pair.now))
        ]
        most = max(1, int(share * len(having) + 1e-9))  # 0.29 * 100 is a little less than 29
        if len(concerned) > most:
            yield Breach(
                "max_share",
                f"the change touches {len(concerned)} of the {len(having)} nodes with the role"
                f" {role} ({_listed(concerned)}), and {share:.0%} of them are allowed: {most}",
                _first_place(case, concerned),
                case.policy.at("max_share", role),
                case.lifted_by_policy("split the change"),
            )


def _canary(case: Case) -> Iterator[Breach]:
    canary = case.policy.declared.canary
    if canary is None:
        return
    pairs = {pair.name: pair for pair in case.difference.pairs}
    canaries = [
        _Canary(pair.before.name, pair.name, _by_key(pair.before), _by_key(pair.now))
        for pair in case.difference.pairs
        if pair.before is not None
        and pair.now is not None
        and (
            pair.before.name in (canary.nodes or ())
            or pair.before.state.metadata.environment == canary.environment
        )
    ]
    names = {each.name for each in canaries}
    items: dict[str, Mapping[_Key, Item]] = {}
    changed: dict[_Key, list[Change]] = {}
    removed: dict[_Key, list[Change]] = {}
    for change in case.difference.changes:
        pair = pairs[change.node]
        if (
            not change.is_item
            or pair.now is None
            or change.node in names
            or not _is_production(pair)
        ):
            continue
        if change.node not in items:
            items[change.node] = _by_key(pair.now)
        key = (change.type, change.key)
        wanted = items[change.node].get(key)
        if wanted is None:
            removed.setdefault(key, []).append(change)
        elif not any(_is_as(each.now.get(key), wanted) for each in canaries):
            changed.setdefault(key, []).append(change)
    lost = _lost(removed, canaries, case)
    shown = _listed(sorted(names)) if names else "no node was a canary before the change"
    for found, what, wrong in (
        *(
            (each, "changes on", "has the same declaration after the change")
            for each in changed.values()
        ),
        *(
            (each, "is removed from", "lost it earlier or in this change")
            for key, each in removed.items()
            if key not in lost
        ),
    ):
        first = found[0]
        nodes = [change.node for change in found]
        yield Breach(
            "canary",
            f"{first.type}[{first.name}] {what} {counted(len(nodes), 'production node')}"
            f" ({_listed(nodes)}), and no canary {wrong} ({shown})",
            place_of(first),
            case.policy.at("canary"),
            case.lifted_by_policy("make the same change on a canary"),
        )


_Key = tuple[str, str]
"""The type and the key of an item."""


class _Canary(NamedTuple):
    """A canary: its name in the base and after the change, and its items."""

    old_name: str
    name: str
    before: Mapping[_Key, Item]
    now: Mapping[_Key, Item]


def _lost(keys: Iterable[_Key], canaries: Sequence[_Canary], case: Case) -> set[_Key]:
    """Return the items that a canary had once and has no longer. One that never had an item shows
    nothing about its removal.
    """
    without = {key: [each for each in canaries if key not in each.now] for key in keys}
    lost = {key for key, those in without.items() if any(key in each.before for each in those)}
    left = {key: {each.old_name for each in without[key]} for key in without.keys() - lost}
    names = {name for those in left.values() for name in those}
    for old in case.earlier(names) if names else ():
        had = {name: _by_key(node) for name, node in old.items()}
        lost |= {key for key, those in left.items() if any(key in had.get(n, ()) for n in those)}
        if lost >= left.keys():
            break
    return lost


def _is_as(one: Item | None, other: Item) -> bool:
    return one is not None and not any(differences(one, other))


def _by_key(node: Node) -> Mapping[_Key, Item]:
    return {(item.type, item.key): item for item in node.items}


def _is_production(pair: Pair) -> bool:
    return any(
        node is not None and node.state.metadata.environment == _PRODUCTION
        for node in (pair.before, pair.now)
    )


def _owners(case: Case) -> Iterator[Breach]:
    for index, owner in enumerate(case.policy.declared.owners or ()):
        if case.actor.is_among(owner.who):
            continue
        rule = case.policy.at("owners", index)
        for what, place in _owned(case, owner.paths or (), owner.fields or ()):
            yield Breach(
                "owners",
                f"{what} is changed by {_name(case.actor)}, and is owned by {_listed(owner.who)}",
                place,
                rule,
                f"{_listed(owner.who)} can make the change",
            )


def _owned(case: Case, paths: Sequence[str], fields: Sequence[str]) -> Iterator[tuple[str, Source]]:
    """Yield what a change touches of some paths or fields: one entry for each file or group."""
    for file in case.difference.files:
        if any(covers(pattern, file.path) for pattern in paths):
            yield quoted(file.path, 200)[1:-1], Source(quoted(file.path, 200)[1:-1], 0)
    for path, changes in case.by_path.items():
        if any(touches(pattern, path) for pattern in fields):
            yield f"{quoted(path[0], 200)[1:-1]} ({_where(changes)})", place_of(changes[0])


def _freeze(case: Case) -> Iterator[Breach]:
    for window in case.policy.freeze:
        if window.start <= case.now < window.end and not case.difference.is_empty:
            yield Breach(
                "freeze",
                f"nothing may change until {window.end:%Y-%m-%d %H:%M} UTC: {window.why}",
                _first_place(case, case.difference.touched),
                window.source,
                case.lifted_by_policy("wait"),
            )


def _protected(case: Case) -> Iterator[Breach]:
    for index, pattern in enumerate(case.policy.declared.protected or ()):
        for path, changes in case.by_path.items():
            if not touches(pattern, path):
                continue
            who = [
                name
                for owner in case.policy.declared.owners or ()
                if any(touches(each, path) for each in owner.fields or ())
                for name in owner.who
            ]
            if case.actor.is_among(who):
                continue
            yield Breach(
                "protected",
                f"{quoted(path[0], 200)[1:-1]} is protected, and changed by {_name(case.actor)}"
                f" ({_where(changes)})",
                place_of(changes[0]),
                case.policy.at("protected", index),
                f"{_listed(who)} can make the change" if who else case.lifted_by_policy(),
            )


def _signed(case: Case) -> Iterator[Breach]:
    if not case.policy.declared.signed or case.difference.is_empty:
        return
    place = case.policy.at("signed")
    lift = case.lifted_by_policy("sign the commits")
    if case.unsigned:
        shown = _listed([each[:12] for each in case.unsigned])
        word = "commit has" if len(case.unsigned) == 1 else "commits have"
        yield Breach(
            "signed",
            f"{len(case.unsigned)} {word} no signature that git verifies ({shown})",
            _first_place(case, case.difference.touched),
            place,
            lift,
        )
    if not case.difference.is_committed:
        yield Breach(
            "signed",
            "some of the change is not committed, so it is not signed",
            _first_place(case, case.difference.touched),
            place,
            lift,
        )


def _policy_itself(case: Case) -> Iterator[Breach]:
    """Only those may change the policy that it names as owners of its own file."""
    if any(file.path == FILE for file in case.difference.files) and not case.actor.is_among(
        case.keepers
    ):
        lift = (
            f"{_listed(case.keepers)} can make the change"
            if case.keepers
            else "only people who may merge without this check can change it; they should give the"
            f" policy an owner: owners with paths: [{FILE}]"
        )
        yield Breach(
            "policy",
            f"the policy is changed by {_name(case.actor)}, and"
            f" {f'is owned by {_listed(case.keepers)}' if case.keepers else 'has no owner'}",
            Source(FILE, 0),
            Source(FILE, 1),
            lift,
        )


RULES: Mapping[str, Callable[[Case], Iterator[Breach]]] = {
    "max_nodes": _max_nodes,
    "max_share": _max_share,
    "canary": _canary,
    "owners": _owners,
    "freeze": _freeze,
    "protected": _protected,
    "signed": _signed,
    "policy": _policy_itself,
}
"""The rules by their keys in policy.yaml; `policy` is about the file itself."""


def roles(node: Node) -> frozenset[str]:
    """Return the roles that a node has."""
    identity = node.identity
    return frozenset(
        role.name for role in (identity.roles if identity else None) or () if role.enabled
    )


def person(signer: str) -> frozenset[str]:
    """Return the names of a signer: as git says it, and the address in it."""
    return frozenset([signer, *re.findall(r"<([^<>]+)>\Z", signer)])


def _name(actor: Actor) -> str:
    return (
        quoted(actor.label, 200)[1:-1]
        if actor.persons
        else f"an author who is not verified ({actor.why})"
    )


def _first_place(case: Case, nodes: Iterable[str]) -> Source:
    """Return the first place of a change on one of the nodes, else of a file."""
    known = set(nodes)
    found = next((change for change in case.difference.changes if change.node in known), None)
    if found is not None:
        return place_of(found)
    file = next((each.path for each in case.difference.files), FILE)
    return Source(quoted(file, 200)[1:-1], 0)


def _where(changes: Sequence[Change]) -> str:
    nodes = sorted({change.node for change in changes})
    return f"{counted(len(nodes), 'node')}: {_listed(nodes)}"


_SHOWN = 5


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(quoted(name)[1:-1] for name in names[:_SHOWN]) + more
