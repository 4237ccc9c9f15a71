"""The scripts that are run by hand, towards a hostile machine: ssh is a script that prints what the
machine would.
"""

import os
import subprocess
from pathlib import Path

import pytest

from power_edge import package_data
from tests.cli.test_identity import printed
from tests.hostile.test_commands import machine
from tests.support import answers
from tests.support.hostile.values import TOGETHER, VALUES, coded, unobeyed
from tests.support.trees import tool

pytestmark = pytest.mark.shell

STATUSES = (0, 3, 4, 11, 12)
MORE = {**TOGETHER, **{name: VALUES[name] for name in ("command", "half a command")}}


def run(folder: Path, script: str, stdout: bytes, stderr: bytes = b"", status: int = 0) -> bytes:
    """What a script prints, but for an answer; both its outputs were held against what no output
    may hold.
    """
    (folder / "stdout").write_bytes(stdout)
    (folder / "stderr").write_bytes(stderr)
    tool(
        folder,
        "ssh",
        f"cat >/dev/null; cat '{folder}/stdout'; cat '{folder}/stderr' >&2; exit {status}",
    )
    path = package_data.folder("probes") / f"{script}.sh"
    done = subprocess.run(
        ["sh", path, "joe@rig"],
        capture_output=True,
        check=False,
        env={**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}"},
        timeout=60,
    )
    unobeyed(done.stderr)
    assert done.returncode in STATUSES
    if script == "discover-edge-node":
        return b""
    unobeyed(done.stdout)
    return done.stdout


@pytest.mark.parametrize("value", MORE.values(), ids=MORE)
def test_about(tmp_path: Path, value: str) -> None:
    raw = coded(value)
    answer = machine(value)
    assert run(tmp_path, "about-this-node", answer).count(b"pwned") > 20
    # A machine chooses the frame of its answer, too.
    frame = (
        answer.replace(answers.NONCE.encode(), b"nonce")
        .replace(b"about.who", b"about." + raw.replace(b" ", b""))
        .replace(b" 0 20\n", b" " + raw + b" 20\n")
    )
    run(tmp_path, "about-this-node", frame)
    run(tmp_path, "about-this-node", raw + answer, raw, 255)


@pytest.mark.parametrize("value", MORE.values(), ids=MORE)
def test_identity(tmp_path: Path, value: str) -> None:
    raw = coded(value)
    end = b"  alert_on_mismatch: true\n"
    good = printed(answers.MACHINE)
    for stdout in (
        good + end,
        raw + b"\n" + good + raw + b"\n" + end,
        good + b"  " + raw + b"\n" + end,
        good.replace(b"linux", raw) + end,
        raw,
        b"",
    ):
        for status in (0, 12, 255):
            run(
                tmp_path,
                "collect-identity",
                stdout,
                b"collect-identity.sh: " + raw + b"\n" + raw,
                status,
            )


@pytest.mark.parametrize("value", MORE.values(), ids=MORE)
@pytest.mark.parametrize("status", [0, 255])
def test_discovery(tmp_path: Path, value: str, status: int) -> None:
    run(tmp_path, "discover-edge-node", coded(value), coded(value), status)
