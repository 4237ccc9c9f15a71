"""The watch as a service of systemd, in its sandbox, on a real node."""

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree

import pytest

from power_edge import package_data
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.watching import CHECKOUT, FOLDER, declare, watched_node

pytestmark = pytest.mark.lab

NAME = "served"
UNIT = f"power-edge-watch@{NAME}.service"
TEMPLATE = "power-edge-watch@.service"
EVENTS, REPORT = f"/var/log/power-edge/{NAME}.jsonl", f"/var/lib/power-edge/{NAME}/junit.xml"
ODD = "/srv/odd %i $HOME 'q'"
"""A folder whose name means something to systemd."""
_SECONDS = 60.0

# What a sandbox may hide or change, each in one of its kinds: conditions on capabilities and on what
# is read-only; files in folders that a sandbox protects; a mount made by hand; a port that sshd has.
CONDITIONS = (
    "Capability=CAP_SYS_ADMIN", "Capability=!CAP_SYS_TIME", "Capability=CAP_SYS_MODULE",
    "PathIsReadWrite=/etc", "PathIsReadWrite=!/etc", "PathIsReadWrite=/proc/sys",
    "PathIsReadWrite=/srv/by-hand", "NeedsUpdate=/etc", "NeedsUpdate=!/var",
    "PathExists=/root/declared", "PathExists=/tmp/declared", "PathExists=/dev/null",
    "Virtualization=container", "PathExists=/home/declared", "PathExists=/srv/by-hand/declared",
)  # fmt: skip
FILES = (
    "/etc/shadow", "/root/declared", "/home/declared", "/tmp/declared", "/var/tmp/declared",
    "/srv/by-hand/declared", "/dev/null", "/proc/sys/kernel/panic", "/usr/lib/modules",
)  # fmt: skip
SETUP = """
for folder in /root /home /tmp /var/tmp; do echo x >$folder/declared; chmod 600 $folder/declared; done
mkdir -p /srv/by-hand
mount -t tmpfs by-hand /srv/by-hand
echo x >/srv/by-hand/declared
nft add table inet t
nft add chain inet t i '{ type filter hook input priority 0; policy drop; }'
nft add rule inet t i tcp dport 22 accept
nft add rule inet t i iif lo accept
mkdir -p /etc/systemd/system/cron.service.d
printf '[Service]\\nRestart=no\\n' >/etc/systemd/system/cron.service.d/no.conf
"""


IDENTITY = (
    'version: "1.0"\nnode: {hostname: served, purpose: tests}\nroles: [{name: monitoring-target}]\n'
)
EXPORTER = """
import http.server

class Metrics(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(b"up 1\\n")

http.server.HTTPServer(("", 9100), Metrics).serve_forever()
"""


def state(node: Node) -> str:
    """A state with as much as possible of what a watch looks at, much of it not as declared."""
    units = node.sh(
        "systemctl list-unit-files --no-legend --type=service,timer | awk '!/@/ { print $1 }'"
    ).split()
    lines = ["services:", "- {name: cron, state: running, enabled: true}"]
    lines += [f"- {{name: {unit}, enabled: true}}" for unit in units if unit != "cron.service"]
    lines += ["files:", "- {path: /etc/watched, content: hello}"]
    for path in FILES:
        content = ', content: "y\\n"' if path.endswith("declared") else ""
        lines.append(f'- {{path: {path}, mode: "0640"{content}}}')
    lines += [
        "sysctl: {net.ipv4.ip_forward: '0', kernel.panic: '77', net.bridge.x: '1'}",
        "packages:",
        "- {name: ufw, state: present}",
        "- {name: cron, state: absent}",
        "firewall:",
        "  default_incoming: allow",
        "  rules: [{port: 22, proto: tcp, action: deny}, {port: 80, proto: tcp, action: deny}]",
    ]
    return "\n".join([*lines, ""])


@pytest.fixture(scope="module")
def node(lab: Lab) -> Iterator[Node]:
    with watched_node(lab, NAME) as booted:
        booted.sh(SETUP)
        booted.sh("printf hello >/etc/watched")
        for number, condition in enumerate(CONDITIONS):
            booted.write(
                f"/etc/systemd/system/conditional-{number}.service",
                f"[Unit]\nCondition{condition}\n[Service]\nExecStart=sleep infinity\n"
                "[Install]\nWantedBy=multi-user.target\n",
            )
        booted.sh(
            "systemctl daemon-reload; cd /etc/systemd/system; systemctl enable conditional-* 2>&1"
        )
        booted.write("/srv/exporter.py", EXPORTER)
        booted.write(
            "/etc/systemd/system/exporter.service",
            f"[Service]\nExecStart={sys.executable} /srv/exporter.py\n",
        )
        booted.sh("systemctl daemon-reload; systemctl start exporter")
        declare(booted, state(booted), identity=IDENTITY)
        booted.sh(f'cp -r {FOLDER} "{ODD.replace("$", chr(92) + "$")}"')
        # A checkout, in place of an installed package.
        booted.sh(f"mkdir /etc/systemd/system/{UNIT}.d")
        booted.write(
            f"/etc/systemd/system/{UNIT}.d/checkout.conf",
            f"[Service]\nEnvironment=PYTHONPATH={CHECKOUT}/plugins\n",
        )
        yield booted


def power_edge(node: Node, *arguments: str) -> str:
    done = node.run(
        "env", "LC_ALL=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", f"PYTHONPATH={CHECKOUT}/plugins",
        sys.executable, "-P", "-c", "from power_edge.command import main; main()", *arguments,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr + journal(node)
    return done.stdout


def journal(node: Node) -> str:
    return node.sh(f"journalctl --no-pager -u {UNIT} | tail -n 400")


def shown(node: Node, *properties: str, unit: str = UNIT) -> list[str]:
    """What systemd says of the unit, in the order of the properties."""
    lines = node.run("systemctl", "show", unit).stdout.splitlines()
    values = dict(line.split("=", 1) for line in lines)
    return [values[name] for name in properties]


def events(node: Node) -> list[dict[str, Any]]:
    return [json.loads(line) for line in node.sh(f"cat {EVENTS}").splitlines()]


def until(node: Node, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not holds():
        assert time.monotonic() < deadline, journal(node)
        time.sleep(0.05)


def outcome(node: Node, kind: str, name: str) -> str | None:
    found = [e["to"] for e in events(node) if (e["type"], e["name"]) == (kind, name)]
    return found[-1] if found else None


@pytest.fixture(scope="module")
def service(node: Node) -> Node:
    power_edge(node, f"--node-configs={ODD}/node-configs", "install-service", NAME)
    return node


def test_it_is_enabled_and_active_when_everything_was_checked(service: Node) -> None:
    assert shown(service, "Type", "ActiveState", "UnitFileState") == ["notify", "active", "enabled"]
    assert outcome(service, "node", "identity") == "compliant"
    # What it prints, and what it notifies systemd of, take two ways.
    until(service, lambda: "watched by " in journal(service))
    text = journal(service)
    assert "watched by dbus, inotify, network, nftables, values, xtables" in text
    assert re.findall(r"(\w+) is not up", text) == ["auditd"]  # a container has no audit
    assert "reception only permitted" not in text


def exposure(node: Node, unit: str, *options: str) -> float:
    text = node.sh(f"systemd-analyze security --no-pager {' '.join(options)} {unit} | tail -n 1")
    found = re.search(r"exposure level for \S+: ([0-9.]+)", text)
    assert found is not None, text
    return float(found[1])


@pytest.mark.parametrize(
    ("drop_ins", "most"),
    [
        ([], 2.5),
        (["audit"], 2.6),
        (["iptables-legacy"], 2.8),
        (["iptables-legacy", "audit"], 2.9),
        (["suites"], 2.9),
    ],
    ids=["alone", "audit", "iptables-legacy", "both", "suites"],
)
def test_its_exposure(node: Node, drop_ins: list[str], most: float) -> None:
    """A node is a container, where audit is of no use: the file is judged, not the service."""
    folder = f"deploy/systemd/{TEMPLATE}"
    files = [folder, *(f"{folder}.d/{name}.conf" for name in drop_ins)]
    text = "".join(map(package_data.text, files)).replace("%i", NAME)
    node.write("/tmp/exposed.service", text)
    assert exposure(node, "/tmp/exposed.service", "--offline=true") <= most


def test_suites_reach_the_ports_of_the_node(service: Node) -> None:
    name = "monitoring-target[test_exporter_answers]"
    until(service, lambda: outcome(service, "own", name) == "compliant")


def test_its_verdicts_are_those_outside_of_the_sandbox(service: Node) -> None:
    inside = {(e["type"], e["name"]): e["to"] for e in events(service)}
    service.sh("systemctl stop power-edge-watch@*")
    reported = service.sh(f"cat {REPORT}")
    # As a service too: what enters the node from outside has capabilities that a node has not.
    service.sh(
        f"! systemd-run -q --wait -p WorkingDirectory={FOLDER} -E PYTHONPATH={CHECKOUT}/plugins"
        f" -E LC_ALL=C.UTF-8 -E PYTHONDONTWRITEBYTECODE=1 {sys.executable} -P -m pytest -q"
        f" -p power_edge.pytest_plugin -p no:cacheprovider --node={NAME} --junitxml=outside.xml"
    )
    outside = service.sh(f"cat {FOLDER}/outside.xml")
    service.sh(f"systemctl start {UNIT}")
    assert verdicts(reported) == verdicts(outside)
    assert set(inside.values()) == {"compliant", "drift", "unknown"}
    assert len(verdicts(outside)) == len(inside)


def verdicts(junit: str) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """What a report says of each item: failure or error, with the whole text."""
    return {
        (case.attrib["classname"], case.attrib["name"]): [
            (part.tag, f"{part.get('message')}\n{part.text}")
            for part in case
            if part.tag in ("failure", "error", "skipped")
        ]
        for case in ElementTree.fromstring(junit).iter("testcase")
    }


CHANGES = {
    "dbus": ("services", "cron", "systemctl stop cron", "systemctl start cron"),
    "inotify": ("files", "/etc/watched", "echo other >/etc/watched", "printf hello >/etc/watched"),
    "values": (
        "sysctl",
        "net.ipv4.ip_forward",
        "echo 1 >/proc/sys/net/ipv4/ip_forward",
        "echo 0 >/proc/sys/net/ipv4/ip_forward",
    ),
}


@pytest.mark.parametrize("source", CHANGES)
def test_a_drift_is_in_the_event_log(service: Node, source: str) -> None:
    kind, name, change, undo = CHANGES[source]
    assert outcome(service, kind, name) == "compliant"
    service.sh(change)
    until(service, lambda: outcome(service, kind, name) == "drift")
    service.sh(undo)
    until(service, lambda: outcome(service, kind, name) == "compliant")


def test_a_rule_of_the_firewall_is_seen(service: Node) -> None:
    assert outcome(service, "firewall", "default_incoming") == "drift"
    service.sh("nft flush ruleset")
    until(service, lambda: outcome(service, "firewall", "default_incoming") == "compliant")


def test_a_reload_opens_the_event_log_again(service: Node) -> None:
    (pid,) = shown(service, "MainPID")
    service.sh(f"mv {EVENTS} {EVENTS}.1; systemctl reload {UNIT}; rm -f /etc/watched")
    until(service, lambda: "/etc/watched" in service.sh(f"cat {EVENTS} 2>/dev/null || :"))
    service.sh("printf hello >/etc/watched")
    until(service, lambda: outcome(service, "files", "/etc/watched") == "compliant")
    assert shown(service, "MainPID", "ActiveState") == [pid, "active"]


def test_after_a_crash_everything_is_checked_first(service: Node) -> None:
    (pid,) = shown(service, "MainPID")
    service.sh(f"rm {EVENTS}; kill -9 {pid}; echo other >/etc/watched")
    until(service, lambda: shown(service, "NRestarts", "ActiveState") == ["1", "active"])
    until(service, lambda: any(e["name"] == "/etc/watched" for e in events(service)))
    first = [e for e in events(service) if e["name"] == "/etc/watched"]
    assert [(e["from"], e["to"]) for e in first] == [(None, "drift")]


def test_a_stop_writes_the_reports_and_is_no_failure(service: Node) -> None:
    service.sh(f"rm -f {REPORT}; systemctl stop {UNIT}")
    assert shown(service, "ActiveState", "Result", "ExecMainStatus") == ["inactive", "success", "1"]
    assert 'classname="served.services" name="cron"' in service.sh(f"cat {REPORT}")


def test_a_watch_that_hangs_is_started_again(service: Node) -> None:
    service.write(
        f"/etc/systemd/system/{UNIT}.d/short.conf", "[Service]\nWatchdogSec=2\nTimeoutAbortSec=1\n"
    )
    service.sh(f"systemctl daemon-reload; systemctl restart {UNIT}")
    pid, alive = shown(service, "MainPID", "WatchdogTimestampMonotonic")
    until(service, lambda: shown(service, "WatchdogTimestampMonotonic") != [alive])
    assert shown(service, "MainPID") == [pid]
    service.sh(f"kill -STOP {pid}")
    until(service, lambda: shown(service, "NRestarts", "ActiveState") == ["1", "active"])
    assert "Watchdog timeout" in service.sh(f"journalctl --no-pager -u {UNIT}")
    service.sh(f"rm /etc/systemd/system/{UNIT}.d/short.conf; systemctl daemon-reload")


def test_a_node_over_ssh_answers_in_its_own_sandbox(service: Node) -> None:
    # Without an identity on file it is not known to be this machine, to which nobody connects.
    service.sh(
        "nft flush ruleset\n"
        "ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519 </dev/null\n"
        "cat /root/.ssh/id_ed25519.pub >>/root/.ssh/authorized_keys\n"
        "ssh-keyscan 127.0.0.1 >>/root/.ssh/known_hosts 2>/dev/null\n"
        f"mkdir {FOLDER}/node-configs/far\n"
        f"cp {FOLDER}/node-configs/{NAME}/state.yaml {FOLDER}/node-configs/far/\n"
        f"cp -r /etc/systemd/system/{UNIT}.d /etc/systemd/system/power-edge-watch@far.service.d"
    )
    service.write(f"{FOLDER}/node-configs/far/connection.yaml", "ssh: {host: 127.0.0.1}\n")
    power_edge(service, f"--node-configs={FOLDER}/node-configs", "install-service", "far")
    lines = service.sh("cat /var/log/power-edge/far.jsonl").splitlines()
    assert {json.loads(line)["to"] for line in lines} == {"blocked"}
    unit = "power-edge-watch@far.service"
    assert exposure(service, unit) <= 2.5
    service.sh(f"systemctl stop {unit}")
    # 12: a machine answered whose identity is not on file. If none had, it would be 11.
    assert shown(service, "ExecMainStatus", "Result", unit=unit) == ["12", "success"]
    service.sh("rm /etc/systemd/system/power-edge-watch@far.service.d/checkout.conf")
    power_edge(service, "install-service", "far", "--remove")


def test_remove_leaves_nothing(service: Node) -> None:
    service.sh(f"systemctl start {UNIT}")
    service.sh(f"rm -r /etc/systemd/system/{UNIT}.d")
    power_edge(service, "install-service", NAME, "--remove")
    assert service.sh("find /etc/systemd /run/systemd/system -name 'power-edge*'") == ""
    assert service.sh("systemctl list-units --all --no-legend 'power-edge*'") == ""
    assert service.sh("pgrep -f '[p]ower_edge' || :") == ""
