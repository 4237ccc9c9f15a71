"""Recording machines that run systemd: from afar, and from their own side."""

import sys
from pathlib import Path

import pytest

from power_edge.config import load_node, load_state
from tests.lab.checking import CHECKOUT, check, declare
from tests.lab.nodes import Lab, Node

POWER_EDGE = str(Path(sys.executable).with_name("power-edge"))

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("user", ["root", "stella", "guest"])
def test_a_node_without_identity_is_recorded_by_the_command_that_its_gate_tells(lab: Lab, node: Node, tmp_path: Path, user: str) -> None:
    declare(tmp_path, node, {"sysctl": {"net.ipv4.ip_forward": "0"}}, user=user)
    folder = tmp_path / "node-configs" / node.name
    (folder / "system-identity.yaml").unlink()
    shut = check(lab, f"--node={node.name}", folder=tmp_path)
    command = f"power-edge record --on {node.name}"
    assert shut.status == 12
    assert command in " ".join(shut.output.split())
    assert lab.run(POWER_EDGE, *command.split()[1:], f"--ssh-config={lab.ssh_config}", cwd=tmp_path).stdout == f"{node.name}\n"
    identity = load_node(folder).system_identity
    assert identity is not None
    assert identity.identifiers is not None
    assert identity.identifiers.primary_id == node.machine_id
    assert check(lab, f"--node={node.name}", folder=tmp_path).status == 0


def test_an_unreachable_node_is_11(lab: Lab, node: Node, tmp_path: Path) -> None:
    declare(tmp_path, node, {"sysctl": {"net.ipv4.ip_forward": "0"}})
    folder = tmp_path / "node-configs" / node.name
    (folder / "system-identity.yaml").unlink()
    (folder / "connection.yaml").write_text(f"ssh: {{host: {node.address}, port: 9}}\n")
    done = lab.run(POWER_EDGE, "record", "--on", node.name, check=False, cwd=tmp_path)
    assert done.returncode == 11
    assert "unreachable" in done.stderr
    assert not (folder / "system-identity.yaml").exists()


def test_services_that_run_and_start_at_boot_are_declared_of_a_node(lab: Lab, node: Node) -> None:
    script = (CHECKOUT / "probes" / "draft-state.sh").read_text()
    for user in ("root", "guest"):
        printed = lab.ssh(f"{user}@{node.name}", script).stdout
        names = {item.name for item in load_state(printed.encode(), "state.yaml", node.name).items if item.type == "services"}
        assert {"cron", "ssh"} <= names
