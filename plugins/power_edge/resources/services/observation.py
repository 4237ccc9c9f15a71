"""A unit as seen, and how the probe's answer becomes one."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Literal, NamedTuple

_BOOT_TARGETS = frozenset(
    f"{name}.target"
    for name in (
        "sysinit",
        "basic",
        "multi-user",
        "sockets",
        "timers",
        "paths",
        "local-fs",
        "swap",
        "slices",
        "getty",
    )
)
"""Targets that every boot into multi-user or graphical mode passes (bootup(7))."""

_USUAL = frozenset(
    (
        "multi-user.target",
        "graphical.target",
        *(f"runlevel{level}.target" for level in (2, 3, 4, 5)),
    )
)
"""What default.target leads to on a machine whose boots pass these."""

_NEEDED = frozenset(("Id", "LoadState", "ActiveState", "SubState"))
"""Without these a block of `systemctl show` was cut short, and is no answer."""


class Trigger(NamedTuple):
    """A socket, timer or path unit that starts the unit; None: could not be decided.

    `changed`: when its state changed last, in seconds of the monotonic clock, 0.0 where it never
    did. When it starts the unit it does. `stays`: `systemctl disable` does not keep a boot from
    starting it.
    """

    name: str
    active: bool | None
    boots: bool | None
    changed: float = 0.0
    stays: bool = False


class Puller(NamedTuple):
    """A unit that pulls this one in when it starts itself.

    `by`: a link that the next boot finds and `systemctl disable` removes (`disk`), one of the
    vendor's, below /usr (`vendor`), one that a generator makes again at each boot (`generator`),
    one that a boot forgets (`runtime`), one that systemd reads as a mask of the dependency (`mask`:
    it is empty, or leads to /dev/null), or only what the manager remembers (`memory`): a line of a
    unit file, or a link that is gone. `boots`: whether a boot starts it.
    """

    name: str
    by: Literal["disk", "vendor", "generator", "runtime", "mask", "memory"]
    boots: bool | None


class Boot(NamedTuple):
    """What the next boot does with a unit: the answer of a dry run of systemd itself.

    `starts`: its job list holds the unit. `unmet`: a condition that would make the start a skip, or
    may, empty for none. `wakers`: units that a boot starts, or that these start later, and that may
    start this one then (OnSuccess=, or pulled in by what a timer starts), and D-Bus calls that do.
    `doubt`: why nothing on disk tells what a boot does with this unit, empty where it does.
    `unsure`: why a boot may do otherwise than the job list says, empty where it may not.
    """

    starts: bool
    unmet: str = ""
    wakers: tuple[str, ...] = ()
    doubt: str = ""
    unsure: str = ""


class Change(NamedTuple):
    """What a command that changes the unit would meet.

    `refuses_start`, `refuses_stop`: RefuseManualStart= and RefuseManualStop=. `own_file`: its unit
    file lies in /etc/systemd/system, where a mask would; `mask`: the file that masks it, where that
    is in no folder that `systemctl unmask` looks at, else empty; `forgotten`: its unit file lies in
    a folder that a boot empties; `linked`: as a link to a file elsewhere (`systemctl link`).
    `installs`: whether `enable` makes a boot start it. `also`: units that `enable` and `disable`
    take along (Also=). `stops`: active units that a stop stops as well; `starts_stop`: those that a
    start would stop (Conflicts=). `requirers`: units that a boot starts and that fail without it.
    `unmet`: a condition that makes systemd skip a start now; `lacks`: what it requires and cannot
    be loaded, and its load state. `unneeded`: StopWhenUnneeded=. `upheld`: active units that start
    it again when it stops (Upholds=). `way`: the units whose processes carry the connection that
    this answer came by.
    """

    refuses_start: bool = False
    refuses_stop: bool = False
    own_file: bool = False
    mask: str = ""
    forgotten: bool = False
    linked: bool = False
    installs: bool = True
    also: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    starts_stop: tuple[str, ...] = ()
    requirers: tuple[str, ...] = ()
    unmet: str = ""
    lacks: tuple[str, ...] = ()
    unneeded: bool = False
    upheld: tuple[str, ...] = ()
    way: frozenset[str] = frozenset()


class Restarts(NamedTuple):
    """How often systemd restarted a service by itself, and its age. Times are seconds of the
    monotonic clock, 0.0 for never.

    `age`: seconds since it became active, None where it is not or where the clocks do not tell.
    `started`, `ended`: when its last start began, when it left the active state last; `by_itself`:
    nobody stopped it then, or that cannot be told. `limited`: RuntimeMaxSec= ends it as a rule.
    `lasted`: for a unit that is active without a process, how long its processes lived after it had
    become active, None where that was not recorded. `uptime`: seconds since the machine's boot.
    """

    number: int = 0
    age: float | None = None
    started: float = 0.0
    ended: float = 0.0
    by_itself: bool = True
    limited: bool = False
    lasted: float | None = None
    uptime: float = 0.0


class Unit(NamedTuple):
    """A unit as seen.

    The states are systemd's own words; `file_state` is empty where it could not be told.

    A unit that is plainly up comes from listings alone: its type, its triggers and its pullers were
    not read. Of one that is plainly as declared by what `show` says, `change` was not. The file
    state of both was read only where their boot is declared. `queued`: the manager has a job for it
    that is not done yet; `job`: its type (`start`, `stop`, `restart`), empty where nobody told.
    `left`: it is not active, and yet processes of it exist. `claimed_by`: for a name that is
    missing or masked, units that it may really mean (Alias=, or the socket of a missing service);
    `nearest`: for one that is missing, units of a like name; `unusable`: a path of that very name,
    which systemd takes for no unit. `boot` is None where systemd's own answer could not be had:
    then `pullers` decide what they can, and `goal` is what default.target leads to, where that is
    none of the usual targets.
    """

    name: str
    load: str
    active: str
    sub: str
    file_state: str
    type: str | None = None
    remains: bool = False
    queued: bool = False
    job: str = ""
    left: bool = False
    halted: str = ""
    """Why none of its processes runs, or not its main one: `frozen` by the kernel, or `stopped` by
    a signal; empty where they do.
    """
    triggers: tuple[Trigger, ...] = ()
    pullers: tuple[Puller, ...] = ()
    claimed_by: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()
    unusable: str = ""
    goal: str | None = None
    boot: Boot | None = None
    unread: str = ""
    """Why `boot` is None."""
    restarts: Restarts = Restarts()
    sysv: bool = False
    """It is made from a script in /etc/init.d."""
    change: Change = Change()

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
    by: Literal["disk", "vendor", "generator", "runtime", "mask"]
    link: bool = True
    """Whether it is a symbolic link, or a dangling one; systemd ignores other files."""


class _Jobs(NamedTuple):
    """The job list of the next boot. `traps`: why it says nothing on this machine; `early`: units
    that the kernel's command line adds or masks; `unmet`: by unit, a condition
    (ConditionPathExists=) that does not hold, or may not at the next boot; `unsure`: by unit, why a
    boot may do otherwise than the list says, with `*` for all units.
    """

    jobs: frozenset[str]
    """Names of units that a boot starts, aliases among them."""
    units: frozenset[str]
    """The same without the aliases, which may be other units' names now: default.target's is."""
    unmet: Mapping[str, str]
    wakers: Mapping[str, Sequence[str]]
    """By the unit that they may start."""
    traps: Sequence[str]
    early: frozenset[str]
    unsure: Mapping[str, str]
    unloaded: frozenset[str]
    """Names that the dry run has not met."""

    @property
    def bus(self) -> bool:
        """Whether a boot starts the message bus, which starts units for those that call them."""
        return not self.jobs.isdisjoint(("dbus.socket", "dbus.service", "dbus-broker.service"))

    def start(self, asked: str, names: AbstractSet[str]) -> bool:
        """Whether a boot starts the unit that is called `asked`, and has `names` now."""
        return asked in self.jobs or not names.isdisjoint(self.units)

    def doubted(self, names: Iterable[str]) -> str:
        """Why a boot may do otherwise with a unit of these names; empty where it may not."""
        return next(
            (self.unsure[name] for name in (*sorted(names), "*") if name in self.unsure), ""
        )


class _Answer(NamedTuple):
    shown: Mapping[str, Mapping[str, str]]
    job_types: Mapping[str, str]
    """By unit."""
    states: Mapping[str, str]
    links: Mapping[str, Sequence[_Link]]
    """By the unit that is pulled."""
    masks: frozenset[tuple[str, str]]
    """(pulled, puller) of the entries that mask others."""
    names: "_Names"
    left: frozenset[str]
    halted: Mapping[str, str]
    bus: Mapping[str, str]
    """By unit, the name of the message bus that starts it where somebody calls it."""
    activating: Mapping[str, Sequence[str]]
    """Triggers on disk by the unit that their files name."""
    goal: str | None
    jobs: _Jobs | None
    unread: str
    active: frozenset[str]
    """Of the units around those of the answer, the active ones."""
    way: frozenset[str]
    install: Mapping[str, Sequence[str]]
    """`WantedBy=TARGET` by the unit."""
    vain: Mapping[str, Sequence[str]]
    """`unmet CONDITION`, `lacks UNIT STATE` by the unit."""
    now: float
    """Seconds since 1970 by the node's clock; 0.0 where the answer does not say."""
    uptime: float


def parse(section: bytes) -> dict[str, Unit]:
    """What the probe printed -> the units by the names that were asked for. A name that systemd did
    not answer for is left out.
    """
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
    jobs = _jobs(parts.get("boot", ()))
    units = {}
    for line in filter(None, parts.get("up", ())):
        name, sub = line.split(" ")
        boots = jobs is not None and name in jobs.jobs
        units[name] = Unit(
            name,
            "loaded",
            "active",
            sub,
            "enabled" if boots else "",
            boot=Boot(True) if boots else None,
        )
    clock = " ".join(parts.get("clock", ("0 0",))).split()
    links: dict[str, list[_Link]] = {}
    for line in parts.get("links", ()):
        if (link := _link(line)) is not None:
            links.setdefault(link.pulled, []).append(link)
    answer = _Answer(
        _shown(parts.get("show", ())),
        dict(line.split(" ", 1) for line in filter(None, parts.get("jobs", ()))),
        {
            name: state
            for name, _, state in (line.partition(" ") for line in parts.get("files", ()))
            if state
        },
        links,
        frozenset(
            (link.pulled, link.puller)
            for some in links.values()
            for link in some
            if link.by == "mask"
        ),
        _names(parts.get("names", ())),
        frozenset(filter(None, parts.get("left", ()))),
        {
            name: how
            for name, _, how in (line.partition(" ") for line in parts.get("halted", ()))
            if how
        },
        {
            unit: name
            for name, _, unit in (line.partition(" ") for line in parts.get("bus", ()))
            if unit
        },
        _activating(parts.get("activating", ())),
        _goal(parts.get("default")),
        jobs,
        next(
            (
                line.removeprefix("why ")
                for line in parts.get("boot", ())
                if line.startswith("why ")
            ),
            "",
        ),
        frozenset(parts.get("active", ())),
        frozenset(parts.get("way", ())),
        _by_unit(parts.get("install", ())),
        _by_unit(parts.get("vain", ())),
        float(clock[0]),
        float(clock[1]),
    )
    units |= {name: _unit(name, answer) for name in parts.get("asked", ()) if name in answer.shown}
    return units


def _shown(lines: Iterable[str]) -> dict[str, dict[str, str]]:
    """The blocks of `systemctl show` by each name of the unit. Order says nothing: a failing name
    leaves no block.
    """
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


def _jobs(lines: Sequence[str]) -> _Jobs | None:
    """The part `boot`; None where the job list could not be had."""
    rows: dict[str, list[str]] = {}
    for line in lines:
        kind, _, rest = line.partition(" ")
        rows.setdefault(kind, []).append(rest)
    if "complete" not in rows and "trap" not in rows:
        return None
    wakers: dict[str, list[str]] = {}
    for row in rows.get("wakes", ()):
        by, _, name = row.partition(" ")
        wakers.setdefault(name, []).append(by)
    unmet, unsure = (
        dict(row.split(" ", 1) for row in rows.get(kind, ())) for kind in ("unmet", "unsure")
    )
    return _Jobs(
        frozenset([*rows.get("job", ()), *rows.get("called", ())]),
        frozenset(rows.get("job", ())),
        unmet,
        wakers,
        rows.get("trap", ()),
        frozenset(rows.get("early", ())),
        unsure,
        frozenset(rows.get("unloaded", ())),
    )


def _link(line: str) -> _Link | None:
    match = re.fullmatch(r"([-?] )?(.*)/([^/]+)\.(?:wants|requires|upholds)/([^/*]+)", line)
    if match is None:
        return None
    mark, parent, puller, pulled = match.groups()
    if mark == "- ":
        return _Link(pulled, puller, "mask")
    by: Literal["generator", "runtime", "disk", "vendor"] = (
        "disk" if parent.startswith("etc/") else "vendor"
    )
    if parent.startswith("run/"):
        by = "generator" if "/generator" in parent else "runtime"
    return _Link(pulled, puller, by, not mark)


def _goal(lines: Sequence[str] | None) -> str | None:
    """What default.target leads to, None for one of the usual targets."""
    name = next(filter(None, lines or ()), "a target that could not be read")
    return None if lines is None or name in _USUAL else name


def _activating(lines: Iterable[str]) -> dict[str, list[str]]:
    """`etc/systemd/system/some.socket:Service=other.service`, or the same of a drop-in,
    some.socket.d/any.conf.
    """
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
    names = {name, *_list(block.get("Names", ""))}
    pullers = {
        link.puller: Puller(link.puller, link.by, _pulls(link, answer))
        for link in _links(names, answer)
    }
    if answer.jobs is not None and not answer.jobs.start(asked, names):
        # No boot starts it: where a mask and a link are of one name, the mask has won.
        pullers |= {
            link.puller: Puller(link.puller, "mask", False)
            for link in _links(names, answer)
            if link.by == "mask"
        }
    for puller in _remembered(block):
        pullers.setdefault(puller, Puller(puller, "memory", _boots(puller, answer)))
    triggers = tuple(_triggers(name, block, answer))
    return Unit(
        name=name,
        load=block["LoadState"],
        active=block["ActiveState"],
        sub=block["SubState"],
        file_state=answer.states.get(name, ""),
        type=block.get("Type"),
        remains=block.get("RemainAfterExit") == "yes",
        queued=block.get("Job", "") not in ("", "0"),
        job=answer.job_types.get(name, ""),
        left=block.get("ControlGroup", "")[1:] in answer.left,
        halted=answer.halted.get(name, ""),
        triggers=triggers,
        pullers=tuple(pullers.values()),
        claimed_by=_claimed_by(asked, missing, answer.names)
        if missing or block["LoadState"] == "masked"
        else (),
        nearest=_nearest(asked, answer.names) if missing else (),
        unusable=answer.names.files.get(asked, "") if missing else "",
        goal=answer.goal,
        boot=None
        if answer.jobs is None
        else _boot(asked, names, {trigger.name for trigger in triggers}, block, answer),
        unread=answer.unread,
        restarts=_restarts(block, answer),
        sysv=block.get("SourcePath", "").startswith("/etc/init.d/"),
        change=_change(block, answer),
    )


_UNMASKED = ("/etc/systemd/system/", "/run/systemd/system/")
"""Folders from which `systemctl unmask` removes a mask."""


def _change(block: Mapping[str, str], answer: _Answer) -> Change:
    file = block.get("FragmentPath", "")
    install: dict[str, list[str]] = {}
    for setting in answer.install.get(block["Id"], ()):
        key, _, value = setting.partition("=")
        install.setdefault(key.strip(), []).extend(value.split())
    targets = [
        target for key in ("WantedBy", "RequiredBy", "UpheldBy") for target in install.get(key, ())
    ]
    sysv = block.get("SourcePath", "").startswith("/etc/init.d/")
    listed = answer.jobs.jobs if answer.jobs is not None else frozenset[str]()

    def active(*keys: str) -> tuple[str, ...]:
        names = dict.fromkeys(name for key in keys for name in _list(block.get(key, "")))
        return tuple(name for name in names if name in answer.active)

    vain = [line.split(" ", 1) for line in answer.vain.get(block["Id"], ())]
    needed = dict.fromkeys(
        name for key in ("RequiredBy", "BoundBy") for name in _list(block.get(key, ""))
    )
    return Change(
        refuses_start=block.get("RefuseManualStart") == "yes",
        refuses_stop=block.get("RefuseManualStop") == "yes",
        own_file=file.startswith("/etc/systemd/system/"),
        mask=file if block["LoadState"] == "masked" and not file.startswith(_UNMASKED) else "",
        forgotten=file.startswith(("/run/systemd/system/", "/run/systemd/transient/"))
        and block["LoadState"] == "loaded",
        linked="linked" in answer.install.get(block["Id"], ()),
        installs=sysv
        or any(
            target == "default.target" or _boots(target, answer) or target in listed
            for target in targets
        ),
        also=tuple(dict.fromkeys(name for name in install.get("Also", ()) if name != block["Id"])),
        stops=active("RequiredBy", "BoundBy", "ConsistsOf", "PropagatesStopTo"),
        starts_stop=active("Conflicts", "ConflictedBy"),
        requirers=tuple(name for name in needed if _boots(name, answer) is not False),
        unmet=next((what for kind, what in vain if kind == "unmet"), ""),
        lacks=tuple(what for kind, what in vain if kind == "lacks"),
        unneeded=block.get("StopWhenUnneeded") == "yes",
        upheld=active("UpheldBy"),
        way=answer.way,
    )


_MADE = (".slice", ".scope", ".device")
"""Units that systemd makes by itself: no job starts them."""


def _boot(
    asked: str, names: set[str], triggers: set[str], block: Mapping[str, str], answer: _Answer
) -> Boot:
    jobs = answer.jobs
    assert jobs is not None
    starts = jobs.start(asked, names)
    wakers = dict.fromkeys(
        waker
        for name in sorted(names)
        for waker in jobs.wakers.get(name, ())
        if waker not in triggers
    )
    if jobs.bus and (
        called := next((answer.bus[name] for name in sorted(names) if name in answer.bus), "")
    ):
        wakers[f"a D-Bus call to {called}"] = None
    doubt = ""
    if jobs.traps:
        doubt = jobs.traps[0]
    elif not names.isdisjoint(jobs.early):
        doubt = "the kernel's command line of this boot adds or masks it, and the next one may not"
    elif block.get("NeedDaemonReload") == "yes" and block.get("FragmentPath", "").startswith(
        "/run/systemd/generator"
    ):
        doubt = "what its unit file was made of has changed since (`systemctl daemon-reload` settles it)"
    elif asked != block["Id"] and asked in jobs.unloaded and (starts or wakers or triggers):
        doubt = f"it is an alias of {block['Id']} that a boot may forget"
    elif not starts and block["Id"].endswith(_MADE):
        doubt = "systemd makes it by itself where it is needed"
    unmet = next(
        (jobs.unmet[name] for name in sorted(names) if name in jobs.unmet), ""
    ) or _skipped(block)
    return Boot(starts, unmet, () if starts else tuple(wakers), doubt, jobs.doubted(names))


def _skipped(block: Mapping[str, str]) -> str:
    """ExecCondition= of a unit that the command has skipped at its last start, or that has not been
    started since the boot.
    """
    told = block.get("ExecCondition") and block["ActiveState"] in ("inactive", "failed")
    started = _seconds(block, "InactiveExitTimestampMonotonic")
    return (
        "ExecCondition="
        if told and (not started or block.get("Result") == "exec-condition")
        else ""
    )


def _restarts(block: Mapping[str, str], answer: _Answer) -> Restarts:
    count = block.get("NRestarts", "")
    limit = block.get("RuntimeMaxUSec", "infinity")
    entered = _seconds(block, "ActiveEnterTimestampMonotonic")
    return Restarts(
        number=int(count) if count.isdecimal() else 0,
        age=_age(block, answer)
        if block["ActiveState"] in ("active", "reloading", "refreshing")
        else None,
        started=_seconds(block, "InactiveExitTimestampMonotonic"),
        ended=_seconds(block, "ActiveExitTimestampMonotonic"),
        # A stop takes its time between the two; where a service ends by itself they are one moment,
        # unless ExecStopPost= runs.
        by_itself=block.get("ActiveExitTimestampMonotonic")
        == block.get("InactiveEnterTimestampMonotonic")
        or bool(block.get("ExecStopPost")),
        limited=limit not in ("infinity", "0", ""),
        lasted=max(0.0, _seconds(block, "StateChangeTimestampMonotonic") - entered)
        if entered
        else None,
        uptime=answer.uptime,
    )


def _seconds(block: Mapping[str, str], key: str) -> float:
    """A timestamp of the monotonic clock, in seconds; 0.0 where there is none."""
    value = block.get(key, "")
    return int(value) / 1_000_000 if value.isdecimal() else 0.0


def _age(block: Mapping[str, str], answer: _Answer) -> float | None:
    """Seconds since the unit became active: the lower of two answers.

    /proc/uptime counts the time that the machine was suspended, which the monotonic clock does not,
    and a container may see an uptime of its own; the wall clock may have been set meanwhile. An
    answer below 0 is none. None: neither clock answers.
    """
    ages = []
    entered = _seconds(block, "ActiveEnterTimestampMonotonic")
    if entered:
        ages.append(answer.uptime - entered)
    match = re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", block.get("ActiveEnterTimestamp", ""))
    if match is not None:
        ages.append(answer.now - datetime.fromisoformat(match[0]).replace(tzinfo=UTC).timestamp())
    return min((age for age in ages if age >= -1), default=None)


_LASTING = {"mask": 0, "runtime": 1, "disk": 2, "generator": 3, "vendor": 3}


def _links(names: set[str], answer: _Answer) -> list[_Link]:
    """The entries that pull one of the names in, those that last at the end."""
    return sorted(
        (link for name in sorted(names) for link in answer.links.get(name, ())),
        key=lambda link: _LASTING[link.by],
    )


def _masks(link: _Link, answer: _Answer) -> bool:
    """Whether another entry of the same name masks this one. Which of the two wins is a matter of
    their folders' order.
    """
    return (link.pulled, link.puller) in answer.masks


def _pulls(link: _Link, answer: _Answer) -> bool | None:
    """Whether a boot starts the unit that an entry is for; None also where systemd may pass over
    the entry.
    """
    if link.by == "mask":
        return False
    boots = _boots(link.puller, answer)
    return None if boots and (not link.link or _masks(link, answer)) else boots


def _remembered(block: Mapping[str, str]) -> list[str]:
    return [
        name
        for key in ("WantedBy", "RequiredBy", "UpheldBy", "BoundBy")
        for name in _list(block.get(key, ""))
    ]


def _boots(name: str, answer: _Answer, apart_from: str = "") -> bool | None:
    """Whether a unit that triggers or pulls another is started at boot itself: by the job list, or
    else by its own links, no further.
    """
    if answer.jobs is not None:
        if answer.jobs.traps or answer.jobs.doubted((name,)):
            return None
        return name in answer.jobs.jobs or (None if name in answer.jobs.wakers else False)
    state = answer.states.get(name, "")
    if state.startswith("masked"):
        return False if state == "masked" else None
    links = [link for link in _links({name}, answer) if link.by not in ("runtime", "mask")]
    if name in _BOOT_TARGETS or any(_sure(link, answer) for link in links):
        return True if answer.goal is None else None
    pulled = (
        links or name not in answer.shown or set(_remembered(answer.shown[name])) - {apart_from}
    )
    if state in ("disabled", "indirect", "linked", "transient") or (
        state == "static" and not pulled
    ):
        return None if links else False
    return None


def _sure(link: _Link, answer: _Answer) -> bool:
    """An entry in a target that every boot passes, and that nothing masks."""
    masked = answer.states.get(link.puller, "").startswith("masked") or _masks(link, answer)
    return link.puller in _BOOT_TARGETS and link.link and not masked


_FIXED = ("static", "generated", "masked", "transient")
"""File states that `systemctl disable` does not change."""


def _triggers(name: str, block: Mapping[str, str], answer: _Answer) -> Iterator[Trigger]:
    known = _list(block.get("TriggeredBy", ""))
    for trigger in known:
        observed = answer.shown.get(trigger)
        active = None if observed is None else observed["ActiveState"] not in ("inactive", "failed")
        changed = 0.0 if observed is None else _seconds(observed, "StateChangeTimestampMonotonic")
        yield Trigger(
            trigger,
            active,
            _boots(trigger, answer, name),
            changed,
            answer.states.get(trigger) in _FIXED,
        )
    # Linked by hand, and not known to the manager before the next reload or boot.
    names = {name, *_list(block.get("Names", ""))}
    if answer.jobs is not None:
        for waker in sorted(
            {waker for each in names for waker in answer.jobs.wakers.get(each, ())} - {*known}
        ):
            if waker.endswith((".socket", ".timer", ".path")) and waker in answer.jobs.jobs:
                yield Trigger(waker, False, _boots(waker, answer))
        return
    by_name = (
        {f"{name.removesuffix('.service')}{suffix}" for suffix in (".socket", ".timer", ".path")}
        if name.endswith(".service")
        else set()
    )
    by_name |= {trigger for each in names for trigger in answer.activating.get(each, ())}
    for link in _links(by_name - {*known}, answer):
        if link.by not in ("runtime", "mask") and link.puller in _BOOT_TARGETS:
            yield Trigger(
                link.pulled, False, True if answer.goal is None and _sure(link, answer) else None
            )


def _by_unit(lines: Iterable[str]) -> dict[str, list[str]]:
    """The rest of each line by the unit that it begins with."""
    found: dict[str, list[str]] = {}
    for name, _, rest in (line.partition(" ") for line in lines):
        found.setdefault(name, []).append(rest)
    return found


class _Names(NamedTuple):
    """The unit files of the node: the first file of each unit; the units by name without suffix; by
    another name, the units that claim it (Alias=); and those whose file may not be read, and may
    claim any name.
    """

    files: Mapping[str, str]
    known: Mapping[str, Sequence[str]]
    claims: Mapping[str, Sequence[str]]
    unread: Sequence[str]


def _names(lines: Iterable[str]) -> _Names:
    files: dict[str, str] = {}
    known: dict[str, list[str]] = {}
    claims: dict[str, list[str]] = {}
    unread: list[str] = []
    for line in lines:
        path, colon, setting = line.removeprefix("? ").partition(":")
        unit = path.rpartition("/")[2]
        if not colon:
            files.setdefault(unit, f"/{path}")
        if line.startswith("? "):
            unread.append(unit)
            continue
        for name in (
            setting.partition("=")[2].split()
            if colon
            else [unit]
            if unit.endswith(".socket")
            else []
        ):
            claims.setdefault(name, []).append(unit)
        if not colon and "*" not in unit:
            known.setdefault(unit.rpartition(".")[0], []).append(unit)
    return _Names(files, known, claims, unread)


def _claimed_by(name: str, missing: bool, names: _Names) -> tuple[str, ...]:
    """Units whose file says Alias=NAME (a file that may not be read may say so too), and for a
    missing service the socket of its name.
    """
    socket = (
        f"{name.removesuffix('.service')}.socket" if missing and name.endswith(".service") else ""
    )
    claims = dict.fromkeys(
        (
            *names.unread,
            *names.claims.get(name, ()),
            *(unit for unit in names.claims.get(socket, ()) if unit == socket),
        )
    )
    claims.pop(name, None)
    return tuple(claims)


_MANY_NAMES = 20_000
"""Names beyond which none is looked for that is like another: comparing two takes a few
microseconds.
"""


def _nearest(name: str, names: _Names) -> tuple[str, ...]:
    """Up to three units of a like name. Suffixes are left out of it: they would make all services
    alike.
    """
    if len(names.known) > _MANY_NAMES:
        return ()
    known = {
        stem: others
        for stem, some in names.known.items()
        if (others := [unit for unit in some if unit != name])
    }
    stems = difflib.get_close_matches(name.rpartition(".")[0], sorted(known), 3, 0.7)
    return tuple(dict.fromkeys(unit for stem in stems for unit in known[stem]))[:3]
