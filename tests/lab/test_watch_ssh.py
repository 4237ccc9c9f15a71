"""A watch of two nodes over ssh: one connection to each, whatever becomes of it."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.test_ends import HANGS, await_ends
from tests.lab.test_login_shells import log_in_by
from tests.support.lab.checking import declare, logins
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.roots import SHELLS
from tests.support.lab.watching_ssh import WATCHER, Watch, await_no_session, sessions, watch

pytestmark = pytest.mark.lab

STATE = {
    "sysctl": {"net.ipv4.ip_forward": "0"},
    "files": [{"path": "/etc/watched", "mode": "0644"}],
    "services": [{"name": "cron", "state": "running"}],
}
SYSCTL, FILE, GATE = "sysctl[net.ipv4.ip_forward]", "files[/etc/watched]", "node[identity]"
FILES = {"/etc/watched": "hello\n"}


@pytest.fixture(scope="module")
def nodes(lab: Lab) -> Iterator[tuple[Node, Node]]:
    with lab.node("left", files=FILES) as left, lab.node("right", files=FILES) as right:
        yield left, right


@pytest.fixture
def folder(tmp_path: Path, nodes: tuple[Node, Node]) -> Path:
    for node in nodes:
        declare(tmp_path, node, STATE)
        (tmp_path / "node-configs" / node.name / "watcher.yaml").write_text(WATCHER)
    return tmp_path


def drifts_and_comes_back(running: Watch, node: Node) -> None:
    """What changes on the node is found, and so is its end."""
    running.forget()
    node.sh("chmod 600 /etc/watched")
    running.wait(node, FILE, "drift")
    node.sh("chmod 644 /etc/watched")
    running.wait(node, FILE, "compliant")


def test_drift_of_each_node_is_found_over_one_connection(
    lab: Lab, nodes: tuple[Node, Node], folder: Path
) -> None:
    before = [logins(node) for node in nodes]
    with watch(lab, folder, *nodes) as running:
        for node in (*nodes, *nodes):
            drifts_and_comes_back(running, node)
        assert [logins(node) for node in nodes] == [number + 1 for number in before]
        assert [sessions(node) for node in nodes] == [1, 1]
        running.forget()
        nodes[1].sh("chmod 600 /etc/watched")
        running.wait(nodes[1], FILE, "drift")
        status, output = running.stop()
        nodes[1].sh("chmod 644 /etc/watched")
        assert status == 1, output
        assert "over SSH: no events, everything is checked every" in output
        for node in nodes:
            await_no_session(node)
        assert running.clients() == []


@pytest.mark.parametrize("side", ["here", "node"])
def test_a_connection_that_was_cut_is_replaced_by_one(
    lab: Lab, nodes: tuple[Node, Node], folder: Path, side: str
) -> None:
    """The node is there all the time, so that nothing is blocked."""
    node, _ = nodes
    with watch(lab, folder, node) as running:
        before = logins(node)
        (client,) = running.clients()
        if side == "here":
            os.kill(client, signal.SIGKILL)
        else:
            node.sh("pkill -KILL -f '^sshd: [r]oot'")
        drifts_and_comes_back(running, node)
        assert logins(node) == before + 1
        assert sessions(node) == 1
        assert [line for line in running.transitions() if line["to"] == "blocked"] == []
        assert running.stop()[0] == 0


def test_a_node_that_cannot_be_reached_is_blocked_until_it_can(
    lab: Lab, nodes: tuple[Node, Node], folder: Path
) -> None:
    node, other = nodes
    with watch(lab, folder, *nodes) as running:
        node.sh("systemctl stop ssh; pkill -KILL -f '^sshd: [r]oot'")
        assert running.wait(node, FILE, "blocked")["from"] == "compliant"
        drifts_and_comes_back(running, other)
        running.forget()
        node.sh("systemctl start ssh")
        running.wait(node, GATE, "compliant")
        running.wait(node, FILE, "compliant")
        drifts_and_comes_back(running, node)
        assert [sessions(each) for each in nodes] == [1, 1]
        assert running.stop()[0] == 0


@pytest.mark.parametrize("death", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_watch(
    lab: Lab, nodes: tuple[Node, Node], folder: Path, death: signal.Signals
) -> None:
    with watch(lab, folder, *nodes) as running:
        clients = [os.pidfd_open(pid) for pid in running.clients()]
        assert len(clients) == 2
        running.stop(death)
        await_ends(clients)
        for node in nodes:
            await_no_session(node)


def test_after_a_reboot_the_verdicts_are_right(lab: Lab, tmp_path: Path) -> None:
    with lab.node("rebooted", files=FILES) as node:
        declare(tmp_path, node, STATE)
        (tmp_path / "node-configs" / node.name / "watcher.yaml").write_text(WATCHER)
        with watch(lab, tmp_path, node) as running:
            node.sh("sysctl -qw net.ipv4.ip_forward=1")
            running.wait(node, SYSCTL, "drift")
            running.forget()
            again = lab.reboot(node)
            running.wait(again, SYSCTL, "compliant")
            drifts_and_comes_back(running, again)
            assert sessions(again) == 1
            assert running.stop()[0] == 0


@pytest.mark.parametrize(
    ("shell", "startup", "does"),
    [
        ("/bin/bash", ".bashrc", "echo Welcome; stty erase x"),
        ("/usr/bin/tcsh", ".tcshrc", "echo Welcome"),
        ("/bin/bsd-csh", ".cshrc", "echo Welcome"),
        ("/usr/bin/zsh", ".zshenv", "printf 'no newline'"),
        ("/usr/bin/fish", ".config/fish/config.fish", "echo Welcome"),
        ("/usr/bin/mksh", ".mkshrc", "echo Welcome"),
    ],
)
def test_any_login_shell_carries_the_watch(
    lab: Lab, shells: Node, tmp_path: Path, shell: str, startup: str, does: str
) -> None:
    log_in_by(shells, shell, startup, does)
    declare(tmp_path, shells, STATE, user="guest")
    (tmp_path / "node-configs" / shells.name / "watcher.yaml").write_text(WATCHER)
    before = logins(shells)
    with watch(lab, tmp_path, shells) as running:
        drifts_and_comes_back(running, shells)
        assert running.stop()[0] == 0
    assert logins(shells) == before + 1


@pytest.fixture(scope="module")
def shells(lab: Lab) -> Iterator[Node]:
    with lab.node("shells", root=SHELLS, files=FILES) as booted:
        yield booted


SECRET = {"files": [{"path": "/etc/watched", "mode": "0644"}, {"path": "/root/.profile"}]}


def test_sudo_runs_each_script(lab: Lab, nodes: tuple[Node, Node], tmp_path: Path) -> None:
    node, _ = nodes
    declare(tmp_path, node, SECRET, user="stella")
    (tmp_path / "node-configs" / node.name / "watcher.yaml").write_text(WATCHER)
    with watch(lab, tmp_path, node, options=["--sudo"]) as running:
        drifts_and_comes_back(running, node)
        shown = node.sh("cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'")
        assert "while read -r t l;" in shown
        assert "pe_gate" not in shown
        assert running.stop()[0] == 0


def test_a_probe_that_hangs_ends_with_the_watch(
    lab: Lab, nodes: tuple[Node, Node], tmp_path: Path
) -> None:
    node, _ = nodes
    declare(tmp_path, node, STATE, user="stella", section_timeout=2)
    (tmp_path / "node-configs" / node.name / "watcher.yaml").write_text(WATCHER)
    node.sh("mkfifo -m 666 /run/alive")
    reading = ["nsenter", f"--target={node.leader}", "--mount", "--root", "--", "cat", "/run/alive"]
    with (
        watch(lab, tmp_path, node) as running,
        subprocess.Popen(reading, stdout=subprocess.PIPE) as reader,
    ):
        assert reader.stdout is not None
        node.write("/usr/local/bin/systemctl", HANGS, 0o755)
        try:
            assert reader.stdout.readline() == b"begun\n"
            running.stop(signal.SIGKILL)
            node.sh("rm /usr/local/bin/systemctl")
            reader.stdout.read()
            await_no_session(node)
        finally:
            node.sh("rm -f /usr/local/bin/systemctl /run/alive")
            reader.kill()
