"""The systemctl commands that end a drift of a service, or what a person would do.

Commands are given only where they ended that drift on a real node. A unit that has failed, keeps
ending, or that systemd refuses to start or stop gets a sentence instead. Side effects of the
commands are named.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from power_edge.model import Command, Finding, Remedy
from power_edge.model.generated.resources.services_schema import Service
from power_edge.resources.services.access import may_carry_access
from power_edge.resources.services.enabled import not_enabled
from power_edge.resources.services.running import SETTLED, exited, recently_restarted
from power_edge.resources.services.starts_at_boot import masking_folders, pull, waking_triggers
from power_edge.resources.services.unit import Puller, Unit

_ENABLE = (
    *("masked", "masked-runtime", "disabled"),
    *("enabled-runtime", "linked", "linked-runtime"),
)
"""File states that `systemctl enable` changes to enabled. Units with other states have no [Install]
section, or somebody else manages them.
"""


class _Step(NamedTuple):
    """A part of a remedy: commands, or `advice` where there are none.

    `notes` name side effects of the commands.
    """

    commands: tuple[Command, ...] = ()
    advice: str = ""
    notes: tuple[str, ...] = ()


def remedy(declared: Service, observed: Unit | None, drifted: Sequence[Finding]) -> Remedy:
    """Return what makes the unit as declared.

    If one field has no command there is none at all, since half a remedy leaves a drift. The one
    exception is a unit that systemd refuses to stop: it is disabled, and stops with the machine.
    """
    if observed is None or observed.missing:
        return Remedy(
            advice="There is no unit of this name on the node: install the package that contains"
            f" {declared.name}, or correct the name."
        )
    if observed.load == "masked" and observed.claimed_by:
        # The mask may have replaced the alias: after `unmask` there would be no unit of this name.
        return Remedy(
            advice=f"Only this name is masked, and {_joined(observed.claimed_by)} claims it"
            " (Alias=): declare that unit instead."
        )
    if observed.load not in ("loaded", "masked", "not-found"):
        return Remedy(
            advice=f"Its unit file cannot be loaded: see `systemctl status {observed.name}`."
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
    # A unit that is masked until the next boot drifts in `state` alone; the commands do it all.
    masked_now = observed.file_state == "masked-runtime"
    enable = declared.enabled is True and ("enabled" in fields or masked_now)
    if (start or enable) and (
        observed.load == "masked" or observed.file_state.startswith("masked")
    ):
        if observed.change.mask:
            yield _Step(
                advice=f"{observed.change.mask} masks it, and `systemctl unmask` does not remove"
                " that file: remove it, then run `systemctl daemon-reload`."
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
            advice=f"Its unit file is gone, and a process is left: `systemctl stop {observed.name}`"
            " ends it. After that there is no such unit: remove it from the configuration, or"
            " declare `optional: true`."
        )
        return
    never = "enabled" in fields and declared.enabled is False
    # An active timer starts it again, and `systemctl disable` does not stop one.
    timers = state == "disabled" or never
    active = _active_triggers(observed, timers=timers)
    if state in ("stopped", "disabled") and (
        observed.active not in ("inactive", "failed") or active
    ):
        yield _stop(declared, observed, timers=timers)
    elif never and (ticking := [name for name in active if name.endswith(".timer")]):
        yield _Step((("systemctl", "stop", *ticking),))
    off = state == "disabled" and not_enabled(observed).ok is not True
    if off or never:
        yield _disable(declared, observed)


def _enable(observed: Unit) -> _Step:
    name, state, change = observed.name, observed.file_state, observed.change
    masked = state in ("masked", "masked-runtime")
    if masked and any(
        puller.boots and puller.by in ("disk", "vendor") for puller in observed.pullers
    ):
        return _Step()  # without its mask a boot starts it
    folders = masking_folders(observed)
    advice = ""
    if folders:
        advice = (
            f"The entry for {name} in {folders} below /etc/systemd/system masks it: remove that"
            " entry."
        )
    elif state == "static" or (masked and not change.installs):
        advice = (
            f"No boot starts {name} by itself, since its unit file has no usable [Install] section:"
            " make another unit want it."
        )
    elif state == "indirect":
        others = _joined(change.also) or "other units"
        advice = f"`systemctl enable {name}` enables {others}, not {name} itself: declare those."
    elif state not in _ENABLE:
        advice = (
            f"`systemctl enable` does not help, since the file state is {state or 'unknown'}: put a"
            " unit file in /etc/systemd/system."
        )
    elif change.forgotten:
        advice = (
            f"The unit file of {name} lies in /run, which a boot empties: put it in"
            " /etc/systemd/system."
        )
    elif not change.installs:
        advice = (
            f"`systemctl enable {name}` would link it to targets that no boot reaches: correct"
            " WantedBy= in its [Install] section."
        )
    if advice:
        return _Step(advice=advice)
    return _Step((("systemctl", "enable", name),), notes=_also("Enabling", observed))


def _start(declared: Service, observed: Unit) -> _Step:
    name, change = observed.name, observed.change
    if (advice := _why_no_start(observed)) is not None:
        return _Step(advice=advice)
    verb = "start" if observed.active == "inactive" else "restart"
    notes = []
    if verb == "start" and change.starts_stop:
        notes.append(f"Starting it stops {_joined(change.starts_stop)} (Conflicts=).")
    if verb == "restart" and change.stops:
        notes.append(f"Restarting it also restarts or stops {_joined(change.stops)}.")
    if declared.enabled is None and observed.file_state in (
        "disabled",
        "linked",
        "enabled-runtime",
    ):
        notes.append(
            "It runs until the next boot: declare `enabled: true` if a boot should start it."
        )
    return _Step((("systemctl", verb, name),), notes=tuple(notes))


def _why_no_start(observed: Unit) -> str | None:
    """Return why neither start nor restart would help, and what to do instead; None: one helps."""
    name, change = observed.name, observed.change
    if observed.type == "oneshot" and not observed.remains:
        return (
            "A oneshot without RemainAfterExit=yes is active only while it works: declare `enabled`"
            " alone, or its timer."
        )
    if observed.active == "failed":
        return (
            f"It has failed, and may fail again: find the reason with `journalctl -u {name}` and"
            f" correct it, then run `systemctl reset-failed {name}` and `systemctl start {name}`."
        )
    if (
        "auto-restart" in observed.sub
        or observed.restarts.number
        or recently_restarted(observed) is not None
    ):
        return f"It keeps ending: find the reason with `journalctl -u {name}`."
    if observed.exited and not _daemon_died(observed):
        return (
            "It ended soon after its start, and would do so again after a restart: see what it did"
            f" with `journalctl -u {name}`."
        )
    if change.unheard:
        # The socket is handed to the service, and sshd ends if it is not a network socket.
        return (
            f"Its socket is active and does not listen where it should ({change.unheard}):"
            f" correct or stop the socket first, then run `systemctl start {name}`."
        )
    if change.refuses_start:
        return (
            f"systemd refuses to start {name} by hand (RefuseManualStart=yes): start a unit"
            " that wants it."
        )
    if change.lacks:
        required, _, state = change.lacks[0].partition(" ")
        return (
            f"systemd does not start {name}: it requires {required}, which cannot be loaded"
            f" ({state})."
        )
    if change.unmet:
        return f"systemd skips the start of {name}: the condition {change.unmet} does not hold."
    if change.unneeded and observed.active == "inactive":
        return (
            f"systemd stops {name} at once if no unit needs it (StopWhenUnneeded=yes): start a unit"
            " that needs it."
        )
    if observed.halted == "stopped":
        return (
            f"Its process is stopped by a signal: run `systemctl kill -s CONT {name}`, or"
            " continue it with the program that stopped it."
        )
    if observed.halted:
        return (
            f"Its processes are frozen: run `systemctl thaw {name}`, thaw its slice, or thaw"
            " them with the program that froze them."
        )
    if observed.active == "deactivating":
        return f"It is stopping: run `systemctl start {name}` when it has stopped."
    return None


def _daemon_died(observed: Unit) -> bool:
    """Return whether it lived as long as a daemon does.

    If that was not recorded it counts as one.
    """
    lasted = observed.restarts.lasted
    return exited(observed).ok is False and (lasted is None or lasted >= SETTLED)


def _active_triggers(observed: Unit, *, timers: bool) -> list[str]:
    active = [trigger.name for trigger in observed.triggers if trigger.active]
    return [name for name in active if timers or not name.endswith(".timer")]


def _stop(declared: Service, observed: Unit, *, timers: bool) -> _Step:
    name, triggers = observed.name, _active_triggers(observed, timers=timers)
    if observed.change.refuses_stop:
        return _Step(
            advice=f"systemd refuses to stop {name} by hand (RefuseManualStop=yes): it stops with"
            " the unit that it belongs to, or at the next shutdown."
        )
    if observed.change.upheld:
        upholders = _joined(observed.change.upheld)
        return _Step(
            advice=f"{upholders} would start it again at once (Upholds=): stop {upholders} first,"
            f" or remove {name} from its Upholds=."
        )
    others = [other for other in observed.change.stops if other not in triggers]
    notes = [f"Stopping it also stops {_joined(others)}."] if others else []
    if (
        declared.state == "stopped"
        and declared.enabled is None
        and observed.file_state == "enabled"
    ):
        notes.append(
            "The next boot starts it again: declare `state: disabled` if it should stay down."
        )
    return _Step((("systemctl", "stop", *triggers, name),), notes=tuple(notes))


def _disable(declared: Service, observed: Unit) -> _Step:
    name, change = observed.name, observed.change
    triggers = waking_triggers(observed)
    left = [*_left(observed)]
    by = _joined(puller.name for puller in left)
    fixed = _joined(trigger.name for trigger in triggers if trigger.boots and trigger.stays)
    folders = masking_folders(observed)
    advice = ""
    if observed.file_state == "masked":
        advice = f"It is masked, but a boot starts it: look at `systemctl cat {name}`."
    elif fixed:
        advice = (
            f"{fixed} starts it, and `systemctl disable` does not change that:"
            f" `systemctl mask {fixed.replace(',', '')}` does, for everybody who uses it."
        )
    elif folders:
        advice = (
            f"`systemctl disable {name}` would also remove the mask in {folders}: remove the other"
            f" links to {name} by hand."
        )
    elif change.linked:
        advice = (
            f"`systemctl disable {name}` would remove its link in /etc/systemd/system, and with it"
            " the unit: remove only its link in the .wants folder."
        )
    elif left and change.requirers:
        advice = (
            f"{_joined(change.requirers)} requires it and would fail without it: change that unit"
            " first."
        )
    elif left and change.own_file:
        advice = _without_mask(name, left)
    elif left and triggers:
        names = " ".join(trigger.name for trigger in triggers)
        advice = (
            f"{by} and {names.replace(' ', ', ')} start it: run `systemctl disable {names}`, and"
            f" `systemctl mask {name}` if nothing else should start it."
        )
    if advice:
        return _Step(advice=advice)
    if left:
        # `disable` removes only its own links.
        own = [("systemctl", "disable", name)] if observed.file_state == "enabled" else []
        note = f"{by} wants it, so this masks it: nobody can start it until `systemctl unmask`."
        return _Step((*own, ("systemctl", "mask", name)), notes=(note,))
    # `disable` does not find a masked unit.
    hidden = observed.file_state == "masked-runtime"
    unmask = [("systemctl", "unmask", "--runtime", name)] if hidden else []
    disable = ("systemctl", "disable", *(trigger.name for trigger in triggers), name)
    if declared.name not in (name, name.removesuffix(".service")):
        # Without the alias nobody knows which unit was meant: the item would be unknown.
        advice = (
            f"{declared.name} is an alias of {name}, and disabling it may remove the alias:"
            f" declare {name} instead."
        )
    return _Step((*unmask, disable), advice=advice, notes=_also("Disabling", observed))


def _without_mask(name: str, left: Sequence[Puller]) -> str:
    """Return what a person can do instead of `systemctl mask`, where its place is taken."""
    entries = " and ".join(
        f"`ln -s /dev/null /etc/systemd/system/{puller.name}.wants/{name}`"
        for puller in left
        if puller.by != "memory"
    )
    lines = _joined(puller.name for puller in left if puller.by == "memory")
    steps = [f"mask the entry: {entries}"] if entries else []
    steps += [f"remove {name} from Wants= of {lines}"] if lines else []
    why = "`systemctl mask` does not work, since its unit file lies in /etc/systemd/system"
    return f"{why}: {', and '.join(steps)}."


def _left(observed: Unit) -> Iterator[Puller]:
    """Yield the units that pull it in at boot even after `systemctl disable`."""
    if observed.boot is None:
        puller = pull(observed)
        if observed.file_state not in ("enabled", "masked-runtime") and puller is not None:
            yield puller
        return
    for puller in observed.pullers:
        # For a SysV script a generator makes its links from those that `disable` removes.
        stays = puller.by in ("vendor", "memory") or (
            puller.by == "generator" and not observed.sysv
        )
        if stays and puller.boots is not False:
            yield puller


def _also(doing: str, observed: Unit) -> tuple[str, ...]:
    along = observed.change.also
    return (f"{doing} it also changes {_joined(along)} (Also=).",) if along else ()


def _joined(names: Iterable[str]) -> str:
    return ", ".join(names)


def _cuts(observed: Unit, commands: Sequence[Command]) -> bool:
    """Return whether the commands could cut off access to the machine.

    They could if they stop, restart or disable a unit that access depends on, start a firewall, or
    start a unit that stops such a unit (Conflicts=). Enabling and unmasking change nothing that
    runs.
    """
    if all(command[1] in ("enable", "unmask") for command in commands):
        return False
    named = {word for command in commands for word in command[2:]}
    touched = {*named, *observed.change.stops, *observed.change.starts_stop}
    return any(name in observed.change.access or may_carry_access(name) for name in touched)
