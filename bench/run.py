"""How long runs take, as ratios within this one run; prints a table, asserts nothing.

    python bench/run.py [ROW...]

measures all rows, or those that are named. Needs root, for the lab's nodes.

Figures are medians of whole processes, taken in turns (A B A B ...), so that a machine that slows
down slows both. Beside the time by the wall's clock stands the CPU time of all processes that took
part, here and on the node (PID 1 and sshd among them): other work on the machine changes it less.
A line is printed as soon as it is known; a row that fails loses only its own lines.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
import venv
from collections.abc import Iterable, Sequence
from hashlib import sha256
from importlib.metadata import distribution
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "plugins")]

from bench.phases import PHASES  # noqa: E402
from power_edge import resources  # noqa: E402
from power_edge.about.collect import script_for as about_script  # noqa: E402
from power_edge.checking import check  # noqa: E402
from power_edge.checking.target import target  # noqa: E402
from power_edge.config import load_node  # noqa: E402
from power_edge.discover.collect import script_for as discovery_script  # noqa: E402
from power_edge.model import Item  # noqa: E402
from power_edge.probing.connection import Options  # noqa: E402
from power_edge.probing.framing import read  # noqa: E402
from power_edge.probing.script import ProbeScript, unpacked_by  # noqa: E402
from tests.support.lab import cgroups  # noqa: E402
from tests.support.lab.nodes import Lab, Node, open_lab  # noqa: E402

PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=."]
OTHERS = [
    "-p",
    "no:xdist",
    "-p",
    "no:xdist.looponfail",
    "-p",
    "no:html",
    "-p",
    "no:html_fixtures",
    "-p",
    "no:platformdirs",
    "-p",
    "no:allure_pytest",
    "-p",
    "no:hypothesispytest",
    "-p",
    "no:typeguard",
]
"""Plugins that our own tests install and operators need not have; some take longer to import than
everything else together.
"""
UNITS = 150
SAMPLE = 20
UNIT = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
ROWS = (
    "thousand",
    "bulk",
    "item_by_item",
    "eight",
    "fifty",
    "sweeps",
    "local",
    "recording",
    "looking",
)
"""The rows of the table: methods of Bench."""


class Cost(NamedTuple):
    """Of one command: seconds by the wall's clock, seconds of CPU of all processes here and on the
    node, and the largest resident set of one process here in MiB.
    """

    wall: float
    cpu: float
    memory: float


class Row(NamedTuple):
    """A line of the table. `cpu` is of the same two as the times before it, with its own ratio."""

    what: str
    first: str
    against: str = ""
    second: str = ""
    ratio: str = ""
    cpu: str = ""

    def line(self) -> str:
        return (
            f"{self.what:42} {self.first:>9}  {self.against:38} {self.second:>8} {self.ratio:>6}"
            f"  {self.cpu}"
        ).rstrip()


def main(names: Sequence[str]) -> int:
    """Measure these rows, or all, once; print each line when it is known.

    Return 1 if one failed, 4 for a name that is none.
    """
    if unknown := [name for name in names if name not in ROWS]:
        print(f"no row {', '.join(unknown)}: write {', '.join(ROWS)}", file=sys.stderr)
        return 4
    runs = int(os.environ.get("BENCH_RUNS", "7"))
    units = {f"/etc/systemd/system/bench-{index:03}.service": UNIT for index in range(UNITS)}
    units |= {"/etc/ssh/sshd_config.d/bench.conf": "MaxStartups 200\n"}  # one node stands for fifty
    enable = "systemctl enable -q $(cd /etc/systemd/system && ls -d bench-*.service)"
    failed = False
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as cache:
        place = Path(folder)
        (place / "lab").mkdir()
        with open_lab(place / "lab") as lab, lab.node("bench", files=units, prepare=enable) as node:
            bench = Bench(lab, node, place, Path(cache), runs)
            print(f"medians of {runs} runs in turns", flush=True)
            print(Row("what", "wall", "against", "wall", "ratio", "cpu").line(), flush=True)
            for name in names or ROWS:
                measure = getattr(bench, name)
                print(f"{name}: {measure.__doc__}", file=sys.stderr, flush=True)
                try:
                    for row in measure():
                        print(row.line(), flush=True)
                except Exception:
                    failed = True
                    traceback.print_exc()
    return int(failed)


def operators_install(folder: Path) -> None:
    """Make an environment as an operator has it: Power Edge with what it needs, and no plugin of
    pytest's beside it.
    """
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    waiting, installed = ["power-edge"], set[str]()
    while waiting:
        name = waiting.pop()
        if name in installed:
            continue
        installed.add(name)
        found = distribution(name)
        for part in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            if not (packages / part).exists():
                (packages / part).symlink_to(Path(str(found.locate_file(part))))
        needs = map(Requirement, found.requires or ())
        waiting += [
            each.name
            for each in needs
            if each.marker is None or each.marker.evaluate({"extra": ""})
        ]


def large(node: Node) -> dict[str, Any]:
    """1,000 items that are true of the node: 700 sysctl, 150 services, 100 packages, 50 files."""
    return {
        "sysctl": sysctls(node, 700),
        "services": [
            {"name": f"bench-{index:03}", "state": "running", "enabled": True}
            for index in range(UNITS)
        ],
        "packages": [
            {"name": name}
            for name in node.sh("dpkg-query -W -f '${Package}\\n' | head -100").split()
        ],
        "files": files(node, 50),
    }


def sysctls(node: Node, count: int) -> dict[str, str]:
    """Keys of the network and of virtual memory, whose values are settings: one line, the same when
    read again.
    """
    script = r"""
        cd /proc/sys
        find net vm -type f -perm -0400 | sort | while read -r file; do
            value=$(cat "$file" 2>/dev/null) &&
                [ "$(printf '%s\n' "$value" | wc -l)" = 1 ] &&
                printf '%s\t%s\n' "$file" "$value"
        done
        true
    """
    twice = [dict(line.split("\t", 1) for line in node.sh(script).splitlines()) for _ in range(2)]
    steady = {
        key: value
        for key, value in twice[0].items()
        if value and twice[1].get(key) == value and not key.endswith("_count")
    }
    return dict(list(steady.items())[:count])


def files(node: Node, count: int) -> list[dict[str, str]]:
    """Regular files with their mode and owner."""
    listed = node.sh(f"find /usr/bin -type f | sort | head -{count} | xargs stat -c '%n %a %U'")
    return [
        {"path": path, "mode": f"{int(mode):04}", "owner": owner}
        for path, mode, owner in (line.split(" ") for line in listed.splitlines())
    ]


class Bench:
    """The rows of the table; each is a method that gives the cells of one row or more."""

    def __init__(self, lab: Lab, node: Node, place: Path, cache: Path, runs: int) -> None:
        self.lab, self.node, self.place, self.cache, self.runs = lab, node, place, cache, runs
        items = large(node)
        self.declare("thousand", items)
        few = {
            "sysctl": dict(list(items["sysctl"].items())[:70]),
            "services": items["services"][:15],
        }
        few |= {"packages": items["packages"][:10], "files": items["files"][:5]}
        for number in range(50):
            self.declare(f"rig-{number:02}", few)

    def declare(
        self, name: str, sections: dict[str, Any], machine_id: str = "", local: bool = False
    ) -> None:
        """A folder of node-configs for the node, under this name."""
        folder = self.place / "node-configs" / name
        folder.mkdir(parents=True)
        machine_id = machine_id or self.node.machine_id
        key = f"linux:{machine_id}"
        identity = {
            "identifiers": {"primary_id": machine_id, "id_type": "machine-id"},
            "composite_key": {"key": key, "hash": sha256(key.encode()).hexdigest()},
        }
        contents = {
            "state.yaml": {
                "version": "1.0",
                "metadata": {"site": "bench", "environment": "development"},
                **sections,
            }
        }
        contents |= {"system-identity.yaml": identity}
        contents |= (
            {}
            if local
            else {"connection.yaml": {"ssh": {"host": self.node.address, "user": "root"}}}
        )
        for file, content in contents.items():
            (folder / file).write_text(yaml.safe_dump(content, sort_keys=False))

    def pytest(self, *arguments: str) -> list[str]:
        return [*PYTEST, *OTHERS, f"--ssh-config={self.lab.ssh_config}", *arguments]

    def check(self, *words: str) -> list[str]:
        """Return the argv of `power-edge check` in an install of its own."""
        install = self.place / "install"
        if not install.exists():
            operators_install(install)
        command = "from power_edge.command import main; main()"
        options = ["-q", f"--ssh-config={self.lab.ssh_config}"]
        return [str(install / "bin/python"), "-P", "-c", command, "check", *options, *words]

    def ssh(self, command: str) -> list[str]:
        """Return the argv of a command on the node."""
        options = ["-F", str(self.lab.ssh_config), "-o", "BatchMode=yes"]
        return ["ssh", *options, f"root@{self.node.address}", command]

    def bare(self, script: ProbeScript) -> list[str]:
        """Return the command that carries a script over ssh as we do, without us."""
        packed = self.place / "packed"
        packed.mkdir(exist_ok=True)
        file = packed / f"{len([*packed.iterdir()])}"
        file.write_bytes(script.packed())
        return ["sh", "-c", 'exec <"$0"; exec "$@"', str(file), *self.ssh(unpacked_by(""))]

    def thousand(self) -> Iterable[Row]:
        """1,000 items over ssh, against the bare ssh of the same probe"""
        script = check.script_for(load_node(self.place / "node-configs" / "thousand"))
        bare = self.bare(script)
        yield self.compare(
            "1,000 items over ssh",
            self.pytest("--node=thousand"),
            "bare ssh of the same probe",
            bare,
        )
        yield self.compare(
            "the same, for the first time",
            self.pytest("--node=thousand"),
            "bare ssh of the same probe",
            bare,
            cold=True,
        )
        reports = [
            f"--junitxml={self.place}/junit.xml",
            "--json-report",
            f"--json-report-file={self.place}/report.json",
        ]
        yield self.compare(
            "the same, with JUnit and JSON",
            self.pytest("--node=thousand", *reports),
            "bare ssh of the same probe",
            bare,
        )

    def bulk(self) -> Iterable[Row]:
        """890 items over ssh, against a plain bulk reading of the same, and against goss where one
        is on PATH
        """
        # At rest: all services have been up since the boot.
        self.node.sh(
            'touch -h -d "$(cut -d. -f1 /proc/uptime) seconds ago" /run/systemd/units/invocation:*'
        )
        items = large(self.node)
        items = {
            "sysctl": dict(list(items["sysctl"].items())[:650]),
            "services": items["services"][:90],
            "packages": items["packages"],
            "files": items["files"],
        }
        reading = self.ssh(plain_reading(items))
        for word, named in (
            ("state", ["name", "state"]),
            ("state and enabled", ["name", "state", "enabled"]),
        ):
            name = f"bulk-{word.partition(' ')[2].replace(' ', '-') or 'state'}"
            self.declare(
                name,
                {
                    **items,
                    "services": [
                        {field: item[field] for field in named} for item in items["services"]
                    ],
                },
            )
            yield self.compare(
                f"890 items, services by {word}",
                self.pytest(f"--node={name}"),
                "a plain bulk reading over ssh",
                reading,
            )
            yield self.compare(
                "  by power-edge check",
                self.check(name),
                "a plain bulk reading over ssh",
                reading,
            )
            yield from self.phases(name)
            yield self.section(f"of it the node's part, services by {word}", name)
            if (goss := shutil.which("goss")) is not None:
                shutil.copy(goss, self.node.tree / "usr/local/bin/goss")
                self.node.write("/root/goss.yaml", gossfile(items, enabled="enabled" in named))
                validate = self.ssh("goss -g /root/goss.yaml validate --format silent")
                for what, ours in (
                    (f"890 items, services by {word}", self.pytest(f"--node={name}")),
                    ("  by power-edge check", self.check(name)),
                ):
                    yield self.compare(what, ours, "goss on the node, over ssh", validate)

    def phases(self, name: str) -> Iterable[Row]:
        """What the time of a run about one node is made of."""
        file = self.place / "phases"
        spent = []
        for _ in range(self.runs):
            start = time.time()
            self.cost(
                self.pytest("-p", "bench.phases", f"--node={name}"),
                PHASES=str(file),
                PYTHONPATH=os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
            )
            ends = [start, *map(float, file.read_text().split()), time.time()]
            spent.append([later - earlier for earlier, later in pairwise(ends)])
        for phase, column in zip(
            (*PHASES, "end of the process"), zip(*spent, strict=True), strict=True
        ):
            yield Row(f"  {phase}", f"{statistics.median(column):.3f} s")

    def section(self, what: str, name: str) -> Row:
        """What the answer tells of the time on the node: of the services' section, and of all
        sections.
        """
        bare = self.bare(check.script_for(load_node(self.place / "node-configs" / name)))
        spent = []
        for _ in range(self.runs):
            answer = subprocess.run(
                ["nsenter", f"--net=/proc/{self.lab.holder}/ns/net", "--", *bare],
                check=True,
                stdout=subprocess.PIPE,
            ).stdout
            spent.append(
                {
                    section: output.milliseconds or 0
                    for section, output in read(answer).outputs.items()
                }
            )
        services = statistics.median(each["services.0"] for each in spent)
        together = statistics.median(sum(each.values()) for each in spent)
        return Row(what, f"{services:.0f} ms", "all sections", f"{together:.0f} ms")

    def item_by_item(self) -> Iterable[Row]:
        """20 of the 1,000 items as plain testinfra tests over its ssh backend, scaled"""
        ours = statistics.median(
            self.cost(self.pytest("--node=thousand")).wall for _ in range(self.runs)
        )
        test = self.place / "test_plain.py"
        test.write_text(
            plain_tests(
                load_node(self.place / "node-configs" / "thousand").items[:: 1000 // SAMPLE]
            )
        )
        theirs = (
            self.cost(self.pytest(f"--hosts=ssh://root@{self.node.address}", str(test))).wall
            * 1000
            / SAMPLE
        )
        yield Row(
            "1,000 items over ssh",
            f"{ours:.2f} s",
            f"plain testinfra, ssh ({SAMPLE} items, scaled)",
            f"{theirs:.0f} s",
            f"1/{theirs / ours:.0f}",
        )

    def eight(self) -> Iterable[Row]:
        """8 nodes x 100 items over ssh"""
        yield self.compare(
            "8 nodes x 100 items",
            self.pytest("--node=rig-0[0-7]"),
            "1 node x 100 items",
            self.pytest("--node=rig-00"),
            cold=True,
        )

    def fifty(self) -> Iterable[Row]:
        """50 nodes x 100 items over ssh"""
        yield self.compare(
            "50 nodes x 100 items",
            self.pytest("--node=rig-*"),
            "1 node x 100 items",
            self.pytest("--node=rig-00"),
            runs=3,
            cold=True,
        )

    def sweeps(self) -> Iterable[Row]:
        """50 nodes x 100 items, again and again as a watch does"""
        names = [f"rig-{number:02}" for number in range(50)]
        sweep = [sys.executable, str(ROOT / "bench" / "sweep.py"), str(self.place / "node-configs")]
        inside = ["nsenter", f"--net=/proc/{self.lab.holder}/ns/net", "--", *sweep]
        swept = subprocess.run(
            [*inside, str(self.lab.ssh_config), str(self.runs), *names],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT / "plugins")},
        ).stdout
        *pairs, (spent, connections) = (
            tuple(map(float, line.split())) for line in swept.splitlines()
        )
        kept, new = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(one / other for one, other in pairs)
        cells = ("over a new connection each", f"{new:.2f} s", f"{ratio:.2f}")
        yield Row("a sweep over 50 kept connections", f"{kept:.2f} s", *cells)
        yield Row(f"  {connections:.0f} connections at rest, of a core", f"{spent * 10:.1f} %")

    def local(self) -> Iterable[Row]:
        """100 items on this machine, against an empty pytest run"""
        paths = sorted(
            path for path in Path("/usr/bin").iterdir() if path.is_file() and not path.is_symlink()
        )[:100]
        declared = [
            {"path": str(path), "mode": f"{path.stat().st_mode & 0o7777:04o}"} for path in paths
        ]
        self.declare(
            "here",
            {"files": declared},
            machine_id=Path("/etc/machine-id").read_text().strip(),
            local=True,
        )
        (self.place / "empty").mkdir()
        (self.place / "empty" / "test_empty.py").write_text("def test_empty(): pass\n")
        yield self.compare(
            "100 items locally",
            self.pytest("--node=here"),
            "an empty pytest run",
            self.pytest("empty"),
        )

    def recording(self) -> Iterable[Row]:
        """10,000 items from a recording"""
        self.node.sh("mkdir /srv/bench && cd /srv/bench && seq -f file-%05g 0 9999 | xargs touch")
        self.declare(
            "recorded",
            {
                "files": [
                    {"path": f"/srv/bench/file-{index:05}", "mode": "0644"}
                    for index in range(10_000)
                ]
            },
        )
        answer = self.place / "answer"
        script = check.script_for(load_node(self.place / "node-configs" / "recorded")).text()
        answer.write_text(self.node.run("/bin/sh", "-s", stdin=script).stdout)
        costs = [
            self.cost(self.pytest("--node=recorded", f"--answers={answer}"))
            for _ in range(self.runs)
        ]
        wall, cpu, memory = (statistics.median(column) for column in zip(*costs, strict=True))
        yield Row(
            "10,000 items from a recording",
            f"{wall:.2f} s",
            f"{memory:.0f} MiB",
            cpu=f"{cpu:.2f} s",
        )

    def looking(self) -> Iterable[Row]:
        """discover and about over ssh, against the bare ssh of their probes"""
        folder = self.place / "discovered"
        folder.mkdir()
        node_at = target(
            f"root@{self.node.address}", None, Options(ssh_config=str(self.lab.ssh_config))
        )
        scripts = {
            "discover": discovery_script(node_at, resources.discoverable(), everything=False),
            "about": about_script(node_at),
        }
        for name, script in scripts.items():
            more = ["--merge"] if name == "discover" else []
            ours = [
                str(Path(sys.executable).with_name("power-edge")),
                f"--node-configs={folder}",
                name,
                f"--ssh-config={self.lab.ssh_config}",
                *more,
            ]
            yield self.compare(
                f"power-edge {name}",
                [*ours, f"root@{self.node.address}"],
                "bare ssh of the same probe",
                self.bare(script),
            )

    def compare(
        self,
        what: str,
        ours: Sequence[str],
        against: str,
        theirs: Sequence[str],
        runs: int = 0,
        cold: bool = False,
    ) -> Row:
        """Both in turns, once more than is counted; `cold`: nothing is remembered of an earlier
        run.
        """
        pairs = [
            (self.cost(ours, cold), self.cost(theirs, cold)) for _ in range((runs or self.runs) + 1)
        ][1:]
        wall, bare, ratio = _medians((one.wall, other.wall) for one, other in pairs)
        cpu, bare_cpu, cpu_ratio = _medians((one.cpu, other.cpu) for one, other in pairs)
        return Row(
            what,
            f"{wall:.3f} s",
            against,
            f"{bare:.3f} s",
            f"{ratio:.2f}",
            f"{cpu:.3f} s : {bare_cpu:.3f} s = {cpu_ratio:.2f}",
        )

    def cost(self, argv: Sequence[str], cold: bool = False, **environ: str) -> Cost:
        """Run a command on the lab's network with `environ`, its output thrown away.

        RuntimeError when it fails: a fast failure is not a speed.
        """
        environment = {
            name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
        } | {"XDG_CACHE_HOME": str(self.cache), **environ}
        if cold:
            shutil.rmtree(self.cache / "power-edge", ignore_errors=True)
        # A control group counts what no parent waits for, too.
        own = cgroups.command_in(self.lab.holder, "bench", argv)
        command = ["nsenter", f"--net=/proc/{self.lab.holder}/ns/net", "--", "/bin/sh", "-c", own]
        with tempfile.TemporaryFile() as stderr:
            before, start = self._cpu(), time.perf_counter()
            process = subprocess.Popen(
                command,
                cwd=self.place,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
            )
            _, status, usage = os.wait4(process.pid, 0)
            wall, cpu = time.perf_counter() - start, self._cpu() - before
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                stderr.seek(0)
                raise RuntimeError(
                    f"{argv[:8]} ended with {process.returncode}:\n"
                    + stderr.read().decode(errors="replace")[-4000:]
                )
        return Cost(wall, cpu, usage.ru_maxrss / 1024)

    def _cpu(self) -> float:
        """Return the seconds of CPU that the node, and the commands of `cost`, have taken."""
        return cgroups.cpu_seconds(self.lab.holder)


def _medians(pairs: Iterable[tuple[float, float]]) -> tuple[float, float, float]:
    """Return the medians of both, and of their ratio."""
    taken = list(pairs)
    first, second = (statistics.median(column) for column in zip(*taken, strict=True))
    return first, second, statistics.median(one / other for one, other in taken)


def plain_reading(items: dict[str, Any]) -> str:
    """The least that somebody would run by hand to read all of it in one go: a command for each
    type.
    """
    keys = " ".join(key for key in items["sysctl"])
    units = " ".join(f"{item['name']}.service" for item in items["services"])
    packages = " ".join(item["name"] for item in items["packages"])
    paths = " ".join(item["path"] for item in items["files"])
    return (
        f"cd /proc/sys; grep -s '' {keys};"
        f" systemctl show -p Id,LoadState,ActiveState,SubState,UnitFileState {units};"
        f" dpkg-query -W -f '${{Package}} ${{Version}} ${{db:Status-Status}}\\n' {packages};"
        f" stat -c '%n %a %U %G %s' {paths}"
    )


def gossfile(items: dict[str, Any], *, enabled: bool) -> str:
    """The same items as goss takes them."""
    declared = {
        "kernel-param": {
            key.replace("/", "."): {"value": value} for key, value in items["sysctl"].items()
        },
        "service": {
            item["name"]: {"running": True, **({"enabled": True} if enabled else {})}
            for item in items["services"]
        },
        "package": {item["name"]: {"installed": True} for item in items["packages"]},
        "file": {
            item["path"]: {"exists": True, "mode": item["mode"], "owner": item["owner"]}
            for item in items["files"]
        },
    }
    return yaml.safe_dump(declared, sort_keys=False)


def plain_tests(items: Sequence[Item]) -> str:
    """What one writes today: a test for each item, with testinfra's own modules."""
    bodies = {
        "sysctl": "assert host.sysctl({name!r}) is not None",
        "services": "service = host.service({name!r}); "
        "assert service.is_running and service.is_enabled",
        "packages": "assert host.package({name!r}).is_installed",
        "files": "file = host.file({name!r}); assert file.exists "
        "and file.mode == int({mode!r}, 8) and file.user == {owner!r}",
    }
    lines = []
    for index, item in enumerate(items):
        body = bodies[item.type].format(
            name=item.name, mode=item.expected.get("mode"), owner=item.expected.get("owner")
        )
        lines.append(f"def test_{index}(host):\n    {body}\n")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
