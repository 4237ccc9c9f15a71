"""Packages: whether they are installed, and in which version, by the node's own package manager.

Only the manager's database counts. A package that it does not hold is not installed, and a name
that only leads to another package (a virtual package, a name with a version in it) decides
nothing. The states are those of dpkg(1); the databases are read by dpkg-query(1), rpm(8),
pacman(8), and apk's own files.
"""

from collections.abc import Iterator, Sequence

from power_edge.model import FactFields, NotObserved, ResourceType
from power_edge.model.generated.resources.packages_schema import Package as Declared
from power_edge.resources.packages.judge import ABSENT, KEYS, LATEST, elsewhere, judge, keys, state
from power_edge.resources.packages.observation import Package, parse
from power_edge.resources.packages.ranges import contradiction, limits
from power_edge.resources.packages.remedy import remedy
from power_edge.resources.packages.triggers import triggers


def ask(items: Sequence[Declared]) -> Iterator[str]:
    """Yield the probe's argument for each item: `=NAME=VERSION` for a version, `-NAME` for absent,
    `+NAME` for latest and for a range (what the lists offer may be in it), else `NAME`.
    """
    for declared in items:
        if declared.version is not None and limits(declared.version):
            yield f"+{declared.name}"
        elif declared.version is not None:
            yield f"={declared.name}={declared.version}"
        else:
            yield {ABSENT: "-", LATEST: "+"}.get(declared.state or "", "") + declared.name


def fact(observed: Package) -> FactFields | NotObserved | None:
    """Return `state` (`present`, or the manager's words for a part of it) and `version`; None if it
    is not installed.
    """
    if keys(observed):
        return NotObserved(KEYS)
    if observed.here:
        versions = list(dict.fromkeys(row.version for row in observed.here))
        return {
            "state": state(observed.here),
            "version": versions[0]
            if len(versions) == 1
            else NotObserved(f"several are installed: {', '.join(versions)}"),
        }
    if observed.orphan:
        return NotObserved("dpkg's database has lost its entry")
    if observed.label is not None:
        return NotObserved("the name of a package together with its version, not its name")
    why = elsewhere("", observed)
    return None if why is None else NotObserved(why)


_STATES = {
    "latest": "latest",
    "newest": "latest",
    "present": "present",
    "installed": "present",
    "any": "present",
    "absent": "absent",
}
"""What other tools take for a version, and the state that says it here."""


def problems(declared: Declared) -> Iterator[tuple[str, str]]:
    """Yield the field and the message if the version is a word that is a state here, or a range
    that no version is in.
    """
    state = _STATES.get((declared.version or "").lower())
    if state is not None:
        yield "version", f"{declared.version} is not a version: write state: {state} in its place"
    if (found := contradiction(declared.version or "")) is not None:
        low, high = (f"{limit.sign} {limit.version}" for limit in found)
        yield "version", f"no version is {low} and {high} at once: correct one of the two"


RESOURCE: ResourceType[Declared, Package] = ResourceType(
    name="packages",
    declares=list[Declared],
    key="name",
    parse=parse,
    judge=judge,
    remedy=remedy,
    turn=10,
    problems=problems,
    ask=ask,
    fact=fact,
    triggers=triggers,
    quiet=0.5,
)
