"""A container of a real podman: a check, and the end of a run that is killed.

It has no keyring, limits that any machine allows, and storage of its own, so it runs where this
machine is a container too. Its programs are those of this machine.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.lab.test_ends import await_ends, inside
from tests.support.crash.injection import REPOSITORY

pytestmark = [pytest.mark.lab, pytest.mark.shell("podman", "runc")]

RUNC = """#!/bin/bash
for word; do
    words+=("$word")
    case $word in create | run) words+=(--no-new-keyring) ;; esac
done
exec runc "${words[@]}"
"""
PODMAN = """#!/bin/sh
exec {podman} --root={place}/root --runroot={place}/run --cgroup-manager=cgroupfs --events-backend=file --runtime={place}/bin/runc "$@"
"""
STATE = """version: '1.0'
metadata: {site: lab, environment: development}
sysctl: {vm.swappiness: '%s'}
files: [{path: /etc/motd, content: "hello\\n", mode: '0644'}]
"""


class Podman:
    """A podman with storage of its own, in a folder; and a node that is a container of it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        (place / "bin").mkdir()
        podman = shutil.which("podman")
        for name, text in (
            ("runc", RUNC.replace("exec runc", f"exec {shutil.which('runc')}")),
            ("podman", PODMAN),
        ):
            (place / "bin" / name).write_text(
                text.format(podman=podman, place=place) if name == "podman" else text
            )
            (place / "bin" / name).chmod(0o755)
        tree = place / "tree"
        for folder in ("etc", "tmp", "usr"):
            (tree / folder).mkdir(parents=True)
        for folder in ("bin", "lib", "lib64", "sbin"):
            (tree / folder).symlink_to(f"usr/{folder}")
        (tree / "etc" / "motd").write_text("hello\n")
        (tree / "etc" / "motd").chmod(0o644)
        self.podman(
            "import",
            "-",
            "web",
            stdin=subprocess.run(
                ["tar", "-C", str(tree), "-c", "."], capture_output=True, check=True
            ).stdout,
        )
        limits = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000")
        start = ("run", "-d", "--name=web", "--network=none", "--volume=/usr:/usr:ro")
        self.podman(*start, *limits, "web", "sleep", "100000")
        self.first = int(self.podman("inspect", "--format={{.State.Pid}}", "web"))

    def podman(self, *words: str, stdin: bytes = b"") -> str:
        argv = [str(self.place / "bin" / "podman"), *words]
        done = subprocess.run(argv, input=stdin, capture_output=True, check=False, timeout=120)
        assert done.returncode == 0, done
        return done.stdout.decode()

    def check(self, folder: Path, swappiness: str) -> "subprocess.Popen[str]":
        node = folder / "node-configs" / "web"
        node.mkdir(parents=True)
        (node / "state.yaml").write_text(STATE % swappiness)
        (node / "connection.yaml").write_text("url: podman://web\n")
        (node / "system-identity.yaml").write_text(
            "platform: {os_type: linux}\nidentifiers: {primary_id: 0123456789abcdef0123456789abcdef, id_type: machine-id}\n"
            "validation: {require_match: false}\n"
        )
        environment = {
            **os.environ,
            "PATH": f"{self.place}/bin:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY / "plugins"),
        }
        argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--node=web"]
        return subprocess.Popen(
            argv,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    with TemporaryDirectory(prefix="pe-") as place:  # podman takes no path of 50 characters
        made = Podman(Path(place))
        yield made
        made.podman("rm", "-f", "-t=0", "web")


def test_a_container_is_checked(podman: Podman, tmp_path: Path) -> None:
    swappiness = Path("/proc/sys/vm/swappiness").read_text().strip()
    with podman.check(tmp_path, swappiness) as run:
        out, _ = run.communicate()
    assert run.returncode == 0, out
    assert "3 passed" in out  # with the gate, which is open to any machine


def test_a_run_that_is_killed_leaves_nothing_in_the_container(
    podman: Podman, tmp_path: Path
) -> None:
    """The identity is a FIFO, which nobody writes into: the probe waits before its first section."""
    podman.podman("exec", "web", "sh", "-c", "mkfifo /etc/machine-id")
    before = inside(podman.first)
    with podman.check(tmp_path, "60") as run:
        argv = [
            str(podman.place / "bin/podman"),
            "exec",
            "web",
            "sh",
            "-c",
            "exec 9>/etc/machine-id; echo begun; exec sleep 100000",
        ]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"begun\n"
            ours = {
                pid: name
                for pid, name in inside(podman.first).items()
                if pid not in before and name != "sleep"
            }
            assert "cat" in ours.values()
            pidfds = [os.pidfd_open(pid) for pid in ours]
            run.send_signal(signal.SIGKILL)
            await_ends(pidfds)
            for pid, name in inside(podman.first).items():
                if pid not in before and name == "sleep":
                    os.kill(pid, signal.SIGKILL)
            writer.wait()
