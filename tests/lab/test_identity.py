"""The identity of machines that ssh leads to: by the command, and by the script without Python."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from power_edge.config import load_node
from power_edge.config.node import load_system_identity
from tests.support.lab.checking import CHECKOUT, check, declare
from tests.support.lab.nodes import Lab, Node

POWER_EDGE = str(Path(sys.executable).with_name("power-edge"))
SCRIPT = str(CHECKOUT / "probes" / "collect-identity.sh")
SHELLS = [["dash"], ["bash"], ["bash", "--posix"], ["mksh"], ["busybox", "sh"]]

pytestmark = pytest.mark.lab


def command(lab: Lab, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return lab.run(
        POWER_EDGE, "identity", *arguments, f"--ssh-config={lab.ssh_config}", check=False, cwd=cwd
    )


def script(
    lab: Lab, *arguments: str, cwd: Path, shell: list[str] | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The script, with an ssh that knows the lab."""
    ssh = cwd / "bin" / "ssh"
    ssh.parent.mkdir(exist_ok=True)
    ssh.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {lab.ssh_config} "$@"\n')
    ssh.chmod(0o755)
    path = f"{ssh.parent}:{os.environ['PATH']}"
    return lab.run(
        *(shell or ["sh"]),
        SCRIPT,
        *arguments,
        check=False,
        cwd=cwd,
        **{"PATH": path, **environment},
    )


def machine_id(file: str) -> str | None:
    identifiers = load_system_identity(file.encode(), "system-identity.yaml").identifiers
    return identifiers.primary_id if identifiers is not None else None


@pytest.mark.parametrize("user", ["root", "stella", "guest"])
def test_a_node_without_identity_is_recorded_by_the_command_that_its_gate_tells(
    lab: Lab, node: Node, tmp_path: Path, user: str
) -> None:
    declare(tmp_path, node, {"sysctl": {"net.ipv4.ip_forward": "0"}}, user=user)
    folder = tmp_path / "node-configs" / node.name
    (folder / "system-identity.yaml").unlink()
    shut = check(lab, f"--node={node.name}", folder=tmp_path)
    message = f"power-edge identity {node.name} --write"
    assert shut.status == 12
    assert message in " ".join(shut.output.split())
    assert command(lab, *message.split()[2:], cwd=tmp_path).stdout == f"{node.name}\n"
    identity = load_node(folder).system_identity
    assert identity is not None
    assert identity.identifiers is not None
    assert identity.identifiers.primary_id == node.machine_id
    assert check(lab, f"--node={node.name}", folder=tmp_path).status == 0


@pytest.mark.parametrize(
    "target",
    [
        "guest@{0.name}",
        "stella@{0.address}",
        "stella@{0.address6}",
        "ssh://root@{0.address}:22",
        "paramiko://root@{0.address}",
    ],
)
def test_the_command_takes_any_way(lab: Lab, node: Node, tmp_path: Path, target: str) -> None:
    done = command(lab, target.format(node), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert machine_id(done.stdout) == node.machine_id


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("locale", ["C", "de_DE.UTF-8", "tr_TR.UTF-8"])
def test_the_script_carries_itself_there(
    lab: Lab, node: Node, tmp_path: Path, shell: list[str], locale: str
) -> None:
    done = script(lab, f"guest@{node.name}", cwd=tmp_path, shell=shell, LANG=locale, LC_ALL=locale)
    assert done.returncode == 0, done.stderr
    assert machine_id(done.stdout) == node.machine_id


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_script_runs_under_any_shell(lab: Lab, tmp_path: Path, shell: list[str]) -> None:
    for folder in ("etc", "sys/class/dmi/id"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "sys/class/dmi/id/product_uuid").write_text(
        "00000000-0000-0000-0000-000000000000\n"
    )
    (tmp_path / "sys/class/dmi/id/board_serial").write_text(" X'1 \n")
    assert script(lab, cwd=tmp_path, shell=shell, PE_ROOT=str(tmp_path)).returncode == 12
    (tmp_path / "etc/machine-id").write_text("A5BC498E58B74733905EDBB8C8AEDF4E\n")
    done = script(lab, cwd=tmp_path, shell=shell, PE_ROOT=str(tmp_path))
    assert (done.returncode, done.stderr) == (
        0,
        "collect-identity.sh: product-uuid left out: it is all zero\n",
    )
    assert machine_id(done.stdout) == "a5bc498e58b74733905edbb8c8aedf4e"
    assert "  dmi_board_serial: 'X''1'\n" in done.stdout
    assert script(lab, "-x", cwd=tmp_path, shell=shell).returncode == 4


def test_a_machine_that_shows_no_identity_is_12(lab: Lab, node: Node, tmp_path: Path) -> None:
    node.write("/etc/machine-id", "uninitialized\n")
    try:
        for done in (
            command(lab, f"stella@{node.name}", cwd=tmp_path),
            script(lab, f"stella@{node.name}", cwd=tmp_path),
        ):
            assert (done.returncode, done.stdout) == (12, "")
            assert (
                "machine-id left out: it is uninitialized: the first boot is not complete"
                in done.stderr
            )
    finally:
        node.write("/etc/machine-id", f"{node.machine_id}\n")


def refusals(lab: Lab, target: str, folder: Path) -> list[str]:
    """What both say of a machine that cannot be reached."""
    messages = []
    for done in (command(lab, target, cwd=folder), script(lab, target, cwd=folder)):
        assert (done.returncode, done.stdout) == (11, ""), done.stderr
        messages.append(done.stderr)
    return messages


def test_a_key_that_is_refused_is_told_in_the_words_of_ssh(
    lab: Lab, node: Node, tmp_path: Path
) -> None:
    for message in refusals(lab, f"mallory@{node.name}", tmp_path):
        assert f"mallory@{node.address}: Permission denied" in message


@pytest.mark.parametrize(("changed", "words"), [(True, "Host key for {} has changed"), (False, "")])
def test_a_host_key_is_never_overridden(
    lab: Lab, node: Node, tmp_path: Path, changed: bool, words: str
) -> None:
    lab.known_hosts.write_text(
        f"{node.address} {lab.key.with_suffix('.pub').read_text()}" if changed else ""
    )
    known = lab.known_hosts.read_text()
    try:
        for message in refusals(lab, f"root@{node.name}", tmp_path):
            assert words.format(node.address) in message
            assert "Host key verification failed." in message
        assert lab.known_hosts.read_text() == known
    finally:
        lab.write_ssh_files()


def test_a_machine_that_drops_packets_is_11_at_its_connect_deadline(
    lab: Lab, node: Node, tmp_path: Path
) -> None:
    declare(tmp_path, node, {}, connect_timeout=2)
    (tmp_path / "node-configs" / node.name / "system-identity.yaml").unlink()
    node.sh("iptables -I INPUT -p tcp --dport 22 -j DROP")
    try:
        done = command(lab, node.name, "--write", cwd=tmp_path)
    finally:
        node.sh("iptables -F INPUT")
    assert (done.returncode, done.stdout) == (11, "")
    assert "timed out" in done.stderr
    assert not (tmp_path / "node-configs" / node.name / "system-identity.yaml").exists()


def test_a_machine_that_hangs_is_11_at_its_deadline_and_nothing_stays_there(
    lab: Lab, node: Node, tmp_path: Path
) -> None:
    declare(tmp_path, node, {}, section_timeout=1)
    (tmp_path / "node-configs" / node.name / "system-identity.yaml").unlink()
    node.sh("mv /etc/machine-id /root; mkfifo /etc/machine-id")
    try:
        done = command(lab, node.name, cwd=tmp_path)
        assert node.sh("pgrep -f '[c]at /etc/machine-id'", check=False) == ""
    finally:
        node.sh("mv /root/machine-id /etc/machine-id")
    assert (done.returncode, done.stdout, done.stderr) == (
        11,
        "",
        "Error: unreachable: connected, but timed out\n",
    )


def test_a_machine_without_sh_is_11_and_says_so(lab: Lab, node: Node, tmp_path: Path) -> None:
    node.sh("chsh -s /usr/sbin/nologin guest")
    try:
        by_command, by_script = refusals(lab, f"guest@{node.name}", tmp_path)
    finally:
        node.sh("chsh -s /bin/sh guest")
    assert (
        "the probe did not start: This account is currently not available. (the login shell did not run it: "
        in by_command
    )
    assert "ran no POSIX sh (status 1)" in by_script


def test_a_clone_is_refused_with_both_names(lab: Lab, node: Node, tmp_path: Path) -> None:
    declare(tmp_path, node, {})
    with lab.node("clone", machine_id=node.machine_id) as clone:
        declare(tmp_path, clone, {})
        file = tmp_path / "node-configs" / "clone" / "system-identity.yaml"
        file.unlink()
        done = command(lab, "clone", "--write", cwd=tmp_path)
        assert done.returncode == 4
        assert (
            f"node-configs/clone/system-identity.yaml: is for the same machine as node-configs/{node.name}/system-identity.yaml"
            in done.stderr
        )
        (fresh,) = re.findall(r"as root on the clone: (.*); reboot;", done.stderr)
        clone.sh(fresh)
        assert "has changed" in command(lab, "clone", "--write", cwd=tmp_path).stderr
        lab.known_hosts.write_text(
            f"{clone.address} {clone.sh('cat /etc/ssh/ssh_host_ed25519_key.pub')}\n"
        )
        assert command(lab, "clone", "--write", cwd=tmp_path).returncode == 0
        assert machine_id(file.read_text()) not in (None, node.machine_id)
