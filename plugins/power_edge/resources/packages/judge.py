"""Judge a package: is it installed, in which version, and is that the latest one?"""

from collections.abc import Iterator, Sequence

from power_edge.model import Finding, agrees, drifts, finding, undecided
from power_edge.model.generated.resources.packages_schema import Package as Declared
from power_edge.resources.packages import versions
from power_edge.resources.packages.observation import Package, Row
from power_edge.resources.packages.offers import Candidate, Version
from power_edge.resources.packages.ranges import accepts

ABSENT = "absent"
PRESENT = "present"
LATEST = "latest"
KEYS = "rpm lists signing keys under this name, not software"


def judge(declared: Declared, observed: Package | None) -> Iterator[Finding]:
    """Yield a finding for `state`, and one for `version` if it is declared."""
    assert observed is not None, "a package that is not installed has a record, too"
    if observed.label is not None:
        why = (
            f"this is not a package's name but that of {observed.label.name} with its version:"
            " declare name and version separately"
        )
        yield from _undecided(declared, why)
    elif observed.orphan:
        yield from _undecided(
            declared,
            "dpkg's database has no entry for it, but its list of files exists: entries were lost",
        )
    elif declared.state == ABSENT:
        yield _judge_absent(declared, observed)
    elif not observed.here and (where := elsewhere(declared.name, observed)):
        yield from _undecided(declared, where)
    else:
        yield _judge_present(declared, observed)
        if declared.version is not None:
            yield _judge_version(declared.version, observed)


def _undecided(declared: Declared, why: str) -> Iterator[Finding]:
    yield undecided("state", declared.state, why)
    if declared.version is not None:
        yield undecided("version", declared.version, why)


def elsewhere(name: str, observed: Package) -> str | None:
    """Return where a package may be that is not installed under its own name: for another
    architecture, or provided by another package. None: nowhere.
    """
    # If the name has an architecture, the package of another architecture is another package,
    # except for one that is for all architectures.
    others = [row for row in observed.others if ":" not in name or row.arch in ("all", "noarch")]
    if others:
        names = ", ".join(f"{row.name}:{row.arch}" for row in others)
        return f"installed for another architecture only: {names}"
    if observed.providers:
        providers = ("another package" if name == "-" else name for name in observed.providers)
        return f"not installed, but provided by {', '.join(providers)}"
    return None


def keys(observed: Package) -> bool:
    """Whether this is not software but the signing keys that rpm lists as a package."""
    return observed.manager == "rpm" and any(row.name == "gpg-pubkey" for row in observed.here)


def state(rows: Sequence[Row]) -> str:
    """Return `present`, or the package manager's words for a package that is installed in part."""
    broken = next((row for row in rows if not row.usable), None)
    if broken is None:
        return PRESENT
    return broken.status if broken.flag == "ok" else f"{broken.status}, {broken.flag}"


def _judge_absent(declared: Declared, observed: Package) -> Finding:
    why = elsewhere(declared.name, observed)
    if observed.here:
        return drifts("state", ABSENT, state(observed.here))
    if why is not None:
        if observed.others:
            return drifts("state", ABSENT, PRESENT, why)
        return undecided("state", ABSENT, why)
    left = "its configuration files are left" if _configuration_left(observed) else None
    return agrees("state", ABSENT, ABSENT, left)


def _configuration_left(observed: Package) -> bool:
    return any(row.status == "config-files" for row in observed.rows)


def _judge_present(declared: Declared, observed: Package) -> Finding:
    if not observed.here:
        left = "only its configuration files are left" if _configuration_left(observed) else None
        return drifts("state", declared.state, ABSENT, left)
    actual = state(observed.here)
    if actual != PRESENT:
        return drifts("state", declared.state, actual)
    if keys(observed):
        return undecided("state", declared.state, KEYS)
    if declared.state == LATEST:
        return _judge_latest(observed)
    return agrees("state", declared.state, PRESENT)


def _judge_version(declared: str, observed: Package) -> Finding:
    """Return the finding for `version`. Each installed architecture must have the version; other
    versions may be installed beside it (rpm keeps several kernels).
    """
    by_arch: dict[str, list[str]] = {}
    for row in observed.here:
        by_arch.setdefault(row.arch, []).append(row.version)
    actual = ", ".join(dict.fromkeys(row.version for row in observed.here)) or ABSENT
    try:
        if by_arch and all(
            any(accepts(observed.manager, declared, version) for version in installed)
            for installed in by_arch.values()
        ):
            return agrees("version", declared, actual)
    except ValueError as error:
        return undecided("version", declared, str(error))
    epoch, colon, rest = actual.partition(":")
    missing_epoch = colon and rest == declared
    why = f"the epoch {epoch} is part of the version" if missing_epoch else None
    return drifts("version", declared, actual, why)


def _judge_latest(observed: Package) -> Finding:
    ok, why = _latest(observed)
    return finding("state", LATEST, LATEST if ok else PRESENT, ok, why)


def _latest(observed: Package) -> tuple[bool | None, str | None]:
    """Return whether the installed version is the one that the package manager would install, and
    why; None: unknown.
    """
    installed = observed.here[-1].version
    candidate = observed.candidate
    if observed.manager == "rpm":
        return None, "dnf, yum and zypper cannot be asked without writing to the node"
    if len(several := {row.version for row in observed.here}) > 1:
        return None, f"several versions of it are installed: {', '.join(sorted(several))}"
    if candidate is None and observed.unread is not None:
        return None, observed.unread
    if candidate is None or candidate.version is None:
        return None, f"the package lists offer no version of it ({installed} is installed)"
    try:
        order = versions.COMPARE[observed.manager](candidate.version, installed)
    except ValueError as error:
        return None, str(error)
    if order > 0:
        note = _waiting_note(observed, candidate)
        return False, f"{installed} is installed, {candidate.version} is available{note}"
    if order < 0:
        return None, (
            f"{installed} is installed, and is newer than {candidate.version}, which would be"
            " installed"
        )
    if candidate.doubt is not None:
        return None, candidate.doubt
    same = (versions.same(observed.manager, installed, one.version) for one in candidate.offered)
    if not any(same):
        offered = ", ".join(one.version for one in candidate.offered) or "nothing"
        return None, f"{installed} is installed and in no package list; the lists offer {offered}"
    newer = [one for one in candidate.offered if _newer(observed.manager, one.version, installed)]
    return True, "; ".join(_passed_over(observed, candidate, one) for one in newer) or None


def _waiting_note(observed: Package, candidate: Candidate) -> str:
    """Return why a newer version may not have been installed automatically, or nothing."""
    phased = next(
        (one.phased for one in candidate.offered if one.version == candidate.version), None
    )
    reasons = []
    if phased is not None:
        reasons.append(
            f"phased: {phased}% of machines get it so far, and apt's upgrade waits for this"
            " machine's turn"
        )
    if any(row.want == "hold" for row in observed.here):
        reasons.append("and the package is on hold (apt-mark)")
    return "".join(f", {reason}" for reason in reasons)


def _passed_over(observed: Package, candidate: Candidate, newer: Version) -> str:
    """Return why the package manager does not choose a newer version that its lists offer
    (apt_preferences(5)).
    """
    if observed.manager != "dpkg" or candidate.installed is None:
        return f"the lists also offer {newer.version}, but {observed.manager} does not choose it"
    current = candidate.installed
    if newer.phased is not None and newer.priority == 1 < newer.source:
        return f"{newer.version} is phased: {newer.phased}% of machines get it so far"
    if newer.priority != newer.source or newer.priority < 0:
        return f"a pin gives {newer.version} the priority {newer.priority}"
    if current.priority != max(current.source, 100):
        return (
            f"a pin keeps {current.version}: its priority is {current.priority},"
            f" that of {newer.version} {newer.priority}"
        )
    if newer.priority in (1, 100):
        return (
            f"{newer.version} is in a release of priority {newer.priority}, such as backports: apt"
            " does not upgrade to it by itself"
        )
    return (
        f"apt prefers {current.version} (priority {current.priority}) to {newer.version} (priority"
        f" {newer.priority})"
    )


def _newer(manager: str, one: str, two: str) -> bool:
    try:
        return versions.COMPARE[manager](one, two) > 0
    except ValueError:
        return False
