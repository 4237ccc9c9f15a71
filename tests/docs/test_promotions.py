"""docs/releases.md: its commands about promotions, one after the other, in a small repository."""

import re
import shlex
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path

import pytest
from click.testing import CliRunner

from power_edge.cli import cli
from tests.docs.test_docs import CHECKOUT, blocks
from tests.release.test_rollback import LOSSES
from tests.support import releases
from tests.support.repository import git

pytestmark = pytest.mark.shell

PAGE = [each for each in blocks() if each.comment.startswith("promotion")]


def test_the_commands_print_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(PAGE) == 3
    releases.make(tmp_path / "project", monkeypatch)
    git("tag", "v1.2.0")
    releases.change(
        2, "feature", **{"schemas/a.schema.yaml": releases.WIDER, "schemas/VERSION": "1.1\n"}
    )
    releases.artifacts("1.3.0-pre.145")
    for block in PAGE:
        if block.comment.endswith("spoilt"):
            spoil(next(Path("dist/v1.3.0").glob("*.whl")))
        for words, output in re.findall(
            r"^\$ power-edge (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE
        ):
            printed = CliRunner().invoke(cli, shlex.split(words)).output
            assert OutputChecker().check_output(output, printed, ELLIPSIS), printed


def spoil(wheel: Path) -> None:
    """Change one byte of the first file in a wheel."""
    data = bytearray(wheel.read_bytes())
    data[len(data) // 4] ^= 1
    wheel.write_bytes(data)


def test_the_losses_of_a_rollback_are_those_of_the_test() -> None:
    page = (CHECKOUT / "docs/releases.md").read_text()
    assert "".join(f"      {loss}\n" for loss in LOSSES) in page
