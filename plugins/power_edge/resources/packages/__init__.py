"""Packages: installed or not, in which version, by the manager that owns the node.

The manager's database alone is the witness: what it does not hold is not there, and a name that
only leads to another package (a virtual one, a label with a version in it) is no answer. dpkg(1)
tells the states; dpkg-query(1), rpm(8), pacman(8) and apk's database were read as they are.
"""

from collections.abc import Iterator, Sequence

from power_edge.model import Finding, NotObserved, ResourceType, agrees, drifts, undecided
from power_edge.model.generated.resources.packages_schema import Package as Declared
from power_edge.resources.packages import versions
from power_edge.resources.packages.observation import Package, Row, parse
from power_edge.resources.packages.offers import Candidate, Version
from power_edge.resources.packages.remedy import remedy
from power_edge.resources.packages.triggers import triggers

ABSENT = "absent"
PRESENT = "present"


def ask(items: Sequence[Declared]) -> Iterator[str]:
    """What each item wants, as the probe takes it: `NAME`, `-NAME`, `+NAME` or `=NAME=VERSION`."""
    for declared in items:
        if declared.version is not None:
            yield f"={declared.name}={declared.version}"
        else:
            yield {ABSENT: "-", "latest": "+"}.get(declared.state or "", "") + declared.name


def judge(declared: Declared, observed: Package) -> Iterator[Finding]:
    if observed.label is not None:
        why = f"the name of no package, but the label of {observed.label.name} with its version: declare name and version apart"
        yield from _undecided(declared, why)
    elif observed.orphan:
        yield from _undecided(
            declared,
            "dpkg's database has no entry of it, and its list of files is there: entries were lost",
        )
    elif declared.state == ABSENT:
        yield _judge_absent(declared, observed)
    elif not observed.here and (elsewhere := _elsewhere(declared, observed)):
        yield from _undecided(declared, elsewhere)
    else:
        yield _judge_present(declared, observed)
        if declared.version is not None:
            yield _judge_version(declared.version, observed)


def _undecided(declared: Declared, why: str) -> Iterator[Finding]:
    yield undecided("state", declared.state, why)
    if declared.version is not None:
        yield undecided("version", declared.version, why)


def _elsewhere(declared: Declared, observed: Package) -> str | None:
    """Where a package is that is not there under its own name: a reason not to call it missing."""
    # Where the name says the architecture, the package of another one is another package; that of
    # all architectures is not.
    others = [
        row for row in observed.others if ":" not in declared.name or row.arch in ("all", "noarch")
    ]
    if others:
        return "installed for another architecture only: " + ", ".join(
            f"{row.name}:{row.arch}" for row in others
        )
    if observed.providers:
        return "not installed, but provided by " + ", ".join(
            "another package" if name == "-" else name for name in observed.providers
        )
    return None


def _state(rows: Sequence[Row]) -> str:
    """`present`, or of what is half there the worst that the manager calls it."""
    broken = next((row for row in rows if not row.usable), None)
    if broken is None:
        return PRESENT
    return broken.status if broken.flag == "ok" else f"{broken.status}, {broken.flag}"


def _judge_absent(declared: Declared, observed: Package) -> Finding:
    elsewhere = _elsewhere(declared, observed)
    if observed.here:
        return drifts("state", ABSENT, _state(observed.here))
    if elsewhere is not None:
        return (
            drifts("state", ABSENT, PRESENT, elsewhere)
            if observed.others
            else undecided("state", ABSENT, elsewhere)
        )
    return agrees(
        "state",
        ABSENT,
        ABSENT,
        "its configuration files are left"
        if any(row.status == "config-files" for row in observed.rows)
        else None,
    )


def _judge_present(declared: Declared, observed: Package) -> Finding:
    if not observed.here:
        left = any(row.status == "config-files" for row in observed.rows)
        return drifts(
            "state",
            declared.state,
            ABSENT,
            "only its configuration files are left" if left else None,
        )
    state = _state(observed.here)
    if state != PRESENT:
        return drifts("state", declared.state, state)
    if observed.manager == "rpm" and declared.name == "gpg-pubkey":
        return undecided(
            "state", declared.state, "rpm lists signing keys under this name: it is no software"
        )
    if declared.state == "latest":
        return _judge_latest(observed)
    return agrees("state", declared.state, PRESENT)


def _judge_version(declared: str, observed: Package) -> Finding:
    """Each architecture that is there must have the version, beside others or not (rpm keeps
    several kernels).
    """
    by_arch: dict[str, list[str]] = {}
    for row in observed.here:
        by_arch.setdefault(row.arch, []).append(row.version)
    actual = ", ".join(dict.fromkeys(row.version for row in observed.here)) or ABSENT
    if by_arch and all(
        any(versions.same(observed.manager, declared, version) for version in there)
        for there in by_arch.values()
    ):
        return agrees("version", declared, actual)
    epoch, colon, rest = actual.partition(":")
    return drifts(
        "version",
        declared,
        actual,
        f"the epoch {epoch} is part of the version" if colon and rest == declared else None,
    )


def _judge_latest(observed: Package) -> Finding:
    installed = observed.here[-1].version
    candidate = observed.candidate
    if observed.manager != "rpm" and len(there := {row.version for row in observed.here}) > 1:
        return undecided(
            "state",
            "latest",
            f"several versions of it are installed: {', '.join(sorted(there))}",
            PRESENT,
        )
    if observed.manager == "rpm":
        return undecided(
            "state",
            "latest",
            "dnf, yum and zypper cannot be asked without writing to the node",
            PRESENT,
        )
    if candidate is None or candidate.version is None:
        return undecided(
            "state",
            "latest",
            f"the package lists offer no version of it ({installed} is installed)",
            PRESENT,
        )
    try:
        order = versions.COMPARE[observed.manager](candidate.version, installed)
    except ValueError as error:
        return undecided("state", "latest", str(error), PRESENT)
    if order > 0:
        return drifts(
            "state",
            "latest",
            PRESENT,
            f"{installed} is installed, {candidate.version} is available{_waits(observed, candidate)}",
        )
    if order < 0:
        return undecided(
            "state",
            "latest",
            f"{installed} is installed, and newer than the {candidate.version} that would be installed",
            PRESENT,
        )
    if candidate.doubt is not None:
        return undecided("state", "latest", candidate.doubt, PRESENT)
    if not any(
        versions.same(observed.manager, installed, one.version) for one in candidate.offered
    ):
        offered = ", ".join(one.version for one in candidate.offered) or "nothing"
        return undecided(
            "state",
            "latest",
            f"{installed} is installed and in no package list: they offer {offered}",
            PRESENT,
        )
    newer = [one for one in candidate.offered if _newer(observed.manager, one.version, installed)]
    return agrees(
        "state",
        "latest",
        "latest",
        "; ".join(_passed_over(observed, candidate, one) for one in newer) or None,
    )


def _waits(observed: Package, candidate: Candidate) -> str:
    """Why a newer version may not have come by itself."""
    phased = next(
        (one.phased for one in candidate.offered if one.version == candidate.version), None
    )
    words = []
    if phased is not None:
        words.append(
            f"phased: {phased}% of machines get it so far, and apt's upgrade waits for this machine's turn"
        )
    if any(row.want == "hold" for row in observed.here):
        words.append("and the package is on hold (apt-mark)")
    return "".join(f", {word}" for word in words)


def _passed_over(observed: Package, candidate: Candidate, newer: Version) -> str:
    """Why the manager does not choose a newer version that its lists offer (apt_preferences(5))."""
    if observed.manager != "dpkg" or candidate.installed is None:
        return f"the lists offer {newer.version}, too, and {observed.manager} does not choose it"
    ours = candidate.installed
    if newer.phased is not None and newer.priority == 1 < newer.source:
        return f"{newer.version} is phased: {newer.phased}% of machines get it so far"
    if newer.priority != newer.source or newer.priority < 0:
        return f"a pin gives {newer.version} the priority {newer.priority}"
    if ours.priority != max(ours.source, 100):
        return f"a pin keeps {ours.version}: its priority is {ours.priority}, that of {newer.version} {newer.priority}"
    if newer.priority in (1, 100):
        return f"{newer.version} is in a release of priority {newer.priority}, as backports are: apt takes nothing new from there by itself"
    return f"apt prefers {ours.version} (priority {ours.priority}) to {newer.version} (priority {newer.priority})"


def _newer(manager: str, one: str, two: str) -> bool:
    try:
        return versions.COMPARE[manager](one, two) > 0
    except ValueError:
        return False


def fact(observed: Package) -> Package | NotObserved | None:
    """None where it is not installed: the record, which tells by whom it is not, would be true in
    an `assert`.
    """
    if observed.here:
        return observed
    elsewhere = _elsewhere(Declared(name=""), observed)
    if observed.orphan:
        return NotObserved("dpkg's database has lost its entry")
    if observed.label is not None or elsewhere is not None:
        return NotObserved(elsewhere or "the label of a package with its version, not its name")
    return None


RESOURCE: ResourceType[Declared, Package] = ResourceType(
    name="packages",
    declares=list[Declared],
    key="name",
    parse=parse,
    judge=judge,
    remedy=remedy,
    ask=ask,
    fact=fact,
    triggers=triggers,
)
