"""The lab itself: the nodes are what the other tests take them for."""

import pytest

from tests.lab.nodes import Lab, Node

pytestmark = pytest.mark.lab


def test_a_node_runs_systemd_and_is_reached_over_ssh_with_its_host_key_checked(lab: Lab, node: Node) -> None:
    assert lab.ssh(f"root@{node.address}", "systemctl is-system-running").stdout == "running\n"
    assert lab.ssh(f"root@{node.name}", "cat /etc/machine-id; hostname").stdout == f"{node.machine_id}\n{node.name}\n"


def test_the_two_plain_users_differ_by_sudo(lab: Lab, node: Node) -> None:
    assert lab.ssh(f"stella@{node.name}", "sudo -n id -un").stdout == "root\n"
    assert lab.ssh(f"guest@{node.name}", "sudo -n id -un", check=False).returncode == 1
