"""Make this machine a node, unless it is one: what `discover` finds, with no question asked."""

import socket
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from power_edge import resources
from power_edge.checking.collect_identity import NoIdentity, collect
from power_edge.checking.target import target
from power_edge.config import ConfigError, load_node
from power_edge.config.clones import IDENTITY, identities
from power_edge.config.error import refuse
from power_edge.config.node import check_name, load_system_identity
from power_edge.config.node_configs import NODE_CONFIGS, STATE, node_file, read_file, resolved
from power_edge.discover.collect import ask, read
from power_edge.discover.folder import OPEN, make
from power_edge.discover.identity_file import passed_over, safe_name
from power_edge.identity import gate
from power_edge.model.generated.system_identity_schema import SystemIdentity
from power_edge.probing.connection import Options, find_route
from power_edge.probing.script import Timeouts
from power_edge.yaml_edit.changeset import tidy

_LOCAL = Options(connection="local")


class Recorded(NamedTuple):
    """The node that this machine is, and what there is to say of it, for people."""

    node: str
    told: tuple[str, ...]


class _Shown(NamedTuple):
    """The identity that a machine shows, and why nothing in it tells the machine from others, if
    so.
    """

    identity: SystemIdentity
    hidden: str | None


def record(root: Path, name: str | None = None) -> Recorded:
    """Make this machine a node of the folder `root`, unless it is one; `name` is its host name
    where none is given.

    Raises ConfigError where the name is no name or another's, Unreachable where this machine's
    shell gives no answer, OSError where nothing can be written.
    """
    wanted = name if name is not None else safe_name(socket.gethostname())
    check_name(wanted)
    tidy(root)
    folder = root / wanted
    shown = _shown()
    known, told = _known(root, wanted, shown)
    if known is not None:
        return known
    if folder.exists():
        raise refuse(f"{NODE_CONFIGS}/{wanted}", *_taken(folder, shown))
    here = target(None, None, _LOCAL)
    try:
        make(
            read(ask(here, resources.discoverable()), resources.discoverable()), here, root, wanted
        ).proposal.write()
    except ConfigError:
        known, _ = _known(root, wanted, shown)
        if known is None:
            raise
        return known  # another command has recorded it meanwhile
    told.append(
        f"recorded this machine: {NODE_CONFIGS}/{wanted}/ ({_counted(len(load_node(folder).items))})"
    )
    if shown.hidden:
        told.append(f"its identity is not required to match: {shown.hidden}")
    return Recorded(wanted, tuple(told))


def find(root: Path) -> tuple[str | None, tuple[str, ...]]:
    """Return the name of the node that this machine is, or None, and notes for the user.

    Raises Unreachable if this machine's shell gives no answer.
    """
    recorded, notes = _known(root, safe_name(socket.gethostname()), _shown())
    return (None if recorded is None else recorded.node), tuple(notes)


def _known(root: Path, wanted: str, shown: _Shown) -> tuple[Recorded | None, list[str]]:
    """The node that this machine is already, if any, and what there is to say of the others."""
    told = []
    for path, on_file in identities(root):
        known = path.name
        if isinstance(on_file, ConfigError):
            told.append(passed_over(path, on_file))
        elif gate.is_of(shown.identity, on_file):
            return Recorded(
                known, (*told, f"this machine is recorded: {NODE_CONFIGS}/{known}/")
            ), told
        elif known == wanted and shown.hidden and gate.expected(on_file).primary is None:
            return Recorded(
                known,
                (*told, f"this machine is recorded, by its name alone: {NODE_CONFIGS}/{known}/"),
            ), told
    return None, told


_ANOTHER_NAME = "give this one a name: power-edge init NAME"


def _taken(folder: Path, shown: _Shown) -> tuple[str, str]:
    """Why a folder that is there is not the node of this machine, and what to do."""
    if not folder.is_dir():
        return "is there already, and is no folder", _ANOTHER_NAME
    try:
        resolved(folder, "")
    except ConfigError:
        way_out = f"put the folder itself there, or {_ANOTHER_NAME}"
        return f"is a symbolic link that leads out of {NODE_CONFIGS}/, and is not read", way_out
    try:
        content = read_file(folder, IDENTITY)
        on_file = (
            None if content is None else load_system_identity(content, node_file(folder, IDENTITY))
        )
    except ConfigError as error:
        way_out = f"correct that; if it is another machine's, {_ANOTHER_NAME}"
        return f"is there already, and its identity cannot be used: {error.problems[0]}", way_out
    name = quote(folder.name)
    if on_file is None and (folder / STATE).exists():
        return (
            "is there already, without an identity",
            f"if it is this machine: power-edge identity {name} --write",
        )
    if on_file is None:
        return (
            f"is there already, with neither {IDENTITY} nor {STATE}",
            f"if it is to be this machine: power-edge discover --as {name} --merge",
        )
    names_none = gate.expected(on_file).primary is None
    if gate.is_of(shown.identity, on_file) or (names_none and shown.hidden):
        return (
            f"is there already, has this machine's identity, and no {STATE}",
            f"to make one: power-edge discover --as {name} --merge",
        )
    if names_none:
        return "is there already, with an identity that names no machine", _ANOTHER_NAME
    if shown.hidden:
        return (
            f"is there already, and whether it is this machine's cannot be known: {shown.hidden}",
            _ANOTHER_NAME,
        )
    return "is there already, and is another machine's", _ANOTHER_NAME


def _counted(items: int) -> str:
    return "1 item" if items == 1 else f"{items} items"


def _shown() -> _Shown:
    try:
        shown = collect(find_route(None, None, _LOCAL), Timeouts())
    except NoIdentity as error:
        return _Shown(load_system_identity(OPEN, IDENTITY), str(error))
    return _Shown(shown.identity, None)
