"""power-edge.pyz: the program in one file."""

import ast
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.artifacts import artifact

CHECKOUT = Path(__file__).parents[2]
START = CHECKOUT / "deploy/packages/start.py"
STATE = "version: '1.0'\nmetadata: {site: a, environment: staging}\n"
"""Nothing but the gate: the machine is also somebody else's, and changes."""
OLD = """
import os, sys
sys.version_info = {version}
os.uname = lambda: ("Linux", "-", "-", "-", {machine!r})
sys.argv = ["power-edge.pyz", "check", "a b"]
exec(open({file!r}).read())
print("started")
"""
"""The first lines of the file, in a Python or on a machine that is another one."""


def started(path: Path, version: str = "(3, 11)", machine: str = "x86_64") -> tuple[int, str, str]:
    program = OLD.format(version=version, machine=machine, file=str(START))
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": str(path)},
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.shell
@pytest.mark.parametrize("version", ["(2, 7)", "(3, 9)", "(3, 10)", "(3, 15)"])
def test_another_python_alone_is_said_in_one_line(version: str, tmp_path: Path) -> None:
    code, out, err = started(tmp_path, version)
    major, minor = ast.literal_eval(version)
    assert (code, out) == (4, "")
    assert err == (
        f"power-edge.pyz: it needs Python 3.11 to 3.14, and there is only {major}.{minor}: install"
        " one (such as python3.11), or check this machine over SSH from another one\n"
    )


@pytest.mark.shell
def test_a_python_that_does_is_started_instead(tmp_path: Path) -> None:
    for name, script in (
        ("python3.14", "exit 127"),  # what a version manager leaves behind
        ("python3.12", 'if [ "$1" = -c ]; then exit 0; fi; printf "<%s>" "$0" "$@"'),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    code, out, err = started(tmp_path, "(3, 9)")
    assert (code, out, err) == (0, f"<{tmp_path}/python3.12><power-edge.pyz><check><a b>", "")


@pytest.mark.shell
def test_another_machine_is_said_in_one_line(tmp_path: Path) -> None:
    code, out, err = started(tmp_path, machine="aarch64")
    assert (code, out) == (4, "")
    assert err == (
        "power-edge.pyz: it is for Linux on x86_64 with glibc, and this is Linux on aarch64: install"
        " the wheel, or check this machine over SSH from another one\n"
    )


@pytest.mark.shell
def test_a_python_that_does_goes_on(tmp_path: Path) -> None:
    assert started(tmp_path) == (0, "started\n", "")


def test_an_old_python_understands_its_first_lines() -> None:
    text = START.read_text(encoding="ascii")
    ast.parse(text, feature_version=(3, 4))
    assert 'f"' not in text
    assert "print" not in text


@pytest.mark.artifact
def test_it_checks_this_machine(tmp_path: Path) -> None:
    pyz = artifact("power-edge.pyz")
    assert pyz.stat().st_mode & stat.S_IXUSR

    def run(*words: str, **more: str) -> str:
        environment = {"PATH": os.environ["PATH"], "PEX_ROOT": str(tmp_path / "root"), **more}
        # By its first line it would be any Python that the machine has.
        argv = [sys.executable, str(pyz), *words]
        return subprocess.check_output(argv, cwd=tmp_path, env=environment, text=True)

    assert run("--version").startswith("power-edge ")
    node = run("init").strip()
    (tmp_path / "node-configs" / node / "state.yaml").write_text(STATE)
    assert "1 passed" in run("check", node)
    assert "1 passed" in run(f"--node={node}", PEX_SCRIPT="pytest")
