"""A node: its folder, read and checked completely."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from power_edge.config.content_sources import with_sources
from power_edge.config.error import ConfigError, refuse
from power_edge.config.node_configs import (
    CONNECTION,
    NODE_CONFIGS,
    NODE_IDENTITY,
    SCHEMAS,
    STATE,
    SYSTEM_IDENTITY,
    WATCHER,
    is_dangling,
    links_out,
    misnamed,
    node_file,
    read_file,
    shown_name,
)
from power_edge.config.node_names import check_name
from power_edge.config.schema import schema
from power_edge.config.schema_needs import check_not_newer, check_says_enough, has_newer_fields
from power_edge.config.state import State, check_schema, state_of
from power_edge.config.yaml_reader import Document, read
from power_edge.model import Item, Problem, Source, Value
from power_edge.text import quoted

if TYPE_CHECKING:
    from power_edge.config.derived import Derived
    from power_edge.model.generated.connection_schema import Connection
    from power_edge.model.generated.node_identity_schema import NodeIdentity
    from power_edge.model.generated.system_identity_schema import SystemIdentity
    from power_edge.model.generated.watcher_schema import Watcher

T = TypeVar("T")

_NETWORK = "#/$defs/node_identity_network"


@dataclass(frozen=True, kw_only=True)
class Node:
    """What the files of a node declare. None stands for an optional file that does not exist.

    Every file has been checked. identity.yaml and watcher.yaml are converted to their types when
    first used: few runs need them, and that takes longer than reading 1,000 items.
    """

    name: str
    path: Path
    state: State
    derived: "Derived | None" = None
    """All items, with those that identity.yaml demands. None if it demands nothing."""
    system_identity: "SystemIdentity | None" = None
    connection: "Connection | None" = None
    identity_document: Document | None = None
    watcher_document: Document | None = None

    @property
    def items(self) -> tuple[Item, ...]:
        """The items of state.yaml, in its order, and then those that identity.yaml demands."""
        return self.state.items if self.derived is None else self.derived.items

    def with_items(self, items: Iterable[Item]) -> "Node":
        """Return the node with these items in place of its own."""
        from power_edge.config.derived import Derived

        return replace(self, derived=Derived(tuple(items)))

    @cached_property
    def identity(self) -> "NodeIdentity | None":
        """The content of identity.yaml."""
        from power_edge.model.generated.node_identity_schema import NodeIdentity

        return (
            None
            if self.identity_document is None
            else _converted(self.identity_document, NodeIdentity)
        )

    @cached_property
    def watcher(self) -> "Watcher | None":
        """The content of watcher.yaml."""
        from power_edge.model.generated.watcher_schema import Watcher

        return None if self.watcher_document is None else _converted(self.watcher_document, Watcher)


def load_node(
    folder: Path, instead: Mapping[str, bytes] = {}, *, with_derived: bool = True
) -> Node:
    """Return the node of a folder.

    `instead`: contents by file name, for files that are not written yet. Without
    `with_derived`, what identity.yaml demands is left out: for what reads a machine and checks
    nothing. Raises ConfigError with the problems of all files.
    """
    name = folder.name
    check_name(name)
    if is_dangling(folder):
        raise refuse(
            f"{NODE_CONFIGS}/{name}",
            "is a symbolic link to something that does not exist",
            "point it to the node's folder, or remove it",
        )
    problems: list[Problem] = []
    misnamed_files = misnamed(folder)

    def load(file: str, make: Callable[[bytes, str], T]) -> T | None:
        try:
            data = instead[file] if file in instead else read_file(folder, file)
            return None if data is None else make(data, node_file(folder, file))
        except ConfigError as error:
            problems.extend(error.problems)
            return None

    declared = load(STATE, read)
    if declared is not None:
        check_not_newer(declared, "state")  # its other files are for the same version
    state = None if declared is None else load(STATE, lambda _, __: state_of(declared, name))
    identity = load(NODE_IDENTITY, _identity_document)
    system_identity = load(SYSTEM_IDENTITY, load_system_identity)
    connection = load(CONNECTION, _load_connection)
    watcher = load(WATCHER, lambda data, file: _checked(data, file, "watcher"))
    problems.extend(links_out(folder))
    problems.extend(
        Problem(
            Source(node_file(folder, shown_name(file)), 0),
            f"is not read: its name must be {correct_name}",
            f"rename it to {correct_name}, or remove it",
        )
        for file, correct_name in misnamed_files.items()
    )
    if state is None and STATE not in misnamed_files.values():
        place = node_file(folder, STATE)
        if not any(problem.source.file == place for problem in problems):
            problems.append(Problem(Source(place, 0), "is missing", _hint_for_missing_state(name)))
    if problems or state is None or declared is None:
        raise ConfigError(problems)
    _check_without_version(folder, instead, declared)
    derived = None
    if with_derived and identity is not None:
        from power_edge.config.derived import join  # 6 ms, which a node without roles need not take

        platform = None if system_identity is None else _builtins(system_identity.platform)
        derived = join(folder, state, declared, identity, platform)
    if derived is not None:
        derived = derived._replace(items=with_sources(folder, derived.items))
    else:
        state = state._replace(items=with_sources(folder, state.items))
    return Node(
        name=name,
        path=folder,
        state=state,
        derived=derived,
        system_identity=system_identity,
        connection=connection,
        identity_document=identity,
        watcher_document=watcher,
    )


def _check_without_version(folder: Path, instead: Mapping[str, bytes], state: Document) -> None:
    """Check that state.yaml says a version that the files without one can use.

    Raises ConfigError.
    """
    for file, name in SCHEMAS.items():
        if "version" not in schema(name)["properties"] and has_newer_fields(name):
            data = instead[file] if file in instead else read_file(folder, file)
            if data is not None:
                check_says_enough(read(data, node_file(folder, file)), name, state)


def _hint_for_missing_state(name: str) -> str:
    return (
        f"write it, or run `power-edge discover TARGET --as {quote(name)}`; "
        "if this folder is not a node, move its other files out of it"
    )


def load_system_identity(data: bytes, file: str) -> "SystemIdentity":
    """Return the content of a system-identity.yaml; `file` is its path as messages show it.

    Raises ConfigError.
    """
    from power_edge.identity.consistency import contradictions
    from power_edge.model.generated.system_identity_schema import SystemIdentity

    document = _checked(data, file, "system-identity")
    identity = _converted(document, SystemIdentity)
    found = contradictions(identity, schema("system-identity")["$defs"])
    if problems := [
        Problem(document.find(path, key=key), message, hint) for path, message, hint, key in found
    ]:
        raise ConfigError(problems)
    return identity


def load_node_identity(data: bytes, file: str) -> "NodeIdentity":
    """Return the content of an identity.yaml; `file` is its path as messages show it.

    Raises ConfigError.
    """
    from power_edge.model.generated.node_identity_schema import NodeIdentity

    return _converted(_identity_document(data, file), NodeIdentity)


def _identity_document(data: bytes, file: str) -> Document:
    document = _checked(data, file, "node-identity")
    root = schema("node-identity")
    if problems := [
        Problem(
            document.find(path),
            f"{quoted(text)} is not a network",
            "write an address and the length of its prefix, such as 10.8.0.0/24 or fd00::/64",
        )
        for path, text in _networks(document.value, root, ())
        if not _is_network(text)
    ]:
        raise ConfigError(problems)
    return document


def _networks(
    value: Any, part: Mapping[str, Any], path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the values that the schema calls a network, with their paths."""
    if part.get("$ref") == _NETWORK:
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _networks(inner, part.get("properties", {}).get(key, {}), (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _networks(inner, part.get("items", {}), (*path, index))


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def _builtins(platform: object) -> dict[str, Value]:
    built: dict[str, Value] = msgspec.to_builtins(platform) if platform is not None else {}
    return built


def _load_connection(data: bytes, file: str) -> "Connection":
    from power_edge.model.generated.connection_schema import Connection

    return _converted(_checked(data, file, "connection"), Connection)


def _checked(data: bytes, file: str, schema_name: str) -> Document:
    document = read(data, file)
    check_schema(document, schema_name)
    return document


def _converted(document: Document, type_: type[T]) -> T:
    value: Any = document.value
    return msgspec.convert(value, type_)
