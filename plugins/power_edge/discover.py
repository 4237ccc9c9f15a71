"""Make the configuration of a running machine: one round trip, nothing written there."""

from collections.abc import Sequence
from typing import NamedTuple

from power_edge import check, identity, roles
from power_edge.configuring import Machine
from power_edge.discovering import Section, section
from power_edge.gate import Expected
from power_edge.identity import NoIdentity, Shown
from power_edge.probing import plan as planning
from power_edge.probing.answer import Answer
from power_edge.probing.plan import Plan, Timeouts
from power_edge.probing.transport import Job, Pending, start
from power_edge.target import Target

ANY_MACHINE = Expected(os="linux", primary=None, hashes={}, require_match=False, allow_os_migration=False, hash_on_file=None)
LONGER = 3
"""Discovery reads all there is, and not only what is declared: its deadlines are those of a check, times this."""


class Discovered(NamedTuple):
    """What was discovered of a machine; of one that shows no identity, why."""

    machine: Machine
    identity: Shown | NoIdentity
    sections: tuple[Section, ...]


def plan(target: Target, types: Sequence[str], *, everything: bool) -> Plan:
    """What is to be asked. Where TARGET names a node with an identity on file, the gate is that node's."""
    expected = check.expected(target.node) if target.node is not None else None
    mode = "all" if everything else "changed"
    sections = (
        planning.Section("identity", ("prelude", "collect-identity")),
        *(planning.Section(f"about.{part}", ("prelude", "about/line", f"about/{part}")) for part in ("who", "hardware", "roles")),
        *(planning.Discovery(name, (f"discovery/{name}", f"resources/{name}"), (mode,)) for name in types),
    )
    limits = target.timeouts
    timeouts = Timeouts(limits.connect, limits.section * LONGER, limits.node * LONGER)
    return Plan(target.name, expected or ANY_MACHINE, sections, timeouts, ("discover",))


def ask(target: Target, types: Sequence[str], *, everything: bool) -> Pending:
    """Send it; nothing is waited for."""
    job = Job(plan(target, types, everything=everything), target.route)
    return start([job])[job.plan.node]
