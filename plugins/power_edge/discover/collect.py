"""Read a machine for what there is to declare of it: one round trip, nothing written there."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from power_edge.about import collect
from power_edge.about.part import part
from power_edge.about.reading import declared, evidence, hardware
from power_edge.checking import check, collect_identity
from power_edge.checking.collect_identity import NoIdentity, Shown
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
"""Discovery reads all there is, and not only what is declared: its deadlines are those of a check,
times this.
"""
_NOTHING = Output(None, b"", "")


class Discovered(NamedTuple):
    """What was discovered of a machine; of one that shows no identity, why."""

    machine: Machine
    identity: Shown | NoIdentity
    sections: tuple[Section, ...]


def script_for(target: Target, types: Sequence[str], *, everything: bool) -> ProbeScript:
    """What is to be asked.

    Where TARGET names a node with an identity on file, the gate is that node's.
    """
    expected = check.expected(target.node) if target.node is not None else None
    mode = "all" if everything else "changed"
    sections = (
        planning.Section("identity", ("prelude", "collect-identity")),
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
    """The machine's answer; `waiting` is how it is waited for. Raises Unreachable."""
    asked = script_for(target, types, everything=everything)
    return waiting(start([Job(asked, target.route)])[asked.node])


def read(answer: Answer, types: Sequence[str], node: Node | None = None) -> Discovered:
    """What a machine's answer tells of these types; `node` is the one whose gate it went through,
    if so. An answer by hand need not hold them all.

    Raises WrongMachine, Unreachable for an answer without an identity's section, ConfigError for an
    identity that contradicts itself.
    """
    expected = check.expected(node) if node is not None else None
    if node is not None and expected is not None:
        judged = gate.judge(expected, answer.readings, "", partial(others, node.path))
        if not judged.open:
            raise WrongMachine(judged.why)
    output = answer.outputs.get("identity", _NOTHING)
    if output.status is None:
        raise Unreachable(f"connected, but {output.failure()}")
    shown: Shown | NoIdentity
    try:
        shown = collect_identity.parse(output.status, output.stdout, output.stderr)
    except NoIdentity as error:
        shown = error
    platform = shown.identity.platform if isinstance(shown, Shown) else None
    observed = evidence(part(answer, "roles"))
    machine = Machine(
        hostname=part(answer, "who").text("hostname") or "this-machine",
        family=(platform.os_family if platform is not None else None) or "",
        hardware=declared(hardware(part(answer, "hardware"))),
        roles=suggestion.suggest(observed),
        tags=suggestion.tags(observed),
    )
    # Backwards, files come last, of which there are most.
    told = [
        name
        for name in sorted(types, reverse=True)
        if f"find.{name}" in answer.outputs or not answer.complete
    ]
    return Discovered(machine, shown, tuple(section(name, answer) for name in told))
