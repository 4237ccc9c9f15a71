"""Declared against seen: the table in docs/verdicts/services.md, row by row."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from power_edge.model import Finding, agrees, drifts, undecided
from power_edge.model.declared.resources.services_schema import Service
from power_edge.resources.services.unit import Puller, Trigger, Unit

_UP = ("active", "reloading", "refreshing")
_DOWN = ("inactive", "failed")
_NOT_OF_ITSELF = ("static", "generated", "enabled-runtime", "masked-runtime", "linked", "linked-runtime", "transient", "disabled", "indirect")
"""File states of units that no setting on disk enables for good; what else may start them is looked at."""


class _Verdict(NamedTuple):
    """True: as declared; False: not so; None: cannot be told."""

    ok: bool | None
    why: str | None = None


def judge(declared: Service, seen: Unit | None) -> Iterator[Finding]:
    """A finding for each of state and enabled."""
    if seen is None or seen.missing:
        yield from _missing(declared, seen)
        return
    if declared.state is not None:
        verdict = _STATES[declared.state](seen)
        word = declared.state if verdict.ok else _word(seen)
        yield _finding("state", declared.state, None if verdict.ok is None and seen.claimed_by else word, verdict)
    if declared.enabled is not None:
        verdict = _enabled(seen) if declared.enabled else not_enabled(seen)
        actual = None if verdict.ok is None else declared.enabled == verdict.ok
        yield _finding("enabled", declared.enabled, actual, verdict)


def _finding(field: str, expected: object, actual: object, verdict: _Verdict) -> Finding:
    if verdict.ok is None:
        return undecided(field, expected, verdict.why or "cannot be told", actual)
    return (agrees if verdict.ok else drifts)(field, expected, actual, verdict.why)


def _missing(declared: Service, seen: Unit | None) -> Iterator[Finding]:
    """A name without a unit does not run. Whether it is stopped nobody knows: it may be a typo, or the daemon runs under its real name."""
    claimed = () if seen is None else seen.claimed_by
    nearest = dict.fromkeys((*claimed, *(() if seen is None else seen.nearest)))
    why = "no such unit" + (f" (nearest: {', '.join(nearest)})" if nearest else "")
    for field, expected, wanted in (("state", declared.state, declared.state == "running"), ("enabled", declared.enabled, declared.enabled is True)):
        if expected is None:
            continue
        if wanted:
            yield drifts(field, expected, "missing" if field == "state" else False, why)
        elif not declared.optional:
            yield undecided(field, expected, f"{why}; `optional: true` if it need not exist")
        elif claimed:
            yield undecided(field, expected, f"no such unit, but {', '.join(claimed)} may be meant: declare that")
        else:
            yield agrees(field, expected, expected, "no such unit, and it is optional")


def _word(seen: Unit) -> str:
    if seen.active in _UP and seen.sub != "exited":
        return "running"
    if seen.active in _DOWN and "auto-restart" not in seen.sub:
        return "failed" if seen.active == "failed" else "stopped"
    return f"{seen.active} ({seen.sub})"


def _running(seen: Unit) -> _Verdict:
    if "auto-restart" in seen.sub:
        return _Verdict(False, "it ends again and again, and systemd is about to restart it")
    if seen.active in _UP:
        if seen.exited:
            return _Verdict(False, "its processes have ended, though systemd counts it as active (RemainAfterExit)")
        notes = (
            "active (exited): it has done its work, and no process stays" if seen.sub == "exited" else "",
            "it will not fire again" if seen.sub == "elapsed" else "",
            "its unit file is gone" if seen.load == "not-found" else "",
        )
        return _Verdict(True, ", ".join(filter(None, notes)) or None)
    if seen.active == "activating":
        return _Verdict(None, f"it is starting ({seen.sub})")
    if seen.active not in (*_DOWN, "deactivating", "maintenance"):
        return _Verdict(None, f"systemd says {seen.active} ({seen.sub})")
    if seen.queued:
        return _Verdict(None, "a job for it is queued and has not run yet")
    if seen.load == "masked":
        return _Verdict(False, "it is masked")
    if seen.load not in ("loaded", "not-found"):
        return _Verdict(False, f"its unit file cannot be loaded ({seen.load})")
    if seen.type == "oneshot" and not seen.remains:
        return _Verdict(False, "Type=oneshot without RemainAfterExit is never active between its runs")
    return _Verdict(False, _starting(trigger for trigger in seen.triggers if trigger.active))


def _starting(triggers: Iterable[Trigger], how: str = "starts it") -> str | None:
    names = ", ".join(trigger.name for trigger in triggers)
    return f"{names} {how}" if names else None


def _stopped(seen: Unit) -> _Verdict:
    """Nothing of it runs, and nothing waits to start it. A timer may: between its runs a job is stopped."""
    down = _down(seen)
    if not down.ok or seen.load == "masked":
        return down
    waking = [trigger for trigger in seen.triggers if trigger.active and not trigger.name.endswith(".timer")]
    if waking:
        return _Verdict(False, _starting(waking))
    unsure = [trigger for trigger in seen.triggers if trigger.active is None]
    if unsure:
        return _Verdict(None, _starting(unsure, "may start it: its state could not be read"))
    return _Verdict(True, down.why or _starting((trigger for trigger in seen.triggers if trigger.active), "starts it at times"))


def _down(seen: Unit) -> _Verdict:
    if "auto-restart" in seen.sub:
        return _Verdict(False, "systemd is about to restart it")
    if seen.active in _UP:
        if seen.exited:
            return _Verdict(None, "systemd counts it as active, though its processes have ended")
        return _Verdict(False, "its unit file is gone, and it still runs" if seen.load == "not-found" else None)
    if seen.active == "activating":
        return _Verdict(False, f"it is starting ({seen.sub})")
    if seen.active == "deactivating":
        return _Verdict(None, f"it is on its way down ({seen.sub})")
    if seen.active not in _DOWN:
        return _Verdict(None, f"systemd says {seen.active} ({seen.sub})")
    if seen.queued:
        return _Verdict(None, "a job for it is queued and has not run yet")
    if seen.left:
        return _Verdict(None, "systemd counts it as stopped, but processes of it are left")
    if seen.claimed_by:
        return _Verdict(None, _claimed(seen))
    return _Verdict(True, "it has failed; nothing of it runs" if seen.active == "failed" else None)


def _claimed(seen: Unit) -> str:
    return f"the name is masked, but {', '.join(seen.claimed_by)} may be meant: declare that"


def _disabled(seen: Unit) -> _Verdict:
    """Not active, not started at boot, and neither to come by a trigger."""
    verdicts = (_stopped(seen), not_enabled(seen))
    for ok in (False, None):
        told = [verdict for verdict in verdicts if verdict.ok is ok]
        if told:
            return _Verdict(ok, ", ".join(dict.fromkeys(verdict.why for verdict in told if verdict.why)) or None)
    return verdicts[0]


_STATES = {"running": _running, "stopped": _stopped, "disabled": _disabled}


def _enabled(seen: Unit) -> _Verdict:
    """A boot starts it."""
    state, puller = seen.file_state, pull(seen)
    if seen.load not in ("loaded", "masked", "not-found"):
        return _Verdict(None, f"its unit file cannot be loaded ({seen.load})")
    match state:
        case "enabled" if seen.boot is not None:
            return _Verdict(None, f"enabled, but a boot goes for {seen.boot}: whether that starts it cannot be told")
        case "enabled" if puller is None:
            others = ", ".join(other.name for other in seen.pullers)
            return _Verdict(None, f"enabled for {others}, which no boot starts" if others else "enabled as an alias only: no boot starts it")
        case "enabled":
            return _Verdict(True)
        case "static" | "generated" | "enabled-runtime" if _sure(puller):
            return _Verdict(True, f"{state}; {puller.name} starts it" if puller else None)
        case "static" if puller is None:
            return _Verdict(
                False, _starting((trigger for trigger in seen.triggers if trigger.boots), "starts it, no boot does") or "static; no boot starts it"
            )
        case "enabled-runtime" if puller is None and seen.pullers:
            return _Verdict(False, "enabled in /run only: gone after a boot")
        case "static" | "generated" | "enabled-runtime":
            return _Verdict(None, f"{state}; whether {puller.name if puller else 'anything'} starts it at boot cannot be told")
        case "masked-runtime":
            return _Verdict(None if puller else False, "masked until the next boot")
        case "disabled" | "indirect":
            return _Verdict(False, _starting((trigger for trigger in seen.triggers if trigger.boots), "starts it, no boot does"))
        case "masked" | "linked" | "linked-runtime" | "transient":
            return _Verdict(False, state)
    if seen.load == "not-found":
        return _Verdict(False, "its unit file is gone")
    return _Verdict(None, _unheard(state))


def not_enabled(seen: Unit) -> _Verdict:
    """No boot starts it: neither by a setting, nor by a unit that pulls it in, nor by a trigger."""
    state = seen.file_state
    if state == "enabled":
        return _Verdict(False)
    if state == "masked":
        return _Verdict(None, _claimed(seen)) if seen.claimed_by else _Verdict(True)
    if state not in _NOT_OF_ITSELF:
        return _Verdict(None, "its unit file is gone" if seen.load == "not-found" else _unheard(state))
    puller = pull(seen)
    if puller is not None:
        return _Verdict(False if _sure(puller) else None, f"{state}, but {puller.name} {'starts' if _sure(puller) else 'may start'} it at boot")
    waking = [trigger for trigger in seen.triggers if trigger.boots or (trigger.active and trigger.name.endswith(".timer"))]
    if waking:
        return _Verdict(False, _starting(waking))
    unsure = [trigger for trigger in seen.triggers if trigger.boots is None]
    if unsure:
        return _Verdict(None, _starting(unsure, "may start it after a boot"))
    if state == "generated" or (state == "enabled-runtime" and not seen.pullers):
        return _Verdict(None, f"{state}; what starts it at boot cannot be told")
    return _Verdict(True)


def _unheard(state: str) -> str:
    return f"is-enabled says {state}" if state else "is-enabled says nothing about it"


def pull(seen: Unit) -> Puller | None:
    """The unit that pulls this one in at boot: one that surely does, else one that may; None: no boot pulls it in."""
    lasting = [puller for puller in seen.pullers if puller.by != "runtime" and puller.boots is not False]
    return max(lasting, key=_sure, default=None)


def _sure(puller: Puller | None) -> bool:
    return puller is not None and puller.boots is True and puller.by != "memory"
