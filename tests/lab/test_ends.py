"""However a run ends, nothing of it is left: no ssh here, no probe on the node."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
"""In place of a tool of the node's: says that it began, and goes on for ever.

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

    def await_end_on_the_node(self) -> None:
        assert self.holders.read() == b""


@contextmanager
def run_of(lab: Lab, node: Node, folder: Path, user: str, **timeouts: Any) -> Iterator[Run]:
    declare(folder, node, STATE, user=user, **timeouts)
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
            yield Run(run, reader.stdout)
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
