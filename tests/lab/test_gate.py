"""The gate over ssh: the wrong machine, a machine that cannot show who it is, no machine, and their
neighbours, which must not suffer.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lab.checking import check, declare, digest
from tests.support.lab.nodes import Lab, Node

pytestmark = pytest.mark.lab

STATE = {"services": [{"name": "cron", "state": "running"}], "sysctl": {"net.ipv4.ip_forward": "0"}}
OTHER_ID = "0123456789abcdef0123456789abcdef"
BLOCKED = {
    "node[identity]": "blocked",
    "services[cron]": "blocked",
    "sysctl[net.ipv4.ip_forward]": "blocked",
}
COMPLIANT = dict.fromkeys(BLOCKED, "compliant")


@pytest.fixture(scope="module")
def neighbour(lab: Lab) -> Iterator[Node]:
    with lab.node("neighbour") as booted:
        yield booted


@pytest.fixture
def watched(node: Node) -> Iterator[Node]:
    """The node, with a systemctl that leaves a mark: whoever reads services there is found out."""
    node.write(
        "/usr/local/bin/systemctl",
        '#!/bin/sh\ntouch /run/asked\nexec /usr/bin/systemctl "$@"\n',
        mode=0o755,
    )
    node.sh("rm -f /run/asked")
    yield node
    node.sh("rm /usr/local/bin/systemctl")


def test_the_wrong_machine_is_12_with_both_hashes_and_nothing_of_it_is_read(
    lab: Lab, watched: Node, tmp_path: Path
) -> None:
    declare(tmp_path, watched, STATE, machine_id=OTHER_ID)
    run = check(lab, f"--node={watched.name}", folder=tmp_path)
    assert run.status == 12, run.output
    assert run.outcomes(watched.name) == BLOCKED
    output = "".join(run.output.split())  # lines are wrapped at the terminal's width
    assert digest(OTHER_ID) in output
    assert digest(watched.machine_id) in output
    assert watched.machine_id not in output
    assert watched.sh("ls /run/asked", check=False) == ""


def test_the_right_machine_is_read(lab: Lab, watched: Node, tmp_path: Path) -> None:
    """The test above cannot pass because the mark is never left."""
    declare(tmp_path, watched, STATE)
    run = check(lab, f"--node={watched.name}", folder=tmp_path)
    assert run.status == 0, run.output
    assert run.outcomes(watched.name) == COMPLIANT
    assert watched.sh("ls /run/asked") == "/run/asked"


def test_a_machine_that_cannot_show_its_identity_is_12(
    lab: Lab, node: Node, tmp_path: Path
) -> None:
    declare(tmp_path, node, STATE)
    node.write("/etc/machine-id", "uninitialized\n")
    try:
        run = check(lab, f"--node={node.name}", folder=tmp_path)
    finally:
        node.write("/etc/machine-id", f"{node.machine_id}\n")
    assert run.status == 12, run.output
    assert run.outcomes(node.name) == BLOCKED


def test_an_unreachable_node_is_11_at_its_connect_deadline_and_costs_its_neighbour_nothing(
    lab: Lab, node: Node, neighbour: Node, tmp_path: Path
) -> None:
    declare(tmp_path, node, STATE, connect_timeout=2)
    declare(tmp_path, neighbour, STATE)
    node.sh("iptables -I INPUT -p tcp --dport 22 -j DROP")
    try:
        run = check(lab, "--node=*", folder=tmp_path)
    finally:
        node.sh("iptables -F INPUT")
    assert run.status == 11, run.output
    assert run.outcomes(node.name) == BLOCKED
    assert run.outcomes(neighbour.name) == COMPLIANT


def test_a_wrong_machine_beside_a_drifted_one_is_12_and_both_are_told(
    lab: Lab, node: Node, neighbour: Node, tmp_path: Path
) -> None:
    declare(tmp_path, node, STATE, machine_id=OTHER_ID)
    declare(tmp_path, neighbour, {**STATE, "sysctl": {"net.ipv4.ip_forward": "1"}})
    run = check(lab, "--node=*", folder=tmp_path)
    assert run.status == 12, run.output
    assert run.outcomes(node.name) == BLOCKED
    assert run.outcomes(neighbour.name) == {**COMPLIANT, "sysctl[net.ipv4.ip_forward]": "drift"}


@pytest.mark.parametrize(
    ("backend", "output"),
    [("ssh", "Host key verification failed"), ("paramiko", "not in known_hosts")],
)
def test_an_unknown_host_key_is_unreachable(
    lab: Lab, node: Node, tmp_path: Path, backend: str, output: str
) -> None:
    declare(tmp_path, node, STATE, backend=backend)
    lab.known_hosts.write_text("")
    try:
        run = check(lab, f"--node={node.name}", folder=tmp_path)
    finally:
        lab.write_ssh_files()
    assert run.status == 11, run.output
    assert output in " ".join(run.output.split())
