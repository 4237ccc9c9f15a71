"""Units, links, masks and targets drawn at random: what may stand on a node before it boots.

Pure: a seed in, the steps that make the state out. What the boot does with it is for the node to
say. The forms come from systemd.unit(5), systemd.generator(7), systemd.preset(5) and from what
people do by hand.
"""

import random
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

T = TypeVar("T")

ETC, RUN = "/etc/systemd/system", "/run/systemd/system"
VENDOR, LOCAL = "/usr/lib/systemd/system", "/usr/local/lib/systemd/system"
MARK = "/run/mark-"
"""A service that is started makes the file MARK + its full name; a boot begins without one."""

_FOLDERS = {ETC: 50, VENDOR: 20, "/lib/systemd/system": 5, LOCAL: 15, RUN: 10}
_TARGETS = {
    "multi-user.target": 30,
    "graphical.target": 5,
    "default.target": 4,
    "timers.target": 3,
    "basic.target": 2,
    "sysinit.target": 2,
    "network-online.target": 2,
    "local-fs.target": 1,
    "remote-fs.target": 1,
    "network.target": 1,
    "getty.target": 1,
    "runlevel3.target": 1,
    "multiuser.target": 2,
    "rescue.target": 1,
    "suspend.target": 1,
    "shutdown.target": 1,
    "bluetooth.target": 1,
}
_CYCLIC = {"sockets.target": 4, "paths.target": 2}
"""A usual service that one of these wants is on an ordering cycle, which chance breaks."""
_HOME = {
    "socket": {"sockets.target": 30},
    "timer": {"timers.target": 30},
    "path": {"paths.target": 30},
}
"""Where triggers belong."""
_STEM = re.compile(r"\br\d\d\b")
_OF_DEBIAN = ("cron.service", "ssh.service", "ssh.socket", "dbus.socket", "apt-daily.timer")
_TRUE = ("ConditionPathExists=/etc/hostname", "ConditionPathExists=!/nonexistent")
_FALSE = (
    "ConditionPathExists=/nonexistent",
    "ConditionPathExists=!/etc/hostname",
    "ConditionFirstBoot=yes",
    "ConditionVirtualization=no",
    "ConditionDirectoryNotEmpty=/srv/none",
    "AssertPathExists=/nonexistent",
)
_PASSING = "ConditionPathExists=/run/made-by-hand"  # true now, false after a boot

_INIT_SCRIPT = """#!/bin/sh
### BEGIN INIT INFO
# Provides: {0}
# Default-Start: 2 3 4 5
# Default-Stop:
### END INIT INFO
[ "$1" != start ] || touch {1}{0}.service
"""


class Write(NamedTuple):
    """A file, made anew."""

    path: str
    content: str
    mode: int = 0o644


class Link(NamedTuple):
    """A symbolic link, made anew."""

    path: str
    target: str


class Run(NamedTuple):
    """A command line of sh. It may fail: what it leaves is the state."""

    command: str


Step = Write | Link | Run


class Scenario(NamedTuple):
    """What is done to a running node, in order, and the units that are to be judged then."""

    steps: tuple[Step, ...]
    names: tuple[str, ...]


def script(steps: Sequence[Step]) -> str:
    """Steps as sh."""
    return "".join(f"{_command(step)}\n" for step in steps)


def _command(step: Step) -> str:
    match step:
        case Run(command):
            return command
        case Write(path, content, mode):
            made = f"printf %s {shlex.quote(content)} >{shlex.quote(path)}"
            mode_set = f"; chmod {mode:o} {shlex.quote(path)}" if mode != 0o644 else ""
            return _fresh(path) + made + mode_set
        case Link(path, target):
            return _fresh(path) + f"ln -s {shlex.quote(target)} {shlex.quote(path)}"


def _fresh(path: str) -> str:
    """sh that makes room for a path; without a fork where nothing is to be done."""
    path, folder = shlex.quote(path), shlex.quote(path.rpartition("/")[0])
    absent = f"[ ! -e {path} ] && [ ! -L {path} ]"
    return f"[ -d {folder} ] || mkdir -p {folder}; {{ {absent}; }} || rm -rf {path}; "


def related(steps: Sequence[Step], name: str, distance: int) -> list[Step]:
    """The steps that mention a unit, or one so many mentions away, and those of the whole node."""
    mentioned = [{*_STEM.findall(str(step))} for step in steps]
    near = {*_STEM.findall(name)}
    for _ in range(distance):
        near = near.union(*(stems for stems in mentioned if stems & near))
    near_by = zip(steps, mentioned, strict=True)
    return [step for step, stems in near_by if stems & near or not stems]


def scenario(seed: str, count: int = 100) -> Scenario:
    """A state with about `count` units of its own, the same for the same seed."""
    return _Draft(random.Random(seed)).draw(count)


@dataclass
class _Unit:
    name: str
    folder: str
    lines: dict[str, list[str]] = field(default_factory=dict)
    mode: int = 0o644
    template: str = ""
    """The file's name, where the unit is an instance."""

    def add(self, section: str, *lines: str) -> None:
        self.lines.setdefault(section, []).extend(lines)

    @property
    def file(self) -> str:
        return self.template or self.name

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.file}"

    @property
    def text(self) -> str:
        sections = sorted(self.lines.items(), key=lambda item: item[0] != "Unit")
        return "\n".join("\n".join([f"[{name}]", *lines, ""]) for name, lines in sections)


@dataclass
class _Draft:
    """The state while it is drawn."""

    rng: random.Random
    units: list[_Unit] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    files: list[Step] = field(default_factory=list)
    """Made before the manager reads its files again."""
    commands: list[Step] = field(default_factory=list)
    late: list[Step] = field(default_factory=list)
    """Done last: the manager need not know of it."""
    generated: list[str] = field(default_factory=list)
    """Lines of the generator."""
    cyclic: bool = False
    """Whether anything may be wanted by a target that others are ordered after."""

    def draw(self, count: int) -> Scenario:
        makers = {
            self._service: 70,
            self._instance: 10,
            self._target: 12,
            self._mount: 3,
            self._sysv: 5,
        }
        self.cyclic = self.rng.random() < 0.15
        for number in range(count):
            self._one(makers)(f"r{number:02}")
        for unit in list(self.units):
            for _ in range(self._one({0: 12, 1: 50, 2: 38})):
                self._one(self._pulls())(unit)
            for _ in range(self._one({0: 60, 1: 32, 2: 8})):
                self._one(self._twists())(unit)
        self._node()
        written = [Write(unit.path, unit.text, unit.mode) for unit in self.units]
        reload = Run("systemctl daemon-reload")
        last = [reload] if self.rng.random() < 0.5 else []
        steps = [*written, *self.files, reload, *self.commands, *self.late, *last]
        return Scenario(tuple(steps), tuple(dict.fromkeys((*self.names, *_OF_DEBIAN))))

    def _one(self, weights: Mapping[T, int]) -> T:
        return self.rng.choices(list(weights), list(weights.values()))[0]

    def _at_some_time(self, late: float) -> list[Step]:
        return self.late if self.rng.random() < late else self.files

    # Units

    def _new(self, name: str, *, template: str = "") -> _Unit:
        unit = _Unit(name, self._one(_FOLDERS), template=template)
        if self.rng.random() < 0.08:
            unit.mode = 0o600
        self.units.append(unit)
        self.names.append(name)
        return unit

    def _service(self, stem: str) -> None:
        self._body(self._new(f"{stem}-a.service"))

    def _instance(self, stem: str) -> None:
        template = f"{stem}-t@.service"
        unit = self._new(template.replace("@", f"@{self.rng.choice('xyz')}"), template=template)
        self._body(unit)
        if self.rng.random() < 0.5:
            unit.add("Install", f"DefaultInstance={self.rng.choice('xyz')}")

    def _body(self, unit: _Unit) -> None:
        bodies = {
            ("ExecStart=/bin/sleep infinity",): 6,
            ("Type=exec", "ExecStart=/bin/sleep infinity"): 2,
            ("Type=oneshot", "RemainAfterExit=yes", "ExecStart=/bin/true"): 6,
            ("Type=oneshot", "ExecStart=/bin/true"): 3,
            ("Type=forking", 'ExecStart=/bin/sh -c "sleep infinity &"'): 1,
        }
        unit.add("Service", f"ExecStartPre=/bin/touch {MARK}%n", *self._one(bodies))

    def _target(self, stem: str) -> None:
        unit = self._new(f"{stem}-g.target")
        unit.add("Unit", f"Description={stem}")

    def _mount(self, stem: str) -> None:
        unit = self._new(f"srv-{stem}.mount")
        unit.add("Mount", "What=tmpfs", f"Where=/srv/{stem}", "Type=tmpfs")

    def _sysv(self, stem: str) -> None:
        name = f"{stem}-i"
        self.files.append(Write(f"/etc/init.d/{name}", _INIT_SCRIPT.format(name, MARK), 0o755))
        levels = self._one({"2345": 5, "3": 1, "5": 1, "1": 1, "S": 1, "": 2})
        for level in "2345":
            sort = "S" if level in levels else "K"
            if levels:
                self.files.append(Link(f"/etc/rc{level}.d/{sort}01{name}", f"../init.d/{name}"))
        for level in set(levels) & {"1", "S"}:
            self.files.append(Link(f"/etc/rc{level}.d/S01{name}", f"../init.d/{name}"))
        self.names.append(f"{name}.service")
        if self.rng.random() < 0.2:
            self.late.append(Run(f"chmod -x /etc/init.d/{name}"))
        if self.rng.random() < 0.3:
            self._body(self._new(f"{name}.service"))
        elif self.rng.random() < 0.2:
            self.late.append(Link(f"{ETC}/{name}.service", "/dev/null"))

    # What pulls a unit in

    def _pulls(self) -> Mapping[Callable[[_Unit], None], int]:
        return {
            self._enabled: 30,
            self._linked_by_hand: 25,
            self._installable: 8,
            self._wanted_by_drop_in: 6,
            self._pulled_by_another: 14,
            self._generated: 5,
            self._triggered: 12,
            self._preset: 4,
            self._linked_file: 4,
        }

    def _target_name(self, unit: _Unit) -> str:
        own = [each.name for each in self.units if each.name.endswith(".target") and each != unit]
        if own and self.rng.random() < 0.25:
            return self.rng.choice(own)
        home = _HOME.get(unit.name.rpartition(".")[2], _CYCLIC if self.cyclic else {})
        return self._one({**_TARGETS, **home})

    def _puller(self, unit: _Unit) -> str:
        if self.rng.random() < 0.15:
            return self.rng.choice(self.units).name
        return self._target_name(unit)

    def _requirer(self) -> str:
        """A puller that may fail without the boot as a whole."""
        own = [unit.name for unit in self.units if unit.name.endswith(".target")]
        return self.rng.choice(own or ["multiuser.target"])

    def _installable(self, unit: _Unit) -> None:
        key = self._one({"WantedBy": 8, "RequiredBy": 2, "UpheldBy": 1})
        puller = self._puller(unit) if key == "WantedBy" else self._requirer()
        unit.add("Install", f"{key}={puller}")
        if self.rng.random() < 0.15 and not unit.template:
            alias = f"al-{unit.name}"
            unit.add("Install", f"Alias={alias}")
            self.names.append(alias)
        if self.rng.random() < 0.1:
            unit.add("Install", f"Also={self.rng.choice(self.units).name}")

    def _enabled(self, unit: _Unit) -> None:
        self._installable(unit)
        runtime = " --runtime" if self.rng.random() < 0.15 else ""
        self._systemctl(f"enable{runtime} {unit.name}")
        if self.rng.random() < 0.1:
            self._systemctl(f"disable {unit.name}")

    def _systemctl(self, arguments: str) -> None:
        self.commands.append(Run(f"systemctl -q --no-reload {arguments}"))

    def _linked_by_hand(self, unit: _Unit) -> None:
        kind = self._one({"wants": 7, "requires": 2, "upholds": 1})
        puller = self._puller(unit) if kind == "wants" else self._requirer()
        path = f"{self._one(_FOLDERS)}/{puller}.{kind}/{unit.name}"
        other = self.rng.choice(self.units)
        steps: dict[Step, int] = {
            Link(path, f"../{unit.file}"): 6,
            Link(path, unit.path): 6,
            Link(path, f"/nonexistent/{unit.name}"): 2,
            Link(path, f"../{other.name}"): 2,
            Link(path, other.path): 1,
            Link(path, "/dev/null"): 2,
            Write(path, ""): 2,
            Write(path, unit.text): 1,
            Link(path.replace(unit.name, other.name), unit.path): 1,
        }
        step = self._one(steps)
        self._at_some_time(0.2).append(step)
        if self.rng.random() < 0.1:  # the same name in a folder that comes first
            above = f"{self.rng.choice((ETC, RUN))}/{puller}.{kind}/{unit.name}"
            self.late.append(self.rng.choice((Link(above, "/dev/null"), Write(above, ""))))

    def _wanted_by_drop_in(self, unit: _Unit) -> None:
        path = f"{self._one(_FOLDERS)}/{self._target_name(unit)}.d/50-{unit.name}.conf"
        key = self._one({"Wants": 8, "Upholds": 1})
        self._drop_in(path, f"[Unit]\n{key}={unit.name}\n")

    def _drop_in(self, path: str, text: str) -> None:
        self.files.append(Write(path, text))
        folder, name = path.rsplit("/", 2)[1:]
        if self.rng.random() < 0.2:
            self.late.append(Link(f"{self.rng.choice((ETC, RUN))}/{folder}/{name}", "/dev/null"))

    def _pulled_by_another(self, unit: _Unit) -> None:
        keys = {"Wants": 6, "Requires": 3, "BindsTo": 2, "Upholds": 2, "Conflicts": 2}
        keys |= {"Requisite": 1, "PartOf": 1, "OnSuccess": 1, "Before": 1}
        self.rng.choice(self.units).add("Unit", f"{self._one(keys)}={unit.name}")

    def _generated(self, unit: _Unit) -> None:
        folder = f'"${self._one({1: 6, 2: 1, 3: 2})}/{self._target_name(unit)}.wants"'
        line = f"mkdir -p {folder}; ln -s {unit.path} {folder}/{unit.name}"
        if self.rng.random() < 0.5:  # as OpenVPN's generator does, which reads a folder
            read = f"/etc/drawn.d/{unit.name}"
            line = f"[ ! -e {read} ] || {{ {line}; }}"
            self._at_some_time(0.3).append(Write(read, ""))
            if self.rng.random() < 0.3:
                self.late.append(Run(f"rm -f {read}"))
        self.generated.append(line)

    def _triggered(self, unit: _Unit) -> None:
        stem = unit.name.removesuffix(".service")
        sort = self._one({"socket": 4, "timer": 4, "path": 2})
        if not unit.name.endswith(".service") or f"{stem}.{sort}" in self.names:
            return
        trigger = self._new(f"{stem}.{sort}")
        match sort:
            case "socket":
                trigger.add("Socket", f"ListenStream=/run/{stem}.sock")
            case "timer":
                times = {
                    "OnBootSec=1d": 3,
                    "OnActiveSec=1d": 1,
                    "OnCalendar=yearly": 3,
                    "OnBootSec=1s": 2,
                }
                times |= {"OnUnitActiveSec=1d": 1}
                trigger.add("Timer", self._one(times))
            case "path":
                paths = {
                    "PathExists=/nonexistent": 3,
                    "PathChanged=/etc/hostname": 2,
                    "PathExists=/etc/hostname": 1,
                }
                trigger.add("Path", self._one(paths))
        if self.rng.random() < 0.25:
            other = self.rng.choice([each for each in self.units if each.name.endswith(".service")])
            key = "Service" if sort == "socket" else "Unit"
            trigger.add(trigger.name.rpartition(".")[2].title(), f"{key}={other.name}")
        self._one({self._enabled: 5, self._linked_by_hand: 3, self._installable: 2})(trigger)

    def _preset(self, unit: _Unit) -> None:
        self._installable(unit)
        word = self.rng.choice(("enable", "disable"))
        preset = f"/etc/systemd/system-preset/10-{unit.name}.preset"
        self.files.append(Write(preset, f"{word} {unit.name}\n"))
        if self.rng.random() < 0.5:
            self._systemctl(f"preset {unit.name}")

    def _linked_file(self, unit: _Unit) -> None:
        if not unit.template:
            unit.folder = "/opt/units"
            self._systemctl(f"{self.rng.choice(('link', 'link --runtime', 'enable'))} {unit.path}")

    # What keeps a unit from being started, or hides what would start it

    def _twists(self) -> Mapping[Callable[[_Unit], None], int]:
        return {
            self._masked: 10,
            self._conditional: 12,
            self._shadowed: 8,
            self._file_removed: 4,
            self._link_removed: 4,
            self._edited: 4,
            self._disabled_late: 4,
            self._alias_by_hand: 5,
            self._stopped_when_unneeded: 2,
            self._started: 20,
            self._without_default_dependencies: 2,
            self._skipping_itself: 4,
            self._failing: 4,
        }

    def _masked(self, unit: _Unit) -> None:
        path = f"{ETC}/{unit.name}"
        masks: dict[Step, int] = {
            Link(path, "/dev/null"): 3,
            Write(path, ""): 2,
            Run(f"systemctl -q --no-reload mask {unit.name}"): 2,
            Run(f"systemctl -q --no-reload mask --runtime {unit.name}"): 3,
            Link(f"{RUN}/{unit.name}", "/dev/null"): 2,
            Link(f"{LOCAL}/{unit.name}", "/dev/null"): 1,
            Write(f"{VENDOR}/{unit.name}", ""): 1,
            Link(path, "/nonexistent/unit"): 1,
            Run(f"mkdir -p {path}"): 1,
        }
        self.late.append(self._one(masks))

    def _conditional(self, unit: _Unit) -> None:
        condition = self.rng.choice((*_TRUE, *_FALSE, _PASSING))
        text = f"[Unit]\n{condition}\n"
        if self.rng.random() < 0.1:
            text += "ConditionPathExists=\n"  # takes all conditions away
        prefix = unit.file.partition("-")[0] if unit.file.startswith("r") else ""
        sort = unit.name.rpartition(".")[2]
        owners = [f"{unit.name}.d", f"{unit.file}.d", *([f"{prefix}-.{sort}.d"] if prefix else [])]
        if self.rng.random() < 0.4:
            unit.add("Unit", condition)
        else:
            folder = f"{self._one(_FOLDERS)}/{self.rng.choice(owners)}"
            self._drop_in(f"{folder}/50-condition.conf", text)

    def _shadowed(self, unit: _Unit) -> None:
        folder = self._one(_FOLDERS)
        bare = [line for line in unit.lines.get("Unit", ()) if "Condition" in line]
        copy = _Unit(unit.name, folder, {**unit.lines, "Unit": bare}, template=unit.template)
        if self.rng.random() < 0.5:
            copy.lines.pop("Install", None)
        if copy.path != unit.path:
            self._at_some_time(0.3).append(Write(copy.path, copy.text))

    def _file_removed(self, unit: _Unit) -> None:
        self.late.append(Run(f"rm -f {unit.path}"))

    def _link_removed(self, unit: _Unit) -> None:
        self.late.append(Run(f"rm -f {ETC}/*.wants/{unit.name}"))

    def _edited(self, unit: _Unit) -> None:
        line = self.rng.choice((*_FALSE, f"Wants={self.rng.choice(self.units).name}"))
        self.late.append(Run(f"printf '[Unit]\\n{line}\\n' >>{unit.path}"))

    def _disabled_late(self, unit: _Unit) -> None:
        self.late.append(Run(f"systemctl -q --no-reload disable {unit.name}"))

    def _alias_by_hand(self, unit: _Unit) -> None:
        if unit.template:
            return
        alias = f"al-{unit.name}"
        self.names.append(alias)
        target = self.rng.choice((unit.name, unit.path))
        folder = self.rng.choice((ETC, VENDOR, unit.folder))
        self._at_some_time(0.2).append(Link(f"{folder}/{alias}", target))
        if self.rng.random() < 0.5:
            link = f"{ETC}/{self._target_name(unit)}.wants/{alias}"
            self.files.append(Link(link, f"../{self.rng.choice((unit.name, alias))}"))

    def _stopped_when_unneeded(self, unit: _Unit) -> None:
        unit.add("Unit", "StopWhenUnneeded=yes")

    def _without_default_dependencies(self, unit: _Unit) -> None:
        unit.add("Unit", "DefaultDependencies=no")

    def _skipping_itself(self, unit: _Unit) -> None:
        if unit.name.endswith(".service"):
            unit.add("Service", f"ExecCondition=/bin/{self.rng.choice(('true', 'false', 'false'))}")
            self._started(unit)

    def _failing(self, unit: _Unit) -> None:
        """It has failed already: what no start has shown yet, no check can know."""
        if unit.name.endswith(".service"):
            unit.add("Service", "ExecStartPre=/bin/false")
            self._started(unit)
            requirer = self.rng.choice(self.units)
            requirer.add(
                "Unit",
                f"{self._one({'Requires': 3, 'BindsTo': 1})}={unit.name}",
                f"After={unit.name}",
            )

    def _started(self, unit: _Unit) -> None:
        self.commands.append(Run(f"systemctl -q start {unit.name}"))

    # The node as a whole

    def _node(self) -> None:
        self.files.append(Run("touch /run/made-by-hand"))
        self._default_target()
        self._generator()
        if self.rng.random() < 0.1:
            target = self.rng.choice(("paths", "timers", "getty", "remote-fs"))
            self.late.append(Link(f"{ETC}/{target}.target", "/dev/null"))

    def _default_target(self) -> None:
        custom = "custom-default.target"
        needs = self._one(
            {
                "Requires=multi-user.target": 3,
                "Wants=multi-user.target": 3,
                "Requires=basic.target": 1,
            }
        )
        usual = {"multi-user.target": 4, "graphical.target": 2, "runlevel3.target": 1}
        target = self._one({**usual, custom: 3})
        link = f"{VENDOR}/{target}"
        if target == custom:
            self.names.append(custom)
            path = f"{self.rng.choice((ETC, VENDOR))}/{custom}"
            self.files.append(Write(path, f"[Unit]\n{needs}\nAllowIsolate=yes\n"))
            link = path
        ways: dict[Step | None, int] = {
            None: 8,
            Run(f"systemctl -q --no-reload set-default {target}"): 4,
            Link(f"{ETC}/default.target", link): 3,
            Link(f"{ETC}/default.target", target): 1,
            Link(f"{RUN}/default.target", link): 2,
            Link(f"{LOCAL}/default.target", link): 1,
            Write(f"{ETC}/default.target", f"[Unit]\n{needs}\nAllowIsolate=yes\n"): 1,
        }
        way = self._one(ways)
        if way is not None:
            self.late.append(way)

    def _generator(self) -> None:
        if not self.generated:
            return
        # A generator's folders are new at each reload and boot: systemd.generator(7).
        folder = self._one({"/etc": 4, "/usr/local/lib": 2, "/usr/lib": 2, "/run": 1})
        content = "#!/bin/sh\n" + "\n".join(self.generated) + "\n"
        step = Write(f"{folder}/systemd/system-generators/drawn", content, 0o755)
        (self.late if self.rng.random() < 0.15 else self.files).append(step)
        if self.rng.random() < 0.15:
            masked = Link("/etc/systemd/system-generators/drawn", "/dev/null")
            gone = Run(f"rm -f {step.path}")
            self.late.append(self.rng.choice((masked, gone)))
