"""What brings a package to its declared state.

Commands are apt's and dpkg's alone: no others were run on a node of the lab. They are those that
`apt-get -s` tried on the node, and only where it says that nothing changes but the package itself,
and new packages that it needs.
"""

from collections.abc import Sequence

from power_edge.model import Command, Finding, Remedy
from power_edge.model.generated.resources.packages_schema import Package as Declared
from power_edge.resources.packages import versions
from power_edge.resources.packages.observation import Package, Row
from power_edge.resources.packages.simulation import Simulation


def remedy(declared: Declared, observed: Package, _: Sequence[Finding]) -> Remedy:
    """The commands that end a drift, or what a person would do."""
    held = sorted({row.name for row in (*observed.here, *observed.others) if row.want == "hold"})
    if held:
        return _advice(
            f"{' and '.join(held)} is on hold: end that first where nobody needs it (apt-mark unhold {' '.join(held)})"
        )
    if (whole := _with_epoch(declared, observed)) is not None:
        return _advice(f"declare the version with its epoch: {whole}")
    if observed.manager != "dpkg":
        return _advice(_by_hand(declared, observed))
    if observed.tool is None:
        return _advice("there is no apt-get on the node: install or remove it with dpkg")
    torn = [row for row in observed.broken if not _unfinished(row)]
    if torn:
        return _advice(
            f"first repair {', '.join(row.name for row in torn)} ({torn[0].status}): until then apt does nothing else safely"
        )
    unfinished = [row for row in observed.here if _unfinished(row)]
    if declared.state != "absent" and observed.simulation is None and unfinished:
        return Remedy(
            (_configure(unfinished[0], observed.broken),),
            advice=_failing([*unfinished, *observed.broken]),
        )
    return _simulated(declared, observed)


def _simulated(declared: Declared, observed: Package) -> Remedy:
    tried = observed.simulation
    if tried is None:
        return _advice(
            "apt-get was not asked what it would do, as time was short: check this item alone"
        )
    if tried.refusal is not None:
        return _advice(_refused(declared, observed, tried.refusal))
    if beside := tried.beside(observed.native):
        return _advice(
            f"{' '.join(tried.command)} would also {_listed([str(change) for change in beside])}: decide that first"
        )
    if not _reaches(declared, observed, tried):
        return _advice(f"{' '.join(tried.command)} would not do it: {_offered(observed)}")
    first = [("dpkg", "--configure", "-a")] if observed.broken else []
    along = tried.along(observed.native)
    brings = [f"it needs and brings along {_listed(along)}"] if along else []
    failing = [_failing(observed.broken)] if observed.broken else []
    return Remedy((*first, tried.command), tried.cuts, "; ".join((*brings, *failing)) or None)


def _reaches(declared: Declared, observed: Package, tried: Simulation) -> bool:
    """Whether what apt would do is what is declared."""
    own = tried.own(observed.native)
    changes = [change for change in tried.changes if change.name in own]
    if declared.state == "absent":
        return {change.name for change in changes if change.kind != "Inst"} == own
    return bool(changes) and all(
        change.new is not None
        and (declared.version is None or versions.same("dpkg", declared.version, change.new))
        for change in changes
    )


def _advice(sentence: str) -> Remedy:
    return Remedy(advice=sentence)


def _unfinished(row: Row) -> bool:
    """Whether `dpkg --configure` is all that it lacks."""
    return row.status in ("half-configured", "unpacked") and row.flag == "ok"


def _configure(row: Row, others: Sequence[Row]) -> Command:
    return ("dpkg", "--configure", "-a" if others else row.name)


def _failing(rows: Sequence[Row]) -> str:
    return f"where dpkg --configure fails, repair {_listed(dict.fromkeys(row.name for row in rows))} by hand: its own script fails"


def _with_epoch(declared: Declared, observed: Package) -> str | None:
    """The version that is there, if it is the declared one but for an epoch that was left out."""
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
        return "no package list on the node offers it; apt-get update, or a source that has it, comes first"
    return f"the package lists offer {_listed(offered)}"


def _by_hand(declared: Declared, observed: Package) -> str:
    tool = observed.tool or observed.manager
    if declared.state == "absent":
        return f"remove it with {tool}, and look what else it would take along"
    return f"install {'it' if declared.version is None else f'version {declared.version}'} with {tool}, and look what else it would change"


def _listed(names: Sequence[str] | dict[str, None]) -> str:
    """At most five, and how many more."""
    names = list(names)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
