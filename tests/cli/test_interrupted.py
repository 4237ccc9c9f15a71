"""Ctrl-C while a command starts, and a reader of its output that is gone: no traceback, and no
other end than without.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.crash.injection import REPOSITORY
from tests.support.crash.machine import ANSWER

pytestmark = pytest.mark.shell
INTERRUPTS = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
STATE = "version: '1.0'\nmetadata: {site: x, environment: development}\n"


def started(
    folder: Path, *argv: str, path: str = "", stdout: int = subprocess.PIPE
) -> "subprocess.CompletedProcess[str]":
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")
    }
    plugins = str(REPOSITORY / "plugins")
    environment["PYTHONPATH"] = f"{path}:{plugins}" if path else plugins
    return subprocess.run(
        [sys.executable, "-P", *argv],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        stdout=stdout,
    )


COMMAND = ("-c", "from power_edge.command import main; main()")


@pytest.mark.parametrize("module", ["click", "rich", "msgspec", "yaml"])
def test_ctrl_c_while_a_command_is_imported_is_2(tmp_path: Path, module: str) -> None:
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / f"{module}.py").write_text(INTERRUPTS)
    (tmp_path / "answer").write_bytes(ANSWER)
    done = started(tmp_path, *COMMAND, "discover", "--answers=answer", path=str(tmp_path / "late"))
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "\nError: interrupted\n")


def test_ctrl_c_in_a_command_is_2(tmp_path: Path) -> None:
    call = f"import power_edge.cli.validate as m\ndef f(*_):\n    {INTERRUPTS.replace(chr(10), '; ').strip('; ')}\n"
    done = started(
        tmp_path,
        "-c",
        f"{call}m.find_node_configs = m.selected = f\nimport power_edge.cli\npower_edge.cli.find_node_configs = f\n"
        "from power_edge.command import main\nmain()",
        "validate",
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == "Error: interrupted"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("place", ["conftest.py", "node-configs/rig/conftest.py"])
def test_ctrl_c_while_pytest_starts_is_2(tmp_path: Path, place: str) -> None:
    node = tmp_path / "node-configs" / "rig"
    node.mkdir(parents=True)
    (node / "state.yaml").write_text(STATE)
    (node / "connection.yaml").write_text("url: local://\n")
    (node / "system-identity.yaml").write_text("validation: {require_match: false}\n")
    (tmp_path / place).write_text(INTERRUPTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done = started(tmp_path, "-m", "pytest", "-p", "no:cacheprovider", "--node=rig")
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr + done.stdout
    if place == "conftest.py":
        assert done.stderr == "\nERROR: interrupted\n"


def test_the_files_are_written_if_nobody_reads_what_is_printed(tmp_path: Path) -> None:
    (tmp_path / "answer").write_bytes(ANSWER)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = started(
            tmp_path, *COMMAND, "discover", "--answers=answer", "--as=rig", stdout=writing
        )
    finally:
        os.close(writing)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Broken pipe" not in done.stderr
    assert (tmp_path / "node-configs/rig/state.yaml").exists()
