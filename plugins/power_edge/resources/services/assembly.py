"""Joins the parts of the probe's answer into the record of one unit."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from power_edge.resources.services.answer import (
    Answer,
    Jobs,
    Properties,
    doubted,
    seconds,
    unit_names,
)
from power_edge.resources.services.names import claimed_by, nearest
from power_edge.resources.services.pulling import pullers, started_at_boot, triggers
from power_edge.resources.services.running import SETTLED
from power_edge.resources.services.unit import Boot, Change, Restarts, Unit

_UNMASKED = ("/etc/systemd/system/", "/run/systemd/system/")
"""Folders from which `systemctl unmask` removes a mask."""
_FORGOTTEN = ("/run/systemd/system/", "/run/systemd/transient/")
"""Folders of unit files that a boot empties."""
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
"""Seconds of the units in which systemd prints a time."""
_JOURNAL = 0.1
"""Seconds by which an entry of the journal may be older than the change of state it tells of."""
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
        appears=doubted((declared_name,), answer.unsure) if missing else "",
        goal=answer.goal,
        boot=boot,
        unread=answer.unread,
        restarts=_restarts(properties, answer),
        follows=tuple(_related(properties, "OnSuccessOf", "OnFailureOf")),
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

    vain = [line.partition(" ") for line in answer.vain.get(name, ())]
    unheard = [what.partition(" ") for kind, _, what in vain if kind == "unheard"]
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
        unmet=next((what for kind, _, what in vain if kind == "unmet"), ""),
        lacks=tuple(what for kind, _, what in vain if kind == "lacks"),
        unheard=next((what for kind, _, what in unheard if kind == "now"), ""),
        unheard_at_boot=next((what for kind, _, what in unheard if kind == "boot"), ""),
        ready=any(kind == "ready" for kind, *_ in vain)
        and properties.get("NeedDaemonReload") != "yes"
        and not properties.get("ExecCondition"),
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
    ended, by_itself = _ended(properties, answer)
    return Restarts(
        number=int(count) if count.isdecimal() else 0,
        age=_age("ActiveEnter", properties, answer) if up else None,
        started=seconds(properties, "InactiveExitTimestampMonotonic"),
        ended=ended,
        by_itself=by_itself,
        limited=properties.get("RuntimeMaxUSec", "infinity") not in ("infinity", "0", ""),
        lasted=max(0.0, changed - entered) if entered else None,
        uptime=answer.uptime,
        down=_age("InactiveEnter", properties, answer)
        if seconds(properties, "InactiveEnterTimestampMonotonic")
        else math.inf,
    )


def _ended(properties: Properties, answer: Answer) -> tuple[float, bool]:
    """Return when the unit left the active state last, 0.0 for never; and whether it did so without
    a stop and soon after its start, or that is unknown.

    The journal knows each stop, since it is a job; and a start before the present one, if systemd
    has forgotten the unit in between. Where the journal does not have the present start, it could
    not be read, and the states decide: a stop takes some time. Where a service ends by itself it
    leaves the active state and is down in the same moment, unless its own commands run in between.
    RestartMode=direct starts it again without being down. Before systemd 254 an automatic restart
    was a stop as well, RestartSec= later.
    """
    left, down = (
        seconds(properties, f"{state}TimestampMonotonic")
        for state in ("ActiveExit", "InactiveEnter")
    )
    entries = (entry.partition(" ") for entry in answer.again.get(properties["Id"], ()))
    last = {kind: float(at) for kind, _, at in entries}
    if (
        last.get("start", -math.inf)
        > seconds(properties, "ActiveEnterTimestampMonotonic") - _JOURNAL
    ):
        before = last.get("before")
        left = left or before or 0.0
        if before is not None and left - before >= SETTLED:
            return left, False  # it had settled: a person has started it after a crash
        return left, last.get("stop", -math.inf) < left - _JOURNAL
    commands = any(properties.get(key) for key in ("ExecStop", "ExecStopPost"))
    return left, down <= left or commands or _may_be_automatic(properties, down - left)


def _may_be_automatic(properties: Properties, pause: float) -> bool:
    """Return whether a restart by systemd itself may have been a stop that took so long."""
    if "RestartMode" in properties or properties.get("Restart", "no") == "no":
        return False
    return pause >= _span(properties.get("RestartUSec", ""))


def _span(text: str) -> float:
    """Return a time such as `1min 500ms` in seconds; units that it does not know count as 0."""
    if text == "infinity":
        return math.inf
    parts = re.findall(r"([\d.]+)([a-z]+)", text)
    return sum(float(number) * _UNITS.get(unit, 0.0) for number, unit in parts)


def _age(state: str, properties: Properties, answer: Answer) -> float | None:
    """Return the seconds since the unit came into a state (`ActiveEnter`, `InactiveEnter`), by the
    clock that says less; None if no clock says it.

    /proc/uptime counts time in which the machine was suspended, the monotonic clock does not, and a
    container may have an uptime of its own. The wall clock may have been set in between. An age
    below 0 is ignored.
    """
    ages = []
    entered = seconds(properties, f"{state}TimestampMonotonic")
    if entered:
        ages.append(answer.uptime - entered)
    moment = properties.get(f"{state}Timestamp", "")
    match = re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", moment)
    if match is not None:
        ages.append(answer.now - datetime.fromisoformat(match[0]).replace(tzinfo=UTC).timestamp())
    return min((age for age in ages if age >= -1), default=None)
