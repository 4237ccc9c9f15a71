"""Write the identity that a machine shows to its node's system-identity.yaml."""

import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from power_edge import package_data
from power_edge.checking.collect_identity import Shown
from power_edge.checking.target import HERE, Target
from power_edge.config import ConfigError
from power_edge.config.clones import IDENTITY, identities
from power_edge.config.error import refuse
from power_edge.config.node import load_system_identity
from power_edge.config.node_configs import NODE_CONFIGS, STATE, read_file
from power_edge.config.yaml_reader import read
from power_edge.identity import gate
from power_edge.model.generated.system_identity_schema import SystemIdentity
from power_edge.text import quoted, without_password
from power_edge.yaml_edit.changeset import propose, tidy
from power_edge.yaml_edit.writer import Document, Paragraph, emit

_CONTAINER = "A container, without the host's identifiers: its machine-id lasts as long as it does."


class Another(Exception):
    """An identity on file that is not the machine's, and stays; the text says so, `diff` what
    writing would have changed.
    """

    def __init__(self, text: str, diff: str) -> None:
        super().__init__(text)
        self.diff = diff


class Written(NamedTuple):
    """The node whose file holds the identity, and what there is to say of it, for people."""

    node: str
    told: tuple[str, ...]


def file(shown: Shown, folder: Path) -> bytes:
    """The system-identity.yaml for a node's folder."""
    return emit(
        Document(_shown(shown), package_data.schema_for(folder, "system-identity"))
    ).encode()


def write(shown: Shown, target: Target, root: Path | None) -> Written:
    """Put the identity that a target shows on file.

    For a node by its name; else for the node that is this machine already, or, on this machine
    itself, the one of its host name that has no identity. What is on file is never replaced. Raises
    Another where that is another machine's; ConfigError where there is no such node, or the machine
    is another node already; OSError where nothing can be written.
    """
    tidy(root)
    known = dict(identities(root)) if root is not None else {}
    told = [
        passed_over(folder, error)
        for folder, error in known.items()
        if isinstance(error, ConfigError)
    ]
    usable = {
        folder: identity
        for folder, identity in known.items()
        if isinstance(identity, SystemIdentity)
    }
    folder = target.node.path if target.node is not None else _folder(shown, target, root, usable)
    place = f"{NODE_CONFIGS}/{folder.name}/{IDENTITY}"
    on_file = read_file(folder, IDENTITY)
    if on_file is not None:
        return Written(folder.name, (*told, *_compared(shown, folder, on_file)))
    propose(folder, {IDENTITY: (None, file(shown, folder))}).write()
    return Written(
        folder.name,
        (
            *told,
            f"recorded {place}"
            + (", from this machine" if target.route.url.startswith("local:") else ""),
        ),
    )


def passed_over(folder: Path, error: ConfigError) -> str:
    """What there is to say of a node whose identity cannot be used."""
    return f"{folder.name} was passed over, since its identity cannot be used: {error.problems[0]}"


def safe_name(hostname: str) -> str:
    """A host name as the name of a node: letters, digits and . _ + @ -."""
    return re.sub(r"[^A-Za-z0-9._+@-]+", "-", hostname).strip(".-")[:255] or "this-machine"


def _folder(
    shown: Shown, target: Target, root: Path | None, known: Mapping[Path, SystemIdentity]
) -> Path:
    for folder, identity in known.items():
        if _same(shown, identity):
            return folder
    named = (
        root / safe_name(socket.gethostname()) if root is not None and target.name == HERE else None
    )
    if named is not None and (named / STATE).is_file() and not (named / IDENTITY).exists():
        return named
    if target.name == HERE:
        raise refuse(
            NODE_CONFIGS,
            "no node is this machine",
            "name the one that is to be, or make one of it: power-edge init",
        )
    raise refuse(
        NODE_CONFIGS,
        f"no node is {quoted(target.name)}",
        f"name the one that is to be: power-edge identity NODE {quote(f'--hosts={without_password(target.route.url)}')} --write",
    )


def _same(shown: Shown, on_file: SystemIdentity) -> bool:
    """Whether the machine would pass the gate of what is on file, were it strict."""
    return gate.passes(
        shown.identity,
        gate.expected(on_file)._replace(require_match=True, allow_os_migration=False),
    )


def _compared(shown: Shown, folder: Path, content: bytes) -> Iterator[str]:
    place = f"{NODE_CONFIGS}/{folder.name}/{IDENTITY}"
    on_file = load_system_identity(content, place)
    if not _same(shown, on_file):
        again = f"rm {quote(place)}; power-edge identity {quote(folder.name)} --write"
        diff = _diff(_paragraphs(content), _shown(shown), place)
        raise Another(f"{place} is there, and not this machine's; if it is to be: {again}", diff)
    yield f"{place} is this machine's already"
    more = gate.expected(shown.identity).hashes.keys() - gate.expected(on_file).hashes.keys()
    if more:
        yield f"it shows {' and '.join(sorted(more))} as well, which is not on file: to have that, remove the file first"


def _diff(on_file: tuple[Paragraph, ...], shown: tuple[Paragraph, ...], place: str) -> str:
    """What differs in the values, however they are written."""
    from difflib import unified_diff

    before, after = (emit(Document(paragraphs)).splitlines() for paragraphs in (on_file, shown))
    return "\n".join(
        unified_diff(before, after, place, "as the machine shows it", lineterm="", n=1)
    )


def _shown(shown: Shown) -> tuple[Paragraph, ...]:
    first, *others = (Paragraph(name, section) for name, section in shown.sections.items())
    return (first._replace(comment=(_CONTAINER,)) if shown.container else first, *others)


def _paragraphs(content: bytes) -> tuple[Paragraph, ...]:
    return tuple(
        Paragraph(name, section) for name, section in read(content, IDENTITY).value.items()
    )
