"""A watch on a real node: what changes there, and what is reported of it."""

import signal
from collections.abc import Iterator

import pytest

from tests.support.lab.nodes import Lab, Node
from tests.support.lab.watching import FOLDER, Watch, declare, watch, watched_node

pytestmark = pytest.mark.lab

STATE = """
services:
- {name: cron, state: running, enabled: true}
- {name: ssh, state: running, enabled: true}
sysctl:
  net.ipv4.ip_forward: "0"
packages:
- {name: ufw, state: present}
- {name: openvpn, state: present}
files:
- {path: /etc/watched, mode: "0644", content: "hello\\n"}
- {path: /etc/watched.d/one, mode: "0644"}
firewall:
  default_incoming: allow
"""
DROP = "nft add table inet t; nft add chain inet t i '{ type filter hook input priority 0; policy drop; }'"


@pytest.fixture(scope="module")
def node(lab: Lab) -> Iterator[Node]:
    with watched_node(lab, "watched") as booted:
        booted.sh("mkdir -p /etc/watched.d; touch /etc/watched.d/one; echo hello >/etc/watched")
        # A service that was started with the machine, and that systemd does not start again.
        booted.sh(
            "mkdir -p /etc/systemd/system/cron.service.d\n"
            "printf '[Service]\\nRestart=no\\n' >/etc/systemd/system/cron.service.d/no.conf\n"
            "systemctl daemon-reload"
        )
        declare(booted, STATE)
        yield booted


@pytest.fixture(scope="module")
def running(node: Node) -> Iterator[Watch]:
    with watch(node) as started:
        yield started


SERVICE, FILE = ("services", "cron"), ("files", "/etc/watched")
CHANGES = {
    "stop": (SERVICE, "dbus", "systemctl stop cron", "systemctl start cron"),
    # A start alone counts after a minute: what ended by itself may end again.
    "crash": (SERVICE, "dbus", "pkill -9 -x cron", "systemctl start cron; systemctl restart cron"),
    "disable": (
        SERVICE, "dbus|inotify", "systemctl disable -q cron 2>&1", "systemctl enable -q cron 2>&1"
    ),
    "link": (
        SERVICE,
        "dbus|inotify",
        "mv /etc/systemd/system/multi-user.target.wants/cron.service /root/",
        "mv /root/cron.service /etc/systemd/system/multi-user.target.wants/",
    ),
    "write": (FILE, "inotify", "echo other >/etc/watched", "echo hello >/etc/watched"),
    "chmod": (FILE, "inotify", "chmod 600 /etc/watched", "chmod 644 /etc/watched"),
    "delete": (FILE, "inotify", "rm /etc/watched", "echo hello >/etc/watched"),
    "folder": (
        ("files", "/etc/watched.d/one"),
        "inotify",
        "mv /etc/watched.d /etc/elsewhere.d",
        "mv /etc/elsewhere.d /etc/watched.d",
    ),
    "sysctl": (
        ("sysctl", "net.ipv4.ip_forward"),
        "values",
        "echo 1 >/proc/sys/net/ipv4/ip_forward",
        "sysctl -qw net.ipv4.ip_forward=0",
    ),
    "nft": (("firewall", "default_incoming"), "nftables", DROP, "nft flush ruleset"),
    "package": (
        ("packages", "openvpn"),
        "inotify",
        "cp /var/lib/dpkg/status /root/; dpkg --remove --force-all openvpn",
        "cp /root/status /var/lib/dpkg/new; mv /var/lib/dpkg/new /var/lib/dpkg/status",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("item", "source", "drift", "back"), CHANGES.values(), ids=CHANGES)
def test_a_change_and_its_end_are_reported(
    node: Node, running: Watch, item: tuple[str, str], source: str, drift: str, back: str
) -> None:
    before = len(running.printed().splitlines())
    node.sh(drift)
    there = running.wait(*item, "drift")
    assert there["from"] in ("compliant", "unknown")
    assert there["detection_seconds"] is not None, there
    printed = running.printed().splitlines()[before:]
    node.sh(back)
    running.wait(*item, "compliant")
    lines = [line for line in printed if f"{item[0]}[{item[1]}]" in line]
    assert any(f"({one}, " in line for one in source.split("|") for line in lines), lines


def test_a_name_that_becomes_another_units_is_followed(lab: Lab) -> None:
    with watched_node(lab, "renamed") as node:
        declare(node, "services: [{name: late, state: running}]\n")
        with watch(node) as started:
            started.wait("services", "late", "drift")
            node.sh("ln -s /lib/systemd/system/cron.service /etc/systemd/system/late.service")
            node.sh("systemctl daemon-reload")
            started.wait("services", "late", "compliant")
            node.sh("systemctl stop cron")
            assert started.wait("services", "late", "drift")["detection_seconds"] is not None


def test_another_identity_shuts_the_gate(lab: Lab) -> None:
    with watched_node(lab, "replaced") as node:
        declare(node, "services: [{name: cron, state: running}]\n")
        with watch(node) as started:
            node.sh(
                "echo 0123456789abcdef0123456789abcdef >/root/id; cat /root/id >/etc/machine-id"
            )
            started.wait("node", "identity", "blocked")
            started.wait("services", "cron", "blocked")
            status, _ = started.stop()
    assert status == 12


def test_while_the_bus_is_gone_everything_is_checked(lab: Lab) -> None:
    settings = 'version: "1.0"\nwatchers: {enabled: true}\nevent_handler: {sweep_seconds: 1}\n'
    with watched_node(lab, "busless") as node:
        declare(node, "services: [{name: cron, state: running}]\n", watcher=settings)
        with watch(node) as started:
            node.sh("systemctl stop dbus.socket dbus.service; systemctl stop cron")
            started.wait_for("dbus is down")
            started.wait("services", "cron", "drift")


def test_a_configuration_that_changes_is_loaded_again_and_a_broken_one_is_not(lab: Lab) -> None:
    with watched_node(lab, "edited") as node:
        node.sh("echo hello >/etc/watched")
        declare(node, 'files: [{path: /etc/watched, mode: "0644"}]\n')
        with watch(node) as started:
            declare(node, 'files: [{path: /etc/watched, mode: "0600"}]\n')
            started.wait("files", "/etc/watched", "drift")
            declare(node, "files: [")
            started.wait_for("unusable configuration")
            node.sh("chmod 600 /etc/watched")
            started.wait("files", "/etc/watched", "compliant")
            declare(node, 'files: [{path: /etc/more, mode: "0600"}]\n')
            started.wait("files", "/etc/more", "drift")
            status, output = started.stop()
    assert status == 1, output
    assert "files[/etc/more]" in output
    assert "edited: 1 drift, 1 compliant" in output


def test_a_watch_that_ends_reports_its_last_state(node: Node) -> None:
    arguments = ("--junitxml=junit.xml", "--json-report", "--json-report-file=report.json")
    with watch(node, *arguments) as started:
        node.sh("echo other >/etc/watched")
        started.wait("files", "/etc/watched", "drift")
        started.signal(signal.SIGUSR1)
        started.wait_for_file("report.json")
        early = node.sh(f"cat {FOLDER}/report.json; rm {FOLDER}/report.json")
        assert '"exit_status": 1' in early
        status, output = started.stop()
        node.sh("echo hello >/etc/watched")
    assert status == 1
    assert "1 drift, 8 compliant" in output
    assert node.sh(f"tr '<' '\\n' <{FOLDER}/junit.xml | grep -c '^testcase'") == "9"
    assert '"exit_status": 1' in node.sh(f"cat {FOLDER}/report.json")


def test_a_watch_of_a_compliant_node_ends_with_0_and_leaves_nothing(lab: Lab) -> None:
    processes = "ps -e -o comm= | grep -Ev '^(ps|sh|grep|sort|uniq)$' | sort | uniq -c"
    with watched_node(lab, "quiet") as node:
        declare(node, "services: [{name: cron, state: running}]\n")
        before = node.sh(processes)
        for number in (signal.SIGTERM, signal.SIGINT):
            with watch(node) as started:
                started.signal(number)
                status, output = started.end()
            assert status == 0, output
            assert node.sh(processes) == before
