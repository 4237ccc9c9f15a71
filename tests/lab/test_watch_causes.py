"""What a node itself keeps of a change, in the transitions of a watch: no audit is needed.

Audit is tried in test_watch_audit.py, for nodes have none.
"""

from collections.abc import Iterator

import pytest

from tests.support.lab.nodes import Lab, Node
from tests.support.lab.watching import Watch, declare, watch, watched_node

pytestmark = pytest.mark.lab

UNIT = """\
[Service]
ExecStart=/bin/sh -c 'echo "the last words of %p"; exec sleep infinity'
Restart={restart}
"""
STATE = """
services:
- {name: cron, state: running}
- {name: plain, state: running}
- {name: again, state: running}
packages:
- {name: openvpn, state: present}
files:
- {path: /etc/watched, mode: "0644"}
firewall:
  default_incoming: allow
"""
DROP = "add table inet t; add chain inet t i { type filter hook input priority 0; policy drop; }"


@pytest.fixture(scope="module")
def node(lab: Lab) -> Iterator[Node]:
    units = {
        f"/etc/systemd/system/{name}.service": UNIT.format(restart=restart)
        for name, restart in (("plain", "no"), ("again", "always"))
    }
    files = {**units, "/etc/watched": ""}
    with watched_node(lab, "causes", files=files) as booted:
        booted.sh("systemctl start plain again; systemctl restart cron")
        declare(booted, STATE)
        yield booted


@pytest.fixture(scope="module")
def running(node: Node) -> Iterator[Watch]:
    with watch(node) as started:
        yield started


def test_a_stopped_service_has_its_result_and_last_lines(node: Node, running: Watch) -> None:
    node.sh("systemctl stop plain")
    cause = running.wait("services", "plain", "drift")["cause"]
    assert (cause["kind"], cause["unit"], cause["user"]) == ("service", "plain.service", None)
    # Nothing refers to the unit, so that systemd forgets it and its result at once.
    assert cause["detail"][-1].startswith("Stopped plain.service")
    assert len(cause["detail"]) == 3
    node.sh("systemctl start plain")
    assert running.wait("services", "plain", "compliant")["cause"] is None


def test_a_stopped_service_that_systemd_knows_has_its_result(node: Node, running: Watch) -> None:
    node.sh("systemctl stop cron")
    cause = running.wait("services", "cron", "drift")["cause"]
    assert (cause["kind"], cause["unit"], cause["user"]) == ("service", "cron.service", None)
    assert cause["detail"][0] == "result success, its main process ended by signal 15"
    assert cause["detail"][-1].startswith("Stopped cron.service")
    node.sh("systemctl start cron")
    assert running.wait("services", "cron", "compliant")["cause"] is None


def test_a_killed_service_says_by_which_signal(node: Node, running: Watch) -> None:
    pid = int(node.sh("systemctl show --property=MainPID --value plain"))
    node.sh("systemctl kill --signal=SEGV plain")
    cause = running.wait("services", "plain", "drift")["cause"]
    assert (cause["kind"], cause["unit"], cause["pid"]) == ("service", "plain.service", pid)
    result, *lines = cause["detail"]
    assert result.startswith("result ")
    assert result.endswith("signal 11")
    assert lines[-1].startswith("plain.service: Failed with result")
    assert cause["detail"][1:-1]
    # A start alone counts after a minute: what ended by itself may end again.
    node.sh("systemctl start plain; systemctl restart plain")
    running.wait("services", "plain", "compliant")


def test_a_service_that_systemd_restarted_says_how_it_ended(node: Node, running: Watch) -> None:
    node.sh("systemctl kill --signal=KILL again")
    cause = running.wait("services", "again", "drift")["cause"]
    assert (cause["kind"], cause["unit"]) == ("service", "again.service")
    # The verdict can come before the restart, and then there is a process that has ended.
    assert (cause["pid"] is None) == (not cause["detail"][0].startswith("result signal"))
    assert "again.service: Failed with result 'signal'." in cause["detail"]
    assert not [line for line in cause["detail"] if line.startswith("Started")]


def test_a_commit_has_its_command(node: Node, running: Watch) -> None:
    node.run("nft", DROP)
    cause = running.wait("firewall", "default_incoming", "drift")["cause"]
    assert (cause["kind"], cause["command"]) == ("commit", "nft")
    node.sh("nft flush ruleset")
    running.wait("firewall", "default_incoming", "compliant")


def test_a_package_has_its_log_entry(lab: Lab, node: Node, running: Watch) -> None:
    lab.ssh(f"stella@{node.name}", "sudo apt-get -qq purge -y openvpn")
    cause = running.wait("packages", "openvpn", "drift")["cause"]
    assert (cause["kind"], cause["user"]) == ("package", "stella")
    assert cause["command"] == "apt-get -qq purge -y openvpn"
    assert cause["detail"][0].startswith("Purge: openvpn:")


def test_what_no_record_explains_is_not_attributed(node: Node, running: Watch) -> None:
    node.sh("chmod 600 /etc/watched")
    assert running.wait("files", "/etc/watched", "drift")["cause"] is None
    running.wait_for("not attributed")
