"""Two configurations side by side: which node is which, and what differs."""

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

from power_edge.change_gate.change import Change, Kind, canonical, of_document, of_items, same
from power_edge.change_gate.repository import LINK, Blob
from power_edge.config import ConfigError, Node, select
from power_edge.config.all_nodes import load_all
from power_edge.config.node_configs import (
    FILES,
    NODE_CONFIGS,
    ROLES,
    SOURCES,
    STATE,
    node_file,
    nodes,
    read_file,
)
from power_edge.config.policy import POLICY
from power_edge.config.role_files import own
from power_edge.config.yaml_reader import Document, read
from power_edge.identity.identifiers import expected
from power_edge.identity.match import one_machine
from power_edge.model import Source

_PIECE = 1 << 20
"""Bytes of a file that are in memory at once: a change may bring one of any size."""


@dataclass(frozen=True)
class Side:
    """A node-configs/ as it is before or after a change."""

    nodes: Mapping[str, Node]
    broken: Mapping[str, ConfigError] = field(default_factory=dict)
    """Nodes that cannot be used; only before a change."""
    roles: Mapping[str, Document] = field(default_factory=dict)
    """The files of node-configs/roles/, by role."""


class Pair(NamedTuple):
    """A node before and after a change; None if it is not there."""

    before: Node | None
    now: Node | None

    @property
    def name(self) -> str:
        """The node's name after the change; before it, if it is gone."""
        node = self.now or self.before
        assert node is not None
        return node.name

    @property
    def is_renamed(self) -> bool:
        """Whether it is one machine with two names."""
        return (
            self.before is not None and self.now is not None and self.before.name != self.now.name
        )


class RoleChange(NamedTuple):
    """A file of node-configs/roles/ that differs."""

    name: str
    what: str
    """In words: `rule changed`, `is new`, `is gone`."""
    source: Source


@dataclass(frozen=True)
class Difference:
    """All that differs between two sides."""

    pairs: Sequence[Pair]
    """All nodes by name, including those that are equal on both sides."""
    broken: Sequence[str]
    """Nodes that cannot be used before the change: all that they declare counts as new."""
    roles: Sequence[RoleChange]
    changes: Sequence[Change]
    files: Sequence["FileChange"]

    @cached_property
    def touched(self) -> Sequence[str]:
        """The nodes that the change affects, by name."""
        names = {change.node for change in self.changes}
        names |= {
            pair.name
            for pair in self.pairs
            if pair.before is None or pair.now is None or pair.is_renamed
        }
        return sorted({*names, *self.removed})

    @cached_property
    def added(self) -> Sequence[str]:
        """The nodes that are new, without those that could not be used before."""
        names = [pair.name for pair in self.pairs if pair.before is None]
        return [name for name in names if name not in self.broken]

    @cached_property
    def removed(self) -> Sequence[str]:
        """The nodes that are gone."""
        present_names = {pair.name for pair in self.pairs if pair.now is not None}
        gone = [pair.name for pair in self.pairs if pair.now is None]
        return sorted([*gone, *(name for name in self.broken if name not in present_names)])

    @cached_property
    def is_empty(self) -> bool:
        """Whether nothing below node-configs/ differs."""
        return not self.files and not self.touched

    @property
    def is_committed(self) -> bool:
        """Whether HEAD has all of it."""
        return all(file.is_committed for file in self.files)


def difference(old: Side, new: Side, files: Sequence["FileChange"]) -> Difference:
    """Return what differs; `files` as changed_files has them."""
    pairs, roles = paired(old, new), changed_roles(old, new)
    return Difference(
        pairs,
        sorted(old.broken),
        roles,
        list(changes(old, pairs, {role.name: role.source for role in roles})),
        files,
    )


def before(root: Path) -> Side:
    """Return the side before the change. A node that cannot be used is in `broken`.

    Raises ConfigError if this machine cannot read its files: an unread node is not a missing one.
    """
    whole = load_all(root, nodes(root))
    if unread := [problem for problem in whole.problems if problem.unread]:
        raise ConfigError(unread)
    return Side(whole.nodes, whole.broken, _roles(root))


def after(root: Path) -> Side:
    """Return the side that is judged. Raises ConfigError with all problems."""
    whole = load_all(root, select(root, ["*"]))
    if whole.problems:
        raise ConfigError(dict.fromkeys(whole.problems))
    return Side(whole.nodes, roles=_roles(root))


def _roles(root: Path) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for name in own(root):
        file = f"{name}.yaml"
        with suppress(ConfigError):  # loading the nodes reports it
            content = read_file(root / ROLES, file)
            if content is not None:
                found[name] = read(content, node_file(root / ROLES, file))
    return found


def paired(old: Side, new: Side) -> list[Pair]:
    """Return each node once, by name. A node of another name with the same identity is renamed."""
    gone = {name: node for name, node in old.nodes.items() if name not in new.nodes}
    pairs: list[Pair] = []
    for name, node in new.nodes.items():
        if name in old.nodes:
            pairs.append(Pair(old.nodes[name], node))
            continue
        was = next((each for each in gone.values() if _one_machine(each, node)), None)
        if was is not None:
            del gone[was.name]
        pairs.append(Pair(was, node))
    pairs += [Pair(node, None) for node in gone.values()]
    return sorted(pairs, key=lambda pair: pair.name)


def _one_machine(one: Node, other: Node) -> bool:
    if one.system_identity is None or other.system_identity is None:
        return False
    return one_machine(expected(one.system_identity), expected(other.system_identity)) is not None


def changed_roles(old: Side, new: Side) -> list[RoleChange]:
    """Return the files of roles whose values differ, by name."""
    found: list[RoleChange] = []
    for name in sorted({*old.roles, *new.roles}):
        first, second = old.roles.get(name), new.roles.get(name)
        if first is None and second is not None:
            found.append(RoleChange(name, "the file is new", second.find(())))
        elif second is None and first is not None:
            place = first.find(())._replace(line=0)
            found.append(RoleChange(name, "the file is gone", place))
        elif first is not None and second is not None and not same(first.value, second.value):
            found.append(_role_change(name, first, second))
    return found


def _role_change(name: str, first: Document, second: Document) -> RoleChange:
    """Return what differs in a role's file: its rules, and else its other fields."""
    keys = [
        key
        for key in dict.fromkeys([*second.value, *first.value])
        if (key in first.value) != (key in second.value)
        or not same(first.value.get(key), second.value.get(key))
    ]
    if "rules" not in keys:
        return RoleChange(name, f"{keys[0]} changed", second.find((keys[0],), key=True))
    before, now = first.value.get("rules"), second.value.get("rules")
    whole = second.find(("rules",), key=True)
    if not (isinstance(before, list) and isinstance(now, list)):
        return RoleChange(name, "rules changed", whole)
    old, new = [canonical(rule) for rule in before], [canonical(rule) for rule in now]
    kept = [rule for rule in new if rule in old]
    differing = [index for index, rule in enumerate(new) if rule not in old]
    place = second.find(("rules", differing[0])) if differing else whole
    if len(old) == len(new) and len(differing) == 1:
        return RoleChange(name, "rule changed", place)
    if not differing and len(new) < len(old):
        what = "rule removed" if len(old) - len(new) == 1 else "rules removed"
        return RoleChange(name, what, place)
    if differing and len(kept) == len(old):
        return RoleChange(name, "rule added" if len(differing) == 1 else "rules added", place)
    return RoleChange(name, "rules changed", place)


def changes(old: Side, pairs: Sequence[Pair], roles: Mapping[str, Source]) -> Iterator[Change]:
    """Yield all changes of all nodes. One that gets the machine of another is compared with that
    node as well. `roles` are those whose files differ, and where.
    """
    for pair in pairs:
        whole = pair.before is None or pair.now is None
        found = [
            *of_items(
                pair.name,
                pair.before.items if pair.before is not None else (),
                pair.now.items if pair.now is not None else (),
                {} if whole else roles,
            ),
            *_of_files(pair),
        ]
        yield from (change._replace(of_node=True) for change in found) if whole else found
        if pair.now is None:
            continue
        if (was := _had_its_machine(old, pair.before, pair.now)) is not None:
            yield from of_items(pair.name, was.items, pair.now.items, {})
            yield from _of_files(pair._replace(before=was))


def _had_its_machine(old: Side, before: Node | None, now: Node) -> Node | None:
    """Return the node that a node's machine was before the change; None if it is the same, or none.

    Otherwise demands on a machine could be dropped unnoticed: two nodes swap their identities, and
    each keeps its own items.
    """
    if before is not None and _one_machine(before, now):
        return None
    return next(
        (each for each in old.nodes.values() if each is not before and _one_machine(each, now)),
        None,
    )


def _of_files(pair: Pair) -> Iterator[Change]:
    for name in FILES:
        contents = [
            None if node is None else read_file(node.path, name) for node in (pair.before, pair.now)
        ]
        if contents[0] == contents[1] or (name == STATE and _same_head(pair)):
            continue
        documents = [
            None if content is None or node is None else read(content, node_file(node.path, name))
            for content, node in zip(contents, (pair.before, pair.now), strict=True)
        ]
        only = ("version", "metadata") if name == STATE else ()
        yield from of_document(pair.name, name, documents[0], documents[1], only)


def _same_head(pair: Pair) -> bool:
    """Whether what state.yaml says beside its items is the same: reading it twice takes long."""
    if pair.before is None or pair.now is None:
        return False
    old, new = pair.before.state, pair.now.state
    return (old.version, old.metadata) == (new.version, new.metadata)


class FileChange(NamedTuple):
    """A file below node-configs/ that differs, by its path with `node-configs/`."""

    path: str
    kind: Kind
    is_committed: bool
    """Whether it is in HEAD as it is in the work tree."""


def changed_files(
    root: Path, old: Mapping[str, Blob], committed: Mapping[str, Blob], present: Collection[str]
) -> list[FileChange]:
    """Return the files that differ between a commit and the work tree, by path.

    `old` and `committed` are the trees of the base and of HEAD; `present` are the files of the work
    tree. A file that git ignores counts too if a check reads it: a node's file or source, a role,
    the policy.
    """
    known = {*old, *committed, *present, *_read_files(root)}
    found: list[FileChange] = []
    for name in sorted(known):
        path = Path(os.path.join(root, name))  # noqa: PTH118 a hostile name may not be part of one
        example = old.get(name) or committed.get(name)
        now = _blob(path, len(example.hash) if example is not None else 40)
        was = old.get(name)
        is_committed = now == _plain(committed.get(name))
        if now == _plain(was):
            if not is_committed:
                # HEAD has a change that the work tree takes back.
                found.append(FileChange(f"{NODE_CONFIGS}/{name}", Kind.CHANGED, False))
            continue
        kind = Kind.ADDED if was is None else Kind.REMOVED if now is None else Kind.CHANGED
        found.append(FileChange(f"{NODE_CONFIGS}/{name}", kind, is_committed))
    return found


def _read_files(root: Path) -> Iterator[str]:
    for folder in nodes(root):
        for name in FILES:
            if os.path.lexists(folder / name):
                yield f"{folder.name}/{name}"
        for above, _, names in os.walk(folder / SOURCES):
            for name in names:
                yield str(Path(above, name).relative_to(root))
    for name in own(root):
        yield f"{ROLES}/{name}.yaml"
    if os.path.lexists(root / POLICY):
        yield POLICY


def _plain(blob: Blob | None) -> tuple[bool, str] | None:
    """Return a blob without its permissions: nothing here reads those."""
    return None if blob is None else (blob.mode == LINK, blob.hash)


def _blob(path: Path, length: int) -> tuple[bool, str] | None:
    """Return what git would keep of a file: is it a link, and its hash; None for no file."""
    try:
        if path.is_symlink():
            content = os.fsencode(path.readlink())
            return True, _hash([content], len(content), length)
        if not path.is_file():  # reading a pipe would wait
            return None
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return False, _hash(iter(partial(file.read, _PIECE), b""), size, length)
    except OSError:
        return None


def _hash(pieces: Iterable[bytes], size: int, length: int) -> str:
    """Return git's name of a file: SHA-1, or SHA-256 where the repository uses that.

    A file that grows meanwhile has another name than any that git keeps.
    """
    digest = hashlib.sha1() if length == 40 else hashlib.sha256()
    digest.update(b"blob %d\0" % size)
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def in_base(error: ConfigError, commit: str) -> ConfigError:
    """Return an error with messages that say that the base is meant."""
    return ConfigError(
        each._replace(message=f"in the base ({commit[:12]}): {each.message}")
        for each in error.problems
    )
