"""Make this machine a node, unless it is one already: `discover` without its questions."""

import socket
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from power_edge import resources
from power_edge.checking.collect_identity import NoIdentity, collect
from power_edge.checking.target import target
from power_edge.config import ConfigError, load_node
from power_edge.config.clones import node_of, sharing
from power_edge.config.error import refuse
from power_edge.config.node import load_system_identity
from power_edge.config.node_configs import (
    NODE_CONFIGS,
    STATE,
    SYSTEM_IDENTITY,
    node_file,
    note_of_link,
    read_file,
    resolved,
)
from power_edge.config.node_names import check_name
from power_edge.discover.collect import ask, read
from power_edge.discover.identity_file import safe_name
from power_edge.discover.known_nodes import KnownNodes, known
from power_edge.discover.node_folder import OPEN, make
from power_edge.discover.sections import Section
from power_edge.identity.identifiers import expected
from power_edge.model.generated.system_identity_schema import SystemIdentity
from power_edge.probing.connection import Options, find_route
from power_edge.probing.script import Timeouts
from power_edge.text import counted
from power_edge.yaml_edit.changeset import tidy

_LOCAL = Options(connection="local")


class Recorded(NamedTuple):
    """The node that this machine is, and notes for the user."""

    node: str
    notes: tuple[str, ...]
    sections: tuple[Section, ...] = ()
    """What was discovered of a machine that was recorded just now, with what could not be."""


class _ThisMachine(NamedTuple):
    """The identity that this machine shows; if it shows none, the reason."""

    identity: SystemIdentity
    no_identity: str | None

    def node(self, machines: KnownNodes) -> str | None:
        """Return the name of the node that this machine is by its identity, or None.

        Raises ConfigError if it is several.
        """
        found = node_of(self.identity, machines.identities)
        return None if found is None else found.node.name

    def may_be(self, on_file: SystemIdentity) -> bool:
        """Return whether neither this machine nor the file has an identity: only names count."""
        return self.no_identity is not None and expected(on_file).primary is None


def record(root: Path, name: str | None = None) -> Recorded:
    """Make this machine a node of the folder `root`, unless it is one.

    `name` is the node's name; by default it is made of the host name. Raises ConfigError if the
    name is not valid or is another machine's, Unreachable if this machine's shell gives no answer,
    and OSError if a file cannot be written.
    """
    name_wanted = name if name is not None else safe_name(socket.gethostname())
    check_name(name_wanted)
    tidy(root)
    folder = root / name_wanted
    machine = _this_machine()
    recorded, notes = _recorded(root, name_wanted, machine)
    if recorded is not None:
        return recorded if name is None else _under_its_name(recorded, name)
    if folder.exists():
        raise refuse(f"{NODE_CONFIGS}/{name_wanted}", *_why_not_this_machine(folder, machine))
    here = target(None, None, _LOCAL)
    types = resources.discoverable()
    try:
        found = read(ask(here, types), types)
        make(found, here, root, name_wanted).changes.write()
    except ConfigError:
        recorded, _ = _recorded(root, name_wanted, machine)
        if recorded is None:
            raise
        return recorded  # another command has recorded it meanwhile
    if (note := note_of_link(root)) is not None:
        notes += (note,)
    # Tests and messages begin with node-configs/ wherever it is; what was written is shown truly.
    place = f"{NODE_CONFIGS}/{name_wanted}" if root.name == NODE_CONFIGS else folder
    notes += (f"recorded this machine: {place}/ ({_items(folder)})",)
    if machine.no_identity:
        notes += (f"its identity is not required to match: {machine.no_identity}",)
    return Recorded(name_wanted, notes, tuple(found.sections))


def _under_its_name(recorded: Recorded, wanted: str) -> Recorded:
    """Return the node that this machine is already, with a note if another name was asked for."""
    if recorded.node == wanted:
        return recorded
    note = (
        f"the name {wanted} is not used, because this machine is the node {recorded.node}: to"
        f" rename it, rename the folder {NODE_CONFIGS}/{recorded.node}/"
    )
    return recorded._replace(notes=(*recorded.notes, note))


def _items(folder: Path) -> str:
    """Return how many items a node has, for the user. The files are written, whatever this says."""
    try:
        count = len(load_node(folder).items)
    except ConfigError as error:
        return f"its files cannot be read now: {error}"
    return counted(count, "item")


def find(root: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the nodes that this machine is, and notes for the user.

    There are several if they share one identity file on purpose. Raises Unreachable if this
    machine's shell gives no answer, and ConfigError if there are several by mistake.
    """
    recorded, notes = _recorded(root, safe_name(socket.gethostname()), _this_machine())
    if recorded is None:
        return (), notes
    shared = sharing(root / recorded.node, list(known(root).identities))
    return tuple(sorted({recorded.node, *(folder.name for folder in shared)})), notes


def _recorded(
    root: Path, name_wanted: str, machine: _ThisMachine
) -> tuple[Recorded | None, tuple[str, ...]]:
    """Return the node that this machine is already, if any, and notes on the other nodes."""
    machines = known(root)
    notes = machines.notes
    if (name := machine.node(machines)) is not None:
        note = f"this machine is recorded: {NODE_CONFIGS}/{name}/"
        return Recorded(name, (*notes, note)), notes
    on_file = {folder.name: identity for folder, identity in machines.identities.items()}
    if name_wanted in on_file and machine.may_be(on_file[name_wanted]):
        note = f"this machine is recorded, by its host name only: {NODE_CONFIGS}/{name_wanted}/"
        return Recorded(name_wanted, (*notes, note)), notes
    return None, notes


_ANOTHER_NAME = "give this one a name: power-edge init NAME"


def _why_not_this_machine(folder: Path, machine: _ThisMachine) -> tuple[str, str]:
    """Return why a folder that exists is not the node of this machine, and what to do."""
    if not folder.is_dir():
        return "exists and is not a folder", _ANOTHER_NAME
    try:
        resolved(folder, "")
    except ConfigError:
        remedy = f"replace the link with the folder, or {_ANOTHER_NAME}"
        return f"is a symbolic link that leads out of {NODE_CONFIGS}/, and is not read", remedy
    try:
        content = read_file(folder, SYSTEM_IDENTITY)
        on_file = (
            None
            if content is None
            else load_system_identity(content, node_file(folder, SYSTEM_IDENTITY))
        )
    except ConfigError as error:
        remedy = f"correct that; if it belongs to another machine, {_ANOTHER_NAME}"
        return f"exists, but its identity cannot be used: {error.problems[0]}", remedy
    name = quote(folder.name)
    if on_file is None and (folder / STATE).exists():
        remedy = f"if it is this machine: power-edge identity {name} --write"
        return "exists, but has no identity", remedy
    if on_file is None:
        remedy = f"to make it the node of this machine: power-edge discover --as {name} --merge"
        return f"exists, but has neither {SYSTEM_IDENTITY} nor {STATE}", remedy
    if machine.node(KnownNodes({folder: on_file}, ())) is not None or machine.may_be(on_file):
        remedy = f"to make one: power-edge discover --as {name} --merge"
        return f"exists and has this machine's identity, but no {STATE}", remedy
    if expected(on_file).primary is None:
        return "exists, but its identity names no machine", _ANOTHER_NAME
    if machine.no_identity:
        why = f"exists, and it is unknown whether it belongs to this machine: {machine.no_identity}"
        return why, _ANOTHER_NAME
    return "exists and belongs to another machine", _ANOTHER_NAME


def _this_machine() -> _ThisMachine:
    try:
        collected = collect(find_route(None, None, _LOCAL), Timeouts())
    except NoIdentity as error:
        return _ThisMachine(load_system_identity(OPEN, SYSTEM_IDENTITY), str(error))
    return _ThisMachine(collected.identity, None)
