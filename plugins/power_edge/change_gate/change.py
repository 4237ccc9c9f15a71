"""What differs between two configurations: items after derivation, and fields of other files."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from power_edge.config.schema import write_only
from power_edge.config.yaml_reader import Document
from power_edge.model import Item, Source, Value
from power_edge.resources import resource


class Kind(StrEnum):
    """What happened to an item or a field."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Field(NamedTuple):
    """One field that differs. Both values are None for a secret."""

    name: str
    was: Value
    now: Value
    secret: bool = False


class Change(NamedTuple):
    """One item of one node that differs, or one field of another of its files."""

    node: str
    """As it is called after the change; before, if it is gone."""
    type: str
    """The resource type, or the name of the file."""
    name: str
    """The item's name, or the path of the field."""
    key: str
    """Identifies the same item on other nodes."""
    kind: Kind
    fields: tuple[Field, ...]
    source: Source
    """Where it is declared; if it is removed, where it was."""
    reasons: tuple[str, ...] = ()
    """Why it is demanded, or was, if a role or a section does so."""
    role: str | None = None
    """The role or section whose changed file is the cause."""
    cause: Source | None = None
    """Where that file has changed."""
    of_node: bool = False
    """Whether its node as a whole is added or removed."""
    spellings: tuple[str, ...] = ()
    """All names of the item."""

    @property
    def is_item(self) -> bool:
        """Whether it is an item, and not a field of a file that declares none."""
        return not self.type.endswith(".yaml")

    @property
    def paths(self) -> tuple[tuple[str, ...], ...]:
        """The paths of the change as a policy writes them, in every spelling, so that no spelling
        evades a rule. The first one is for display.
        """
        if not self.is_item:
            return ((self.name,),)
        by = ((self.role,),) if self.role is not None else ()
        names = tuple(dict.fromkeys([self.name, *self.spellings]))
        return (
            *by,
            *(tuple(f"{self.type}.{name}.{field.name}" for name in names) for field in self.fields),
        )


class Group(NamedTuple):
    """The same change on several nodes."""

    changes: tuple[Change, ...]

    @property
    def first(self) -> Change:
        """The change on the first node."""
        return self.changes[0]

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes, by name."""
        return tuple(change.node for change in self.changes)


def of_items(
    node: str, before: Sequence[Item], now: Sequence[Item], roles: Mapping[str, Source]
) -> Iterator[Change]:
    """Yield what differs between the items of a node.

    `roles` are those whose files differ, and where.
    """
    old = {(item.type, item.key): item for item in before}
    new = {(item.type, item.key): item for item in now}
    for key in dict.fromkeys([*old, *new]):
        first, second = old.get(key), new.get(key)
        fields = tuple(differences(first, second))
        if not fields:
            continue
        item = second if second is not None else first
        assert item is not None
        kind = Kind.REMOVED if second is None else Kind.ADDED if first is None else Kind.CHANGED
        role = next((each for each in _files(second, first) if each in roles), None)
        yield Change(
            node,
            item.type,
            item.name,
            item.key,
            kind,
            fields,
            item.source,
            tuple(dict.fromkeys(reason.text for reason in item.reasons)),
            role,
            roles[role] if role is not None else None,
            spellings=tuple(_spellings(item, first)),
        )


_SWAPPED = {ord("."): "/", ord("/"): "."}


def _spellings(item: Item, before: Item | None) -> Iterator[str]:
    """Yield the names that a policy may have for an item: those declared, the one that identifies
    it, and the usual ones that mean the same (`net.ipv4.ip_forward`, `ssh` for `ssh.service`).
    """
    yield item.name
    if before is not None:
        yield before.name
    same = resource(item.type).canonical
    for name in (item.key, item.key.translate(_SWAPPED), item.key.rpartition(".")[0]):
        if same(name) == item.key:
            yield name


def _files(*items: Item | None) -> Iterator[str]:
    """Yield the roles and sections that demand an item."""
    for item in items:
        yield from (reason.by for reason in item.reasons) if item is not None else ()


def differences(first: Item | None, second: Item | None) -> Iterator[Field]:
    """Yield the fields that differ, and at least one if the declarations are not equal."""
    if first is not None and second is not None and first.declared == second.declared:
        return
    kind = resource((second or first or _never()).type)
    hidden = {
        name for each in (first, second) if each is not None for name in kind.hidden(each.declared)
    }
    values = [
        {} if each is None else {**each.expected, **kind.leniencies(each.declared)}
        for each in (first, second)
    ]
    is_shown = False
    for name in dict.fromkeys([*values[0], *values[1]]):
        was, now = values[0].get(name), values[1].get(name)
        if name in hidden:
            is_shown = True
            yield Field(name, None, None, secret=True)
        elif was != now or (name in values[0]) != (name in values[1]):
            is_shown = True
            yield Field(name, was, now)
    if is_shown:
        return
    if first is None or second is None:
        yield Field("declared", first is not None, second is not None)
    elif kind.key is not None:
        # What is shown of two secrets may be the same.
        yield Field("declaration", None, None, secret=True)


def _never() -> Item:
    raise AssertionError("one of two items is there")


def of_document(
    node: str, file: str, before: Document | None, now: Document | None, only: Iterable[str] = ()
) -> Iterator[Change]:
    """Yield what differs between the values of two versions of a file of a node.

    `only` are the keys that count; by default all. Values of keys that may hold a password are
    secrets.
    """
    keys = frozenset(only)
    old, new = ({} if each is None else dict(_leaves(each.value, keys)) for each in (before, now))
    for path in dict.fromkeys([*old, *new]):
        if path in old and path in new and same(old[path], new[path]):
            continue
        document = now if path in new else before
        assert document is not None
        secret = any(step in write_only() for step in path)
        values = (None, None) if secret else (old.get(path), new.get(path))
        kind = Kind.CHANGED if path in old and path in new else Kind.ADDED
        yield Change(
            node,
            file,
            _in_words(path),
            _in_words(path),
            kind if path in new else Kind.REMOVED,
            (Field("", *values, secret=secret),),
            _place(document, path),
        )


_Path = tuple[str, ...]


def _leaves(value: Mapping[str, Value], only: frozenset[str]) -> Iterator[tuple[_Path, Value]]:
    """Yield the scalars and lists of a file by their paths.

    The entries of a list that all have a name of their own are found by it, as in `roles`.
    """

    def found(path: _Path, part: Value) -> Iterator[tuple[_Path, Value]]:
        inner = _by_name(part)
        if inner:
            for key, each in inner.items():
                yield from found((*path, key), each)
        else:
            yield path, part

    for key, part in value.items():
        if not only or key in only:
            yield from found((key,), part)


def _by_name(part: Value) -> Mapping[str, Value] | None:
    if isinstance(part, Mapping):
        return part
    if isinstance(part, list) and part:
        names = [each.get("name") if isinstance(each, Mapping) else None for each in part]
        if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return {str(name): each for name, each in zip(names, part, strict=True)}
    return None


def _place(document: Document, path: _Path) -> Source:
    """Return the place of a value, or of the nearest around it."""
    steps: list[str | int] = []
    value: Value = document.value
    for step in path:
        if isinstance(value, Mapping):
            steps.append(step)
            value = value.get(step)
        elif isinstance(value, list):
            index = next(
                index
                for index, each in enumerate(value)
                if isinstance(each, Mapping) and each.get("name") == step
            )
            steps.append(index)
            value = value[index]
    return document.find(tuple(steps), key=True)


def _in_words(path: _Path) -> str:
    return ".".join(path)


def same(one: Value, other: Value) -> bool:
    """Whether two values are equal; 1, 1.0 and true are not."""
    return canonical(one) == canonical(other)


def canonical(value: Value) -> str:
    """Return a text that is the same for equal values. 1, 1.0 and true give different texts."""
    return json.dumps(value, sort_keys=True)


def grouped(changes: Iterable[Change]) -> list[Group]:
    """Return the changes with equal ones of several nodes together, in a fixed order."""
    found: dict[tuple[str, ...], list[Change]] = {}
    for change in changes:
        key = (
            change.role or "",
            change.type,
            change.name,
            change.kind,
            *(
                canonical([field.name, field.was, field.now, field.secret])
                for field in change.fields
            ),
        )
        found.setdefault(key, []).append(change)
    return [
        Group(tuple(sorted(found[key], key=lambda change: change.node))) for key in sorted(found)
    ]
