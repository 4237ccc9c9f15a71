"""A unit as seen, and how the probe's answer becomes one."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

_BOOT_TARGETS = frozenset(
    f"{name}.target" for name in ("sysinit", "basic", "multi-user", "sockets", "timers", "paths", "local-fs", "swap", "slices", "getty")
)
"""Targets that every boot into multi-user or graphical mode passes (bootup(7))."""

_USUAL = frozenset(("multi-user.target", "graphical.target", *(f"runlevel{level}.target" for level in (2, 3, 4, 5))))
"""What default.target leads to on a machine whose boots pass these."""

_NEEDED = frozenset(("Id", "LoadState", "ActiveState", "SubState"))
"""Without these a block of `systemctl show` was cut short, and is no answer."""


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

    A unit that is plainly up is told from listings alone: its type, its triggers and all pullers but one were not read. `queued`: the manager has
    a job for it that has not run yet. `left`: it is not active, and yet processes of it are there. `claimed_by`: for a name that is missing or
    masked, units that it may really mean (Alias=, or the socket of a missing service); `nearest`: for one that is missing, units of a like name.
    `boot`: what default.target leads to, where that is none of the usual targets.
    """

    name: str
    load: str
    active: str
    sub: str
    file_state: str
    type: str | None = None
    remains: bool = False
    queued: bool = False
    left: bool = False
    triggers: tuple[Trigger, ...] = ()
    pullers: tuple[Puller, ...] = ()
    claimed_by: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()
    boot: str | None = None

    @property
    def missing(self) -> bool:
        return self.load == "not-found" and self.active in ("inactive", "failed")

    @property
    def exited(self) -> bool:
        """A service that is to stay (no oneshot), is counted as active, and has no process left."""
        return self.active == "active" and self.sub == "exited" and self.type != "oneshot"


class _Link(NamedTuple):
    """`sockets.target.wants/ssh.socket` below one of systemd's directories."""

    pulled: str
    puller: str
    by: Literal["disk", "generator", "runtime"]


class _Answer(NamedTuple):
    shown: Mapping[str, Mapping[str, str]]
    states: Mapping[str, str]
    links: Mapping[str, Sequence[_Link]]
    """By the unit that is pulled."""
    names: Sequence[str]
    left: Sequence[str]
    activating: Mapping[str, Sequence[str]]
    """Triggers on disk by the unit that their files name."""
    boot: str | None


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
    if "end" not in parts:
        raise ValueError("the answer about units was cut short")
    units = {}
    for line in filter(None, parts.get("up", ())):
        name, sub, target = line.split(" ")
        units[name] = Unit(name, "loaded", "active", sub, "enabled", pullers=(Puller(target, "disk", True),))
    links: dict[str, list[_Link]] = {}
    for line in parts.get("links", ()):
        if (link := _link(line)) is not None:
            links.setdefault(link.pulled, []).append(link)
    answer = _Answer(
        _shown(parts.get("show", ())),
        {name: state for name, _, state in (line.partition(" ") for line in parts.get("files", ())) if state},
        links,
        parts.get("names", ()),
        parts.get("left", ()),
        _activating(parts.get("activating", ())),
        _boot(parts.get("default")),
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
            if block.keys() >= _NEEDED:
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


def _boot(lines: Sequence[str] | None) -> str | None:
    """What default.target leads to, None for one of the usual targets."""
    name = next(filter(None, lines or ()), "a target that could not be read")
    return None if lines is None or name in _USUAL else name


def _activating(lines: Iterable[str]) -> dict[str, list[str]]:
    """`etc/systemd/system/some.socket:Service=other.service`, or the same of a drop-in, some.socket.d/any.conf."""
    found: dict[str, list[str]] = {}
    for line in lines:
        path, _, setting = line.partition(":")
        folder, _, file = path.rpartition("/")
        trigger = folder.rpartition("/")[2].removesuffix(".d") if file.endswith(".conf") else file
        found.setdefault(setting.partition("=")[2].strip(), []).append(trigger)
    return found


def _unit(asked: str, answer: _Answer) -> Unit:
    block = answer.shown[asked]
    name = block["Id"]
    missing = block["LoadState"] == "not-found"
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
        queued=block.get("Job", "") not in ("", "0"),
        left=block.get("ControlGroup", "")[1:] in filter(None, answer.left),
        triggers=tuple(_triggers(name, block, answer)),
        pullers=tuple(pullers.values()),
        claimed_by=_claimed_by(asked, missing, answer.names) if missing or block["LoadState"] == "masked" else (),
        nearest=_nearest(asked, answer.names) if missing else (),
        boot=answer.boot,
    )


def _links(names: set[str], answer: _Answer) -> list[_Link]:
    """The links that pull one of the names in, those that last at the end."""
    return sorted((link for name in names for link in answer.links.get(name, ())), key=lambda link: link.by != "runtime")


def _remembered(block: Mapping[str, str]) -> list[str]:
    return [name for key in ("WantedBy", "RequiredBy", "UpheldBy", "BoundBy") for name in _list(block.get(key, ""))]


def _boots(name: str, answer: _Answer, apart_from: str = "") -> bool | None:
    """Whether a unit that triggers or pulls another is started at boot itself; None where that would take following it further."""
    state = answer.states.get(name, "")
    if state.startswith("masked"):
        return False if state == "masked" else None
    links = [link for link in _links({name}, answer) if link.by != "runtime"]
    if name in _BOOT_TARGETS or state == "enabled" or any(link.puller in _BOOT_TARGETS for link in links):
        return True if answer.boot is None else None
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
    by_name |= {trigger for each in {name, *_list(block.get("Names", ""))} for trigger in answer.activating.get(each, ())}
    for link in _links(by_name - {*known}, answer):
        if link.by != "runtime" and link.puller in _BOOT_TARGETS:
            yield Trigger(link.pulled, False, True if answer.boot is None else None)


def _claimed_by(name: str, missing: bool, names: Sequence[str]) -> tuple[str, ...]:
    """Units whose file says Alias=NAME (a file that may not be read may say so too), and for a missing service the socket of its name."""
    socket = f"{name.removesuffix('.service')}.socket" if missing and name.endswith(".service") else ""
    claims: dict[str, None] = {}
    for line in names:
        path, colon, setting = line.removeprefix("? ").partition(":")
        unit = path.rpartition("/")[2]
        if line.startswith("? ") or (name in setting.partition("=")[2].split() if colon else unit and unit == socket):
            claims[unit] = None
    claims.pop(name, None)
    return tuple(claims)


def _nearest(name: str, names: Sequence[str]) -> tuple[str, ...]:
    """Up to three units of a like name. Suffixes are left out of it: they would make all services alike."""
    known: dict[str, list[str]] = {}
    for line in names:
        unit = line.rpartition("/")[2]
        if ":" not in line and "*" not in unit and not line.startswith("? "):
            known.setdefault(unit.rpartition(".")[0], []).append(unit)
    stems = difflib.get_close_matches(name.rpartition(".")[0], sorted(known), 3, 0.7)
    return tuple(dict.fromkeys(unit for stem in stems for unit in known[stem]))[:3]
