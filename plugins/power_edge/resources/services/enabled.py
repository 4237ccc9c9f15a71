"""Whether a boot starts a unit: verdicts on `enabled: true` and `enabled: false`."""

from collections.abc import Callable, Sequence

from power_edge.resources.services.starts_at_boot import (
    LINKS,
    boot_pullers,
    boot_triggers,
    from_generator,
    masking_folders,
    names_of,
    only_masked,
    pull,
    starts,
    surely_pulls,
    waking_triggers,
)
from power_edge.resources.services.unit import Boot, Puller, Unit
from power_edge.resources.services.verdict import Verdict, claimed, starters

_NOT_BY_ITSELF = (
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
"""File states of units that no setting on disk enables for good. Something else may start them at
boot.
"""
_DRIFT_IF_TRUE = ("disabled", "indirect", "masked", "linked", "linked-runtime", "transient")
"""File states that are drift for `enabled: true`, whatever a boot does."""
_DRIFT_IF_FALSE = ("enabled",)
"""File states that are drift for `enabled: false`, whatever a boot does."""

_STALE = (
    "disabled, but a link that a generator made at the last boot starts it; the next boot may make"
    " another one (`systemctl daemon-reload` settles it)"
)
_NOT_THE_BOOT = "starts it, not the boot itself"

_HARDWARE = frozenset(
    f"{name}.target" for name in ("bluetooth", "printer", "smartcard", "sound", "usb-gadget")
)
"""Targets that udev starts when it finds such a device (systemd.special(7))."""


def enabled(observed: Unit) -> Verdict:
    """Return the verdict on `enabled: true`: a boot starts the unit, and its own setting is the
    reason. Another unit that pulls it in is not enough, since that may change.
    """
    return _despite_chance(observed, _enabled)


def not_enabled(observed: Unit) -> Verdict:
    """Return the verdict on `enabled: false`: no boot starts the unit, neither by a setting, nor by
    a unit that pulls it in, nor by a trigger.
    """
    return _without_dry_run(observed, _despite_chance(observed, _not_enabled), _DRIFT_IF_FALSE)


def _despite_chance(observed: Unit, verdict_on: Callable[[Unit], Verdict]) -> Verdict:
    """Return a verdict on the next boot. Where that boot may differ from the job list, the verdict
    must hold in both cases, or it is unknown.
    """
    boot = observed.boot
    if boot is None or not boot.unsure:
        return verdict_on(observed)
    # What the job list says may be a matter of chance, so neither the verdict nor its reason may
    # depend on it.
    if_not, if_started = (
        verdict_on(observed._replace(boot=boot._replace(starts=started)))
        for started in (False, True)
    )
    if if_not.ok is if_started.ok and if_not.ok is not None:
        return if_not
    return Verdict(None, boot.unsure)


def _without_dry_run(observed: Unit, verdict: Verdict, drift: Sequence[str]) -> Verdict:
    """Return the verdict if it holds without a dry run of systemd, else unknown.

    Links alone do not prove that a boot starts a unit, or that none does: a conflict, a condition
    or another unit's setting may decide otherwise. Only a mask in /etc is sure, and the file states
    in `drift`. For a script in /etc/init.d a generator decides what the links mean.
    """
    if (
        not observed.unread
        or (verdict.ok is False and observed.file_state in drift and not observed.sysv)
        or (verdict.ok and observed.file_state == "masked")
    ):
        return verdict
    reason = f"{verdict.why}; " if verdict.why else ""
    return Verdict(None, f"{reason}no dry run of systemd was possible: {observed.unread}")


def _enabled(observed: Unit) -> Verdict:
    if observed.load not in ("loaded", "masked", "not-found"):
        return Verdict(None, f"its unit file cannot be loaded ({observed.load})")
    if observed.file_state == "masked-runtime":
        may_start = starts(observed) is not False or (
            observed.boot and _waking_units(observed.boot)
        )
        masked = Verdict(None if may_start else False, "masked until the next boot")
        return _without_dry_run(observed, masked, _DRIFT_IF_TRUE)
    if observed.file_state in ("masked", "linked", "linked-runtime", "transient"):
        return Verdict(False, observed.file_state)
    if observed.boot is None:
        return _without_dry_run(observed, _enabled_by_links(observed), _DRIFT_IF_TRUE)
    if observed.boot.doubt:
        return Verdict(None, observed.boot.doubt)
    verdict = _enabled_by_jobs(observed, observed.boot)
    if verdict.ok and observed.boot.unmet:
        return Verdict(None, f"a boot skips it if {observed.boot.unmet} does not hold at that time")
    return verdict


def _enabled_by_jobs(observed: Unit, boot: Boot) -> Verdict:
    """Return the verdict on `enabled: true` by the job list of the next boot."""
    state, by = observed.file_state, boot_pullers(observed)
    match state:
        case "enabled" if boot.starts:
            return Verdict(True)
        case "enabled":
            return Verdict(
                False if only_masked(observed) else None, f"enabled, but {_not_started(observed)}"
            )
        case "static" | "generated" | "enabled-runtime" if boot.starts:
            return Verdict(True, f"{state}; {by} starts it")
        case "static" | "generated" | "enabled-runtime" if _waking_units(boot):
            names = ", ".join(_waking_units(boot))
            return Verdict(None, f"{state}; {names} may start it after a boot")
        case "static" | "generated":
            return Verdict(False, _no_start(observed) or f"{state}; no boot starts it")
        case "enabled-runtime":
            return Verdict(False, "enabled in /run only: gone after a boot")
        case "disabled" | "indirect" if boot.starts and from_generator(observed):
            return Verdict(None, _STALE)
        case "disabled" | "indirect" if boot.starts:
            return Verdict(False, f"{state}; a boot starts it only because of {by}")
        case "disabled" | "indirect":
            return Verdict(False, _disabled(observed))
    return _no_file_state(observed, if_gone=False)


def _waking_units(boot: Boot) -> tuple[str, ...]:
    """Return the units that may start a unit after a boot. Scripts (paths in `wakers`) are left
    out: they are not a setting of the unit, and the probe searches them only if a unit must
    be down.
    """
    return tuple(waker for waker in boot.wakers if not waker.startswith("/"))


def _enabled_by_links(observed: Unit) -> Verdict:
    """Return the verdict on `enabled: true` by the links on disk, where there is no job list."""
    state, puller = observed.file_state, pull(observed)
    match state:
        case "enabled":
            return _enabled_link(observed, puller)
        case "static" | "generated" | "enabled-runtime" if surely_pulls(puller):
            return Verdict(True, f"{state}; {puller.name} starts it" if puller else None)
        case "static" if puller is None:
            return Verdict(False, _no_start(observed) or "static; no boot starts it")
        case "enabled-runtime" if puller is None and observed.pullers:
            return Verdict(False, "enabled in /run only: gone after a boot")
        case "static" | "generated" | "enabled-runtime":
            by = puller.name if puller else "anything"
            return Verdict(None, f"{state}; it is unknown whether {by} starts it at boot")
        case "disabled" | "indirect":
            return Verdict(False, _disabled(observed))
    return _no_file_state(observed, if_gone=False)


def _enabled_link(observed: Unit, puller: Puller | None) -> Verdict:
    """Return the verdict on `enabled: true` for the file state `enabled`, by links."""
    if observed.goal is not None:
        return Verdict(
            None,
            f"enabled, but this machine boots to {observed.goal}: it is unknown whether that"
            " starts it",
        )
    if only_masked(observed):
        return Verdict(False, _masked_there(observed))
    if surely_pulls(puller):
        return Verdict(True)
    if puller is None:
        return Verdict(None, f"enabled, but {_not_started(observed)}")
    return Verdict(
        None, f"enabled for {puller.name}; it is unknown whether a boot starts that unit"
    )


def _not_enabled(observed: Unit) -> Verdict:
    state, started = observed.file_state, starts(observed)
    # Whether a script in /etc/init.d is enabled for what a boot reaches is for the job list.
    if state == "enabled" and (started or not (only_masked(observed) or observed.sysv)):
        return Verdict(False)
    if state == "masked" and not started:
        return Verdict(None, claimed(observed)) if observed.claimed_by else Verdict(True)
    if observed.boot is not None and observed.boot.doubt:
        return Verdict(None, observed.boot.doubt)
    if started and observed.boot is not None:
        return _started_by_jobs(observed, observed.boot)
    if state not in _NOT_BY_ITSELF and state != "enabled":
        return _no_file_state(observed, if_gone=None)
    puller = pull(observed)
    if puller is not None and observed.boot is None:
        sure = surely_pulls(puller)
        return Verdict(
            False if sure else None,
            f"{state}, but {puller.name} {'starts' if sure else 'may start'} it at boot",
        )
    if waking := waking_triggers(observed):
        if observed.boot is not None and observed.boot.unmet:
            skipped = f"may start it after a boot, unless {observed.boot.unmet} does not hold then"
            return Verdict(None, starters(waking, skipped))
        return Verdict(False, starters(waking))
    unsure = [trigger for trigger in observed.triggers if trigger.boots is None]
    if unsure:
        return Verdict(None, starters(unsure, "may start it after a boot"))
    return _not_woken(observed)


def _started_by_jobs(observed: Unit, boot: Boot) -> Verdict:
    """Return the verdict on `enabled: false` for a unit in the job list of the next boot."""
    state = observed.file_state
    if state == "masked":
        return Verdict(None, "masked, but a boot starts it")
    if state == "disabled" and from_generator(observed):
        return Verdict(None, _STALE)
    by = boot_pullers(observed)
    if boot.unmet:
        return Verdict(
            None,
            f"{by} starts it at boot, but the boot skips it if {boot.unmet} does not hold at that"
            " time",
        )
    return Verdict(False, f"{state or 'no file state'}, but {by} starts it at boot")


def _not_woken(observed: Unit) -> Verdict:
    """Return the verdict on `enabled: false` for a unit that no boot and no trigger starts: does
    anything else start it after a boot?
    """
    state = observed.file_state
    if observed.boot is None:
        if state == "generated" or (state == "enabled-runtime" and not observed.pullers):
            return Verdict(None, f"{state}; it is unknown what starts it at boot")
        return Verdict(True)
    if observed.boot.wakers:
        return Verdict(None, f"{', '.join(observed.boot.wakers)} may start it after a boot")
    plugged = names_of(
        puller for puller in observed.pullers if puller.by in LINKS and _by_hardware(puller.name)
    )
    if plugged:
        return Verdict(None, f"{plugged} starts it when that hardware is present")
    return Verdict(True)


def _by_hardware(name: str) -> bool:
    return name in _HARDWARE or name.endswith(".device")


def _no_start(observed: Unit) -> str | None:
    """Return what starts a static or generated unit that no boot starts, or keeps it from being
    started.
    """
    return starters(boot_triggers(observed), _NOT_THE_BOOT) or _masked_there(observed)


def _disabled(observed: Unit) -> str | None:
    """Return more about a disabled unit than its file state says."""
    return _masked_there(observed) or starters(boot_triggers(observed), _NOT_THE_BOOT)


def _masked_there(observed: Unit) -> str | None:
    folders = masking_folders(observed)
    if not folders:
        return None
    return f"its entry in {folders} masks it there (it is empty, or a link to /dev/null)"


def _not_started(observed: Unit) -> str:
    """Return why no boot starts a unit that is enabled."""
    wanted_by = names_of(puller for puller in observed.pullers if puller.by in LINKS)
    booted = observed.boot is not None and any(puller.boots for puller in observed.pullers)
    if wanted_by and booted:
        return (
            f"no boot starts it, though {wanted_by} wants it (it conflicts with another unit, or"
            " cannot be loaded)"
        )
    if masked := _masked_there(observed):
        return masked
    if wanted_by:
        return f"only for {wanted_by}, which no boot starts"
    return "only as an alias: no boot starts it"


def _no_file_state(observed: Unit, *, if_gone: bool | None) -> Verdict:
    """Return the verdict for a file state that decides nothing; `if_gone` is the verdict where the
    unit file is gone.
    """
    if observed.load == "not-found":
        return Verdict(if_gone, "its unit file is gone")
    state = observed.file_state
    return Verdict(
        None, f"is-enabled says {state}" if state else "is-enabled says nothing about it"
    )
