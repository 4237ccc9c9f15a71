"""How fast a watch is, and what it costs; prints tables, asserts nothing.

`watch.py [latency] [idle] [growth] [storm] [fifty]` (default: all), on a lab's node of 300 items;
needs root. BENCH_CHANGES: of each kind (100). BENCH_KINDS: the kinds of changes whose names contain
one of these words, parted by commas (all). BENCH_IDLE: seconds at rest (3600). BENCH_RERUNS: checks
of an item that change its verdict, while memory is looked at (100000).

A latency runs from just before the command that changes the node, and from its end, to the time of
the verdict in the event log. The floor is one probe of that item alone, as the change leaves it.
"""

import json
import math
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "plugins")]

from bench.run import OTHERS, UNIT, files, sysctls  # noqa: E402
from power_edge.checking.check import script_for  # noqa: E402
from tests.support.lab import watching_ssh  # noqa: E402
from tests.support.lab.checking import declare as declare_here  # noqa: E402
from tests.support.lab.nodes import Lab, Node, open_lab  # noqa: E402
from tests.support.lab.watch_model import INSTALL, REMOVE, local_package  # noqa: E402
from tests.support.lab.watch_state import LISTEN, declared, known, status  # noqa: E402
from tests.support.lab.watching import Watch, declare, watch, watched_node  # noqa: E402

CHANGES = int(os.environ.get("BENCH_CHANGES", "100"))
KINDS = os.environ.get("BENCH_KINDS", "").split(",")
IDLE = float(os.environ.get("BENCH_IDLE", "3600"))
RERUNS = int(os.environ.get("BENCH_RERUNS", "100000"))
NODES = 50
_SECONDS = 60.0
_FLOOR_RUNS = 10
_STORM_FILES = 16_700
"""In about ten seconds. Each file that is written makes three events: made, written, closed."""
_PLACE, _MANY = "/etc/bench", "/etc/bench/many"
_AGAIN = 20
_SELDOM = 'version: "1.0"\nwatchers: {enabled: true}\nevent_handler: {sweep_seconds: 3600}\n'
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_RULES = """\
ufw allow 22/tcp >/dev/null; ufw allow 8080/tcp >/dev/null; ufw --force enable >/dev/null
nft add table inet bench
nft add chain inet bench o '{ type filter hook output priority 0; }'
"""


class Change(NamedTuple):
    """Something that changes an item, and the outcome that it has then. `kind`: empty for one that
    only undoes another.
    """

    kind: str
    item: tuple[str, str]
    outcome: str
    script: str


class Pair(NamedTuple):
    """A change of an item, and what takes it back. An empty `kind_back` is not measured."""

    kind: str
    kind_back: str
    item: tuple[str, str]
    script: str
    back: str
    outcome: str = "drift"

    @property
    def changes(self) -> tuple[Change, Change]:
        return (
            Change(self.kind, self.item, self.outcome, self.script),
            Change(self.kind_back, self.item, "compliant", self.back),
        )


_UNIT_FILE = "/etc/systemd/system/bench-002.service"
_SERVICE, _EDITED = ("services", "bench-000"), ("services", "bench-002")
_FILE, _NEW = ("files", f"{_PLACE}/one"), f"{_PLACE}/new"
_RULE, _POLICY = ("firewall", "allow 8080/tcp from any to any"), ("firewall", "default_outgoing")
_VALUE, _PACKAGE = ("sysctl", "net.ipv4.tcp_retries1"), ("packages", "zz-bench-package")
PAIRS = (
    Pair(
        "service stop", "service start", _SERVICE,
        "systemctl stop bench-000", "systemctl start bench-000",
    ),
    # Started twice: what ended by itself counts after a minute only.
    Pair(
        "service crash", "", _SERVICE,
        "systemctl kill --signal=KILL bench-000",
        "systemctl start bench-000; systemctl restart bench-000",
    ),
    Pair(
        "service disable", "service enable", _SERVICE,
        "systemctl disable -q bench-000 2>/dev/null", "systemctl enable -q bench-000 2>/dev/null",
    ),
    Pair(
        "file write", "file write", _FILE, f"echo other >{_FILE[1]}", f"echo one >{_FILE[1]}"
    ),
    Pair(
        "atomic replace", "atomic replace", _FILE,
        f"echo other >{_NEW}; mv {_NEW} {_FILE[1]}", f"echo one >{_NEW}; mv {_NEW} {_FILE[1]}",
    ),
    Pair("chmod", "chmod", _FILE, f"chmod 600 {_FILE[1]}", f"chmod 644 {_FILE[1]}"),
    Pair("delete", "", _FILE, f"rm {_FILE[1]}", f"echo one >{_FILE[1]}"),
    Pair(
        "sysctl write", "sysctl write", _VALUE,
        "echo 4 >/proc/sys/net/ipv4/tcp_retries1", "echo 3 >/proc/sys/net/ipv4/tcp_retries1",
    ),
    Pair(
        "ufw rule", "ufw rule", _RULE,
        "ufw delete allow 8080/tcp >/dev/null", "ufw allow 8080/tcp >/dev/null",
    ),
    Pair(
        "nft rule", "nft rule", _POLICY,
        "nft add rule inet bench o drop", "nft flush chain inet bench o",
    ),
    Pair(
        "package remove", "package install", _PACKAGE,
        REMOVE.format(_PACKAGE[1]), INSTALL.format(_PACKAGE[1]),
    ),
    Pair(
        "edit of a unit file", "edit of a unit file", _EDITED,
        f"sed -i '/^.Unit.$/aConditionPathExists=/none' {_UNIT_FILE}",
        f"sed -i /^Condition/d {_UNIT_FILE}",
        "unknown",
    ),
)  # fmt: skip


def main() -> None:
    """Measure what is named, and print."""
    phases: dict[str, Callable[[Lab, Node], Table]] = {
        "latency": latency, "idle": idle, "growth": growth, "storm": storm, "fifty": fifty,
    }  # fmt: skip
    chosen = sys.argv[1:] or list(phases)
    units = {
        f"/etc/systemd/system/bench-{index:03}.service": f"[Unit]\nStartLimitIntervalSec=0\n{UNIT}"
        for index in range(100)
    }
    units |= {"/etc/ssh/sshd_config.d/bench.conf": "MaxStartups 200\n"}  # one node stands for fifty
    enable = "systemctl enable -q $(cd /etc/systemd/system && ls -d bench-*.service)"
    with (
        tempfile.TemporaryDirectory() as folder,
        open_lab(Path(folder)) as lab,
        watched_node(lab, "bench", files=units, prepare=enable) as node,
    ):
        again = f"for n in {{0..{_AGAIN - 1}}}; do echo >{_PLACE}/again-$n; done"
        node.sh(f"mkdir -p {_MANY}; echo one >{_FILE[1]}; bash -c '{again}'; {_RULES}")
        local_package(node, _PACKAGE[1])
        declare(node, yaml.safe_dump(large(node)))
        print(f"{len(declared(node).items)} items", flush=True)
        for name in chosen:
            began = time.monotonic()
            Console(width=118).print(phases[name](lab, node))
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)


def large(node: Node) -> dict[str, Any]:
    """300 items that are true of the node."""
    return {
        "services": [
            {"name": f"bench-{index:03}", "state": "running", "enabled": True}
            for index in range(100)
        ],
        "files": [
            {"path": _FILE[1], "content": "one\n", "mode": "0644"},
            *({"path": f"{_PLACE}/again-{n}", "mode": "0644"} for n in range(_AGAIN)),
            *files(node, 99 - _AGAIN),
        ],
        "sysctl": {**sysctls(node, 50), _VALUE[1]: "3"},
        "packages": [{"name": name} for name in (*packages(node, 45), _PACKAGE[1])],
        "firewall": {
            "default_incoming": "deny",
            "default_outgoing": "allow",
            "rules": [{"port": 8080, "proto": "tcp", "action": "allow"}],
        },
    }


def packages(node: Node, count: int) -> list[str]:
    """Packages that are installed on the node."""
    return node.sh(f"dpkg-query -W -f '${{Package}}\\n' | head -{count}").split()


class Shell:
    """A bash on the node that stays: a command is run without the start of a process for it."""

    def __init__(self, node: Node) -> None:
        enter = ["nsenter", f"--target={node.leader}", "--mount", "--uts", "--ipc", "--net"]
        self._process = subprocess.Popen(
            [*enter, "--pid", "--cgroup", "--root", "--wd", "--", "bash"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
        )

    def run(self, script: str) -> tuple[float, float]:
        """Run a command: when it began and ended, in seconds since 1970."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"a=$EPOCHREALTIME\n{script}\necho $a $EPOCHREALTIME\n")
        stdin.flush()
        began, ended = stdout.readline().split()
        return float(began), float(ended)

    def end(self) -> None:
        self._process.communicate()


@contextmanager
def shell(node: Node) -> Iterator[Shell]:
    running = Shell(node)
    try:
        yield running
    finally:
        running.end()


class Log:
    """The event log of a watch, read as it grows."""

    def __init__(self, running: Watch) -> None:
        self._file = (running.node.tree / f"srv/checks/events-{running.number}.jsonl").open()
        self._count = 0

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_: object) -> None:
        # An open file keeps the node's file system.
        self._file.close()

    def count(self) -> int:
        """Return how many transitions there were since the log was opened."""
        self._count += sum(line.endswith("\n") for line in self._file)
        return self._count

    def wait(self, item: tuple[str, str], outcome: str) -> float | None:
        """Wait for a new transition: its time, in seconds since 1970; None if it never comes."""
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            place = self._file.tell()
            line = self._file.readline()
            if not line.endswith("\n"):
                self._file.seek(place)
                time.sleep(0.003)
                continue
            event = json.loads(line)
            if (event["type"], event["name"], event["to"]) == (*item, outcome):
                return datetime.fromisoformat(event["time"]).timestamp()
        return None


def latency(_: Lab, node: Node) -> Table:
    """From a change to the verdict, by kind of change."""
    spent: dict[str, list[tuple[float, float]]] = {}
    lost: dict[str, int] = {}
    floors: dict[str, float] = {}
    with watch(node, LISTEN) as running, shell(node) as bash, Log(running) as log:
        print(running.printed().splitlines()[-1], flush=True)
        wrong = {name: outcome for name, outcome in known(node).items() if outcome != "compliant"}
        print(f"at the start: {wrong or 'all compliant'}", flush=True)
        for pair in PAIRS:
            if not any(word in f"{pair.kind} {pair.kind_back}" for word in KINDS):
                continue
            print(f"measuring {pair.kind}", flush=True)
            for change in pair.changes:
                bash.run(change.script)
                log.wait(change.item, change.outcome)
                # More is read of a service that is stopped than of one that is plainly up.
                floors[change.kind] = max(floors.get(change.kind, 0.0), _floor(node, change.item))
            for _round in range(-(-CHANGES // (1 + (pair.kind == pair.kind_back)))):
                for change in pair.changes:
                    began, ended = bash.run(change.script)
                    at = log.wait(change.item, change.outcome)
                    if change.kind:
                        if at is None:
                            lost[change.kind] = lost.get(change.kind, 0) + 1
                        else:
                            times = spent.setdefault(change.kind, [])
                            times.append((at - began, at - ended))
    table = Table(
        "change", "n", "from its beginning: median", "p99", "from its end: median", "p99",
        "floor", "not seen", title="milliseconds from a change to its verdict",
    )  # fmt: skip
    for kind in dict.fromkeys((*spent, *lost)):
        columns = list(zip(*spent.get(kind, ()), strict=True)) or [(), ()]
        cells = [
            f"{1000 * value:.0f}" if column else ""
            for column in columns
            for value in ((statistics.median(column), _p99(column)) if column else (0, 0))
        ]
        count = len(columns[0])
        table.add_row(kind, str(count), *cells, f"{floors[kind]:.0f}", str(lost.get(kind, 0)))
    return table


def _p99(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[math.ceil(0.99 * len(ordered)) - 1]  # by the nearest rank


def _floor(node: Node, key: tuple[str, str]) -> float:
    """The milliseconds of one probe of one item alone, on the node."""
    now = declared(node)
    items = tuple(item for item in now.items if (item.type, item.name) == key)
    assert items, (key, [item.name for item in now.items if item.type == key[0]])
    (line,) = script_for(replace(now, state=now.state._replace(items=items))).commands()
    spent = []
    for _ in range(_FLOOR_RUNS):
        began = time.perf_counter()
        node.run("/bin/sh", "-c", line)
        spent.append(time.perf_counter() - began)
    return 1000 * statistics.median(spent)


class Cost(NamedTuple):
    """Seconds of a core that a process and its ended children have taken, and its resident MiB."""

    seconds: float
    memory: float


def cost(node: Node, running: Watch) -> Cost:
    """What the watch has taken up to now."""
    stat = node.sh(f"cat /proc/{running.pid}/stat").rpartition(")")[2].split()
    ticks = sum(int(stat[place]) for place in (11, 12, 13, 14))
    return Cost(ticks / _TICK, int(stat[21]) * _PAGE / 2**20)


def idle(_: Lab, node: Node) -> Table:
    """A watch on which nothing happens."""
    with watch(node, LISTEN, *OTHERS) as running:
        time.sleep(10)
        before, cycles, began = cost(node, running), status(node)["cycles"], time.monotonic()
        time.sleep(IDLE)
        after, last, seconds = cost(node, running), status(node)["cycles"], time.monotonic() - began
        table = Table("at rest", "", title=f"{seconds:.0f} s without a change")
        table.add_row("of a core", f"{100 * (after.seconds - before.seconds) / seconds:.2f} %")
        table.add_row("resident", f"{after.memory:.0f} MiB")
        table.add_row("growth", f"{after.memory - before.memory:+.1f} MiB")
        # A check of everything every five minutes is meant to be.
        table.add_row("checks", str(last - cycles))
        return table


def growth(_: Lab, node: Node) -> Table:
    """What many checks leave behind: those of twenty files that change together."""
    changed = " ".join(f"{_PLACE}/again-{number}" for number in range(_AGAIN))
    loop = f"while chmod 600 {changed}; do sleep 0.1; chmod 644 {changed}; sleep 0.1; done"
    table = Table("checks", "of an item", "resident", "seconds", title="memory over many checks")
    with watch(node, LISTEN, *OTHERS) as running, Log(running) as log:
        changing = node.sh(f"({loop}) >/dev/null 2>&1 & echo $!")
        began = time.monotonic()
        for part in range(11):
            # The first tenth of a thousandth is what a process takes once.
            while (found := log.count()) < max(200, RERUNS * part // 10):
                time.sleep(0.5)
            memory, seconds = cost(node, running).memory, time.monotonic() - began
            cycles = status(node)["cycles"]
            table.add_row(str(cycles), str(found), f"{memory:.1f} MiB", f"{seconds:.0f}")
        node.sh(f"kill {changing}; chmod 644 {changed}")
    return table


def storm(_: Lab, node: Node) -> Table:
    """50,000 file events in 10 s beside a declared file."""
    loop = f"""
        cd {_PLACE}
        for ((n = 0; n < {_STORM_FILES}; n++)); do
            echo x >many/$((n % 1000))
            ((n % 1000)) || {{ rm many/*; sleep 0.4; }}
        done
        rm many/*
    """
    table = Table("storm", "", title="a storm of file events")
    with (
        watch(node, LISTEN) as running,
        shell(node) as bash,
        shell(node) as beside,
        Log(running) as log,
    ):
        before = cost(node, running)
        began = time.time()
        process = subprocess.Popen(
            ["nsenter", f"--target={node.leader}", "--mount", "--pid", "--root", "--wd", "--",
             "bash", "-c", loop]
        )  # fmt: skip
        latencies: list[float] = []
        missed = 0
        while process.poll() is None:
            for outcome, mode in (("drift", "600"), ("compliant", "644")):
                changed, _end = bash.run(f"chmod {mode} {_FILE[1]}")
                at = log.wait(_FILE, outcome)
                missed += at is None
                latencies += [at - changed] if at is not None else []
        lasted = time.time() - began
        changed, _end = beside.run(f"chmod 600 {_FILE[1]}")
        at = log.wait(_FILE, "drift")
        after = cost(node, running)
        (files,) = [each for each in status(node)["sources"] if each["name"] == "inotify"]
        beside.run(f"chmod 644 {_FILE[1]}")
        log.wait(_FILE, "compliant")
        table.add_row("events", f"{3 * _STORM_FILES} in {lasted:.1f} s")
        table.add_row("changes of the declared file meanwhile", str(len(latencies) + missed))
        table.add_row("missed", str(missed))
        if latencies:
            table.add_row("median", f"{1000 * statistics.median(latencies):.0f} ms")
            table.add_row("slowest", f"{1000 * max(latencies):.0f} ms")
        table.add_row("right at the end", f"{at is not None}, counted as lost: {files['lost']}")
        table.add_row("of a core", f"{100 * (after.seconds - before.seconds) / lasted:.0f} %")
    return table


def fifty(lab: Lab, node: Node) -> Table:
    """Fifty nodes over ssh, which are one: a sweep of 100 items each, and connections at rest."""
    items = {
        "services": [{"name": f"bench-{index:03}", "state": "running"} for index in range(15)],
        "files": [{"path": _FILE[1], "mode": "0644"}, *files(node, 4)],
        "sysctl": sysctls(node, 70),
        "packages": [{"name": name} for name in packages(node, 10)],
    }
    table = Table("over ssh", "", title=f"{NODES} nodes, 100 items each")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        fleet = [replace(node, name=f"rig-{number:02}") for number in range(NODES)]
        for each in fleet:
            declare_here(folder, each, items)
            (folder / "node-configs" / each.name / "watcher.yaml").write_text(_SELDOM)
        began = time.monotonic()
        with watching_ssh.watch(lab, folder, *fleet) as running:
            table.add_row("all checked once", f"{time.monotonic() - began:.1f} s")
            spent = []
            for mode, outcome in (("600", "drift"), ("644", "compliant")) * 3:
                running.forget()
                node.sh(f"chmod {mode} {_FILE[1]}")
                began = time.monotonic()
                running.process.send_signal(signal.SIGHUP)
                for each in fleet:
                    running.wait(each, f"files[{_FILE[1]}]", outcome)
                spent.append(time.monotonic() - began)
            table.add_row("a sweep", f"{statistics.median(spent):.1f} s (slowest {max(spent):.1f})")
            pids = [running.process.pid, *running.clients()]
            time.sleep(5)
            before = sum(map(_taken, pids))
            time.sleep(30)
            rest = (sum(map(_taken, pids)) - before) / 30
            table.add_row(f"{len(pids) - 1} connections at rest, of a core", f"{100 * rest:.2f} %")
    return table


def _taken(pid: int) -> float:
    """The seconds of a core that a process has taken."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / _TICK


if __name__ == "__main__":
    main()
