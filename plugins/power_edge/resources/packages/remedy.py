"""The commands that bring a package to its declared state, or what a person would do.

There are commands for apt and dpkg only, since no others were tried on a real node. They are those
that `apt-get -s` simulated on the node, and only if nothing changes but the package itself and new
packages that it needs.
"""

import shlex
from collections.abc import Sequence
from functools import cmp_to_key

from power_edge.model import Command, Finding, Remedy
from power_edge.model.generated.resources.packages_schema import Package as Declared
from power_edge.resources.packages import versions
from power_edge.resources.packages.observation import Package, Row
from power_edge.resources.packages.ranges import accepts, limits
from power_edge.resources.packages.simulation import TOO_LONG, Simulation


def remedy(declared: Declared, observed: Package, _: Sequence[Finding]) -> Remedy:
    """Return the commands that end the drift, or advice for a person."""
    held = sorted({row.name for row in (*observed.here, *observed.others) if row.want == "hold"})
    if held:
        return _advice(
            f"{' and '.join(held)} is on hold: if nobody needs the hold, end it first"
            f" (apt-mark unhold {' '.join(held)})"
        )
    if (version := _with_epoch(declared, observed)) is not None:
        return _advice(f"declare the version with its epoch: {version}")
    if observed.manager != "dpkg":
        return _advice(_by_hand(declared, observed))
    if observed.tool is None:
        return _advice("the node has no apt-get: install or remove the package with dpkg")
    broken = [row for row in observed.broken if not _unfinished(row)]
    if broken:
        return _advice(
            f"first repair {', '.join(row.name for row in broken)} ({broken[0].status}): until"
            " then apt can do nothing else safely"
        )
    unfinished = [row for row in observed.here if _unfinished(row)]
    if declared.state != "absent" and observed.simulation is None and unfinished:
        return Remedy(
            (_configure(unfinished[0], observed.broken),),
            advice=_failing([*unfinished, *observed.broken]),
        )
    return _simulated(declared, observed)


def _simulated(declared: Declared, observed: Package) -> Remedy:
    simulation = observed.simulation
    if declared.version and (why := _out_of_range(declared.name, declared.version, observed)):
        return _advice(why)
    if simulation is None:
        return _advice(
            "apt-get was not simulated, because there was no time left: check this item alone"
        )
    if simulation.refusal == TOO_LONG:
        return _advice("apt-get -s took too long to say what it would do: check this item alone")
    if simulation.refusal is not None:
        return _advice(_refused(declared, observed, simulation.refusal))
    if side_effects := simulation.beside(observed.native):
        return _advice(
            f"{' '.join(simulation.command)} would also"
            f" {_listed([str(change) for change in side_effects])}: decide about that first"
        )
    if not _reaches(declared, observed, simulation):
        return _advice(
            f"{' '.join(simulation.command)} would not end the drift: {_offered(observed)}"
        )
    first = [("dpkg", "--configure", "-a")] if observed.broken else []
    dependencies = simulation.along(observed.native)
    notes = [f"it also installs what it needs: {_listed(dependencies)}"] if dependencies else []
    failing = [_failing(observed.broken)] if observed.broken else []
    return Remedy(
        (*first, simulation.command), simulation.cuts, "; ".join((*notes, *failing)) or None
    )


def _out_of_range(name: str, range_: str, observed: Package) -> str | None:
    """Return why apt by itself would install no version of a range, by what the package lists
    offer; None if it would, and for an exact version.
    """
    if not limits(range_):
        return None
    candidate = observed.candidate
    if candidate is None:
        return f"{observed.unread}: check this item alone" if observed.unread else None
    found = [one.version for one in candidate.offered if accepts("dpkg", range_, one.version)]
    if candidate.version in found:
        return None
    if not found:
        return f"no version that apt could install is in this range: {_offered(observed)}"
    best = max(found, key=cmp_to_key(versions.dpkg))
    command = shlex.join(("apt-get", "install", f"{name}={best}"))
    return (
        f"apt prefers {candidate.version}, which is not in this range: try {command}, and check"
        " what else that would change"
    )


def _reaches(declared: Declared, observed: Package, simulation: Simulation) -> bool:
    """Return whether apt would do what is declared."""
    requested = simulation.own(observed.native)
    changes = [change for change in simulation.changes if change.name in requested]
    if declared.state == "absent":
        return {change.name for change in changes if change.kind != "Inst"} == requested
    return bool(changes) and all(
        change.new is not None
        and (declared.version is None or accepts("dpkg", declared.version, change.new))
        for change in changes
    )


def _advice(sentence: str) -> Remedy:
    return Remedy(advice=sentence)


def _unfinished(row: Row) -> bool:
    """Return whether `dpkg --configure` is all that is missing."""
    return row.status in ("half-configured", "unpacked") and row.flag == "ok"


def _configure(row: Row, others: Sequence[Row]) -> Command:
    return ("dpkg", "--configure", "-a" if others else row.name)


def _failing(rows: Sequence[Row]) -> str:
    return (
        "if dpkg --configure fails, a script of the package fails: repair"
        f" {_listed(dict.fromkeys(row.name for row in rows))} by hand"
    )


def _with_epoch(declared: Declared, observed: Package) -> str | None:
    """Return the installed version if it is the declared one with an epoch; else None."""
    return next(
        (
            row.version
            for row in observed.here
            if declared.version and row.version.partition(":")[2] == declared.version
        ),
        None,
    )


def _refused(declared: Declared, observed: Package, refusal: str) -> str:
    if declared.state == "absent":
        return f"apt-get refuses to remove it: {refusal}"
    return f"apt-get cannot do it ({refusal}): {_offered(observed)}"


def _offered(observed: Package) -> str:
    offered = (
        [one.version for one in observed.candidate.offered]
        if observed.candidate is not None
        else []
    )
    if not offered:
        return (
            "no package list on the node offers it: run apt-get update, or add a source that has it"
        )
    return f"the package lists offer {_listed(offered)}"


def _by_hand(declared: Declared, observed: Package) -> str:
    tool = observed.tool or observed.manager
    if declared.state == "absent":
        return f"remove it with {tool}, and check what else that would remove"
    return (
        f"install {'it' if declared.version is None else f'version {declared.version}'} with"
        f" {tool}, and check what else that would change"
    )


def _listed(names: Sequence[str] | dict[str, None]) -> str:
    """Return at most five names, and how many more there are."""
    names = list(names)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
