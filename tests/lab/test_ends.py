"""However a run ends, nothing of it is left: no ssh here, no probe on the node."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

import pytest

from tests.support.lab.checking import declare
from tests.support.lab.nodes import COMMAND_SECONDS, Lab, Node

pytestmark = pytest.mark.lab

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]
HANGS = """#!/bin/sh
exec 9>/run/alive
echo begun >&9
sleep 100000
"""
"""In place of a tool of the node's: says that it began, and goes on forever.

The FIFO tells when it and its children have ended.
"""
STATE = {"services": [{"name": "cron", "state": "running"}]}


@pytest.fixture(scope="module")
def hanging(lab: Lab) -> Iterator[Node]:
    """A node whose sshd runs a command that never ends for `guest`, and whose systemctl never
    answers `stella`.
    """
    rule = "Match User guest\n    ForceCommand /usr/local/bin/hangs\n"
    files = {"/usr/local/bin/hangs": HANGS, "/etc/ssh/sshd_config.d/guest.conf": rule}
    with lab.node(
        "hanging",
        files=files,
        prepare="printf 'd /run 0755 -\\np /run/alive 0666 -\\n' >/etc/tmpfiles.d/alive.conf",
    ) as booted:
        yield booted


class Run(NamedTuple):
    """A run that has reached the node and got no further."""

    process: "subprocess.Popen[bytes]"
    holders: "IO[bytes]"
    """The node's FIFO: it ends when the last process on the node that holds it has ended."""
    before: dict[int, str]
    """The processes of the node before the run."""

    def await_end_on_the_node(self) -> None:
        assert self.holders.read() == b""


@contextmanager
def run_of(
    lab: Lab,
    node: Node,
    folder: Path,
    user: str,
    *,
    state: dict[str, Any] = STATE,
    make: str = ":",
    **timeouts: Any,
) -> Iterator[Run]:
    declare(folder, node, state, user=user, **timeouts)
    node.sh(make)
    before = processes(node)
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        f"--ssh-config={lab.ssh_config}",
        f"--node={node.name}",
    ]
    inside = ["nsenter", f"--net=/proc/{lab.holder}/ns/net", "--", *argv]
    reading = ["nsenter", f"--target={node.leader}", "--mount", "--root", "--", "cat", "/run/alive"]
    with (
        subprocess.Popen(reading, stdout=subprocess.PIPE) as reader,
        subprocess.Popen(
            inside,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as run,
    ):
        assert reader.stdout is not None
        try:
            assert reader.stdout.readline() == b"begun\n"
            yield Run(run, reader.stdout, before)
        finally:
            run.kill()
            node.sh(
                "pkill -x sleep || :"
            )  # a forced command is the node's own, and none of ours to end
            reader.kill()


def clients(lab: Lab) -> list[int]:
    """The ssh clients of the lab on this side, by pidfd."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if os.fsencode(str(lab.ssh_config)) in words and b"pytest" not in words:
                found.append(os.pidfd_open(int(folder.name)))
        except (OSError, ProcessLookupError):
            continue
    return found


def await_ends(pidfds: list[int]) -> None:
    waiting = select.poll()
    for each in pidfds:
        waiting.register(each, select.POLLIN)
    left = {*pidfds}
    while left:
        ended = waiting.poll(COMMAND_SECONDS * 1000)
        assert ended, "a process is left"
        for each, _ in ended:
            waiting.unregister(each)
            left.discard(each)
            os.close(each)


@pytest.mark.parametrize("death", SIGNALS)
def test_a_run_that_is_killed_leaves_no_ssh(
    lab: Lab, hanging: Node, tmp_path: Path, death: signal.Signals
) -> None:
    with run_of(lab, hanging, tmp_path, "guest") as run:
        processes = clients(lab)
        assert processes
        run.process.send_signal(death)
        await_ends(processes)


def test_a_deadline_over_paramiko_is_11(lab: Lab, hanging: Node, tmp_path: Path) -> None:
    with run_of(
        lab, hanging, tmp_path, "guest", backend="paramiko", connect_timeout=1, node_timeout=1
    ) as run:
        assert run.process.wait(COMMAND_SECONDS) == 11


def test_a_deadline_leaves_no_ssh(lab: Lab, hanging: Node, tmp_path: Path) -> None:
    with run_of(lab, hanging, tmp_path, "guest", connect_timeout=1, node_timeout=1) as run:
        processes = clients(lab)
        assert processes
        await_ends(processes)
        assert run.process.wait(COMMAND_SECONDS) == 11


@pytest.mark.parametrize("death", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("backend", ["ssh", "paramiko"])
def test_a_probe_on_the_node_ends_with_its_connection(
    lab: Lab, hanging: Node, tmp_path: Path, backend: str, death: signal.Signals
) -> None:
    hanging.sh("cp /usr/local/bin/hangs /usr/local/bin/systemctl")
    try:
        with run_of(lab, hanging, tmp_path, "stella", backend=backend, section_timeout=2) as run:
            run.process.send_signal(death)
            run.await_end_on_the_node()
            script = hanging.sh("pgrep -fc 'pe_[m]ain' || :")
            assert script == "0"
    finally:
        hanging.sh("rm -f /usr/local/bin/systemctl")


def test_ps_shows_nothing_of_the_script(lab: Lab, hanging: Node, tmp_path: Path) -> None:
    hanging.sh("cp /usr/local/bin/hangs /usr/local/bin/systemctl")
    try:
        with run_of(lab, hanging, tmp_path, "root", section_timeout=5) as run:
            here = [
                line
                for folder in Path("/proc").glob("[0-9]*")
                if str(lab.ssh_config) in (line := _command_line(folder))
            ]
            command_lines = [hanging.sh("cat /proc/[0-9]*/cmdline"), *here]
            run.process.kill()
            assert not [
                each for each in command_lines if "pe_gate()" in each or "|base64 -d|" in each
            ]
            run.await_end_on_the_node()
    finally:
        hanging.sh("rm -f /usr/local/bin/systemctl")


def _command_line(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


class Hang(NamedTuple):
    """What hangs on a node before the first section or below sudo, how it is mended, and the exit
    status of a run that waits for its deadline.
    """

    make: str
    mend: str
    status: int
    state: dict[str, Any] = STATE
    theirs: frozenset[str] = frozenset()
    """Programs that are left and are not ours to end: PAM started them."""


SILENT = """mkfifo -m {mode} /run/silent
mount --bind /run/silent /etc/machine-id
(exec 9>/run/silent; echo begun >/run/alive; exec sleep 100000) </dev/null >/dev/null 2>&1 &"""
"""In place of the identity, a file that can be opened and never read to its end."""
SPEAKS = "umount /etc/machine-id; rm /run/silent"
HANGING = {
    "a read": Hang(SILENT.format(mode="0644"), SPEAKS, 12),
    "a read by root": Hang(SILENT.format(mode="0400"), SPEAKS, 12),
    "sudo": Hang(
        """install -m 0400 /etc/machine-id /run/hidden
mount --bind /run/hidden /etc/machine-id
cp /etc/pam.d/sudo /root/sudo
echo 'account required pam_exec.so quiet /usr/local/bin/hangs' >>/etc/pam.d/sudo""",
        "umount /etc/machine-id; cp /root/sudo /etc/pam.d/sudo",
        12,
        theirs=frozenset({"hangs", "sleep"}),
    ),
    "a tool of root's": Hang(
        "cp /usr/local/bin/hangs /usr/local/sbin/nft",
        "rm /usr/local/sbin/nft",
        10,
        {"firewall": {"enabled": True}},
    ),
}


def inside(first: int) -> dict[int, str]:
    """The processes of the pid namespace of a process, by their ids on this side; with names."""
    namespace = Path(f"/proc/{first}/ns/pid").readlink()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "ns/pid").readlink() == namespace:
                found[int(folder.name)] = (folder / "comm").read_text().strip()
        except OSError:  # it has ended, or is none of ours
            continue
    return found


def processes(node: Node) -> dict[int, str]:
    """The processes of a node but for systemd's, by their ids on this side; with their names."""
    return {pid: name for pid, name in inside(node.leader).items() if "systemd" not in name}


def await_none_but(node: Node, before: dict[int, str], theirs: frozenset[str]) -> None:
    """Wait until no process is left on a node that was not there before."""
    while left := {
        pid: name
        for pid, name in processes(node).items()
        if pid not in before and name not in theirs
    }:
        with suppress(ProcessLookupError):
            await_ends([os.pidfd_open(pid) for pid in left])


@pytest.mark.parametrize("death", [None, signal.SIGKILL], ids=["deadline", "SIGKILL"])
@pytest.mark.parametrize("hang", HANGING)
def test_what_hangs_before_the_sections_or_below_sudo_ends_by_the_deadline(
    lab: Lab, hanging: Node, tmp_path: Path, hang: str, death: signal.Signals | None
) -> None:
    make, mend, status, state, theirs = HANGING[hang]
    try:
        with run_of(
            lab, hanging, tmp_path, "stella", state=state, make=make, section_timeout=2
        ) as run:
            if death is None:
                assert run.process.wait(COMMAND_SECONDS) == status
            else:
                run.process.send_signal(death)
            await_none_but(hanging, run.before, theirs)
    finally:
        hanging.sh(mend)
