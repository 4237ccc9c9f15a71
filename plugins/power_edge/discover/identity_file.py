"""Write the identity that a machine shows to its node's system-identity.yaml."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from power_edge import package_data
from power_edge.checking.collect_identity import CollectedIdentity
from power_edge.checking.target import THIS_MACHINE, Target
from power_edge.config.clones import node_of
from power_edge.config.error import refuse
from power_edge.config.node import load_system_identity
from power_edge.config.node_configs import (
    NODE_CONFIGS,
    STATE,
    SYSTEM_IDENTITY,
    note_of_link,
    read_file,
)
from power_edge.config.yaml_reader import read
from power_edge.discover.known_nodes import KnownNodes, known
from power_edge.identity.identifiers import expected
from power_edge.text import quoted, without_password
from power_edge.yaml_edit.changeset import propose, tidy
from power_edge.yaml_edit.writer import NewDocument, Paragraph, emit

_CONTAINER = "A container, without the host's identifiers: its machine-id lasts as long as it does."


class Another(Exception):
    """The identity on file is another machine's, and stays.

    The text says so; `diff` is what writing would have changed.
    """

    def __init__(self, text: str, diff: str) -> None:
        super().__init__(text)
        self.diff = diff


class Written(NamedTuple):
    """The node whose file has the identity, and notes for the user."""

    node: str
    notes: tuple[str, ...]


def file(collected: CollectedIdentity, folder: Path) -> bytes:
    """Return the content of system-identity.yaml for a node's folder."""
    schema = package_data.schema_for(folder, "system-identity")
    return emit(NewDocument(_paragraphs(collected), schema)).encode()


def write(collected: CollectedIdentity, target: Target, root: Path | None) -> Written:
    """Put the identity that a target shows on file.

    A target that is a node gets it. Else the node that is this machine already gets it; or, on this
    machine itself, the one with its host name that has no identity. What is on file is never
    replaced. Raises Another if that is another machine's, ConfigError if there is no such node or
    the machine is another node already, and OSError if the file cannot be written.
    """
    tidy(root)
    machines = known(root)
    folder = (
        target.node.path if target.node is not None else _folder(collected, target, root, machines)
    )
    on_file = read_file(folder, SYSTEM_IDENTITY)
    if on_file is not None:
        return Written(folder.name, (*machines.notes, *_compared(collected, folder, on_file)))
    propose(folder, {SYSTEM_IDENTITY: (None, file(collected, folder))}).write()
    source = ", from this machine" if target.route.url.startswith("local:") else ""
    note = f"recorded {_place(folder)}{source}"
    link = note_of_link(folder.parent)
    return Written(folder.name, (*machines.notes, *([link] if link is not None else ()), note))


def on_file_is(collected: CollectedIdentity, folder: Path) -> bool:
    """Return whether a node's file, if there is one, has the identity of a machine.

    A migrated system is not the one on file: its machine-id differs. Raises ConfigError.
    """
    content = read_file(folder, SYSTEM_IDENTITY)
    if content is None:
        return True
    on_file = load_system_identity(content, _place(folder))
    if expected(on_file).primary is None:
        return True
    found = node_of(collected.identity, {folder: on_file})
    return found is not None and not found.migrated


def safe_name(hostname: str) -> str:
    """Return a host name as the name of a node: letters, digits and . _ + @ -."""
    return re.sub(r"[^A-Za-z0-9._+@-]+", "-", hostname).strip(".-")[:255] or "this-machine"


def _folder(
    collected: CollectedIdentity, target: Target, root: Path | None, machines: KnownNodes
) -> Path:
    """Return the folder of the node that a machine is, or is to be. Raises ConfigError."""
    found = node_of(collected.identity, machines.identities)
    if found is not None and not found.migrated:
        return found.node
    named = (
        root / safe_name(socket.gethostname())
        if root is not None and target.name == THIS_MACHINE
        else None
    )
    if named is not None and (named / STATE).is_file() and not (named / SYSTEM_IDENTITY).exists():
        return named
    if target.name == THIS_MACHINE:
        raise refuse(
            NODE_CONFIGS,
            "no node is this machine",
            "give the name of its node, or make a new node: power-edge init",
        )
    hosts = quote(f"--hosts={without_password(target.route.url)}")
    raise refuse(
        NODE_CONFIGS,
        f"{quoted(target.name)} is not a node on file",
        f"give the name of its node: power-edge identity NODE {hosts} --write",
    )


def _place(folder: Path) -> str:
    return f"{NODE_CONFIGS}/{folder.name}/{SYSTEM_IDENTITY}"


def _compared(collected: CollectedIdentity, folder: Path, content: bytes) -> Iterator[str]:
    """Yield notes on an identity on file that is the machine's. Raises Another if it is not."""
    place = _place(folder)
    on_file = load_system_identity(content, place)
    found = node_of(collected.identity, {folder: on_file})
    if found is None or found.migrated:
        commands = f"rm {quote(place)}; power-edge identity {quote(folder.name)} --write"
        diff = _diff(_paragraphs_on_file(content), _paragraphs(collected), place)
        raise Another(
            f"{place} exists and belongs to another machine; to replace it: {commands}",
            diff,
        )
    yield f"{place} already has this machine's identity"
    more = expected(collected.identity).hashes.keys() - expected(on_file).hashes.keys()
    if more:
        yield (
            f"the machine also shows {' and '.join(sorted(more))}, which the file does not have: "
            "to add it, remove the file and run this command again"
        )


def _diff(on_file: tuple[Paragraph, ...], collected: tuple[Paragraph, ...], place: str) -> str:
    """Return what differs in the values, however they are written, as a unified diff."""
    from difflib import unified_diff

    before, after = (
        emit(NewDocument(paragraphs)).splitlines() for paragraphs in (on_file, collected)
    )
    return "\n".join(
        unified_diff(before, after, place, "as the machine shows it", lineterm="", n=1)
    )


def _paragraphs(collected: CollectedIdentity) -> tuple[Paragraph, ...]:
    first, *others = (Paragraph(name, section) for name, section in collected.sections.items())
    return (first._replace(comment=(_CONTAINER,)) if collected.container else first, *others)


def _paragraphs_on_file(content: bytes) -> tuple[Paragraph, ...]:
    return tuple(
        Paragraph(name, section) for name, section in read(content, SYSTEM_IDENTITY).value.items()
    )
