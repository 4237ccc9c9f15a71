"""However a run ends, what it started ends with it, the commands of own tests among it, and the
terminal is as it was.
"""

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.test_every_command import COMMANDS
from tests.probing.test_process import Holders, holders

pytestmark = pytest.mark.shell

__all__ = ["holders"]

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]
HANGS = """#!/bin/sh
exec 9>{fifo}
(stty raw -echo </dev/tty) 2>/dev/null
echo begun >&9
(timeout 1000 sleep 1000; true) &
sleep 1000
"""
"""A program that never ends, has a child in a group of its own, and sets the terminal as ssh and
sudo do, if it can get at it.
"""


@pytest.fixture
def project(tmp_path: Path, holders: Holders) -> Path:
    """A folder with a node, and programs that never end in its `bin`."""
    node = tmp_path / "node-configs" / "here"
    node.mkdir(parents=True)
    (node / "state.yaml").write_text(
        "version: '1.0'\nmetadata: {site: here, environment: development}\nsysctl: {vm.swappiness: '60'}\n"
    )
    (node / "system-identity.yaml").write_text("validation: {require_match: false}\n")
    (tmp_path / "bin").mkdir()
    for name in ("SHA256SUMS", "SHA256SUMS.sig", "promotion.json"):
        (tmp_path / name).touch()
    for name in ("hangs", "ssh", "git", "ssh-keygen"):
        (tmp_path / "bin" / name).write_text(HANGS.format(fifo=holders.fifo))
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal."""
    ends = pty.openpty()
    yield ends
    for end in ends:
        os.close(end)


def own_test(project: Path, url: str) -> None:
    (project / "node-configs/here/connection.yaml").write_text(f"url: {url}\n")
    (project / "node-configs/here/test_own.py").write_text(
        "def test_own(host):\n    host.run('hangs')\n"
    )


PYTEST = ("-m", "pytest", "-p", "no:cacheprovider", "-s")
COMMAND = ("-c", "from power_edge.command import main; main()")
CASES = {
    "a check": ((*PYTEST, "--node=here"), "ssh://rig"),
    "a watch": ((*PYTEST, "--node=here", "--watch"), "ssh://rig"),
    "an own test": ((*PYTEST, "node-configs/here/test_own.py"), "local://"),
    "an own test over ssh": ((*PYTEST, "node-configs/here/test_own.py"), "ssh://rig"),
    **{
        " ".join(words): ((*COMMAND, *words), "ssh://rig")
        for words in (
            ("about", "here"),
            ("adopt", "here"),
            ("check", "here"),
            ("discover", "here"),
            ("gate",),
            ("identity", "here"),
            ("mends", "here"),
            ("release", "check-tag", "1.0.0"),
            ("release", "incident", "1.0.0"),
            ("release", "pre", "1.0.0-pre.1"),
            ("release", "promote", "1.0.0-pre.1", "1.0.0"),
            ("release", "verify", "SHA256SUMS"),
            ("schema", "diff", "a", "b"),
            ("version", "check"),
            ("version", "next"),
        )
    },
}
"""Of each what is run, and the way to the node."""
OTHERS = {
    "derive": "starts nothing",
    "import goss": "starts nothing",
    "init": "asks this machine as `a check` asks a node",
    "install-service": "runs systemctl as other commands run git",
    "nodes": "starts nothing",
    "probe-script": "starts nothing",
    "status": "connects, and starts nothing",
    "validate": "starts nothing",
    "version compare": "starts nothing",
    "version needs": "starts nothing",
    "version show": "starts nothing",
}
"""Commands that are not tried here, and why."""


def test_each_command_is_tried() -> None:
    tried = {
        " ".join(words)
        for words in COMMANDS
        for case in CASES
        if (*case.split(),)[: len(words)] == words
    }
    assert tried | {*OTHERS} == {" ".join(words) for words in COMMANDS}
    assert not tried & {*OTHERS}


@pytest.mark.parametrize("death", SIGNALS, ids=lambda death: death.name)
@pytest.mark.parametrize("case", CASES)
def test_nothing_is_left_and_the_terminal_is_as_it_was(
    project: Path, holders: Holders, terminal: tuple[int, int], case: str, death: signal.Signals
) -> None:
    words, url = CASES[case]
    own_test(project, url)
    (master, slave) = terminal
    before = termios.tcgetattr(slave)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")
    }
    environment["PATH"] = f"{project}/bin:{environment['PATH']}"
    # A leader of a session, with the terminal as its own.
    argv = [
        "setsid",
        "--ctty",
        sys.executable,
        *words,
    ]
    with subprocess.Popen(
        argv, cwd=project, env=environment, stdin=slave, stdout=slave, stderr=slave
    ) as run:
        holders.await_begun()
        os.set_blocking(master, False)
        run.send_signal(death)
        holders.await_gone()
        run.wait()
    assert termios.tcgetattr(slave) == before
