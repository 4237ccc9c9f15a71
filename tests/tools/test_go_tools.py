"""tools/go-tools.sh: actionlint and act, where Go is there to build them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.trees import tool

pytestmark = pytest.mark.shell
SCRIPT = Path(__file__).parents[2] / "tools" / "go-tools.sh"


def built(tmp_path: Path, version: str, *, fails: bool = False) -> tuple[int, list[str]]:
    """Run the script in a checkout with a Go that only writes down what it is asked for."""
    checkout = tmp_path / "checkout"
    (checkout / ".venv").mkdir(parents=True, exist_ok=True)
    (checkout / "tools").mkdir(exist_ok=True)
    shutil.copy2(SCRIPT, checkout / "tools")
    log = tmp_path / "log"
    log.write_text("")
    answer = f'echo "{version}"' if version else "exit 1"
    tool(
        tmp_path,
        "go",
        f'if [ "$1" = env ]; then {answer}; else echo "$GOBIN $*" >>"{log}"; {"exit 1" if fails else ":"}; fi',
    )
    done = subprocess.run(
        ["sh", checkout / "tools" / "go-tools.sh"],
        check=False,
        capture_output=True,
        env={**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
    )
    return done.returncode, log.read_text().splitlines()


@pytest.mark.parametrize("version", ["go1.21", "go1.26.8", "go1.30rc1"])
def test_both_are_built_once(tmp_path: Path, version: str) -> None:
    status, lines = built(tmp_path, version)
    assert status == 0
    assert [line.split("/")[-1].split("@")[0] for line in lines] == ["actionlint", "act"]
    assert all(line.startswith(f"{tmp_path}/checkout/.venv/bin install ") for line in lines)
    assert built(tmp_path, version) == (0, [])


def test_a_build_that_fails_ends_nothing_and_is_tried_again(tmp_path: Path) -> None:
    assert built(tmp_path, "go1.26.8", fails=True)[0] == 0
    assert len(built(tmp_path, "go1.26.8")[1]) == 2


@pytest.mark.parametrize("version", ["", "go1.19.8", "go1.20", "devel"])
def test_nothing_is_built_without_a_go_that_can(tmp_path: Path, version: str) -> None:
    assert built(tmp_path, version) == (0, [])
