"""Judge a service: the table in docs/verdicts/services.md, row by row."""

from collections.abc import Iterator

from power_edge.model import Finding, agrees, drifts, finding, undecided
from power_edge.model.generated.resources.services_schema import Service
from power_edge.resources.services.enabled import enabled, not_enabled
from power_edge.resources.services.running import running, state_word, stopped
from power_edge.resources.services.unit import Trigger, Unit
from power_edge.resources.services.verdict import Verdict

_NOT_ASKED = "the answer is about a declaration without enabled: check it again"


def judge(declared: Service, observed: Unit | None) -> Iterator[Finding]:
    """Yield a finding for each of `state` and `enabled` that is declared."""
    if observed is None or observed.missing:
        yield from _missing(declared, observed)
        return
    if declared.state is not None:
        ok, why = _STATES[declared.state](observed)
        if declared.by_socket and declared.state == "running" and ok is False:
            ok, why = _waits(observed, Verdict(ok, why))
        actual: str | None = declared.state if ok else state_word(observed)
        if ok is None and observed.claimed_by:
            actual = None
        yield finding("state", declared.state, actual, ok, why)
    if declared.enabled is not None and not observed.boot_asked:
        yield undecided("enabled", declared.enabled, _NOT_ASKED)
    elif declared.enabled is not None:
        ok, why = enabled(observed) if declared.enabled else not_enabled(observed)
        if declared.by_socket and declared.enabled and ok is False:
            ok, why = _socket_boots(observed, Verdict(ok, why))
        yield finding(
            "enabled", declared.enabled, None if ok is None else declared.enabled == ok, ok, why
        )


def _waits(observed: Unit, verdict: Verdict) -> Verdict:
    """Return the verdict on a unit that is not running, if its socket counts (`by_socket`): it is
    down and has not failed, its socket listens, and nothing keeps it from being started.
    """
    quiet = observed.active == "inactive" and not (observed.left or observed.queued)
    socket = _socket(observed)
    if not quiet or socket is None or socket.active is False:
        return verdict
    if socket.active is None:
        return Verdict(None, f"whether {socket.name} is active is unknown")
    verdict = _heard(observed.change.unheard, f"{socket.name} is active and starts it")
    return _startable(observed, verdict)


def _socket_boots(observed: Unit, verdict: Verdict) -> Verdict:
    """Return the verdict on a unit that no boot starts, if its socket counts (`by_socket`)."""
    socket, boot = _socket(observed), observed.boot
    if socket is None or socket.boots is False:
        return verdict
    if socket.boots is None:
        return Verdict(None, f"whether a boot starts {socket.name} is unknown")
    if boot is None:
        return Verdict(None, f"no dry run of systemd was possible: {observed.unread}")
    if boot.doubt or boot.unsure:
        return Verdict(None, boot.doubt or boot.unsure)
    if boot.unmet:
        return Verdict(None, f"systemd skips its start if {boot.unmet} does not hold at that time")
    verdict = _heard(
        observed.change.unheard_at_boot, f"a boot starts {socket.name}, which starts it"
    )
    return _startable(observed, verdict)


def _heard(unheard: str, reason: str) -> Verdict:
    """Return the verdict on a unit whose socket is active; `unheard`: why nobody reaches it."""
    return Verdict(False, unheard) if unheard else Verdict(True, reason)


def _startable(observed: Unit, verdict: Verdict) -> Verdict:
    """Return the verdict on a unit whose socket counts, if the socket can start it."""
    change = observed.change
    if change.lacks:
        required, _, state = change.lacks[0].partition(" ")
        return Verdict(False, f"it requires {required}, which cannot be loaded ({state})")
    if change.unmet:
        return Verdict(False, f"systemd skips its start: {change.unmet} does not hold")
    if verdict.ok and not change.ready:
        return Verdict(None, "it is unknown whether its socket can start it")
    return verdict


def _socket(observed: Unit) -> Trigger | None:
    """Return the socket of the unit's own name. Any other one may listen elsewhere, as on a path in
    /run. None can start a unit that is masked or broken.
    """
    name = f"{observed.name.removesuffix('.service')}.socket"
    if observed.load != "loaded":
        return None
    return next((each for each in observed.triggers if each.name == name), None)


def _missing(declared: Service, observed: Unit | None) -> Iterator[Finding]:
    """Yield the findings for a name without a unit. It does not run. Whether it is stopped is
    unknown: the name may be misspelled, or the daemon runs under another name.
    """
    claimed_by = () if observed is None else observed.claimed_by
    why = _why_missing(observed)
    for field, expected, wanted in (
        ("state", declared.state, declared.state == "running"),
        ("enabled", declared.enabled, declared.enabled is True),
    ):
        if expected is None:
            continue
        if expected not in ("running", "stopped") and observed is not None and observed.appears:
            yield undecided(
                field, expected, f"no such unit, but a boot may make one: {observed.appears}"
            )
        elif wanted:
            yield drifts(field, expected, "missing" if field == "state" else False, why)
        elif not declared.optional:
            yield undecided(
                field, expected, f"{why}; declare `optional: true` if it need not exist"
            )
        elif field == "state" and observed is not None and observed.left:
            yield undecided(
                field, expected, "no such unit, but processes are left in its control group"
            )
        elif claimed_by:
            names = ", ".join(claimed_by)
            yield undecided(
                field, expected, f"no such unit, but {names} may be meant: declare that unit"
            )
        else:
            yield agrees(field, expected, expected, "no such unit, and it is optional")


def _why_missing(observed: Unit | None) -> str:
    if observed is None:
        return "no such unit"
    if observed.unusable:
        return (
            f"no such unit: {observed.unusable} is not a file that systemd can read (a dangling"
            " link, or a directory)"
        )
    nearest = dict.fromkeys((*observed.claimed_by, *observed.nearest))
    return "no such unit" + (f" (nearest: {', '.join(nearest)})" if nearest else "")


def _disabled(observed: Unit) -> Verdict:
    """Return the verdict on `state: disabled`: the unit is down, no boot starts it, and no trigger
    will.
    """
    verdicts = (stopped(observed), not_enabled(observed))
    for ok in (False, None):
        reasons = [verdict.why for verdict in verdicts if verdict.ok is ok]
        if reasons:
            return Verdict(ok, ", ".join(dict.fromkeys(filter(None, reasons))) or None)
    return verdicts[0]


_STATES = {"running": running, "stopped": stopped, "disabled": _disabled}
