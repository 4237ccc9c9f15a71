"""A node: its folder, read and checked as a whole."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from power_edge.config.error import ConfigError, refuse
from power_edge.config.node_configs import (
    NODE_CONFIGS,
    STATE,
    leads_nowhere,
    links_out,
    misnamed,
    node_file,
    read_file,
    shown_name,
)
from power_edge.config.schema import schema
from power_edge.config.state import State, checked, load_state
from power_edge.config.yaml_reader import Document, read
from power_edge.model import Item, Problem, Source
from power_edge.text import quoted

if TYPE_CHECKING:
    from power_edge.model.generated.connection_schema import Connection
    from power_edge.model.generated.node_identity_schema import NodeIdentity
    from power_edge.model.generated.system_identity_schema import SystemIdentity
    from power_edge.model.generated.watcher_schema import Watcher

T = TypeVar("T")

_NAME = re.compile(r"[\w+@][\w.+@ -]{0,254}")


@dataclass(frozen=True, kw_only=True)
class Node:
    """What is declared of a node. Of the optional files None is: there is none.

    Every file has been checked; the types of those that few runs look into are made when they are
    asked for, for making them takes longer than reading 1,000 items does.
    """

    name: str
    path: Path
    state: State
    system_identity: "SystemIdentity | None" = None
    connection: "Connection | None" = None
    identity_document: Document | None = None
    watcher_document: Document | None = None

    @property
    def items(self) -> tuple[Item, ...]:
        return self.state.items

    @cached_property
    def identity(self) -> "NodeIdentity | None":
        """identity.yaml."""
        from power_edge.model.generated.node_identity_schema import NodeIdentity

        return (
            None
            if self.identity_document is None
            else _converted(self.identity_document, NodeIdentity)
        )

    @cached_property
    def watcher(self) -> "Watcher | None":
        """watcher.yaml."""
        from power_edge.model.generated.watcher_schema import Watcher

        return None if self.watcher_document is None else _converted(self.watcher_document, Watcher)


def check_name(name: str) -> None:
    """Raises ConfigError for what is no name for a node."""
    if not _NAME.fullmatch(name):
        raise refuse(
            f"{NODE_CONFIGS}/{quoted(name)[1:-1]}",
            "is no name for a node",
            "letters, digits and . _ + - @ and blanks inside make one",
        )


def load_node(folder: Path, instead: Mapping[str, bytes] = {}) -> Node:
    """The node of a folder, or as it would be with files that are yet to be written (`instead`, by
    name).

    Raises ConfigError with the problems of all its files.
    """
    name = folder.name
    check_name(name)
    if leads_nowhere(folder):
        raise refuse(
            f"{NODE_CONFIGS}/{name}",
            "is a symbolic link that leads nowhere",
            "make it lead to the node's folder, or remove it",
        )
    problems: list[Problem] = []

    def load(file: str, make: Callable[[bytes, str], T]) -> T | None:
        try:
            data = instead[file] if file in instead else read_file(folder, file)
            return None if data is None else make(data, node_file(folder, file))
        except ConfigError as error:
            problems.extend(error.problems)
            return None

    state = load(STATE, lambda data, file: load_state(data, file, name))
    identity = load("identity.yaml", lambda data, file: _checked(data, file, "node-identity"))
    system_identity = load("system-identity.yaml", load_system_identity)
    connection = load("connection.yaml", _load_connection)
    watcher = load("watcher.yaml", lambda data, file: _checked(data, file, "watcher"))
    problems.extend(links_out(folder))
    wrong = misnamed(folder)
    for file, right in wrong.items():
        problems.append(
            Problem(
                Source(node_file(folder, shown_name(file)), 0),
                f"is not read: the name is {right}",
                f"rename it to {right}, or remove it",
            )
        )
    place = node_file(folder, STATE)
    if (
        state is None
        and STATE not in wrong.values()
        and not any(problem.source.file == place for problem in problems)
    ):
        hint = f"write it, or let `power-edge discover TARGET --as {quote(name)}` do so; if this is no node, move its other files"
        problems.append(Problem(Source(place, 0), "is not there", hint))
    if problems or state is None:
        raise ConfigError(problems)
    return Node(
        name=name,
        path=folder,
        state=state,
        system_identity=system_identity,
        connection=connection,
        identity_document=identity,
        watcher_document=watcher,
    )


def load_system_identity(data: bytes, file: str) -> "SystemIdentity":
    """The identity in the bytes of a system-identity.yaml; `file` is its path as messages show it.

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
    """What is in the bytes of an identity.yaml; `file` is its path as messages show it.

    Raises ConfigError.
    """
    from power_edge.model.generated.node_identity_schema import NodeIdentity

    return _converted(_checked(data, file, "node-identity"), NodeIdentity)


def _load_connection(data: bytes, file: str) -> "Connection":
    from power_edge.model.generated.connection_schema import Connection

    return _converted(_checked(data, file, "connection"), Connection)


def _checked(data: bytes, file: str, name: str) -> Document:
    document = read(data, file)
    checked(document, name)
    return document


def _converted(document: Document, type_: type[T]) -> T:
    value: Any = document.value
    return msgspec.convert(value, type_)
