"""The systemctl calls that turn a drift back, or what a person would do.

Commands are given only where they were seen to settle that drift on a node. What has failed, ends
again and again, or is refused by systemd gets a sentence. What commands do besides is said.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from power_edge.model import Command, Finding, Remedy
from power_edge.model.generated.resources.services_schema import Service
from power_edge.resources.services.judge import SETTLED, exited, not_enabled, pull, unsettled
from power_edge.resources.services.observation import Puller, Unit
from power_edge.resources.services.way_in import carries

_ENABLE = (
    *("masked", "masked-runtime", "disabled"),
    *("enabled-runtime", "linked", "linked-runtime"),
)
"""File states that `enable` makes an end of; the others lack an [Install] section, or are somebody
else's."""


class _Step(NamedTuple):
    """A part of a remedy: commands, or why there are none; `notes` say what else commands do."""

    commands: tuple[Command, ...] = ()
    advice: str = ""
    notes: tuple[str, ...] = ()


def remedy(declared: Service, observed: Unit | None, drifted: Sequence[Finding]) -> Remedy:
    """What would make the unit as declared.

    Where one field has no command the whole has none, since half a remedy leaves a drift. The one
    exception is a unit that systemd refuses to stop: it is disabled, and stops with the machine.
    """
    if observed is None or observed.missing:
        return Remedy(
            advice=f"No unit of this name is on the node: install the package that brings {declared.name}, or correct the name."
        )
    if observed.load == "masked" and observed.claimed_by:
        # The mask may lie where the alias was: `unmask` would leave no unit of this name.
        return Remedy(
            advice=f"Only this name is masked, and {_and(observed.claimed_by)} claims it (Alias=): declare that."
        )
    if observed.load not in ("loaded", "masked", "not-found"):
        return Remedy(
            advice=f"Its unit file cannot be loaded: `systemctl status {observed.name}` says why."
        )
    steps = [*_steps(declared, observed, {finding.field for finding in drifted})]
    commands = tuple(command for step in steps for command in step.commands)
    advice = [step.advice for step in steps if step.advice]
    notes = [note for step in steps for note in step.notes]
    disabled = any(command[1] == "disable" for command in commands)
    if advice and not (observed.change.refuses_stop and disabled):
        then = ", ".join(f"`{' '.join(command)}`" for command in commands)
        return Remedy(advice=" ".join([*advice, *([f"Then {then}."] if then else [])]))
    return Remedy(commands, _cuts(observed, commands), " ".join([*advice, *notes]) or None)


def _steps(declared: Service, observed: Unit, fields: set[str]) -> Iterator[_Step]:
    state = declared.state if "state" in fields else None
    start = state == "running"
    # What is masked until the next boot drifts in `state` alone; one list is to do all of it.
    masked_now = observed.file_state == "masked-runtime" and bool(fields)
    enable = declared.enabled is True and ("enabled" in fields or masked_now)
    if (start or enable) and (
        observed.load == "masked" or observed.file_state.startswith("masked")
    ):
        if observed.change.mask:
            yield _Step(
                advice=f"{observed.change.mask} masks it, which `systemctl unmask` leaves there: remove that file, then `systemctl daemon-reload`."
            )
            return
        unmask = ("systemctl", "unmask", "--runtime", observed.name)
        yield _Step((unmask, ("systemctl", "unmask", observed.name)))
    if enable:
        yield _enable(observed)
    if start:
        yield _start(declared, observed)
    if state in ("stopped", "disabled") and observed.load == "not-found":
        yield _Step(
            advice=f"Its unit file is gone, and a process is left: `systemctl stop {observed.name}` ends it. Then there is no such unit:"
            " take it out of the configuration, or declare `optional: true`."
        )
        return
    timers = state == "disabled"
    if state in ("stopped", "disabled") and (
        observed.active not in ("inactive", "failed") or _active_triggers(observed, timers=timers)
    ):
        yield _stop(declared, observed, timers=timers)
    off = state == "disabled" and not_enabled(observed).ok is not True
    if off or ("enabled" in fields and declared.enabled is False):
        yield _disable(declared, observed)


def _enable(observed: Unit) -> _Step:
    name, state, change = observed.name, observed.file_state, observed.change
    masked = state in ("masked", "masked-runtime")
    if masked and any(
        puller.boots and puller.by in ("disk", "vendor") for puller in observed.pullers
    ):
        return _Step()  # without its mask a boot starts it
    entries = _masking_entries(observed)
    advice = ""
    if entries:
        advice = f"Remove the entry for {name} in {entries} below /etc/systemd/system: it masks it."
    elif state == "static" or (masked and not change.installs):
        advice = f"No boot starts {name} by itself: its unit file has no [Install] section that helps. Another unit has to want it."
    elif state == "indirect":
        others = _and(change.also) or "other units"
        advice = f"`systemctl enable {name}` enables {others}, not {name} itself: declare those."
    elif state not in _ENABLE:
        advice = f"`systemctl enable` does not help where the file state is {state or 'unknown'}: put a unit file in /etc/systemd/system."
    elif change.forgotten:
        advice = f"A boot forgets the unit file of {name}, which lies in /run: put it in /etc/systemd/system."
    elif not change.installs:
        advice = f"`systemctl enable {name}` is for units that no boot starts: correct WantedBy= in its [Install] section."
    if advice:
        return _Step(advice=advice)
    return _Step((("systemctl", "enable", name),), notes=_also("Enabling", observed))


def _start(declared: Service, observed: Unit) -> _Step:
    name, change = observed.name, observed.change
    advice = ""
    if observed.type == "oneshot" and not observed.remains:
        advice = "A oneshot without RemainAfterExit=yes is active only while it works: declare `enabled` alone, or its timer."
    elif observed.active == "failed":
        advice = (
            f"It has failed, and may fail again: `journalctl -u {name}` says why."
            f" Correct that, then `systemctl reset-failed {name}` and `systemctl start {name}`."
        )
    elif (
        "auto-restart" in observed.sub
        or observed.restarts.number
        or unsettled(observed) is not None
    ):
        advice = f"It ends again and again: `journalctl -u {name}` says why."
    elif observed.exited and not _daemon_died(observed):
        advice = f"It ended soon after its start, and a restart would do the same again: `journalctl -u {name}` says what it did."
    elif change.refuses_start:
        advice = (
            f"systemd refuses to start {name} by hand (RefuseManualStart=yes): start what wants it."
        )
    elif change.lacks:
        name_of, _, state = change.lacks[0].partition(" ")
        advice = f"systemd does not start {name}: it requires {name_of}, which cannot be loaded ({state})."
    elif change.unmet:
        advice = f"systemd skips the start of {name}: {change.unmet} does not hold."
    elif change.unneeded and observed.active == "inactive":
        advice = f"systemd stops {name} at once where nothing needs it (StopWhenUnneeded=yes): start what needs it."
    elif observed.halted == "stopped":
        advice = f"Its process is stopped: `systemctl kill -s CONT {name}`, or whatever stopped it."
    elif observed.halted:
        advice = f"Its processes are frozen: `systemctl thaw {name}`, or thaw its slice, or whatever froze them."
    elif observed.active == "deactivating":
        advice = f"It is being stopped: `systemctl start {name}` when that is done."
    if advice:
        return _Step(advice=advice)
    verb = "start" if observed.active == "inactive" else "restart"
    notes = []
    if verb == "start" and change.starts_stop:
        notes.append(f"Starting it stops {_and(change.starts_stop)} (Conflicts=).")
    if verb == "restart" and change.stops:
        notes.append(f"Restarting it restarts or stops {_and(change.stops)} too.")
    if declared.enabled is None and observed.file_state in (
        "disabled",
        "linked",
        "enabled-runtime",
    ):
        notes.append("It runs until the next boot: `enabled: true` if a boot is to start it.")
    return _Step((("systemctl", verb, name),), notes=tuple(notes))


def _daemon_died(observed: Unit) -> bool:
    """It lived as long as a daemon does. Where nobody recorded that, it is taken for one."""
    lasted = observed.restarts.lasted
    return exited(observed).ok is False and (lasted is None or lasted >= SETTLED)


def _active_triggers(observed: Unit, *, timers: bool) -> list[str]:
    active = [trigger.name for trigger in observed.triggers if trigger.active]
    return [name for name in active if timers or not name.endswith(".timer")]


def _stop(declared: Service, observed: Unit, *, timers: bool) -> _Step:
    name, triggers = observed.name, _active_triggers(observed, timers=timers)
    if observed.change.refuses_stop:
        return _Step(
            advice=f"systemd refuses to stop {name} by hand (RefuseManualStop=yes): it stops with what it belongs to, or at the next shutdown."
        )
    if observed.change.upheld:
        upholders = _and(observed.change.upheld)
        return _Step(
            advice=f"{upholders} would start it again at once (Upholds=): stop that first, or take {name} out of it."
        )
    others = [other for other in observed.change.stops if other not in triggers]
    notes = [f"Stopping it stops {_and(others)} too."] if others else []
    if (
        declared.state == "stopped"
        and declared.enabled is None
        and observed.file_state == "enabled"
    ):
        notes.append("The next boot starts it again: `state: disabled` if it is to stay down.")
    return _Step((("systemctl", "stop", *triggers, name),), notes=tuple(notes))


def _disable(declared: Service, observed: Unit) -> _Step:
    name, change = observed.name, observed.change
    triggers = [
        trigger
        for trigger in observed.triggers
        if trigger.boots or (trigger.active and trigger.name.endswith(".timer"))
    ]
    left = [*_left(observed)]
    by = _and(puller.name for puller in left)
    fixed = _and(trigger.name for trigger in triggers if trigger.boots and trigger.stays)
    entries = _masking_entries(observed)
    advice = ""
    if observed.file_state == "masked":
        advice = f"It is masked, and a boot starts it all the same: `systemctl cat {name}`."
    elif fixed:
        advice = f"{fixed} starts it, and `systemctl disable` does not change that: `systemctl mask {fixed.replace(',', '')}` does, for all who use it."
    elif entries:
        advice = f"`systemctl disable {name}` would remove the mask in {entries} as well: remove the other links to {name} by hand."
    elif change.linked:
        advice = (
            f"`systemctl disable {name}` would remove its link in /etc/systemd/system, and with it"
            " the unit: remove its link in the .wants folder alone."
        )
    elif left and change.requirers:
        advice = (
            f"{_and(change.requirers)} requires it and would fail without it: change that first."
        )
    elif left and change.own_file:
        advice = _no_place_for_a_mask(name, left)
    elif left and triggers:
        names = " ".join(trigger.name for trigger in triggers)
        advice = f"{by} and {names.replace(' ', ', ')} start it: `systemctl disable {names}`, and `systemctl mask {name}` if nothing else is to start it."
    if advice:
        return _Step(advice=advice)
    if left:
        # `disable` takes away its own links alone.
        own = [("systemctl", "disable", name)] if observed.file_state == "enabled" else []
        note = f"{by} wants it, so it is masked: nobody can start it before `systemctl unmask`."
        return _Step((*own, ("systemctl", "mask", name)), notes=(note,))
    # Behind a mask `disable` finds no unit.
    hidden = observed.file_state == "masked-runtime"
    unmask = [("systemctl", "unmask", "--runtime", name)] if hidden else []
    disable = ("systemctl", "disable", *(trigger.name for trigger in triggers), name)
    alias = declared.name not in (name, name.removesuffix(".service"))
    gone = (
        (f"{declared.name} is an alias of {name}, and may be gone then: declare {name}.",)
        if alias
        else ()
    )
    return _Step((*unmask, disable), notes=(*_also("Disabling", observed), *gone))


def _no_place_for_a_mask(name: str, left: Sequence[Puller]) -> str:
    entries = " and ".join(
        f"`ln -s /dev/null /etc/systemd/system/{puller.name}.wants/{name}`"
        for puller in left
        if puller.by != "memory"
    )
    lines = _and(puller.name for puller in left if puller.by == "memory")
    ways = [f"mask the entry: {entries}"] if entries else []
    ways += [f"remove {name} from Wants= of {lines}"] if lines else []
    why = "Its own file in /etc/systemd/system keeps `systemctl mask` from working"
    return f"{why}: {', and '.join(ways)}."


def _left(observed: Unit) -> Iterator[Puller]:
    """What starts it at boot when `systemctl disable` has done its work."""
    if observed.boot is None:
        puller = pull(observed)
        if observed.file_state not in ("enabled", "masked-runtime") and puller is not None:
            yield puller
        return
    for puller in observed.pullers:
        # A generator makes the links of a SysV script from those that `disable` removes.
        stays = puller.by in ("vendor", "memory") or (
            puller.by == "generator" and not observed.sysv
        )
        if stays and puller.boots is not False:
            yield puller


def _masking_entries(observed: Unit) -> str:
    return _and(f"{puller.name}.wants" for puller in observed.pullers if puller.by == "mask")


def _also(doing: str, observed: Unit) -> tuple[str, ...]:
    along = observed.change.also
    return (f"{doing} it takes {_and(along)} along (Also=).",) if along else ()


def _and(names: Iterable[str]) -> str:
    return ", ".join(names)


def _cuts(observed: Unit, commands: Sequence[Command]) -> bool:
    """Whether the commands could end the way in.

    They do where they stop, restart or disable what it hangs on, or start a firewall, or what
    stops such a unit by Conflicts=. Enabling and unmasking alone change nothing that runs.
    """
    if all(command[1] in ("enable", "unmask") for command in commands):
        return False
    named = {word for command in commands for word in command[2:] if not word.startswith("-")}
    touched = {*named, *observed.change.stops, *observed.change.starts_stop}
    return any(name in observed.change.way or carries(name) for name in touched)
