"""The folder that a discovered machine gets in node-configs/, and the content of its files."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import NamedTuple
from urllib.parse import urlsplit

from power_edge import package_data
from power_edge.checking.collect_identity import CollectedIdentity
from power_edge.checking.target import Target
from power_edge.config import ConfigError
from power_edge.config.clones import KnownMachine, node_of, pairs_of_one_machine
from power_edge.config.error import refuse
from power_edge.config.node import load_node_identity, load_system_identity
from power_edge.config.node_configs import (
    CONNECTION,
    NODE_CONFIGS,
    NODE_IDENTITY,
    STATE,
    SYSTEM_IDENTITY,
    WATCHER,
    node_file,
    read_file,
)
from power_edge.config.node_names import check_name, check_new_name
from power_edge.config.state import load_state
from power_edge.discover import identity_file
from power_edge.discover.collect import Discovered
from power_edge.discover.contradictions import contradictions
from power_edge.discover.documents import node_identity, state, watcher
from power_edge.discover.identity_file import safe_name
from power_edge.discover.known_nodes import KnownNodes, known
from power_edge.discover.merge import merge
from power_edge.identity.gate import WrongMachine
from power_edge.identity.identifiers import expected
from power_edge.model import Problem
from power_edge.model.generated.system_identity_schema import SystemIdentity
from power_edge.text import quoted, without_password
from power_edge.yaml_edit.changeset import Changeset, Files, propose, tidy
from power_edge.yaml_edit.writer import NewDocument, Paragraph, emit

OPEN = b"validation:\n  require_match: false\n"
"""The system-identity.yaml of a machine that shows no identity: none is required to match."""


class NodeChanges(NamedTuple):
    """The changes to be written, whether the folder exists already, and notes for the user."""

    changes: Changeset
    exists: bool
    notes: tuple[str, ...]


def make(
    found: Discovered, target: Target, root: Path, name: str | None, *, replace: bool = False
) -> NodeChanges:
    """Return the changes that make a discovered machine a node in the folder `root`.

    The node is the target's; else the one called `name`; else the one with the machine's identity;
    else a new one with its host name. Files that exist are kept and added to, or replaced. Raises
    WrongMachine if the folder is another machine's; ConfigError if the name is not valid, if the
    machine would be two nodes, or for files that exist and cannot be used.
    """
    tidy(root)
    machines = known(root)
    folder = _folder(found, target, root.absolute(), name, machines)
    if not folder.exists():
        check_new_name(root, folder.name)
    content = read_file(folder, SYSTEM_IDENTITY) if folder.exists() else None
    if content is not None and not _may_be(
        found, folder, load_system_identity(content, node_file(folder, SYSTEM_IDENTITY))
    ):
        raise WrongMachine(
            f"{NODE_CONFIGS}/{folder.name}/ belongs to another machine; "
            "give this one another name: --as NAME"
        )
    if isinstance(found.identity, CollectedIdentity):
        with_this_one = {**machines.identities, folder: found.identity.identity}
        duplicate = next(pairs_of_one_machine(with_this_one, [folder]), None)
        if duplicate is not None:
            raise KnownMachine(*duplicate)
    changes = _proposed(found, target, folder, replace=replace)
    notes = (*machines.notes, *(() if replace else _contradictions(found, folder)))
    return NodeChanges(changes, folder.exists(), notes)


def _contradictions(found: Discovered, folder: Path) -> Iterator[str]:
    content = read_file(folder, STATE) if folder.exists() else None
    if content is not None:
        state = load_state(content, node_file(folder, STATE), folder.name)
        yield from contradictions(state, found.sections)


def _proposed(found: Discovered, target: Target, folder: Path, *, replace: bool) -> Changeset:
    """Return the changes. A suggested role is not enabled if the machine does not meet its demands,
    or if state.yaml contradicts them. Raises ConfigError.
    """

    def proposed(disabled: Iterable[str]) -> Changeset:
        machine = found.machine._replace(disabled=frozenset(disabled))
        contents = dict(_contents(found._replace(machine=machine), target, folder, replace=replace))
        try:
            return propose(folder, contents)
        except ConfigError as error:
            if replace or not folder.exists():
                raise
            raise _not_written(error, folder, contents) from None

    roles = [suggested.role for suggested in found.machine.roles]
    try:
        return proposed(())
    except ConfigError:
        if not roles:
            raise
    disabled = set(roles)
    changes = proposed(disabled)  # what is wrong without any role is an error
    for role in roles:
        with suppress(ConfigError):
            changes = proposed(disabled - {role})
            disabled.remove(role)
    return changes


def _not_written(error: ConfigError, folder: Path, contents: Files) -> ConfigError:
    """Return the error of files that would not load. Line numbers are those of the new content,
    which no file in the folder has.
    """
    changed = {node_file(folder, name) for name, (old, new) in contents.items() if old != new}
    if not any(problem.source.file in changed for problem in error.problems):
        return error
    return ConfigError(
        problem._replace(
            message=f"after merging, and nothing was written: {problem.message}",
            hint=f"{f'{problem.hint}; ' if problem.hint else ''}change what you wrote in {file},"
            " or the machine, and discover it again; lines are those of the files after merging",
        )
        for problem in error.problems
        for file in [_by_hand(problem, folder, contents)]
    )


def _by_hand(problem: Problem, folder: Path, contents: Files) -> str:
    """Return the files that exist and that the two sides of a problem are in."""
    existing = [name for name, (old, _) in contents.items() if old is not None]
    named = [name for name in existing if name in f"{problem.source.file} {problem.message}"]
    return " and ".join(named or existing) or f"{NODE_CONFIGS}/{folder.name}"


def _folder(
    found: Discovered, target: Target, root: Path, name: str | None, machines: KnownNodes
) -> Path:
    if target.node is not None:
        if name is not None:
            raise refuse(
                f"{NODE_CONFIGS}/{target.node.name}",
                "is a node, and --as cannot give it another name",
                "remove --as, or write TARGET as user@host",
            )
        return target.node.path
    if name is not None:
        check_name(name)
        return root / name
    hostname = found.machine.hostname
    existing = (
        node_of(found.identity.identity, machines.identities)
        if isinstance(found.identity, CollectedIdentity)
        else None
    )
    if existing is None:
        return root / safe_name(hostname)
    if (on_file := _hostname(existing.node)) not in (None, hostname):
        raise refuse(
            f"{NODE_CONFIGS}/{existing.node.name}",
            f"has this machine's identity, but the host name {quoted(on_file)} "
            f"instead of {quoted(hostname)}",
            f"if the machine was renamed, write the node as TARGET: {quote(existing.node.name)}; "
            "if it is a clone, --as NAME says how it gets an identity of its own",
        )
    return existing.node


def _hostname(folder: Path) -> str | None:
    """Return the host name that a node has on file; None without a usable one.

    An unusable file is reported when it is merged.
    """
    try:
        content = read_file(folder, NODE_IDENTITY)
        return (
            load_node_identity(content, node_file(folder, NODE_IDENTITY)).node.hostname
            if content is not None
            else None
        )
    except ConfigError:
        return None


def _may_be(found: Discovered, folder: Path, on_file: SystemIdentity) -> bool:
    """Return whether the machine is the one on file, or the file does not say which one it is."""
    if not isinstance(found.identity, CollectedIdentity):
        return not expected(on_file).require_match
    return (
        expected(on_file).primary is None
        or node_of(found.identity.identity, {folder: on_file}) is not None
    )


def _contents(
    found: Discovered, target: Target, folder: Path, *, replace: bool
) -> Iterator[tuple[str, tuple[bytes | None, bytes]]]:
    """Yield the name of each file about the machine, with its old content and its new one.

    connection.yaml and system-identity.yaml are never replaced, and watcher.yaml is never begun.
    """
    for file, document in documents(found, folder).items():
        old = read_file(folder, file)
        if old is None and file == WATCHER:  # a watch needs none
            continue
        if old is None or replace:
            new = emit(document)
        else:
            # Bytes that are not UTF-8 are refused there, with their place.
            text = old.decode("utf-8", "surrogateescape")
            new = merge(text, document, node_file(folder, file))
        yield file, (old, new.encode())
    if read_file(folder, SYSTEM_IDENTITY) is None:
        yield SYSTEM_IDENTITY, (None, system_identity(found, folder))
    new_connection = connection(target, folder)
    if new_connection is not None and read_file(folder, CONNECTION) is None:
        yield CONNECTION, (None, new_connection)


def documents(found: Discovered, folder: Path) -> dict[str, NewDocument]:
    """Return the files of a node's folder that describe the machine, by name."""
    paragraphs = {
        STATE: ("state", state(found.sections)),
        WATCHER: ("watcher", watcher(found.machine, found.sections)),
        NODE_IDENTITY: ("node-identity", node_identity(found.machine)),
    }
    return {
        file: NewDocument(parts, package_data.schema_for(folder, schema))
        for file, (schema, parts) in paragraphs.items()
    }


def system_identity(found: Discovered, folder: Path) -> bytes:
    """Return the content of system-identity.yaml for a node's folder.

    For a machine that shows no identity it requires none to match.
    """
    if isinstance(found.identity, CollectedIdentity):
        return identity_file.file(found.identity, folder)
    return package_data.with_schema(OPEN, folder, "system-identity")


def connection(target: Target, folder: Path) -> bytes | None:
    """Return the content of the connection.yaml that leads to a target.

    None for this machine, and for a node, which has its connection.
    """
    url = target.route.url
    if target.node is not None or url.startswith("local:"):
        return None
    parts = urlsplit(url)
    if parts.scheme == "ssh" and not parts.query:
        # urlsplit() makes hostname lower case, and an alias in an ssh_config may not be.
        host = parts.netloc.rpartition("@")[2].removesuffix(f":{parts.port}").strip("[]")
        fields = {"host": host, "user": parts.username, "port": parts.port}
        given = {name: value for name, value in fields.items() if value is not None}
        paragraph = Paragraph("ssh", given)
    else:
        paragraph = Paragraph("url", without_password(url))
    return emit(NewDocument((paragraph,), package_data.schema_for(folder, "connection"))).encode()
