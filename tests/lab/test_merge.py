"""What was discovered of a node, merged into files that a person has changed."""

import sys
from pathlib import Path

import pytest

from tests.support.lab.checking import check
from tests.support.lab.nodes import Lab, Node

pytestmark = pytest.mark.lab

POWER_EDGE = str(Path(sys.executable).with_name("power-edge"))


def test_discovering_a_node_again(lab: Lab, node: Node, tmp_path: Path) -> None:
    def discover(*arguments: str) -> str:
        return lab.run(
            POWER_EDGE,
            "discover",
            f"--ssh-config={lab.ssh_config}",
            f"root@{node.name}",
            *arguments,
            cwd=tmp_path,
        ).stdout

    (tmp_path / "node-configs").mkdir()
    discover()
    folder = tmp_path / "node-configs" / node.name
    state, watcher = folder / "state.yaml", folder / "watcher.yaml"
    before = (
        state.read_text()
        .replace(
            "# metadata: {site: NAME, environment: production}", "metadata: {site: a}   # ours"
        )
        .replace("- name: ssh\n", "- name: ssh.service\n")
    )
    assert "# ours" in before
    state.write_text(before.replace("\nservices:", "\n# what runs\nservices:") + "\n# the end\n")
    watcher.write_text("version: '1.0'\nwatchers:\n  enabled: false  # not yet\n")
    discover("--merge")
    assert "not yet" in watcher.read_text()
    files = {file: file.read_text() for file in (state, watcher)}

    assert "is up to date" in discover("--merge")
    assert {file: file.read_text() for file in files} == files

    node.write("/etc/sysctl.d/99-pe.conf", "net.ipv4.tcp_keepalive_time = 7201\n")
    node.sh("sysctl -qw net.ipv4.tcp_keepalive_time=7201")
    output = discover("--merge")
    assert '+  net.ipv4.tcp_keepalive_time: "7201"' in output
    assert not [
        line for line in output.splitlines() if line.startswith("-") and not line.startswith("---")
    ]
    added = [
        line for line in state.read_text().splitlines() if line not in files[state].splitlines()
    ]
    assert len(added) <= 6, added
    left = iter(state.read_text().splitlines())
    assert all(line in left for line in files[state].splitlines())
    assert check(lab, f"--node={node.name}", folder=tmp_path).status == 0
