"""The items that identity.yaml demands, joined with those of state.yaml.

The same demand in both files, or of several roles, is one item with all its origins. Two demands
that cannot both hold are a configuration error.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from power_edge.config.error import ConfigError
from power_edge.config.role_files import (
    Loaded,
    check_requirements,
    load,
    no_role,
    refused,
    schemas,
)
from power_edge.config.state import State, entries, section_of
from power_edge.config.yaml_reader import Document
from power_edge.model import Item, Problem, Reason, ResourceType, Source, Value
from power_edge.resources import resource
from power_edge.roles.derive import Beside, Demand, declared_roles, derive, sections
from power_edge.roles.faults import Path as YamlPath
from power_edge.text import identifier, quoted


class Note(NamedTuple):
    """Why a role or a section derives nothing, for people."""

    source: Source
    text: str


class Derived(NamedTuple):
    """All items of a node, those of state.yaml first, and what derives nothing."""

    items: tuple[Item, ...]
    notes: tuple[Note, ...] = ()
    sections: Mapping[str, Any] = {}
    """The sections of state.yaml with what identity.yaml adds, by resource type; those alone that
    it demands something of.
    """


def join(
    folder: Path,
    state: State,
    declared: Document,
    identity: Document,
    platform: Mapping[str, Value] | None,
) -> Derived:
    """Return the items of a node: those of its state.yaml, and those that identity.yaml demands.

    `folder` is the node's; the operator's own roles are beside it. `declared` is the document of
    `state`, `platform` that part of system-identity.yaml (None without such a file). Raises
    ConfigError with all problems.
    """
    files = _files(folder.parent, identity)
    derivation = derive(
        identity.value,
        Beside(platform, declared.value),
        {name: file.role for name, file in files.items()},
        schemas(),
    )
    problems = [
        Problem(identity.find(fault.path, key=True), fault.message, fault.hint)
        for fault in derivation.faults
    ]
    by_type: dict[str, list[Demand]] = {}
    for demand in derivation.demands:
        file = files[demand.file]
        item = {demand.type: demand.declaration}
        found = list(refused(file.document, demand.rule, item, template=False))
        place = identity.find(demand.path, key=True)
        problems += [
            each._replace(message=f"{each.message} (derived from {place})") for each in found
        ]
        if not found:
            by_type.setdefault(demand.type, []).append(demand)
    joined: dict[str, list[Item]] = {}
    together: dict[str, Any] = {}
    for name, demands in by_type.items():
        merger = _Merger(
            resource(name),
            folder.name,
            state=state,
            declared=declared,
            identity=identity,
            files=files,
        )
        joined[name] = list(merger.items(demands))
        together[name] = merger.section
        problems += merger.problems
    if problems:
        raise ConfigError(dict.fromkeys(problems))
    notes = tuple(Note(identity.find(note.path, key=True), note.text) for note in derivation.notes)
    return Derived(tuple(_in_order(state, joined)), notes, together)


def _in_order(state: State, joined: Mapping[str, Sequence[Item]]) -> Iterator[Item]:
    """Yield the items of state.yaml in its order, then the others."""
    of_state = {
        (item.type, item.key): item
        for items in joined.values()
        for item in items
        if item.source.file == state.file
    }
    for item in state.items:
        yield of_state.get((item.type, item.key), item)
    for items in joined.values():
        yield from (item for item in items if item.source.file != state.file)


def _files(root: Path, identity: Document) -> dict[str, Loaded]:
    """Return the files of the roles and sections of an identity.yaml. Raises ConfigError."""
    files: dict[str, Loaded] = {}
    problems: list[Problem] = []
    for role in declared_roles(identity.value):
        place = identity.find(role.path)
        try:
            found = load(root, role.name)
            if found is not None:
                check_requirements(root, found)
        except ConfigError as error:
            problems += error.problems
            continue
        if found is None:
            problems.append(no_role(root, role.name, place))
            continue
        files[role.name] = found
        problems += _settings(identity, ("roles", role.position, "config"), found, role.config)
    for name in sections(identity.value):
        try:
            found = load(root, name)
        except ConfigError as error:
            problems += error.problems
            continue
        if found is not None and found.role.kind == "section":
            files[name] = found
    if problems:
        raise ConfigError(dict.fromkeys(problems))
    return files


def _settings(
    identity: Document, path: YamlPath, file: Loaded, config: Mapping[str, Value]
) -> Iterator[Problem]:
    """Yield why a role's settings do not fit the schema of its file."""
    value: dict[str, Any] = dict(config)
    if file.settings is None:
        if value:
            yield Problem(
                identity.find(path, key=True),
                f"the role {file.role.name} has no settings",
                "remove config",
            )
    elif not file.settings.is_valid(value):
        from power_edge.config.schema_errors import explained

        part = identity.part(path, value)
        yield from explained(part, file.role.config or {}, file.settings.iter_errors(value))


class _Slot(NamedTuple):
    """A declared thing: its path in the section, what it asserts, and who demands it."""

    path: YamlPath
    name: str
    asserts: Mapping[str, Value]
    origins: tuple[Source, ...]
    reasons: tuple[Reason, ...]


class _Merger:
    """Joins what is demanded of one resource type with its section of state.yaml."""

    def __init__(
        self,
        kind: ResourceType[Any, Any],
        node: str,
        *,
        state: State,
        declared: Document,
        identity: Document,
        files: Mapping[str, Loaded],
    ) -> None:
        self.problems: list[Problem] = []
        self._kind, self._node = kind, node
        self._identity, self._files = identity, files
        empty: Any = [] if kind.key is not None else {}
        self.section: Any = deepcopy(declared.value.get(kind.name, empty))
        own = {item.key: item for item in state.items if item.type == kind.name}
        self._slots = {
            key: _Slot(path, name, own[key].expected, own[key].origins, ())
            for name, _, path in entries(kind, self.section)
            if (key := kind.canonical(name)) in own
        }

    def items(self, demands: Sequence[Demand]) -> Iterator[Item]:
        """Yield the items of the type, declared and demanded. Collects problems."""
        kind = self._kind
        for demand in demands:
            self._add(demand)
        by_path = {slot.path: (key, slot) for key, slot in self._slots.items()}
        ids: dict[str, _Slot] = {}
        found = [
            (entry, *by_path[entry.path])
            for entry in entries(kind, self.section)
            if entry.path in by_path
        ]
        for entry, key, slot in found:
            if (first := ids.setdefault(identifier(entry.name), slot)) is not slot:
                self.problems.append(
                    Problem(
                        slot.origins[0],
                        f"{kind.name} {quoted(entry.name)} has the same test id as "
                        f"{quoted(first.name)} ({first.origins[0]})",
                        "declare one of them",
                    )
                )
            for why in dict.fromkeys(kind.problems(entry.declared)) if slot.reasons else ():
                self.problems.append(self._wrong(slot, *why))
            yield Item(
                self._node,
                kind.name,
                entry.name,
                key,
                entry.declared,
                kind.asserts(entry.declared),
                slot.origins,
                slot.reasons,
            )

    def _add(self, demand: Demand) -> None:
        kind = self._kind
        fragment, listed = section_of(kind.name, demand.declaration)
        reason = self._reason(demand)
        for name, declared, path in entries(kind, fragment):
            key, asserts = kind.canonical(name), kind.asserts(declared)
            slot = self._slots.get(key)
            if slot is None:
                self._slots[key] = _Slot(
                    self._put(path, _at(fragment, path)),
                    name,
                    asserts,
                    (reason.source,),
                    (reason,),
                )
                continue
            # What is shown of a secret is the same for all: its entries themselves are compared.
            shared = [field for field in asserts if field in slot.asserts]
            own = self.section[slot.path[0]] if listed else {}
            new = _mapping(demand.declaration) if listed else {}
            contradiction = next(
                (
                    field
                    for field in shared
                    if slot.asserts[field] != asserts[field]
                    or (field in own and field in new and own[field] != new[field])
                ),
                None,
            )
            if contradiction is not None:
                self.problems.append(_contradiction(kind, contradiction, asserts, slot, reason))
                continue
            if listed:
                (index,) = slot.path
                joined = self._joined(self.section[index], demand, declared)
                ((_, both, _),) = entries(kind, [joined])
                lost = {**asserts, **slot.asserts}.keys() - kind.asserts(both).keys()
                if lost:
                    self.problems.append(_lost(kind, min(lost), slot, reason))
                    continue
                self.section[index] = joined
            self._slots[key] = slot._replace(
                asserts={**asserts, **slot.asserts},
                origins=tuple(dict.fromkeys((*slot.origins, reason.source))),
                reasons=tuple(dict.fromkeys((*slot.reasons, reason))),
            )

    def _joined(self, entry: dict[str, Any], demand: Demand, declared: Any) -> dict[str, Any]:
        """Return an entry of a list with the fields of both demands.

        What makes the verdict milder holds only if both have it.
        """
        kind = self._kind
        ((_, before, _),) = entries(kind, [entry])
        one, other = kind.leniencies(before), kind.leniencies(declared)
        dropped = {key for key in {*one, *other} if one.get(key) != other.get(key)}
        both = {**_mapping(demand.declaration), **entry}
        return {key: value for key, value in both.items() if key not in dropped}

    def _reason(self, demand: Demand) -> Reason:
        from power_edge.config.schema_errors import path_in_words

        return Reason(
            self._identity.find(demand.path, key=True),
            path_in_words(demand.path),
            demand.role,
            demand.file,
            demand.reason,
        )

    def _put(self, path: YamlPath, value: Any) -> YamlPath:
        """Put a value into the section, at the end of its list. Return its path there."""
        *around, last = path
        holder = self.section
        for step in around:
            holder = holder.setdefault(step, [])
        if isinstance(last, int):
            holder.append(value)
            return (*around, len(holder) - 1)
        holder[last] = value
        return path

    def _wrong(self, slot: _Slot, field: str, why: str) -> Problem:
        """Return the problem of a demand that cannot hold, by itself or beside another."""
        own = [each.text for each in slot.reasons]
        other = self._opponent(slot)
        beside = f"; the other is {other.origins[0]}" if other is not None else ""
        return Problem(
            slot.reasons[0].source,
            f"{self._kind.name} {quoted(slot.name)}: {f'{field}: ' if field else ''}{why}{beside}",
            f"demanded because {own[0]}",
        )

    def _opponent(self, slot: _Slot) -> _Slot | None:
        """Return the demand that one cannot hold beside; None if it cannot hold by itself."""
        if not isinstance(slot.path[-1], int):
            return None  # the entries of a mapping are independent
        for other in self._slots.values():
            if other.path[:-1] != slot.path[:-1] or other.path >= slot.path:
                continue
            pair = [_at(self.section, each.path) for each in (other, slot)]
            section: Any = pair
            for step in reversed(slot.path[:-1]):
                section = {step: section}
            found = list(entries(self._kind, section))
            if len(found) > 1 and any(self._kind.problems(found[1].declared)):
                return other
        return None


def _contradiction(
    kind: ResourceType[Any, Any],
    field: str,
    asserts: Mapping[str, Value],
    slot: _Slot,
    reason: Reason,
) -> Problem:
    demanded, opposed = asserts[field], slot.asserts[field]
    values = (
        f"must be {quoted(demanded)} here, and {quoted(opposed)} at {slot.origins[0]}"
        if demanded != opposed
        else f"is a secret here, and another one at {slot.origins[0]}"
    )
    return Problem(
        reason.source,
        f"{kind.name} {quoted(slot.name)}: {field} {values}",
        f"change one of them; {reason.text}",
    )


def _lost(kind: ResourceType[Any, Any], field: str, slot: _Slot, reason: Reason) -> Problem:
    """Return the problem of two demands where one ends what the other asserts."""
    return Problem(
        reason.source,
        f"{kind.name} {quoted(slot.name)}: what is demanded here contradicts {slot.origins[0]}"
        f" ({field})",
        f"change one of them; {reason.text}",
    )


def _at(section: Any, path: YamlPath) -> Any:
    for step in path:
        section = section[step]
    return section


def _mapping(value: Value) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
