"""A run whose output cannot be written."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.project import PASSED_OVER, Project, identity_of

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.shell

HERE = identity_of(Path("/etc/machine-id").read_text().strip())
SHOWN = {"kernel.ostype": "Linux"}
Opened = Callable[[], int]


def begun(project: Project, output: int, *arguments: str) -> "subprocess.Popen[str]":
    usual = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", "-p", "power_edge.pytest_plugin"),
            *("--node=a", "--connection=local", "--hosts=local://", *PASSED_OVER, *arguments),
        ],
        cwd=project.path,
        env=usual,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
    )


def closed() -> int:
    """A pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def full() -> int:
    """A file on a disk that is full."""
    return os.open("/dev/full", os.O_WRONLY)


@pytest.mark.parametrize("quiet", [(), ("-q",), ("-s",)], ids=["usual", "quiet", "uncaptured"])
@pytest.mark.parametrize(
    ("opened", "reason"), [(closed, "Broken pipe"), (full, "No space left on device")]
)
def test_a_check(project: Project, opened: Opened, reason: str, quiet: tuple[str, ...]) -> None:
    """It is not drift, and no traceback."""
    project.node("a", SHOWN, identity=HERE)
    output = opened()
    with begun(project, output, *quiet, "--junitxml=report.xml") as process:
        os.close(output)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (
        3,
        f"ERROR: the output could not be written: {reason}\n",
    )
    assert 'failures="0"' in (project.path / "report.xml").read_text()


def test_a_watch(project: Project) -> None:
    """It goes on, and its other outputs are as ever."""
    project.node("a", SHOWN, identity=HERE)
    output = closed()
    with begun(
        project, output, "--watch", "--event-log=events", "--junitxml=report.xml"
    ) as process:
        os.close(output)
        end = time.monotonic() + 60
        events = project.path / "events"
        while not (events.exists() and "kernel.ostype" in events.read_text()):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.05)  # between two looks
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert 'failures="0"' in (project.path / "report.xml").read_text()
