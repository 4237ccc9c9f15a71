"""Joins the parts of the probe's answer into the record of one unit."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from power_edge.resources.services.answer import Answer, Jobs, Properties, seconds, unit_names
from power_edge.resources.services.names import claimed_by, nearest
from power_edge.resources.services.pulling import pullers, started_at_boot, triggers
from power_edge.resources.services.unit import Boot, Change, Restarts, Unit

_UNMASKED = ("/etc/systemd/system/", "/run/systemd/system/")
"""Folders from which `systemctl unmask` removes a mask."""
_FORGOTTEN = ("/run/systemd/system/", "/run/systemd/transient/")
"""Folders of unit files that a boot empties."""
_MADE_BY_SYSTEMD = (".slice", ".scope", ".device")
"""Units that systemd creates by itself: no job starts them."""


def unit(declared_name: str, answer: Answer) -> Unit:
    """Return what was observed of a unit that was asked about under this name.

    KeyError: the answer has no properties for the name.
    """
    properties = answer.properties[declared_name]
    name = properties["Id"]
    missing = properties["LoadState"] == "not-found"
    names = {name, *unit_names(properties.get("Names", ""))}
    its_triggers = tuple(triggers(name, names, properties, answer))
    unproven = missing or properties["LoadState"] == "masked"
    boot = None
    if answer.jobs is not None:
        started_by = {trigger.name for trigger in its_triggers}
        boot = _boot(declared_name, names, started_by, answer, answer.jobs)
    return Unit(
        name=name,
        load=properties["LoadState"],
        active=properties["ActiveState"],
        sub=properties["SubState"],
        file_state=answer.states.get(name, ""),
        type=properties.get("Type"),
        remains=properties.get("RemainAfterExit") == "yes",
        queued=properties.get("Job", "") not in ("", "0"),
        job=answer.job_types.get(name, ""),
        left=properties.get("ControlGroup", "")[1:] in answer.left,
        halted=answer.halted.get(name, ""),
        triggers=its_triggers,
        pullers=tuple(pullers(declared_name, names, properties, answer).values()),
        claimed_by=claimed_by(declared_name, missing, answer.names) if unproven else (),
        nearest=nearest(declared_name, answer.names) if missing else (),
        unusable=answer.names.files.get(declared_name, "") if missing else "",
        goal=answer.goal,
        boot=boot,
        unread=answer.unread,
        restarts=_restarts(properties, answer),
        sysv=_is_sysv(properties),
        change=_change(properties, answer),
    )


def _is_sysv(properties: Properties) -> bool:
    return properties.get("SourcePath", "").startswith("/etc/init.d/")


def _change(properties: Properties, answer: Answer) -> Change:
    name, file = properties["Id"], properties.get("FragmentPath", "")
    loaded, masked = (properties["LoadState"] == state for state in ("loaded", "masked"))
    install: dict[str, list[str]] = {}
    for setting in answer.install.get(name, ()):
        key, _, value = setting.partition("=")
        install.setdefault(key.strip(), []).extend(value.split())

    vain = [line.split(" ", 1) for line in answer.vain.get(name, ())]
    return Change(
        refuses_start=properties.get("RefuseManualStart") == "yes",
        refuses_stop=properties.get("RefuseManualStop") == "yes",
        own_file=file.startswith("/etc/systemd/system/"),
        mask=file if masked and not file.startswith(_UNMASKED) else "",
        forgotten=loaded and file.startswith(_FORGOTTEN),
        linked="linked" in answer.install.get(name, ()),
        installs=_is_sysv(properties)
        or any(
            _reached(target, answer)
            for key in ("WantedBy", "RequiredBy", "UpheldBy")
            for target in install.get(key, ())
        ),
        also=tuple(dict.fromkeys(other for other in install.get("Also", ()) if other != name)),
        stops=_active(
            properties, answer, "RequiredBy", "BoundBy", "ConsistsOf", "PropagatesStopTo"
        ),
        starts_stop=_active(properties, answer, "Conflicts", "ConflictedBy"),
        requirers=tuple(
            other
            for other in _related(properties, "RequiredBy", "BoundBy")
            if started_at_boot(other, answer) is not False
        ),
        unmet=next((what for kind, what in vain if kind == "unmet"), ""),
        lacks=tuple(what for kind, what in vain if kind == "lacks"),
        unneeded=properties.get("StopWhenUnneeded") == "yes",
        upheld=_active(properties, answer, "UpheldBy"),
        access=answer.access,
    )


def _active(properties: Properties, answer: Answer, *keys: str) -> tuple[str, ...]:
    """Return the active ones of the units in the values of some properties."""
    return tuple(name for name in _related(properties, *keys) if name in answer.active)


def _related(properties: Properties, *keys: str) -> Sequence[str]:
    """Return the units in the values of some properties, each once."""
    return [*dict.fromkeys(name for key in keys for name in unit_names(properties.get(key, "")))]


def _reached(target: str, answer: Answer) -> bool:
    """Return whether a boot may start the target of an [Install] section."""
    listed = answer.jobs is not None and target in answer.jobs.jobs
    return target == "default.target" or bool(started_at_boot(target, answer)) or listed


def _boot(
    declared_name: str, names: set[str], triggers: set[str], answer: Answer, jobs: Jobs
) -> Boot:
    properties = answer.properties[declared_name]
    starts = jobs.start(declared_name, names)
    wakers = dict.fromkeys(
        waker
        for name in sorted(names)
        for waker in jobs.wakers.get(name, ())
        if waker not in triggers
    )
    called = next((answer.bus[name] for name in sorted(names) if name in answer.bus), "")
    if jobs.bus and called:
        wakers[f"a D-Bus call to {called}"] = None
    forgotten = declared_name in jobs.unloaded and bool(starts or wakers or triggers)
    unmet = next((jobs.unmet[name] for name in sorted(names) if name in jobs.unmet), "")
    return Boot(
        starts,
        unmet or _unmet_command(properties),
        () if starts else tuple(wakers),
        _doubt(declared_name, names, properties, jobs, starts=starts, forgotten=forgotten),
        jobs.doubted(names),
    )


def _doubt(
    declared_name: str,
    names: set[str],
    properties: Properties,
    jobs: Jobs,
    *,
    starts: bool,
    forgotten: bool,
) -> str:
    """Return why nothing on disk decides what a boot does with a unit; empty where it is decided.

    `forgotten`: the declared name is an alias that the dry run does not know.
    """
    if jobs.traps:
        return jobs.traps[0]
    if not names.isdisjoint(jobs.early):
        return "the kernel's command line of this boot adds or masks it, and the next one may not"
    generated = properties.get("FragmentPath", "").startswith("/run/systemd/generator")
    if generated and properties.get("NeedDaemonReload") == "yes":
        return (
            "the source of its generated unit file has changed since"
            " (`systemctl daemon-reload` settles it)"
        )
    if declared_name != properties["Id"] and forgotten:
        return f"it is an alias of {properties['Id']} that a boot may forget"
    if not starts and properties["Id"].endswith(_MADE_BY_SYSTEMD):
        return "systemd creates it by itself when it is needed"
    return ""


def _unmet_command(properties: Properties) -> str:
    """Return `ExecCondition=` for a unit that this command skipped at its last start, or that has
    not been started since the boot; empty for any other.
    """
    down = properties["ActiveState"] in ("inactive", "failed")
    if not properties.get("ExecCondition") or not down:
        return ""
    started = seconds(properties, "InactiveExitTimestampMonotonic")
    skipped = properties.get("Result") == "exec-condition"
    return "ExecCondition=" if skipped or not started else ""


def _restarts(properties: Properties, answer: Answer) -> Restarts:
    count = properties.get("NRestarts", "")
    up = properties["ActiveState"] in ("active", "reloading", "refreshing")
    entered = seconds(properties, "ActiveEnterTimestampMonotonic")
    changed = seconds(properties, "StateChangeTimestampMonotonic")
    exit_time, down_time = (
        properties.get(f"{state}TimestampMonotonic") for state in ("ActiveExit", "InactiveEnter")
    )
    return Restarts(
        number=int(count) if count.isdecimal() else 0,
        age=_age(properties, answer) if up else None,
        started=seconds(properties, "InactiveExitTimestampMonotonic"),
        ended=seconds(properties, "ActiveExitTimestampMonotonic"),
        # A stop takes some time between the two. Where a service ends by itself they are the same
        # moment, unless ExecStopPost= runs.
        by_itself=exit_time == down_time or bool(properties.get("ExecStopPost")),
        limited=properties.get("RuntimeMaxUSec", "infinity") not in ("infinity", "0", ""),
        lasted=max(0.0, changed - entered) if entered else None,
        uptime=answer.uptime,
    )


def _age(properties: Properties, answer: Answer) -> float | None:
    """Return the seconds since the unit became active, by the clock that says less; None if no
    clock says it.

    /proc/uptime counts time in which the machine was suspended, the monotonic clock does not, and a
    container may have an uptime of its own. The wall clock may have been set in between. An age
    below 0 is ignored.
    """
    ages = []
    entered = seconds(properties, "ActiveEnterTimestampMonotonic")
    if entered:
        ages.append(answer.uptime - entered)
    match = re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", properties.get("ActiveEnterTimestamp", ""))
    if match is not None:
        ages.append(answer.now - datetime.fromisoformat(match[0]).replace(tzinfo=UTC).timestamp())
    return min((age for age in ages if age >= -1), default=None)
