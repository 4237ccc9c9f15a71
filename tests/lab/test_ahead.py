"""A run that repeats another one, and asks its node before it has loaded anything."""

from pathlib import Path

import pytest
import yaml

from tests.lab.checking import check, declare, logins
from tests.lab.nodes import Lab, Node

pytestmark = pytest.mark.lab

KEY = "net.ipv4.ip_forward"


@pytest.fixture
def folder(lab: Lab, node: Node, tmp_path: Path) -> Path:
    """A node that has been checked once."""
    declare(tmp_path, node, {"sysctl": {KEY: "0"}})
    assert check(lab, f"--node={node.name}", folder=tmp_path).status == 0
    return tmp_path


def remembered(lab: Lab) -> tuple[int, int]:
    """Which file it is, by time and inode: the newest, for each test has a folder of its own."""
    return max((inode.st_ctime_ns, inode.st_ino) for file in (lab.directory / "cache" / "power-edge").iterdir() for inode in [file.stat()])


def edit(folder: Path, node: Node, value: object) -> None:
    file = folder / "node-configs" / node.name / "state.yaml"
    state = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump(state | {"sysctl": {KEY: value}}))


def test_a_repeated_run_asks_once_and_sees_what_is_true(lab: Lab, node: Node, folder: Path) -> None:
    first, before = remembered(lab), logins(node)
    assert check(lab, f"--node={node.name}", folder=folder).status == 0
    assert logins(node) - before == 1
    node.sh(f"sysctl -q -w {KEY}=1")
    run = check(lab, f"--node={node.name}", folder=folder)
    node.sh(f"sysctl -q -w {KEY}=0")
    assert run.status == 1, run.output
    assert run.item(node.name, f"sysctl[{KEY}]")["actual"] == {"value": "1"}
    assert remembered(lab) == first  # else it would have been written anew, being no longer what is sent


def test_a_changed_file_is_asked_anew(lab: Lab, node: Node, folder: Path) -> None:
    first, before = remembered(lab), logins(node)
    edit(folder, node, "1")
    run = check(lab, f"--node={node.name}", folder=folder)
    assert run.status == 1, run.output
    assert run.item(node.name, f"sysctl[{KEY}]")["expected"] == {"value": "1"}
    assert logins(node) - before == 1
    assert remembered(lab) != first


def test_a_file_that_broke_touches_no_node(lab: Lab, node: Node, folder: Path) -> None:
    before = logins(node)
    edit(folder, node, 0)
    assert check(lab, f"--node={node.name}", folder=folder).status == 4
    assert logins(node) == before


def test_a_node_that_is_gone_or_another_is_told_as_ever(lab: Lab, node: Node, folder: Path) -> None:
    """Its files say what they said: what was sent ahead meets another machine, or none."""
    node.sh("systemctl stop ssh.socket ssh.service")
    gone = check(lab, f"--node={node.name}", folder=folder)
    node.sh("systemctl start ssh.service; cp /etc/machine-id /root/id; echo 0123456789abcdef0123456789abcdef >/etc/machine-id")
    another = check(lab, f"--node={node.name}", folder=folder)
    node.sh("cp /root/id /etc/machine-id")
    assert gone.status == 11, gone.output
    assert "port 22: Connection re" in gone.output
    assert another.status == 12, another.output
