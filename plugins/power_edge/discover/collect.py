"""Read a machine for everything that can be declared: one round trip, nothing is written there."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from power_edge.about import collect
from power_edge.about.part import part
from power_edge.about.reading import declared, evidence, hardware
from power_edge.checking import check, collect_identity
from power_edge.checking.collect_identity import CollectedIdentity, NoIdentity
from power_edge.checking.target import Target
from power_edge.config import Node
from power_edge.config.clones import others
from power_edge.discover.documents import Machine
from power_edge.discover.sections import Section, section
from power_edge.identity import gate
from power_edge.identity.gate import WrongMachine
from power_edge.identity.identifiers import ANY_MACHINE
from power_edge.probing import script as planning
from power_edge.probing.failure import Unreachable
from power_edge.probing.framing import Answer, Output
from power_edge.probing.parallel import Pending, start
from power_edge.probing.script import ProbeScript, Timeouts
from power_edge.probing.transport import Job
from power_edge.roles import suggestion

LONGER = 3
"""The deadlines are those of a check, times this: discovery reads everything, not only what is
declared.
"""
_NOTHING = Output(None, b"", "")


class Discovered(NamedTuple):
    """What was discovered on a machine."""

    machine: Machine
    identity: CollectedIdentity | NoIdentity
    """The machine's identity, or why it shows none."""
    sections: tuple[Section, ...]


def script_for(target: Target, types: Sequence[str], *, everything: bool) -> ProbeScript:
    """Return the script that reads a target for these resource types.

    If the target is a node with an identity on file, the gate is that node's. `everything` includes
    what a fresh install has too.
    """
    expected = check.expected(target.node) if target.node is not None else None
    mode = "all" if everything else "changed"
    sections = (
        planning.Section("identity", ("prelude", "lib/node", "collect-identity")),
        *map(collect.section, ("who", "hardware", "roles")),
        *(
            planning.Discovery(name, planning.files(name, "discovery", "resources"), (mode,))
            for name in types
        ),
    )
    limits = target.timeouts
    timeouts = Timeouts(limits.connect, limits.section * LONGER, limits.node * LONGER)
    return ProbeScript(target.name, expected or ANY_MACHINE, sections, timeouts, ("discover",))


def ask(
    target: Target,
    types: Sequence[str],
    *,
    everything: bool = False,
    waiting: Callable[[Pending], Answer] = Pending.answer,
) -> Answer:
    """Return the machine's answer; `waiting` is how it is waited for. Raises Unreachable."""
    script = script_for(target, types, everything=everything)
    return waiting(start([Job(script, target.route)])[script.node])


def read(answer: Answer, types: Sequence[str], node: Node | None = None) -> Discovered:
    """Return what a machine's answer says about these types.

    `node` is the node whose gate the script had, if any. An answer made by hand need not have all
    types. Raises WrongMachine, Unreachable for an answer without the section of the identity, and
    ConfigError for an identity that contradicts itself.
    """
    expected = check.expected(node) if node is not None else None
    if node is not None and expected is not None:
        judged = gate.judge(expected, answer.readings, "", partial(others, node.path))
        if not judged.open:
            raise WrongMachine(judged.why)
    output = answer.outputs.get("identity", _NOTHING)
    if output.status is None:
        raise Unreachable(f"connected, but {output.failure()}")
    shown: CollectedIdentity | NoIdentity
    try:
        shown = collect_identity.parse(output.status, output.stdout, output.stderr)
    except NoIdentity as error:
        shown = error
    platform = shown.identity.platform if isinstance(shown, CollectedIdentity) else None
    roles = evidence(part(answer, "roles"))
    machine = Machine(
        hostname=part(answer, "who").text("hostname") or "this-machine",
        family=(platform.os_family if platform is not None else None) or "",
        hardware=declared(hardware(part(answer, "hardware"))),
        roles=suggestion.suggest(roles),
        tags=suggestion.tags(roles),
    )
    # In this order files, the longest section, come after services and sysctl.
    in_answer = [
        name
        for name in sorted(types, reverse=True)
        if f"find.{name}" in answer.outputs or not answer.complete
    ]
    return Discovered(machine, shown, tuple(section(name, answer) for name in in_answer))
