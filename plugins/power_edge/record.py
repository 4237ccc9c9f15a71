"""Record a machine as a node: its identity, and a small state.yaml of what is true of it."""

import os
import re
import socket
from collections.abc import Container, Iterator
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

import yaml

from power_edge import check, data, gate, whole
from power_edge.config import ConfigError, Node, load_state, nodes
from power_edge.config.error import refuse
from power_edge.config.folders import NODE_CONFIGS, STATE, read_file
from power_edge.config.node import check_name, load_system_identity
from power_edge.model import Outcome
from power_edge.model.declared.system_identity_schema import SystemIdentity
from power_edge.probing.plan import Timeouts
from power_edge.probing.route import Options, route
from power_edge.probing.transport import Route, Unreachable, printed
from power_edge.resources import resource

IDENTITY = "system-identity.yaml"
_LOCAL = Options(connection="local")


class NoIdentity(Exception):
    """A machine that shows nothing to tell it by; the text says what was looked for."""


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
    shown = _shown(_here(), folder, Timeouts())
    told = []
    for known, on_file in _identities(root):
        if isinstance(on_file, ConfigError):
            told.append(f"{known} was passed over, since its identity cannot be used: {on_file.problems[0]}")
        elif _is(shown.identity, on_file):
            return Recorded(known, (*told, f"this machine is recorded: {NODE_CONFIGS}/{known}/"))
        elif known == wanted and shown.hidden and gate.expected(on_file).primary is None:
            return Recorded(known, (*told, f"this machine is recorded, by its name alone: {NODE_CONFIGS}/{known}/"))
    if (folder / STATE).exists() and not (folder / IDENTITY).exists():
        raise refuse(
            f"{NODE_CONFIGS}/{wanted}", "is there already, without an identity", f"if it is this machine: power-edge record --on {quote(wanted)}"
        )
    if folder.exists():
        raise refuse(f"{NODE_CONFIGS}/{wanted}", "is there already, and is another machine's", "give this one a name: power-edge record NAME")
    state, count = _state(folder, shown.identity)
    whole.write_folder(folder, {IDENTITY: shown.file, STATE: state})
    told.append(f"recorded this machine: {NODE_CONFIGS}/{wanted}/ ({count} items)")
    if shown.hidden:
        told.append(f"its identity is not required to match: {shown.hidden}")
    return Recorded(wanted, tuple(told))


def record_on(node: Node, options: Options) -> Path:
    """Write the identity of an existing node, read over the way that leads to it; its file. The state stays as it is.

    Raises ConfigError where there is one, BadRoute, Unreachable, OSError, and NoIdentity: a gate is not opened for good by a command that is
    meant to record what shuts it.
    """
    file = node.path / IDENTITY
    if node.system_identity is not None:
        raise refuse(f"{NODE_CONFIGS}/{node.name}/{IDENTITY}", "is there already", "remove it, and the machine can be recorded anew")
    shown = _shown(route(node.connection, None, options), node.path, check.timeouts(node))
    if shown.hidden:
        raise NoIdentity(shown.hidden)
    whole.write_new(file, shown.file)
    return file


def safe_name(hostname: str) -> str:
    """A host name as the name of a node: letters, digits and . _ + @ -."""
    return re.sub(r"[^A-Za-z0-9._+@-]+", "-", hostname).strip(".-")[:255] or "this-machine"


def _here() -> Route:
    return route(None, None, _LOCAL)


def _shown(way: Route, folder: Path, timeouts: Timeouts) -> _Shown:
    content, errors = _output(way, data.text("probes/prelude.sh") + data.text("probes/collect-identity.sh"), timeouts)
    identity = load_system_identity(content, IDENTITY)
    hidden = None if gate.expected(identity).primary is not None else errors or "it shows no identifier"
    return _Shown(_with_schema(content, folder, "system-identity"), identity, hidden)


def _output(way: Route, script: str, timeouts: Timeouts) -> tuple[bytes, str]:
    status, content, errors = printed(way, script, timeouts)
    if status != 0 or not content:
        raise Unreachable(f"the script ended with status {status}: {errors.splitlines()[-1] if errors else 'no output'}")
    return content, errors


def _identities(root: Path) -> Iterator[tuple[str, SystemIdentity | ConfigError]]:
    """The nodes with an identity on file, and that, or why it cannot be used."""
    for folder in nodes(root) if root.is_dir() else ():
        file = f"{NODE_CONFIGS}/{folder.name}/{IDENTITY}"
        try:
            content = read_file(folder / IDENTITY, file)
            if content is not None:
                yield folder.name, load_system_identity(content, file)
        except ConfigError as error:
            yield folder.name, error


def _is(shown: SystemIdentity, on_file: SystemIdentity) -> bool:
    """Whether the machine that shows this identity would pass the gate of the one on file."""
    readings = {kind: gate.Reading("ok", digest) for kind, digest in gate.expected(shown).hashes.items()}
    return gate.judge(gate.expected(on_file)._replace(require_match=True), readings, "").open


def _state(folder: Path, identity: SystemIdentity) -> tuple[bytes, int]:
    """This machine's state.yaml, and how many items it holds: those of a draft that a check finds compliant, so that the next one will."""
    draft, _ = _output(_here(), data.text("probes/draft-state.sh"), Timeouts())
    state = load_state(draft, f"{NODE_CONFIGS}/{folder.name}/{STATE}", folder.name)
    node = Node(name=folder.name, path=folder, state=state, system_identity=identity)
    checked = check.wait(node, check.ask([node], _LOCAL)[node.name])
    true = {(item.type, item.name) for item in node.items if checked.result(item).outcome is Outcome.COMPLIANT}
    if not true:
        raise Unreachable(checked.gate.why or "nothing of this machine could be read")
    kept = {section: _only(section, value, true) for section, value in yaml.safe_load(draft).items()}
    paragraphs = (yaml.safe_dump({section: value}, sort_keys=False) for section, value in kept.items() if value)
    return _with_schema("\n".join(paragraphs).encode(), folder, "state"), len(true)


def _only(section: str, value: Any, kept: Container[tuple[str, str]]) -> Any:
    if isinstance(value, list):
        key = resource(section).key
        return [entry for entry in value if (section, entry[key]) in kept]
    if isinstance(value, dict) and section != "metadata":
        return {name: entry for name, entry in value.items() if (section, name) in kept}
    return value


def _with_schema(content: bytes, folder: Path, name: str) -> bytes:
    """The file with the line that leads editors to its schema: relative in a checkout, which may stand elsewhere on the next machine."""
    schema = data.folder("schemas").resolve() / "merged" / f"{name}.schema.json"
    top = data.folder("schemas").resolve().parent
    if (top / "pyproject.toml").is_file() and folder.resolve().is_relative_to(top):
        schema = Path(os.path.relpath(schema, folder.resolve()))
    lines = [line for line in content.splitlines(keepends=True) if not line.startswith(b"# yaml-language-server:")]
    return f"# yaml-language-server: $schema={schema}\n".encode() + b"".join(lines)
