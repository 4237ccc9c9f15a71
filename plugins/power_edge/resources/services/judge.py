"""Declared against seen: the table in docs/verdicts/services.md, row by row."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from power_edge.model import Finding, agrees, drifts, undecided
from power_edge.model.generated.resources.services_schema import Service
from power_edge.resources.services.observation import Boot, Puller, Trigger, Unit

_UP = ("active", "reloading", "refreshing")
_DOWN = ("inactive", "failed")
_NOT_OF_ITSELF = (
    "static",
    "generated",
    "enabled-runtime",
    "masked-runtime",
    "linked",
    "linked-runtime",
    "transient",
    "disabled",
    "indirect",
)
"""File states of units that no setting on disk enables for good; what else may start them is looked
at.
"""


class _Verdict(NamedTuple):
    """True: as declared; False: not so; None: cannot be told."""

    ok: bool | None
    why: str | None = None


def judge(declared: Service, observed: Unit | None) -> Iterator[Finding]:
    """A finding for each of state and enabled."""
    if observed is None or observed.missing:
        yield from _missing(declared, observed)
        return
    if declared.state is not None:
        verdict = _STATES[declared.state](observed)
        word = declared.state if verdict.ok else _word(observed)
        yield _finding(
            "state",
            declared.state,
            None if verdict.ok is None and observed.claimed_by else word,
            verdict,
        )
    if declared.enabled is not None:
        verdict = _sure_of(observed, _enabled) if declared.enabled else not_enabled(observed)
        actual = None if verdict.ok is None else declared.enabled == verdict.ok
        yield _finding("enabled", declared.enabled, actual, verdict)


def _finding(field: str, expected: object, actual: object, verdict: _Verdict) -> Finding:
    if verdict.ok is None:
        return undecided(field, expected, verdict.why or "cannot be told", actual)
    return (agrees if verdict.ok else drifts)(field, expected, actual, verdict.why)


def _missing(declared: Service, observed: Unit | None) -> Iterator[Finding]:
    """A name without a unit does not run. Whether it is stopped nobody knows: it may be a typo, or
    the daemon runs under its real name.
    """
    claimed = () if observed is None else observed.claimed_by
    nearest = dict.fromkeys((*claimed, *(() if observed is None else observed.nearest)))
    unusable = "" if observed is None else observed.unusable
    why = "no such unit" + (f" (nearest: {', '.join(nearest)})" if nearest else "")
    if unusable:
        why = f"no such unit: {unusable} is not a file that systemd can read (a link that leads nowhere, or a folder)"
    for field, expected, wanted in (
        ("state", declared.state, declared.state == "running"),
        ("enabled", declared.enabled, declared.enabled is True),
    ):
        if expected is None:
            continue
        if wanted:
            yield drifts(field, expected, "missing" if field == "state" else False, why)
        elif not declared.optional:
            yield undecided(field, expected, f"{why}; `optional: true` if it need not exist")
        elif claimed:
            yield undecided(
                field,
                expected,
                f"no such unit, but {', '.join(claimed)} may be meant: declare that",
            )
        else:
            yield agrees(field, expected, expected, "no such unit, and it is optional")


def _word(observed: Unit) -> str:
    if unsettled(observed) is not None:
        return "restarting"
    if observed.active in _UP and observed.halted:
        return observed.halted if observed.halted == "frozen" else "stopped by a signal"
    if observed.active in _UP and observed.sub != "exited":
        return "running"
    if observed.active in _DOWN and "auto-restart" not in observed.sub:
        return "failed" if observed.active == "failed" else "stopped"
    return f"{observed.active} ({observed.sub})"


SETTLED = 60.0
"""Seconds that a service must have been up after a restart by systemd to count as running: a loop
of a shorter period never does, and a restart
that is over is forgotten after a minute."""
LOOP, FORGOTTEN = 3, 3600.0
"""Restarts that may be a loop, and the seconds after which the last of them counts no more."""


def unsettled(observed: Unit) -> _Verdict | None:
    """For a unit that is up: a verdict where it ended a moment ago and was started again by
    systemd, or by a trigger; None where not.
    """
    restarts = observed.restarts
    if observed.active not in _UP or (restarts.age is not None and restarts.age >= SETTLED):
        return None
    when = (
        f"{max(0, round(restarts.age))} s ago"
        if restarts.age is not None
        else "at a time that the clocks do not tell"
    )
    if restarts.number:
        why = f"systemd restarted it {_times(restarts.number)}, {'the last time ' if restarts.number > 1 else ''}{when}"
        if restarts.age is None or restarts.limited:
            return _Verdict(
                None, why + (" (RuntimeMaxSec= ends it now and then)" if restarts.limited else "")
            )
        return _Verdict(False, why)
    if not restarts.ended or not restarts.by_itself or restarts.started - restarts.ended >= SETTLED:
        return None
    # A trigger changes its state when the unit starts. The triggers were read after the unit.
    again = [
        trigger
        for trigger in observed.triggers
        if trigger.active and trigger.changed > restarts.started - 0.5
    ]
    return (
        _Verdict(None, f"it ended, and {_starting(again, 'started it again')} {when}")
        if again
        else None
    )


def _may_loop(observed: Unit) -> str | None:
    """For a service that has been up for a minute: why it may be one that lives longer than that
    and ends all the same, again and again.

    It was restarted at least three times, and has not yet been up for as long as it lasted on
    average since the boot. In a loop of any steady period that is so at each look.
    """
    number, age, uptime = observed.restarts.number, observed.restarts.age, observed.restarts.uptime
    if (
        number < LOOP
        or age is None
        or observed.restarts.limited
        or age >= min(FORGOTTEN, uptime / number)
    ):
        return None
    return f"systemd restarted it {_times(number)}, the last time {round(age / 60)} min ago: it may end again and again"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def exited(observed: Unit) -> _Verdict:
    """Whether a unit that is no oneshot and is active without a process has done its work (True),
    or lost its daemon (False).
    """
    lasted = observed.restarts.lasted
    if lasted is None or (lasted >= SETTLED and (observed.sysv or observed.type not in _WORKS)):
        return _Verdict(
            False, "its processes have ended, though systemd counts it as active (RemainAfterExit)"
        )
    if observed.sysv:
        return _Verdict(
            None,
            "its script in /etc/init.d has ended and left no process; whether it is to leave one is unknown",
        )
    if observed.type in _WORKS and lasted < SETTLED:
        return _Verdict(True, _DONE)
    if observed.type == "forking" and lasted < 1:
        return _Verdict(True, _DONE)
    if observed.type in (*_WORKS, "forking"):
        return _Verdict(
            None,
            f"active (exited): its processes ended {round(lasted)} s after its start; whether they are to stay is unknown",
        )
    return _Verdict(
        False,
        f"its daemon ended {round(lasted)} s after its start, though systemd counts it as active (RemainAfterExit)",
    )


_DONE = "active (exited): it has done its work, and no process stays"
_WORKS = ("simple", "exec", "idle")
"""Types of services whose one process may be a piece of work: with RemainAfterExit=yes its end is a
success. The others are daemons.
"""


def _running(observed: Unit) -> _Verdict:
    if "auto-restart" in observed.sub:
        return _Verdict(False, "it ends again and again, and systemd is about to restart it")
    if observed.active in _UP:
        if observed.halted == "frozen":
            return _Verdict(False, "its processes are frozen: the kernel lets none of them run")
        if observed.halted:
            return _Verdict(False, "its process is stopped by a signal (SIGSTOP)")
        if observed.exited:
            return exited(observed)
        if (verdict := unsettled(observed)) is not None:
            return verdict
        if (why := _may_loop(observed)) is not None:
            return _Verdict(None, why)
        notes = (
            _DONE if observed.sub == "exited" else "",
            "it will not fire again" if observed.sub == "elapsed" else "",
            "its unit file is gone" if observed.load == "not-found" else "",
        )
        return _Verdict(True, ", ".join(filter(None, notes)) or None)
    if observed.active == "activating":
        if observed.restarts.number:
            return _Verdict(
                False,
                f"it is starting ({observed.sub}), after systemd restarted it {_times(observed.restarts.number)}",
            )
        return _Verdict(None, f"it is starting ({observed.sub})")
    if observed.active not in (*_DOWN, "deactivating", "maintenance"):
        return _Verdict(None, f"systemd says {observed.active} ({observed.sub})")
    if observed.active == "deactivating" and (not observed.queued or observed.job == "stop"):
        return _Verdict(False, f"it is on its way down ({observed.sub})")
    if observed.queued:
        return _Verdict(None, _queued(observed))
    if observed.load == "masked":
        return _Verdict(False, "it is masked")
    if observed.load not in ("loaded", "not-found"):
        return _Verdict(False, f"its unit file cannot be loaded ({observed.load})")
    if observed.type == "oneshot" and not observed.remains:
        return _Verdict(
            False, "Type=oneshot without RemainAfterExit is never active between its runs"
        )
    return _Verdict(False, _starting(trigger for trigger in observed.triggers if trigger.active))


def _starting(triggers: Iterable[Trigger], how: str = "starts it") -> str | None:
    names = ", ".join(trigger.name for trigger in triggers)
    return f"{names} {how}" if names else None


def _stopped(observed: Unit) -> _Verdict:
    """Nothing of it runs, and nothing waits to start it. A timer may: between its runs a job is
    stopped.
    """
    down = _down(observed)
    if not down.ok or observed.load == "masked":
        return down
    waking = [
        trigger
        for trigger in observed.triggers
        if trigger.active and not trigger.name.endswith(".timer")
    ]
    if waking:
        return _Verdict(False, _starting(waking))
    unsure = [trigger for trigger in observed.triggers if trigger.active is None]
    if unsure:
        return _Verdict(None, _starting(unsure, "may start it: its state could not be read"))
    return _Verdict(
        True,
        down.why
        or _starting(
            (trigger for trigger in observed.triggers if trigger.active), "starts it at times"
        ),
    )


def _down(observed: Unit) -> _Verdict:
    if "auto-restart" in observed.sub:
        return _Verdict(False, "systemd is about to restart it")
    if observed.active in _UP:
        if observed.exited and not exited(observed).ok:
            return _Verdict(None, "systemd counts it as active, though its processes have ended")
        return _Verdict(
            False,
            "its unit file is gone, and it still runs" if observed.load == "not-found" else None,
        )
    if observed.active == "activating":
        return _Verdict(False, f"it is starting ({observed.sub})")
    if observed.active == "deactivating":
        return _Verdict(None, f"it is on its way down ({observed.sub})")
    if observed.active not in _DOWN:
        return _Verdict(None, f"systemd says {observed.active} ({observed.sub})")
    if observed.queued:
        return _Verdict(None, _queued(observed))
    if observed.left:
        return _Verdict(None, "systemd counts it as stopped, but processes of it are left")
    if observed.claimed_by:
        return _Verdict(None, _claimed(observed))
    return _Verdict(
        True, "it has failed; nothing of it runs" if observed.active == "failed" else None
    )


def _queued(observed: Unit) -> str:
    return (
        f"a {observed.job} job for it is not done yet"
        if observed.job
        else "a job for it is queued and has not run yet"
    )


def _claimed(observed: Unit) -> str:
    return f"the name is masked, but {', '.join(observed.claimed_by)} may be meant: declare that"


def _disabled(observed: Unit) -> _Verdict:
    """Not active, not started at boot, and neither to come by a trigger."""
    verdicts = (_stopped(observed), not_enabled(observed))
    for ok in (False, None):
        told = [verdict for verdict in verdicts if verdict.ok is ok]
        if told:
            return _Verdict(
                ok, ", ".join(dict.fromkeys(verdict.why for verdict in told if verdict.why)) or None
            )
    return verdicts[0]


_STATES = {"running": _running, "stopped": _stopped, "disabled": _disabled}


def _sure_of(observed: Unit, verdict_on: Callable[[Unit], _Verdict]) -> _Verdict:
    """The verdict on a unit's boot. Where the boot may do otherwise than the job list says, it is
    one that holds both ways, or unknown.
    """
    boot = observed.boot
    if boot is None or not boot.unsure:
        return verdict_on(observed)
    # Which of the two the job list says may be a matter of chance: neither the verdict nor its
    # reason depends on that.
    stays, starts = (
        verdict_on(observed._replace(boot=boot._replace(starts=starts))) for starts in (False, True)
    )
    return stays if stays.ok is starts.ok and stays.ok is not None else _Verdict(None, boot.unsure)


def _enabled(observed: Unit) -> _Verdict:
    """A boot starts it, and that is its own setting: not only that of another unit, which may
    change its mind.
    """
    if observed.load not in ("loaded", "masked", "not-found"):
        return _Verdict(None, f"its unit file cannot be loaded ({observed.load})")
    if observed.file_state == "masked-runtime":
        masked = _Verdict(
            None if _starts(observed) is not False else False, "masked until the next boot"
        )
        return _because_unread(observed, masked, _DRIFT_IF_STOPPED)
    if observed.file_state in ("masked", "linked", "linked-runtime", "transient"):
        return _Verdict(False, observed.file_state)
    if observed.boot is None:
        return _because_unread(observed, _enabled_by_links(observed), _DRIFT_IF_STOPPED)
    if observed.boot.doubt:
        return _Verdict(None, observed.boot.doubt)
    verdict = _enabled_by_jobs(observed, observed.boot)
    if verdict.ok and observed.boot.unmet:
        return _Verdict(None, f"a boot skips it if {observed.boot.unmet} does not hold then")
    return verdict


def _enabled_by_jobs(observed: Unit, boot: Boot) -> _Verdict:
    state = observed.file_state
    by = _named(puller for puller in observed.pullers if puller.boots) or "another unit"
    match state:
        case "enabled" if boot.starts:
            return _Verdict(True)
        case "enabled":
            return _Verdict(
                False if _only_masked(observed) else None, f"enabled, but {_not_started(observed)}"
            )
        case "static" | "generated" if boot.starts:
            return _Verdict(True, f"{state}; {by} starts it")
        case "static" | "generated" if boot.wakers:
            return _Verdict(None, f"{state}; {', '.join(boot.wakers)} may start it after a boot")
        case "static" | "generated":
            return _Verdict(
                False,
                _starting(_booted(observed), "starts it, no boot does")
                or _masked_entries(observed)
                or f"{state}; no boot starts it",
            )
        case "enabled-runtime" if boot.starts:
            return _Verdict(True, f"{state}; {by} starts it")
        case "enabled-runtime":
            return _Verdict(False, "enabled in /run only: gone after a boot")
        case "disabled" | "indirect" if boot.starts and _generated(observed):
            return _Verdict(None, _STALE)
        case "disabled" | "indirect" if boot.starts:
            return _Verdict(False, f"{state}; a boot starts it only because of {by}")
        case "disabled" | "indirect":
            return _Verdict(
                False,
                _masked_entries(observed)
                or _starting(_booted(observed), "starts it, no boot does"),
            )
    return (
        _Verdict(False, "its unit file is gone")
        if observed.load == "not-found"
        else _Verdict(None, _unheard(state))
    )


def _enabled_by_links(observed: Unit) -> _Verdict:
    state, puller = observed.file_state, pull(observed)
    match state:
        case "enabled" if observed.goal is not None:
            return _Verdict(
                None,
                f"enabled, but a boot goes for {observed.goal}: whether that starts it is unknown",
            )
        case "enabled" if _only_masked(observed):
            return _Verdict(False, _masked_entries(observed))
        case "enabled" if not _sure(puller):
            return _Verdict(
                None,
                f"enabled, but {_not_started(observed)}"
                if puller is None
                else f"enabled for {puller.name}; whether a boot starts that is unknown",
            )
        case "enabled":
            return _Verdict(True)
        case "static" | "generated" | "enabled-runtime" if _sure(puller):
            return _Verdict(True, f"{state}; {puller.name} starts it" if puller else None)
        case "static" if puller is None:
            return _Verdict(
                False,
                _starting(_booted(observed), "starts it, no boot does")
                or _masked_entries(observed)
                or "static; no boot starts it",
            )
        case "enabled-runtime" if puller is None and observed.pullers:
            return _Verdict(False, "enabled in /run only: gone after a boot")
        case "static" | "generated" | "enabled-runtime":
            return _Verdict(
                None,
                f"{state}; whether {puller.name if puller else 'anything'} starts it at boot is unknown",
            )
        case "disabled" | "indirect":
            return _Verdict(
                False,
                _masked_entries(observed)
                or _starting(_booted(observed), "starts it, no boot does"),
            )
    return (
        _Verdict(False, "its unit file is gone")
        if observed.load == "not-found"
        else _Verdict(None, _unheard(state))
    )


def not_enabled(observed: Unit) -> _Verdict:
    """No boot starts it: neither by a setting, nor by a unit that pulls it in, nor by a trigger."""
    return _because_unread(observed, _sure_of(observed, _not_enabled), _DRIFT_IF_STARTED)


_DRIFT_IF_STOPPED = ("disabled", "indirect", "masked", "linked", "linked-runtime", "transient")
_DRIFT_IF_STARTED = ("enabled",)
"""File states that are drift for `enabled: true`, and for `enabled: false`, whatever a boot does.
"""


def _because_unread(observed: Unit, verdict: _Verdict, drift: Sequence[str]) -> _Verdict:
    """Without a dry run of systemd no link proves that a boot starts a unit, or that none does: a
    conflict, a condition or another unit's line may decide otherwise. Only a mask in /etc is sure,
    and the file states that are drift alone. What links say of a script in /etc/init.d is for a
    generator to decide.
    """
    if (
        not observed.unread
        or (verdict.ok is False and observed.file_state in drift and not observed.sysv)
        or (verdict.ok and observed.file_state == "masked")
    ):
        return verdict
    return _Verdict(
        None,
        f"{f'{verdict.why}; ' if verdict.why else ''}no dry run of systemd could be had: {observed.unread}",
    )


def _not_enabled(observed: Unit) -> _Verdict:
    state, starts = observed.file_state, _starts(observed)
    # Whether a script in /etc/init.d is enabled for what a boot reaches is for the job list.
    if state == "enabled" and (
        starts or not (_only_masked(observed) or (observed.sysv and not starts))
    ):
        return _Verdict(False)
    if state == "masked" and not starts:
        return _Verdict(None, _claimed(observed)) if observed.claimed_by else _Verdict(True)
    if observed.boot is not None and observed.boot.doubt:
        return _Verdict(None, observed.boot.doubt)
    if starts and observed.boot is not None:
        if state == "masked" or (state == "disabled" and _generated(observed)):
            return _Verdict(None, _STALE if state == "disabled" else "masked, but a boot starts it")
        by = _named(puller for puller in observed.pullers if puller.boots) or "another unit"
        if observed.boot.unmet:
            return _Verdict(
                None,
                f"{by} starts it at boot, which is a skip if {observed.boot.unmet} does not hold then",
            )
        return _Verdict(False, f"{state or 'no file state'}, but {by} starts it at boot")
    if state not in _NOT_OF_ITSELF and state != "enabled":
        return _Verdict(
            None, "its unit file is gone" if observed.load == "not-found" else _unheard(state)
        )
    puller = pull(observed)
    if puller is not None and observed.boot is None:
        return _Verdict(
            False if _sure(puller) else None,
            f"{state}, but {puller.name} {'starts' if _sure(puller) else 'may start'} it at boot",
        )
    waking = [
        trigger
        for trigger in observed.triggers
        if trigger.boots or (trigger.active and trigger.name.endswith(".timer"))
    ]
    if waking:
        return _Verdict(False, _starting(waking))
    unsure = [trigger for trigger in observed.triggers if trigger.boots is None]
    if unsure:
        return _Verdict(None, _starting(unsure, "may start it after a boot"))
    return _not_woken(observed)


def _not_woken(observed: Unit) -> _Verdict:
    """No boot and no trigger starts it. Does anything else that comes with a boot?"""
    state = observed.file_state
    if observed.boot is None:
        unknown = state == "generated" or (state == "enabled-runtime" and not observed.pullers)
        return (
            _Verdict(None, f"{state}; what starts it at boot is unknown")
            if unknown
            else _Verdict(True)
        )
    if observed.boot.wakers:
        return _Verdict(None, f"{', '.join(observed.boot.wakers)} may start it after a boot")
    plugged = _named(
        puller for puller in observed.pullers if puller.by in _LINKS and _by_hardware(puller.name)
    )
    return (
        _Verdict(None, f"{plugged} starts it when that hardware is there")
        if plugged
        else _Verdict(True)
    )


_STALE = "disabled, but what a generator made at the last boot starts it; the next boot may make something else (`systemctl daemon-reload` settles it)"
_LINKS = ("disk", "vendor", "generator")
_HARDWARE = frozenset(
    f"{name}.target" for name in ("bluetooth", "printer", "smartcard", "sound", "usb-gadget")
)
"""Targets that udev starts when it finds such a device (systemd.special(7))."""


def _by_hardware(name: str) -> bool:
    return name in _HARDWARE or name.endswith(".device")


def _starts(observed: Unit) -> bool | None:
    """Whether a boot starts it by itself or for another unit; None: unknown."""
    if observed.boot is not None:
        return None if observed.boot.doubt else observed.boot.starts
    puller = pull(observed)
    return False if puller is None else _sure(puller) or None


def _generated(observed: Unit) -> bool:
    return any(
        puller.by == "generator" and puller.boots is not False for puller in observed.pullers
    )


def _booted(observed: Unit) -> Iterator[Trigger]:
    return (trigger for trigger in observed.triggers if trigger.boots)


def _named(pullers: Iterable[Puller]) -> str:
    return ", ".join(puller.name for puller in pullers)


def _only_masked(observed: Unit) -> bool:
    """Each entry that would pull it in is masked, and no other unit does: is-enabled counts such an
    entry as a link all the same.
    """
    return (
        pull(observed) is None
        and any(puller.by == "mask" for puller in observed.pullers)
        and all(puller.by not in _LINKS for puller in observed.pullers)
    )


def _masked_entries(observed: Unit) -> str | None:
    masks = ", ".join(f"{puller.name}.wants" for puller in observed.pullers if puller.by == "mask")
    return (
        f"its entry in {masks} masks it there (it is empty, or a link to /dev/null)"
        if masks
        else None
    )


def _not_started(observed: Unit) -> str:
    others = _named(puller for puller in observed.pullers if puller.by in _LINKS)
    if others and observed.boot is not None and any(puller.boots for puller in observed.pullers):
        return f"no boot starts it, though {others} wants it (a conflict with another unit, or it cannot be loaded)"
    return _masked_entries(observed) or (
        f"only for {others}, which no boot starts"
        if others
        else "as an alias only: no boot starts it"
    )


def _unheard(state: str) -> str:
    return f"is-enabled says {state}" if state else "is-enabled says nothing about it"


def pull(observed: Unit) -> Puller | None:
    """The unit that pulls this one in at boot: one that surely does, else one that may; None: no
    boot pulls it in.
    """
    lasting = [
        puller
        for puller in observed.pullers
        if puller.by != "runtime" and puller.boots is not False
    ]
    return max(lasting, key=_sure, default=None)


def _sure(puller: Puller | None) -> bool:
    return puller is not None and puller.boots is True and puller.by != "memory"
