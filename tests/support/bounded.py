"""Nodes behind a stand-in for ssh that print what a test says, and commands about them whose memory
is measured.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.support.answers import MACHINE
from tests.support.project import PASSED_OVER, identity_of

MEASURE = """
import os, sys
folder, output, *argv = sys.argv[1:]
pid = os.fork()
if not pid:
    os.chdir(folder)
    os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
    os.dup2(1, 2)
    os.execvp(argv[0], argv)
_, status, usage = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""
"""A process between: the peak of a child counts from its fork on, and this one is small."""
SSH = """#!/bin/sh
[ "$1" != -V ] || exit 0
while [ $# -gt 2 ]; do shift; done
cat >/dev/null
exec sh {0}/$1.sh
"""
"""In place of ssh: runs what stands for the node, which is the word before the command."""


class Ended(NamedTuple):
    status: int
    output: str
    peak: float
    """MiB of memory."""


class Nodes:
    """A folder of nodes, each a script that prints its answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scripts = folder / "scripts"
        self.scripts.mkdir()
        ssh = folder / "bin" / "ssh"
        ssh.parent.mkdir()
        ssh.write_text(SSH.format(shlex.quote(str(self.scripts))))
        ssh.chmod(0o755)

    def node(self, name: str, prints: str | bytes, **declared: Any) -> None:
        """A node that declares this, and prints these bytes, or what this sh prints."""
        configuration = self.folder / "node-configs" / name
        configuration.mkdir(parents=True)
        state = {
            "version": "1.0",
            "metadata": {"site": "here", "environment": "development"},
            **(declared or {"sysctl": {"vm.swappiness": "60"}}),
        }
        files = {
            "state": state,
            "system-identity": identity_of(MACHINE),
            "connection": {"ssh": {"host": name}},
        }
        for file, content in files.items():
            (configuration / f"{file}.yaml").write_text(yaml.safe_dump(content))
        if isinstance(prints, bytes):
            answer = self.scripts / f"{name}.answer"
            answer.write_bytes(prints)
            prints = f"cat {shlex.quote(str(answer))}"
        (self.scripts / f"{name}.sh").write_text(prints)

    def check(self, *options: str, prefix: tuple[str, ...] = ()) -> Ended:
        """`pytest --node=*` about all nodes."""
        return self.run(
            *prefix,
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            *PASSED_OVER,
            "--node=*",
            *options,
        )

    def command(self, *arguments: str, prefix: tuple[str, ...] = ()) -> Ended:
        """`power-edge`."""
        return self.run(
            *prefix, sys.executable, "-c", "from power_edge.cli import main; main()", *arguments
        )

    def run(self, *argv: str, environment: Mapping[str, str] = {}) -> Ended:
        output = self.folder / "output"
        ours = {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "COLUMNS": "200",
        }
        others = {
            name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")
        }
        measure = [sys.executable, "-c", MEASURE, str(self.folder), str(output), *argv]
        done = subprocess.run(
            measure,
            env={**others, **ours, **environment},
            capture_output=True,
            text=True,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        status, kib = done.stdout.split()
        return Ended(int(status), output.read_text(errors="replace"), int(kib) / 1024)
