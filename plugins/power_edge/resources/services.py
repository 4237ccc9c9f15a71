"""Services: systemd units that run or do not, and that start at boot or do not.

What a unit does is the manager's word (`systemctl show`). What a boot starts is read from the disk: the file state as `is-enabled` tells it, and
the links that pull a unit in (systemd.unit(5)); what the manager remembers of both may be older than the disk.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from power_edge.model import Finding, ResourceType, agrees, drifts, undecided
from power_edge.model.declared.resources.services_schema import Service

_SUFFIXES = (".service", ".socket", ".timer", ".target", ".mount", ".automount", ".swap", ".path", ".slice", ".scope", ".device")

_BOOT_TARGETS = frozenset(
    f"{name}.target" for name in ("sysinit", "basic", "multi-user", "sockets", "timers", "paths", "local-fs", "swap", "slices", "getty")
)
"""Targets that every boot into multi-user or graphical mode passes (bootup(7))."""

_UP = ("active", "reloading", "refreshing")


class Trigger(NamedTuple):
    """A socket, timer or path unit that starts the unit; None: could not be told."""

    name: str
    active: bool | None
    boots: bool | None


class Puller(NamedTuple):
    """A unit that pulls this one in when it starts itself.

    `by`: a link that the next boot finds (`disk`), one that a generator makes again at each boot (`generator`), one that a boot forgets
    (`runtime`), or only what the manager remembers (`memory`): a line of a unit file, or a link that is gone. `boots`: whether a boot starts it.
    """

    name: str
    by: Literal["disk", "generator", "runtime", "memory"]
    boots: bool | None


class Unit(NamedTuple):
    """A unit as seen. The states are systemd's own words; `file_state` is empty where it could not be told.

    A unit that is plainly up is told from listings alone: its type, triggers and pullers were not read. `nearest` is filled for a name that means
    nothing here, or is masked: other units that may have been meant, first those that claim the name by Alias=.
    """

    name: str
    load: str
    active: str
    sub: str
    file_state: str
    type: str | None = None
    remains: bool = False
    stale: bool = False
    triggers: tuple[Trigger, ...] = ()
    pullers: tuple[Puller, ...] = ()
    claimed_by: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()

    @property
    def missing(self) -> bool:
        return self.load == "not-found" and self.active in ("inactive", "failed")


class _Link(NamedTuple):
    """`sockets.target.wants/ssh.socket` below one of systemd's directories."""

    pulled: str
    puller: str
    by: Literal["disk", "generator", "runtime"]


class _Answer(NamedTuple):
    shown: Mapping[str, Mapping[str, str]]
    states: Mapping[str, str]
    links: Sequence[_Link]
    names: Sequence[str]


class _Verdict(NamedTuple):
    """True: as declared; False: not so; None: cannot be told."""

    ok: bool | None
    why: str | None = None


def canonical(name: str) -> str:
    """The full name of a unit: without a suffix it is a service, as systemctl has it."""
    return name if name.endswith(_SUFFIXES) else f"{name}.service"


def ask(declarations: Sequence[Service]) -> Iterator[str]:
    """Names for the probe; `!` asks for the full answer, so that a mend knows the triggers of what is not to run."""
    for declared in declarations:
        down = declared.state in ("stopped", "disabled") or declared.enabled is False
        yield ("!" if down else "") + canonical(declared.name)


def parse(section: bytes) -> dict[str, Unit]:
    """What the probe printed -> the units by the names that were asked for. A name that systemd did not answer for is left out."""
    parts: dict[str, list[str]] = {}
    for line in section.decode("utf-8", "surrogateescape").split("\n"):
        if line.startswith("== "):
            part = parts.setdefault(line[3:], [])
        elif parts:
            part.append(line)
        elif line:
            raise ValueError(f"not an answer about units: {line[:80]!r}")
    units = {}
    for line in filter(None, parts.get("up", ())):
        name, sub = line.split(" ")
        units[name] = Unit(name, "loaded", "active", sub, "enabled")
    answer = _Answer(
        _shown(parts.get("show", ())),
        {name: state for name, _, state in (line.partition(" ") for line in parts.get("files", ())) if state},
        [link for line in parts.get("links", ()) if (link := _link(line))],
        parts.get("names", ()),
    )
    units |= {name: _unit(name, answer) for name in parts.get("asked", ()) if name in answer.shown}
    return units


def _shown(lines: Iterable[str]) -> dict[str, dict[str, str]]:
    """The blocks of `systemctl show` by each name of the unit. Order says nothing: a failing name leaves no block."""
    shown: dict[str, dict[str, str]] = {}
    block: dict[str, str] = {}
    for line in (*lines, ""):
        if line:
            key, _, value = line.partition("=")
            block[key] = value
        elif block:
            if "Id" in block and "ActiveState" in block:
                shown |= dict.fromkeys((*_list(block.get("Names", "")), block["Id"]), block)
            block = {}
    return shown


def _list(value: str) -> list[str]:
    """A list of units, C-quoted by systemd where a name holds a backslash."""
    return value.replace('"', "").replace("\\\\", "\\").split()


def _link(line: str) -> _Link | None:
    match = re.fullmatch(r"(.*)/([^/]+)\.(?:wants|requires|upholds)/([^/*]+)", line)
    if match is None:
        return None
    parent, puller, pulled = match.groups()
    if "/generator" in parent:
        return _Link(pulled, puller, "generator")
    return _Link(pulled, puller, "runtime" if parent.startswith("run/") else "disk")


def _unit(asked: str, answer: _Answer) -> Unit:
    block = answer.shown[asked]
    name = block["Id"]
    pullers = {
        link.puller: Puller(link.puller, link.by, _boots(link.puller, answer)) for link in _links({name, *_list(block.get("Names", ""))}, answer)
    }
    for puller in _remembered(block):
        pullers.setdefault(puller, Puller(puller, "memory", _boots(puller, answer)))
    return Unit(
        name=name,
        load=block["LoadState"],
        active=block["ActiveState"],
        sub=block["SubState"],
        file_state=answer.states.get(name, ""),
        type=block.get("Type"),
        remains=block.get("RemainAfterExit") == "yes",
        triggers=tuple(_triggers(name, block, answer)),
        pullers=tuple(pullers.values()),
        claimed_by=_claimed_by(asked, answer.names) if block["LoadState"] in ("not-found", "masked") else (),
        nearest=_nearest(asked, answer.names) if block["LoadState"] == "not-found" else (),
    )


def _links(names: set[str], answer: _Answer) -> list[_Link]:
    """The links that pull one of the names in, those that last at the end."""
    return sorted((link for link in answer.links if link.pulled in names), key=lambda link: link.by != "runtime")


def _remembered(block: Mapping[str, str]) -> list[str]:
    return [name for key in ("WantedBy", "RequiredBy", "UpheldBy") for name in _list(block.get(key, ""))]


def _boots(name: str, answer: _Answer, apart_from: str = "") -> bool | None:
    """Whether a unit that triggers or pulls another is started at boot itself; None where that would take following it further."""
    state = answer.states.get(name, "")
    if state.startswith("masked"):
        return False if state == "masked" else None
    if name in _BOOT_TARGETS or state == "enabled":
        return True
    links = [link for link in _links({name}, answer) if link.by != "runtime"]
    if any(link.puller in _BOOT_TARGETS for link in links):
        return True
    pulled = links or name not in answer.shown or set(_remembered(answer.shown[name])) - {apart_from}
    if state in ("disabled", "indirect", "linked", "transient") or (state == "static" and not pulled):
        return False
    return None


def _triggers(name: str, block: Mapping[str, str], answer: _Answer) -> Iterator[Trigger]:
    known = _list(block.get("TriggeredBy", ""))
    for trigger in known:
        seen = answer.shown.get(trigger)
        yield Trigger(trigger, None if seen is None else seen["ActiveState"] not in ("inactive", "failed"), _boots(trigger, answer, name))
    # Linked by hand, and not known to the manager before the next reload or boot.
    by_name = {f"{name.removesuffix('.service')}{suffix}" for suffix in (".socket", ".timer", ".path")} if name.endswith(".service") else set()
    for link in _links(by_name - {*known}, answer):
        if link.by != "runtime" and link.puller in _BOOT_TARGETS:
            yield Trigger(link.pulled, False, True)


def _claimed_by(name: str, names: Sequence[str]) -> tuple[str, ...]:
    """Units whose file says Alias=NAME; a file that may not be read may say so too."""
    claims = dict.fromkeys(line.rpartition("/")[2] for line in names if line.startswith("? "))
    for line in names:
        path, colon, setting = line.partition(":")
        if colon and name in setting.partition("=")[2].split():
            claims[path.rpartition("/")[2]] = None
    claims.pop(name, None)
    return tuple(claims)


def _nearest(name: str, names: Sequence[str]) -> tuple[str, ...]:
    known = {line.rpartition("/")[2] for line in names if ":" not in line and not line.startswith("? ") and "*" not in line}
    return tuple(difflib.get_close_matches(name, sorted(known), 3, 0.7))


def judge(declared: Service, seen: Unit | None) -> Iterator[Finding]:
    """A finding for each of state and enabled. What a name without a unit comes to: not running; stopped only where the item is optional."""
    if seen is None or seen.missing:
        yield from _judge_missing(declared, seen)
        return
    if declared.state is not None:
        verdict = _STATES[declared.state](seen)
        actual = declared.state if verdict.ok else _word(seen)
        yield _finding("state", declared.state, actual, verdict)
    if declared.enabled is not None:
        verdict = _enabled(seen) if declared.enabled else _not_enabled(seen)
        yield _finding("enabled", declared.enabled, declared.enabled == bool(verdict.ok), verdict)


def _finding(field: str, expected: Any, actual: Any, verdict: _Verdict) -> Finding:
    if verdict.ok is None:
        return undecided(field, expected, verdict.why or "cannot be told", actual if field == "state" else None)
    return (agrees if verdict.ok else drifts)(field, expected, actual, verdict.why)


def _judge_missing(declared: Service, seen: Unit | None) -> Iterator[Finding]:
    meant = () if seen is None else (*seen.claimed_by, *seen.nearest)
    why = "no such unit" + (f"; nearest: {', '.join(dict.fromkeys(meant))}" if meant else "")
    for field, expected, wants_it in (
        ("state", declared.state, declared.state == "running"),
        ("enabled", declared.enabled, declared.enabled is True),
    ):
        if expected is None:
            continue
        if wants_it:
            yield drifts(field, expected, "missing" if field == "state" else False, why)
        elif declared.optional:
            yield agrees(field, expected, expected, "no such unit, and it is optional")
        else:
            yield undecided(field, expected, f"{why}; if it need not exist: optional: true")


def _word(seen: Unit) -> str:
    match seen.active, seen.sub:
        case "active" | "reloading" | "refreshing", "running" | "listening" | "waiting" | "active" | "reload" | "reload-signal" | "reload-notify":
            return "running"
        case "inactive", _:
            return "stopped"
        case "failed", _:
            return "failed"
    return f"{seen.active} ({seen.sub})"


def _running(seen: Unit) -> _Verdict:
    if seen.active in _UP:
        if seen.sub == "exited" and seen.name.endswith(".service"):
            if seen.type == "oneshot":
                return _Verdict(True, "active (exited): it has done its work, and no process stays")
            return _Verdict(False, "its processes have ended, though systemd counts it as active (RemainAfterExit)")
        notes = ["its unit file is gone" if seen.load == "not-found" else "", "it will not fire again" if seen.sub == "elapsed" else ""]
        return _Verdict(True, ", ".join(filter(None, notes)) or None)
    if seen.active == "activating":
        if seen.sub.startswith("auto-restart"):
            return _Verdict(False, "it ends again and again, and systemd is about to restart it")
        return _Verdict(None, f"it is starting ({seen.sub})")
    if seen.active in ("inactive", "failed", "deactivating", "maintenance"):
        if seen.type == "oneshot" and not seen.remains:
            return _Verdict(False, "Type=oneshot without RemainAfterExit: between its runs it is never active")
        if seen.load not in ("loaded", "not-found"):
            return _Verdict(False, "it is masked" if seen.load == "masked" else f"its unit file cannot be loaded ({seen.load})")
        return _Verdict(False, _by_triggers("is waiting for work", [trigger for trigger in seen.triggers if trigger.active]))
    return _Verdict(None, f"systemd says {seen.active} ({seen.sub})")


def _by_triggers(what: str, triggers: Sequence[Trigger]) -> str | None:
    return f"{', '.join(trigger.name for trigger in triggers)} {what}" if triggers else None


def _stopped(seen: Unit) -> _Verdict:
    down = _down(seen)
    if down.ok is not True:
        return down
    waking = [trigger for trigger in seen.triggers if trigger.active is not False]
    sure = [trigger for trigger in waking if trigger.active and not trigger.name.endswith(".timer")]
    if sure:
        return _Verdict(False, _by_triggers("is active and starts it", sure))
    if any(trigger.active is None for trigger in waking):
        return _Verdict(None, _by_triggers("may start it: its state could not be read", waking))
    return _Verdict(True, down.why or _by_triggers("starts it at times", waking))


def _down(seen: Unit) -> _Verdict:
    """Nothing of it runs now, whatever may start it."""
    if seen.active in _UP:
        if seen.sub == "exited" and seen.name.endswith(".service") and seen.type != "oneshot":
            return _Verdict(None, "systemd counts it as active, though its processes have ended")
        return _Verdict(False, "its unit file is gone, but it is still active" if seen.load == "not-found" else None)
    if seen.active == "activating":
        return _Verdict(False, "systemd is about to restart it" if seen.sub.startswith("auto-restart") else "it is starting")
    if seen.active not in ("inactive", "failed"):
        return _Verdict(None, f"it is on its way down ({seen.sub})" if seen.active == "deactivating" else f"systemd says {seen.active} ({seen.sub})")
    if seen.claimed_by:
        return _Verdict(None, f"the name is masked, but it may mean {', '.join(seen.claimed_by)}, which has it as an alias")
    return _Verdict(True, "it has failed; nothing of it runs" if seen.active == "failed" else None)


def _disabled(seen: Unit) -> _Verdict:
    verdicts = [_stopped(seen), _not_enabled(seen)]
    active = [trigger for trigger in seen.triggers if trigger.active]
    if active and seen.load != "masked":
        verdicts.append(_Verdict(False, _by_triggers("is active and starts it", active)))
    ok = False if any(verdict.ok is False for verdict in verdicts) else None if any(verdict.ok is None for verdict in verdicts) else True
    return _Verdict(ok, ", ".join(dict.fromkeys(verdict.why for verdict in verdicts if verdict.why and (ok or verdict.ok is ok))) or None)


_STATES = {"running": _running, "stopped": _stopped, "disabled": _disabled}


def _enabled(seen: Unit) -> _Verdict:
    """A boot starts it, by a setting that is meant to."""
    state = seen.file_state
    if seen.load not in ("loaded", "masked", "not-found"):
        return _Verdict(None, f"its unit file cannot be loaded ({seen.load})")
    pull = _pull(seen)
    match state:
        case "enabled":
            return _Verdict(True)
        case "static" | "generated" | "enabled-runtime":
            if pull is None and (state == "static" or any(puller.by == "runtime" for puller in seen.pullers)):
                return _Verdict(False, "static: nothing starts it at boot" if state == "static" else "enabled-runtime: gone after a boot")
            if pull is not None and pull.boots and pull.by != "memory":
                return _Verdict(True, f"{state}: started by {pull.name}")
            return _Verdict(None, f"{state}, and {f'whether {pull.name} starts it at boot' if pull else 'what starts it at boot'} cannot be told")
        case "masked-runtime":
            return _Verdict(None if pull else False, "masked until the next boot")
        case "masked" | "linked" | "linked-runtime" | "transient" | "disabled" | "indirect":
            return _Verdict(
                False,
                _by_triggers("starts it, not the boot", [trigger for trigger in seen.triggers if trigger.boots])
                or (None if state == "disabled" else state),
            )
    if seen.load == "not-found":
        return _Verdict(False, "its unit file is gone")
    return _Verdict(None, f"is-enabled says {state!r}" if state else "is-enabled says nothing about it")


def _not_enabled(seen: Unit) -> _Verdict:
    """No boot starts it: neither by a setting, nor by a unit that pulls it in, nor by a trigger."""
    state = seen.file_state
    if state == "masked":
        if seen.claimed_by:
            return _Verdict(None, f"masked, but it may mean {', '.join(seen.claimed_by)}, which has it as an alias")
        return _Verdict(True)
    if state == "enabled":
        return _Verdict(False)
    if state not in ("static", "generated", "enabled-runtime", "masked-runtime", "linked", "linked-runtime", "transient", "disabled", "indirect"):
        return _Verdict(None, f"is-enabled says {state!r}" if state else "is-enabled says nothing about it")
    pull = _pull(seen)
    if pull is not None:
        if pull.boots and pull.by != "memory":
            return _Verdict(False, f"{state}, but {pull.name} starts it at boot")
        return _Verdict(None, f"{state}, but {pull.name} may start it at boot")
    waking = [trigger for trigger in seen.triggers if trigger.boots or (trigger.active and trigger.name.endswith(".timer"))]
    if waking:
        return _Verdict(False, _by_triggers("starts it", waking))
    unsure = [trigger for trigger in seen.triggers if trigger.boots is None]
    if unsure:
        return _Verdict(None, _by_triggers("may start it after a boot", unsure))
    if state == "generated" or (state == "enabled-runtime" and not seen.pullers):
        return _Verdict(None, f"{state}, and what starts it at boot cannot be told")
    return _Verdict(True)


def _pull(seen: Unit) -> Puller | None:
    """The unit that pulls this one in at boot: the surest one, or one that may; None: no boot pulls it in."""
    lasting = [puller for puller in seen.pullers if puller.by != "runtime" and puller.boots is not False]
    return max(lasting, key=lambda puller: puller.by != "memory" and puller.boots is True, default=None)


def mend(declared: Service, seen: Unit | None, drifted: Sequence[Finding]) -> Iterator[tuple[str, ...]]:
    """The systemctl calls that make it so; none for a unit that is missing or cannot be loaded, or can never be what is declared."""
    fields = {finding.field for finding in drifted}
    if seen is None or seen.missing or seen.load not in ("loaded", "masked", "not-found"):
        return
    if declared.state == "running" or declared.enabled is True:
        yield from _mend_up(declared, seen, fields)
    if "state" in fields and declared.state in ("stopped", "disabled"):
        triggers = [
            trigger.name for trigger in seen.triggers if trigger.active and (declared.state == "disabled" or not trigger.name.endswith(".timer"))
        ]
        yield "systemctl", "stop", *triggers, seen.name
    if ("state" in fields and declared.state == "disabled" and _not_enabled(seen).ok is not True) or (
        "enabled" in fields and declared.enabled is False
    ):
        yield from _mend_boot(seen)


def _mend_up(declared: Service, seen: Unit, fields: set[str]) -> Iterator[tuple[str, ...]]:
    start = "state" in fields and declared.state == "running" and not (seen.type == "oneshot" and not seen.remains)
    enable = "enabled" in fields and declared.enabled is True and seen.file_state in ("masked", "disabled", "enabled-runtime", "linked", "generated")
    if not (start or enable):
        return
    if seen.load == "masked" or seen.file_state.startswith("masked"):
        yield "systemctl", "unmask", *(["--runtime"] if seen.file_state == "masked-runtime" else []), seen.name
    if start and (seen.active == "failed" or seen.sub.startswith("auto-restart")):
        yield "systemctl", "reset-failed", seen.name  # else a start limit that was hit refuses the start
    if enable:
        yield "systemctl", "enable", seen.name
    if start:
        yield "systemctl", "start" if seen.active in ("inactive", "failed") else "restart", seen.name


def _mend_boot(seen: Unit) -> Iterator[tuple[str, ...]]:
    pull = _pull(seen)
    if pull is not None and pull.name.endswith(".target") and pull.by == "disk" and seen.file_state == "masked-runtime":
        yield "systemctl", "unmask", "--runtime", seen.name
    elif pull is not None and seen.file_state != "enabled":
        yield "systemctl", "mask", seen.name  # there is nothing that `disable` could take away
        return
    triggers = [trigger.name for trigger in seen.triggers if trigger.boots]
    yield "systemctl", "disable", *triggers, seen.name


RESOURCE = ResourceType(
    name="services",
    declares=list[Service],
    key="name",
    canonical=canonical,
    expected=lambda declared: {field: value for field in ("state", "enabled") if (value := getattr(declared, field)) is not None},
    ask=ask,
    parse=parse,
    judge=judge,
    mend=mend,
)
