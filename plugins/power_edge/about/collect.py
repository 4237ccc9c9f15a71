"""Collect the overview of a machine (`power-edge about`)."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from power_edge import package_data
from power_edge.about.reading import PARTS, OnFile, about, identity
from power_edge.checking import check
from power_edge.checking.target import Target
from power_edge.config import ConfigError, Node, load_node
from power_edge.config.clones import identities, others
from power_edge.identity import gate
from power_edge.identity.gate import WrongMachine
from power_edge.identity.identifiers import ANY_MACHINE, Reading, expected
from power_edge.identity.match import share_identifier
from power_edge.model.generated.about_schema import About, Identity
from power_edge.probing.framing import Answer
from power_edge.probing.parallel import Pending, start
from power_edge.probing.script import ProbeScript, Section
from power_edge.probing.transport import Job

_SLOW = "system"
"""The part that asks the package manager. It comes last, and so takes no time from the others."""


def script_for(target: Target) -> ProbeScript:
    """Return the script that reads a machine.

    The gate of a node with an identity on file is shut to other machines. Without one, any machine
    may be read.
    """
    node = target.node
    on_file = check.expected(node) if node is not None else None
    order = sorted(PARTS, key=lambda name: name == _SLOW)
    return ProbeScript(
        node.name if node is not None else "-",
        on_file or ANY_MACHINE,
        tuple(map(section, order)),
        target.timeouts,
    )


def ask(
    target: Target, root: Path | None, waiting: Callable[[Pending], Answer] = Pending.answer
) -> About:
    """Return the record of a machine.

    `root` is the node-configs/ that it may be a node of; `waiting` is how the answer is waited for.
    Raises Unreachable and WrongMachine.
    """
    script = script_for(target)
    answer = waiting(start([Job(script, target.route)])[script.node])
    if target.node is not None and script.expected is not ANY_MACHINE:
        judged = gate.judge(script.expected, answer.readings, "", partial(others, target.node.path))
        if not judged.open:
            raise WrongMachine(judged.why)
    node = target.node or _node_of(identity(answer), root)
    return about(answer, target.name, _on_file(node))


def section(part: str) -> Section:
    """Return the section of the probe script that reads one part."""
    files = ["lib/node", "lib/about", f"about/{part}"]
    if part == "who":
        files.insert(0, "prelude")  # it hashes the identifier that the prelude reads
    elif part == "roles":
        found = (package_data.folder("probes") / "roles").glob("*.sh")
        files += [f"roles/{file.stem}" for file in sorted(found)]
    return Section(f"about.{part}", tuple(files))


def _node_of(identity: Identity | None, root: Path | None) -> Node | None:
    """Return the first node that has the identifier of this machine on file, or None.

    The record has one identifier only, which is too little for `match`. Nodes that cannot be used
    are passed over.
    """
    if identity is None or root is None:
        return None
    candidates = {
        folder: expected(on_file)
        for folder, on_file in identities(root)
        if not isinstance(on_file, ConfigError)
    }
    found = share_identifier({identity.kind: Reading("ok", identity.hash)}, candidates)
    for folder in found.get(identity.kind, ()):
        with suppress(ConfigError):
            return load_node(folder, with_derived=False)
    return None


def _on_file(node: Node | None) -> OnFile:
    if node is None:
        return OnFile()
    declared = node.identity
    if declared is None:
        return OnFile(node.name)
    roles = tuple(role.name for role in declared.roles or () if role.enabled is not False)
    return OnFile(node.name, declared.node.purpose, tuple(declared.node.tags or ()), roles)
