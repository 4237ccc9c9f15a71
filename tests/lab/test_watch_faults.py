"""Faults under a watch, on a real node. After each: the right verdicts, what was lost is counted,
and nothing is left behind.

Audit is tried in test_watch_audit.py, for nodes have none; connections in test_watch_ssh.py.
"""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import IO, Any

import pytest

from tests.lab.test_ends import HANGS
from tests.lab.test_watch_service import power_edge, shown
from tests.support.lab.nodes import COMMAND_SECONDS, Lab, Node
from tests.support.lab.watch_state import (
    LISTEN,
    PATIENT,
    await_agreement,
    differences,
    known,
    page,
    source,
    status,
    until,
)
from tests.support.lab.watching import CHECKOUT, FOLDER, Watch, declare, watch, watched_node

pytestmark = pytest.mark.lab

FLAPPING = 100
STATE = """
services:
- {name: cron, state: running, enabled: true}
- {name: speaks, state: running}
sysctl:
  net.ipv4.ip_forward: "0"
packages:
- {name: ufw, state: present}
files:
- {path: /etc/faulty/one, mode: "0644", content: "hello\\n"}
firewall:
  default_incoming: allow
"""
WATCHER = """\
version: "1.0"
watchers: {enabled: true, journald: {units: [speaks.service]}}
"""
FILE = "/etc/faulty/one"
FULL = "/srv/full"


@pytest.fixture(scope="module")
def node(lab: Lab) -> Iterator[Node]:
    files = {
        FILE: "hello\n",
        # A service that systemd does not start again.
        "/etc/systemd/system/cron.service.d/no.conf": "[Service]\nRestart=no\n",
        "/etc/systemd/system/speaks.service": "[Service]\nExecStart=/bin/sleep infinity\nExecReload=/bin/echo spoken\n",
        # What these tests do to them is more than a node does to its services.
        **{
            f"/etc/systemd/system/{name}.service.d/often.conf": "[Unit]\nStartLimitIntervalSec=0\n"
            for name in ("systemd-journald", "dbus", "cron")
        },
    }
    with watched_node(lab, "faulty", files=files) as booted:
        booted.sh("systemctl start speaks")
        declare(booted, STATE, watcher=WATCHER, connection=PATIENT)
        booted.sh(f"mkdir -p {FULL}; mount -t tmpfs -o size=200k full {FULL}")
        yield booted


@pytest.fixture
def running(node: Node) -> Iterator[Watch]:
    with watch(node, LISTEN) as started:
        yield started
        # Whatever happened, it goes on, and knows what is true.
        await_agreement(started)
        before = processes(node)
        assert started.stop()[0] == 0, started.printed()
        after = processes(node)
        assert started.pid in before
        assert {pid: text for pid, text in after.items() if "pytest" in text or "pe_" in text} == {}


def processes(node: Node) -> dict[int, str]:
    """The processes of the node: the words that they were started with."""
    script = 'for each in /proc/[0-9]*; do printf "%s %s\\n" "${each#/proc/}" "$(tr "\\0\\n" "  " <$each/cmdline)"; done'
    lines = node.sh(f"({script}) 2>/dev/null || :").splitlines()
    return {int(line.split()[0]): line.partition(" ")[2] for line in lines}


CHANGES = {
    "dbus": ("services", "cron", "systemctl stop cron", "systemctl start cron"),
    "inotify": ("files", FILE, f"chmod 600 {FILE}", f"chmod 644 {FILE}"),
    "values": (
        "sysctl",
        "net.ipv4.ip_forward",
        "sysctl -qw net.ipv4.ip_forward=1",
        "sysctl -qw net.ipv4.ip_forward=0",
    ),
}


def drifts_and_comes_back(node: Node, running: Watch) -> None:
    """Each source reports a change again, and its end: no check of everything is waited for."""
    for name, (kind, item, change, undo) in CHANGES.items():
        for what, outcome in ((change, "drift"), (undo, "compliant")):
            before = source(node, name)["events"]
            node.sh(what)
            running.wait(kind, item, outcome)
            until(running, lambda: source(node, name)["events"] > before)  # noqa: B023


@pytest.mark.parametrize(
    ("end", "begin"),
    [
        (
            "systemctl stop dbus.socket dbus.service 2>&1",
            "systemctl start dbus.socket dbus.service",
        ),
        ("pkill -9 -x dbus-daemon", "systemctl start dbus.service"),
        ("systemctl daemon-reexec", ":"),
    ],
    ids=["stopped", "killed", "systemd-anew"],
)
def test_what_happens_while_the_bus_is_away(
    node: Node, running: Watch, end: str, begin: str
) -> None:
    node.sh(f"{end}; systemctl stop cron; {begin}")
    running.wait("services", "cron", "drift")
    until(running, lambda: source(node, "dbus")["up"])
    assert source(node, "dbus")["lost"] == 1
    assert differences(node) == {}
    node.sh("systemctl start cron")
    running.wait("services", "cron", "compliant")
    drifts_and_comes_back(node, running)
    assert source(node, "dbus")["lost"] == 1
    assert page(node, "/health") == "healthy\n"


@pytest.mark.parametrize("death", ["KILL", "TERM"])
def test_a_journald_that_ends_loses_nothing(node: Node, running: Watch, death: str) -> None:
    for _ in range(3):
        before = source(node, "journald")["events"]
        node.sh("systemctl reload speaks")
        until(running, lambda: source(node, "journald")["events"] > before)  # noqa: B023
        before = source(node, "journald")["events"]
        node.sh(f"systemctl kill --signal={death} systemd-journald; systemctl reload speaks")
        until(running, lambda: source(node, "journald")["events"] > before)  # noqa: B023
    assert (source(node, "journald")["up"], source(node, "journald")["lost"]) == (True, 0)
    drifts_and_comes_back(node, running)


def test_a_queue_of_file_events_that_overflows(node: Node, running: Watch) -> None:
    # Linux lets a queue hold fs.inotify.max_queued_events; equal events in a row count once.
    most = int(node.sh("cat /proc/sys/fs/inotify/max_queued_events"))
    running.signal(signal.SIGSTOP)
    node.sh(
        f"cd /etc/faulty; n=0; while [ $n -le {most // 2} ]; do >x$n; n=$((n+1)); done; rm x*;"
        f" echo other >{FILE}"
    )
    # nsenter stops with what it has started, and starts it again.
    until(running, lambda: _is_stopped(running.process.pid))
    running.process.send_signal(signal.SIGCONT)
    running.wait("files", FILE, "drift")
    until(running, lambda: source(node, "inotify")["lost"] >= 1)
    assert differences(node) == {}
    node.sh(f"echo hello >{FILE}")
    running.wait("files", FILE, "compliant")
    drifts_and_comes_back(node, running)
    assert source(node, "inotify")["up"]


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_a_disk_that_is_full(node: Node) -> None:
    """Event log, textfile and reports: none of them is cut, none ends the watch."""
    log, textfile, report = (f"{FULL}/{name}" for name in ("log", "edge.prom", "junit.xml"))
    # The number of the log is not known before.
    links = f"cd {FOLDER}; for n in $(seq 999); do ln -sf {log} events-$n.jsonl; done"
    node.sh(f"rm -f {FOLDER}/events-*; {links}")
    with watch(
        node, LISTEN, f"--prometheus-textfile={textfile}", f"--junitxml={report}"
    ) as started:
        until(started, lambda: node.run("test", "-s", textfile, check=False).returncode == 0)
        node.sh(f"head -c 1M /dev/zero >{FULL}/fill 2>/dev/null || :")
        before = node.sh(f"cat {textfile}")
        # The last block of the log has room for some lines yet.
        for mode in cycle(("600", "644")):
            node.sh(f"chmod {mode} {FILE}")
            until(started, lambda: status(node)["items"]["drift"] == (mode == "600"))  # noqa: B023
            if "the event log could not be written: No space left" in started.printed():
                break
        node.sh(f"chmod 600 {FILE}")
        until(started, lambda: status(node)["items"]["drift"] == 1)
        started.wait_for(f"{textfile} could not be written")
        assert node.sh(f"cat {textfile}") == before
        assert differences(node) == {}
        node.sh("sysctl -qw net.ipv4.ip_forward=1")
        until(started, lambda: status(node)["items"]["drift"] == 2)
        node.sh(f"rm {FULL}/fill; sysctl -qw net.ipv4.ip_forward=0; chmod 644 {FILE}")
        until(started, lambda: status(node)["items"]["drift"] == 0)
        started.wait_for(f"{textfile} is written again")
        await_agreement(started)
        assert started.stop()[0] == 0, started.printed()
    lines = [json.loads(line) for line in node.sh(f"cat {log}").splitlines()]
    assert [line["to"] for line in lines if line["name"] == FILE][-1] == "compliant"
    assert sorted(node.sh(f"ls -A {FULL}").split()) == ["edge.prom", "junit.xml", "log"]
    node.sh(f"rm -f {FOLDER}/events-*")


GARBAGE = {
    "bytes": "printf '\\0\\377\\376garbage' >state.yaml",
    "gone": "mv state.yaml elsewhere",
    "folder": "rm state.yaml; mkdir state.yaml",
    "loop": "rm state.yaml; ln -s state.yaml state.yaml",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_a_state_that_is_garbage_and_mended(node: Node, running: Watch, garbage: str) -> None:
    def error() -> object:
        return status(node)["configuration"]["error"]

    node.sh(f"cd {FOLDER}/node-configs/faulty; {garbage}")
    until(running, lambda: error() is not None)
    assert 'power_edge_config_error{node="faulty"} 1.0' in page(node, "/metrics")
    running.wait_for("the one that was loaded last stays in force")
    # What was declared before holds, and is watched.
    drifts_and_comes_back(node, running)
    node.sh(f"rm -rf {FOLDER}/node-configs/faulty/state.yaml")
    declare(node, STATE.replace("0644", "0600"), watcher=WATCHER, connection=PATIENT)
    running.wait("files", FILE, "drift")
    assert error() is None
    declare(node, STATE, watcher=WATCHER, connection=PATIENT)
    running.wait("files", FILE, "compliant")
    drifts_and_comes_back(node, running)


def test_a_clock_that_is_stepped_by_an_hour(node: Node) -> None:
    """There and back, and further back. The monotonic clock goes on, as it does when a clock is
    set.
    """
    # At the same place on both sides: what enters the node loads it too.
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    inside = node.tree / library.relative_to("/")
    inside.parent.mkdir()
    shutil.copy(library, inside)
    offset = f"{FOLDER}/offset"
    textfile = f"{FOLDER}/clock.prom"
    fake = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": offset,
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        # Not the tools of the probe: what they compare with is the node's clock, which stays.
        "FAKETIME_ONLY_CMDS": Path(sys.executable).name,
    }
    node.write(offset, "+0")
    with watch(node, LISTEN, f"--prometheus-textfile={textfile}", environment=fake) as started:
        drifts_and_comes_back(node, started)
        for step in ("+3600", "+0", "-3600", "+0"):
            written = node.sh(f"cat {textfile}")
            node.write(offset, step)
            drifts_and_comes_back(node, started)
            assert page(node, "/health") == "healthy\n"
            until(started, lambda: node.sh(f"cat {textfile}") != written)  # noqa: B023
            assert status(node)["overdue_seconds"] == 0
        late = [line["detection_seconds"] for line in started.transitions()]
        assert all(each is None or each >= 0 for each in late)
        await_agreement(started)
        assert started.stop()[0] == 0, started.printed()


@contextmanager
def hanging(node: Node) -> Iterator[IO[bytes]]:
    """A node whose systemctl goes on for ever. It says on the FIFO that it began; the FIFO ends
    when nobody is left who runs it.
    """
    enter = ["nsenter", f"--target={node.leader}", "--mount", "--root", "--"]
    node.sh("mkfifo -m 666 /run/alive")
    node.write("/usr/local/bin/systemctl", HANGS, 0o755)
    try:
        with subprocess.Popen([*enter, "cat", "/run/alive"], stdout=subprocess.PIPE) as reader:
            assert reader.stdout is not None
            yield reader.stdout
            node.sh("rm /usr/local/bin/systemctl")
            assert set(reader.stdout) <= {b"begun\n"}
    finally:
        node.sh("rm -f /usr/local/bin/systemctl /run/alive")


def stop_cron(node: Node) -> None:
    node.run("/usr/bin/systemctl", "stop", "cron")


@pytest.mark.parametrize("death", [signal.SIGTERM, signal.SIGKILL])
def test_an_end_in_the_middle_of_a_check(node: Node, death: signal.Signals) -> None:
    report = f"{FOLDER}/junit-{death.value}.xml"
    with hanging(node) as alive:
        node.sh("mv /usr/local/bin/systemctl /root/")
        with watch(node, LISTEN, f"--junitxml={report}") as started:
            node.sh("mv /root/systemctl /usr/local/bin/")
            stop_cron(node)
            assert alive.readline() == b"begun\n"
            started.signal(death)
            code, text = started.end()
        node.sh("rm /usr/local/bin/systemctl")
        # Nobody has the FIFO any more: the probe has ended with the watch.
        assert set(alive) <= {b"begun\n"}
        node.write("/usr/local/bin/systemctl", HANGS, 0o755)
    left = [text for text in processes(node).values() if "--watch" in text or "pe_" in text]
    assert left == []
    if death is not signal.SIGKILL:
        # What was being checked is as it was judged last.
        assert code == 0, text
        assert 'name="cron"' in node.sh(f"cat {report}")
    # The next watch checks everything first.
    with watch(node, LISTEN) as started:
        started.wait("services", "cron", "drift")
        node.sh("systemctl start cron")
        started.wait("services", "cron", "compliant")
        assert differences(node) == {}


def test_a_hundred_units_that_flap(node: Node) -> None:
    for kind, command in (("dies", "sleep 1"), ("stays", "sleep infinity")):
        node.write(
            f"/etc/systemd/system/{kind}@.service",
            "[Unit]\nStartLimitIntervalSec=0\n"
            f"[Service]\nExecStart=/bin/{command}\nRestart=always\nRestartSec=1s\n",
        )
    names = [f"{kind}@{n}" for kind in ("dies", "stays") for n in range(FLAPPING // 2)]
    listed = "".join(f"- {{name: {name}, state: running}}\n" for name in names)
    declare(
        node,
        STATE.replace("services:\n", f"services:\n{listed}"),
        watcher=WATCHER,
        connection=PATIENT,
    )
    every = " ".join(names)
    stays = " ".join(name for name in names if name.startswith("stays"))
    node.sh("systemctl daemon-reload")
    try:
        with watch(node, LISTEN) as started:
            node.sh(f"systemctl start {every}")
            for _ in range(2):
                node.sh(f"systemctl stop {stays}; systemctl start {stays}")
                node.sh("sysctl -qw net.ipv4.ip_forward=1")
                started.wait("sysctl", "net.ipv4.ip_forward", "drift")
                node.sh("sysctl -qw net.ipv4.ip_forward=0")
                started.wait("sysctl", "net.ipv4.ip_forward", "compliant")
            assert page(node, "/health") == "healthy\n"
            down = [*names[: FLAPPING // 2], *names[FLAPPING // 2 :: 2]]
            node.sh(f"systemctl stop {' '.join(down)}")
            drifts = {f"services[{name}]" for name in down}
            until(
                started,
                lambda: (
                    {name for name, told in known(node).items() if told.startswith("drift")}
                    == drifts
                ),
            )
            assert differences(node) == {}
            assert source(node, "dbus")["lost"] == 0
            assert started.stop()[0] == 1
    finally:
        node.sh(
            f"systemctl stop {every}; rm /etc/systemd/system/dies@* /etc/systemd/system/stays@*"
        )
        node.sh("systemctl daemon-reload")
        declare(node, STATE, watcher=WATCHER, connection=PATIENT)


@pytest.fixture
def service(node: Node) -> Iterator[str]:
    """The watch as a service of the node: its unit."""
    unit = f"power-edge-watch@{node.name}.service"
    node.sh(f"mkdir -p /etc/systemd/system/{unit}.d")
    node.write(
        f"/etc/systemd/system/{unit}.d/checkout.conf",
        f"[Service]\nEnvironment=PYTHONPATH={CHECKOUT}/plugins\n",
    )
    power_edge(node, f"--node-configs={FOLDER}/node-configs", "install-service", node.name)
    yield unit
    power_edge(node, "install-service", node.name, "--remove")
    node.sh(f"rm -r /etc/systemd/system/{unit}.d")
    assert [text for text in processes(node).values() if "--watch" in text] == []


def test_a_service_whose_systemd_comes_anew(node: Node, service: str) -> None:
    (pid,) = shown(node, "MainPID", unit=service)
    node.sh("systemctl daemon-reexec; systemctl stop cron")
    _await_logged(node, "cron", "drift")
    node.sh("systemctl start cron")
    _await_logged(node, "cron", "compliant")
    assert shown(node, "MainPID", "ActiveState", unit=service) == [pid, "active"]


def test_a_service_that_is_killed_in_the_middle_of_a_check(node: Node, service: str) -> None:
    (pid,) = shown(node, "MainPID", unit=service)
    with hanging(node) as alive:
        stop_cron(node)
        assert alive.readline() == b"begun\n"
        node.sh(f"rm {_log(node)}; kill -9 {pid}; chmod 600 {FILE}; rm /usr/local/bin/systemctl")
        assert set(alive) <= {b"begun\n"}
        node.write("/usr/local/bin/systemctl", HANGS, 0o755)
    # systemd starts it again: everything is checked first, and nothing was missed.
    _await_logged(node, "cron", "drift")
    _await_logged(node, FILE, "drift")
    first = {line["name"]: line for line in reversed(_logged(node))}
    assert [first[name]["from"] for name in ("cron", FILE, "identity")] == [None] * 3
    assert shown(node, "NRestarts", unit=service) == ["1"]
    node.sh(f"chmod 644 {FILE}; systemctl start cron")
    _await_logged(node, "cron", "compliant")
    _await_logged(node, FILE, "compliant")


def _log(node: Node) -> str:
    return f"/var/log/power-edge/{node.name}.jsonl"


def _logged(node: Node) -> list[dict[str, Any]]:
    lines = node.sh(f"cat {_log(node)} 2>/dev/null || :").splitlines()
    return [json.loads(line) for line in lines]


def _await_logged(node: Node, name: str, outcome: str) -> None:
    deadline = time.monotonic() + COMMAND_SECONDS
    while [line["to"] for line in _logged(node) if line["name"] == name][-1:] != [outcome]:
        assert time.monotonic() < deadline, _logged(node)[-5:]
        time.sleep(0.05)
