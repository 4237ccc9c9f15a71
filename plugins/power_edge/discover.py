"""Read a machine for what there is to declare of it: one round trip, nothing written."""

from collections.abc import Sequence

from power_edge import check
from power_edge.gate import Expected
from power_edge.probing import plan as planning
from power_edge.probing.plan import Plan, Timeouts
from power_edge.probing.transport import Job, Pending, start
from power_edge.target import Target

ANY_MACHINE = Expected(os="linux", primary=None, hashes={}, require_match=False, allow_os_migration=False, hash_on_file=None)
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
        *(planning.Section(f"about.{part}", (f"about/{part}",)) for part in PARTS),
        *(planning.Discovery(name, (f"discovery/{name}", f"resources/{name}"), (mode,)) for name in types),
    )
    limits = target.timeouts
    timeouts = Timeouts(limits.connect, limits.section * LONGER, limits.node * LONGER)
    return Plan(target.name, expected, sections, timeouts, ("discover",))


def ask(target: Target, types: Sequence[str], *, everything: bool) -> Pending:
    """Send it; nothing is waited for."""
    job = Job(plan(target, types, everything=everything), target.route)
    return start([job])[job.plan.node]
