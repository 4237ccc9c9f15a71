"""Record a machine as a node: its identity, and a small state.yaml of what is true of it."""

import socket
from collections.abc import Container
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

import yaml

from power_edge import check, data, gate, whole
from power_edge.config import ConfigError, Node, load_state
from power_edge.config.error import refuse
from power_edge.config.folders import NODE_CONFIGS, STATE
from power_edge.config.identities import IDENTITY, identities
from power_edge.config.node import check_name, load_system_identity
from power_edge.identity import NoIdentity, collect, file, passed_over, safe_name
from power_edge.model import Outcome
from power_edge.model.declared.system_identity_schema import SystemIdentity
from power_edge.probing.plan import Timeouts
from power_edge.probing.route import Options, route
from power_edge.probing.transport import Route, Unreachable, printed
from power_edge.resources import resource

_LOCAL = Options(connection="local")
_OPEN = b"validation:\n  require_match: false\n"


class Recorded(NamedTuple):
    """The node that this machine is, and what there is to say of it, for people."""

    node: str
    told: tuple[str, ...]


class _Shown(NamedTuple):
    """The identity that a machine shows: the file of it, and why nothing in it tells the machine from others, if so."""

    file: bytes
    identity: SystemIdentity
    hidden: str | None


def record(root: Path, name: str | None = None) -> Recorded:
    """Make this machine a node of the folder `root`, unless it is one; `name` is its host name where none is given.

    Raises ConfigError where the name is no name or another's, Unreachable where this machine's shell gives no answer, OSError where nothing can be
    written.
    """
    wanted = name if name is not None else safe_name(socket.gethostname())
    check_name(wanted)
    folder = root / wanted
    shown = _shown(folder)
    told = []
    for path, on_file in identities(root):
        known = path.name
        if isinstance(on_file, ConfigError):
            told.append(passed_over(path, on_file))
        elif _is(shown.identity, on_file):
            return Recorded(known, (*told, f"this machine is recorded: {NODE_CONFIGS}/{known}/"))
        elif known == wanted and shown.hidden and gate.expected(on_file).primary is None:
            return Recorded(known, (*told, f"this machine is recorded, by its name alone: {NODE_CONFIGS}/{known}/"))
    if (folder / STATE).exists() and not (folder / IDENTITY).exists():
        raise refuse(
            f"{NODE_CONFIGS}/{wanted}", "is there already, without an identity", f"if it is this machine: power-edge identity {quote(wanted)} --write"
        )
    if folder.exists():
        raise refuse(f"{NODE_CONFIGS}/{wanted}", "is there already, and is another machine's", "give this one a name: power-edge record NAME")
    state, count = _state(folder, shown.identity)
    whole.write_folder(folder, {IDENTITY: shown.file, STATE: state})
    told.append(f"recorded this machine: {NODE_CONFIGS}/{wanted}/ ({count} items)")
    if shown.hidden:
        told.append(f"its identity is not required to match: {shown.hidden}")
    return Recorded(wanted, tuple(told))


def _here() -> Route:
    return route(None, None, _LOCAL)


def _shown(folder: Path) -> _Shown:
    try:
        shown = collect(_here(), Timeouts())
    except NoIdentity as error:
        return _Shown(data.with_schema(_OPEN, folder, "system-identity"), load_system_identity(_OPEN, IDENTITY), str(error))
    return _Shown(file(shown, folder), shown.identity, None)


def _is(shown: SystemIdentity, on_file: SystemIdentity) -> bool:
    """Whether the machine that shows this identity would pass the gate of the one on file."""
    return gate.passes(shown, gate.expected(on_file)._replace(require_match=True))


def _state(folder: Path, identity: SystemIdentity) -> tuple[bytes, int]:
    """This machine's state.yaml, and how many items it holds: those of a draft that a check finds compliant, so that the next one will."""
    status, draft, errors = printed(_here(), data.text("probes/draft-state.sh"), Timeouts())
    if status != 0 or not draft:
        raise Unreachable(f"the script ended with status {status}: {errors.splitlines()[-1] if errors else 'no output'}")
    state = load_state(draft, f"{NODE_CONFIGS}/{folder.name}/{STATE}", folder.name)
    node = Node(name=folder.name, path=folder, state=state, system_identity=identity)
    checked = check.wait(node, check.ask([node], _LOCAL)[node.name])
    true = {(item.type, item.name) for item in node.items if checked.result(item).outcome is Outcome.COMPLIANT}
    if not true:
        raise Unreachable(checked.gate.why or "nothing of this machine could be read")
    kept = {section: _only(section, value, true) for section, value in yaml.safe_load(draft).items()}
    paragraphs = (yaml.safe_dump({section: value}, sort_keys=False) for section, value in kept.items() if value)
    return data.with_schema("\n".join(paragraphs).encode(), folder, "state"), len(true)


def _only(section: str, value: Any, kept: Container[tuple[str, str]]) -> Any:
    if isinstance(value, list):
        key = resource(section).key
        return [entry for entry in value if (section, entry[key]) in kept]
    if isinstance(value, dict) and section != "metadata":
        return {name: entry for name, entry in value.items() if (section, name) in kept}
    return value
