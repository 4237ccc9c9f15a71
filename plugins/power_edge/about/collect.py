"""Ask a machine what there is to know of it."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from power_edge.about.reading import PARTS, OnFile, about, identity
from power_edge.checking import check
from power_edge.checking.target import Target
from power_edge.config import ConfigError, Node, load_node
from power_edge.config.clones import identities, others
from power_edge.identity import gate
from power_edge.identity.gate import ANY_MACHINE, WrongMachine
from power_edge.model.generated.about_schema import About, Identity
from power_edge.probing.framing import Answer
from power_edge.probing.parallel import Pending, start
from power_edge.probing.script import ProbeScript, Section
from power_edge.probing.transport import Job

_SLOW = "system"
"""The part that asks the package manager: it comes last, so that what it takes is taken from no
other.
"""


def script_for(target: Target) -> ProbeScript:
    """What a machine is to be asked.

    A node's gate is shut to other machines; where no identity is on file any machine may be looked
    at.
    """
    node = target.node
    expected = check.expected(node) if node is not None else None
    order = sorted(PARTS, key=lambda name: name == _SLOW)
    return ProbeScript(
        node.name if node is not None else "-",
        expected or ANY_MACHINE,
        tuple(map(section, order)),
        target.timeouts,
    )


def ask(
    target: Target, root: Path | None, waiting: Callable[[Pending], Answer] = Pending.answer
) -> About:
    """The record of a machine; `root` is the node-configs/ that it may be a node of, `waiting` how
    an answer is waited for.

    Raises Unreachable, and WrongMachine.
    """
    script = script_for(target)
    answer = waiting(start([Job(script, target.route)])[script.node])
    if target.node is not None and script.expected is not ANY_MACHINE:
        observed = gate.judge(
            script.expected, answer.readings, "", partial(others, target.node.path)
        )
        if not observed.open:
            raise WrongMachine(observed.why)
    node = target.node or _node_of(identity(answer), root)
    return about(answer, target.name, _on_file(node))


def section(part: str) -> Section:
    """What is asked for one part."""
    # `who` hashes the identifier that the prelude reads.
    files = (
        ("prelude", "lib/node", "lib/about", f"about/{part}")
        if part == "who"
        else ("lib/node", "lib/about", f"about/{part}")
    )
    return Section(f"about.{part}", files)


def _node_of(shown: Identity | None, root: Path | None) -> Node | None:
    """The node that a machine with this identity is.

    Folders that cannot be used are passed over: they are no business of this question.
    """
    if shown is None or root is None:
        return None
    for folder, on_file in identities(root):
        with suppress(ConfigError):
            if (
                not isinstance(on_file, ConfigError)
                and gate.expected(on_file).hashes.get(shown.kind) == shown.hash
            ):
                return load_node(folder)
    return None


def _on_file(node: Node | None) -> OnFile:
    if node is None:
        return OnFile()
    declared = node.identity
    if declared is None:
        return OnFile(node.name)
    roles = tuple(role.name for role in declared.roles or () if role.enabled is not False)
    return OnFile(node.name, declared.node.purpose, tuple(declared.node.tags or ()), roles)
