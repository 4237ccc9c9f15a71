"""Read a machine for what there is to declare of it: one round trip, nothing written."""

from collections.abc import Sequence

from power_edge import check
from power_edge.about.asking import section
from power_edge.gate import ANY_MACHINE
from power_edge.probing import plan as planning
from power_edge.probing.plan import Plan, Timeouts
from power_edge.probing.transport import Job, Pending, start
from power_edge.target import Target

PARTS = ("who", "hardware", "roles")
LONGER = 3
"""Discovery reads all there is, and not only what is declared: its deadlines are those of a check, times this."""


def plan(target: Target, types: Sequence[str], *, everything: bool) -> Plan:
    """What is to be asked. The gate is that of the node which TARGET names, if so, and where it has an identity on file."""
    node = target.node
    expected = (check.expected(node) if node is not None else None) or ANY_MACHINE
    mode = "all" if everything else "changed"
    sections = (
        planning.Section("identity", ("prelude", "collect-identity")),
        *map(section, PARTS),
        *(planning.Discovery(name, (f"discovery/{name}", f"resources/{name}"), (mode,)) for name in types),
    )
    limits = target.timeouts
    timeouts = Timeouts(limits.connect, limits.section * LONGER, limits.node * LONGER)
    return Plan(target.name, expected, sections, timeouts, ("discover",))


def ask(target: Target, types: Sequence[str], *, everything: bool) -> Pending:
    """Send it; nothing is waited for."""
    job = Job(plan(target, types, everything=everything), target.route)
    return start([job])[job.plan.node]
