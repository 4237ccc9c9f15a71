"""The folder that a discovered machine gets in node-configs/, and what its files would be."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import NamedTuple
from urllib.parse import urlsplit

from power_edge import package_data
from power_edge.checking.collect_identity import Shown
from power_edge.checking.target import Target
from power_edge.config import ConfigError
from power_edge.config.clones import IDENTITY, KnownMachine, identities, twins
from power_edge.config.error import refuse
from power_edge.config.node import check_name, load_node_identity, load_system_identity
from power_edge.config.node_configs import NODE_CONFIGS, STATE, node_file, read_file
from power_edge.discover import identity_file
from power_edge.discover.collect import Discovered
from power_edge.discover.documents import node_identity, state, watcher
from power_edge.discover.identity_file import passed_over, safe_name
from power_edge.discover.merge import merge
from power_edge.identity import gate
from power_edge.identity.gate import WrongMachine
from power_edge.model.generated.system_identity_schema import SystemIdentity
from power_edge.text import quoted, without_password
from power_edge.yaml_edit.changeset import Proposal, propose, tidy
from power_edge.yaml_edit.writer import Document, Paragraph, emit

CONNECTION = "connection.yaml"
NODE_IDENTITY = "identity.yaml"
OPEN = b"validation:\n  require_match: false\n"
"""The identity of a machine that shows none: none is required to match."""


class Made(NamedTuple):
    """What is to be written; whether the folder is there already; and what there is to say of it,
    for people.
    """

    proposal: Proposal
    known: bool
    told: tuple[str, ...]


def make(
    found: Discovered, target: Target, root: Path, name: str | None, *, replace: bool = False
) -> Made:
    """The node that a machine is, or is to be, in the folder `root`: TARGET's node, the one called
    `name`, the one with its identity, or a new one of its host name. What is there already is
    kept and added to, or replaced.

    Raises WrongMachine where the folder is another machine's; ConfigError where the name is none,
    where the machine would be two nodes, or for files that are there and cannot be used.
    """
    tidy(root)
    known = dict(identities(root))
    told = [
        passed_over(folder, error)
        for folder, error in known.items()
        if isinstance(error, ConfigError)
    ]
    usable = {
        folder: on_file for folder, on_file in known.items() if isinstance(on_file, SystemIdentity)
    }
    folder = _folder(found, target, root.absolute(), name, usable)
    content = read_file(folder, IDENTITY) if folder.exists() else None
    if content is not None and not _is(
        found, load_system_identity(content, node_file(folder, IDENTITY))
    ):
        raise WrongMachine(
            f"{NODE_CONFIGS}/{folder.name}/ is another machine's; give this one a name of its own: --as NAME"
        )
    if isinstance(found.identity, Shown):
        twin = next(twins({**usable, folder: found.identity.identity}, [folder]), None)
        if twin is not None:
            raise KnownMachine(*twin)
    return Made(
        propose(folder, dict(_contents(found, target, folder, replace=replace))),
        folder.exists(),
        tuple(told),
    )


def _folder(
    found: Discovered,
    target: Target,
    root: Path,
    name: str | None,
    known: Mapping[Path, SystemIdentity],
) -> Path:
    if target.node is not None:
        if name is not None:
            raise refuse(
                f"{NODE_CONFIGS}/{target.node.name}",
                "is a node, which has a name",
                "leave --as out, or write TARGET as user@host",
            )
        return target.node.path
    if name is not None:
        check_name(name)
        return root / name
    same = next(
        (
            folder
            for folder, on_file in known.items()
            if gate.tells(on_file) and _is(found, on_file)
        ),
        None,
    )
    if same is None:
        return root / safe_name(found.machine.hostname)
    if (named := _hostname(same)) not in (None, found.machine.hostname):
        raise refuse(
            f"{NODE_CONFIGS}/{same.name}",
            f"has this machine's identity, and the host name {quoted(named)}, not {quoted(found.machine.hostname)}",
            f"the same machine, renamed? write the node for TARGET: {quote(same.name)}; a clone? --as NAME tells how it gets an identity of its own",
        )
    return same


def _hostname(folder: Path) -> str | None:
    """The host name that a node has on file; None where there is none, or none to be used, which is
    told when the file is merged.
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


def _is(found: Discovered, on_file: SystemIdentity) -> bool:
    """Whether the machine would pass the gate of what is on file; one that shows no identity passes
    where none is required.
    """
    asked = gate.expected(on_file)
    if isinstance(found.identity, Shown):
        return asked.primary is None or gate.is_of(found.identity.identity, on_file)
    return not asked.require_match


def _contents(
    found: Discovered, target: Target, folder: Path, *, replace: bool
) -> Iterator[tuple[str, tuple[bytes | None, bytes]]]:
    """The files of the folder that tell of the machine, as they are and as they would be.

    What leads to it and what it is told by are never replaced.
    """
    there = {
        file: read_file(folder, file) for file in (*documents(found, folder), IDENTITY, CONNECTION)
    }
    for file, document in documents(found, folder).items():
        old = there[file]
        if old is None or replace:
            yield file, (old, emit(document).encode())
        else:
            # Bytes that are no UTF-8 are refused there, with their place.
            yield (
                file,
                (
                    old,
                    merge(
                        old.decode("utf-8", "surrogateescape"), document, node_file(folder, file)
                    ).encode(),
                ),
            )
    if there[IDENTITY] is None:
        yield IDENTITY, (None, system_identity(found, folder))
    way = connection(target, folder)
    if way is not None and there[CONNECTION] is None:
        yield CONNECTION, (None, way)


def documents(found: Discovered, folder: Path) -> dict[str, Document]:
    """The files of a node's folder that tell of the machine, by name."""
    paragraphs = {
        STATE: ("state", state(found.machine, found.sections)),
        "watcher.yaml": ("watcher", watcher(found.machine, found.sections)),
        NODE_IDENTITY: ("node-identity", node_identity(found.machine)),
    }
    return {
        file: Document(what, package_data.schema_for(folder, name))
        for file, (name, what) in paragraphs.items()
    }


def system_identity(found: Discovered, folder: Path) -> bytes:
    """The system-identity.yaml for a node's folder; of a machine that shows no identity one that
    requires none to match.
    """
    if isinstance(found.identity, Shown):
        return identity_file.file(found.identity, folder)
    return package_data.with_schema(OPEN, folder, "system-identity")


def connection(target: Target, folder: Path) -> bytes | None:
    """The connection.yaml that leads where TARGET did; None for this machine, and for a node that
    has its way.
    """
    url = target.route.url
    if target.node is not None or url.startswith("local:"):
        return None
    parts = urlsplit(url)
    if parts.scheme == "ssh" and not parts.query:
        # urlsplit() makes hostname lower case, and an alias in an ssh_config may not be.
        host = parts.netloc.rpartition("@")[2].removesuffix(f":{parts.port}").strip("[]")
        fields = {"host": host, "user": parts.username, "port": parts.port}
        way = Paragraph("ssh", {name: value for name, value in fields.items() if value is not None})
    else:
        way = Paragraph("url", without_password(url))
    return emit(Document((way,), package_data.schema_for(folder, "connection"))).encode()
