"""docs/releases.md: its commands print what is shown there, on the schemas of this checkout."""

import re
import shlex
import shutil
from doctest import OutputChecker
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from power_edge.cli import cli
from power_edge.config.schema import validator
from tests.docs.test_docs import CHECKOUT, Block, blocks

pytestmark = pytest.mark.shell

PAGE = [block for block in blocks() if block.place.startswith("docs/releases.md")]
EDITS = {
    "before": ("", ""),
    "without-home-lab": (", home-lab]", "]"),
    "with-masked": (
        "enum: [running, stopped, disabled]",
        "enum: [running, stopped, disabled, masked]",
    ),
}
"""The folders of the page: what is replaced in core.schema.yaml."""


def test_the_page_has_a_major_and_a_minor_example() -> None:
    shown = "".join(block.text for block in PAGE if block.language == "console")
    assert re.findall(r"^(MAJOR|MINOR|PATCH) \(", shown, re.MULTILINE) == ["MAJOR", "MINOR"]


@pytest.mark.parametrize(
    "block", [pytest.param(each, id=each.place) for each in PAGE if each.language == "console"]
)
def test_the_commands_print_what_is_shown(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, (old, new) in EDITS.items():
        shutil.copytree(CHECKOUT / "schemas", tmp_path / name)
        core = tmp_path / name / "core.schema.yaml"
        text = core.read_text()
        assert old in text
        core.write_text(text.replace(old, new, 1))
    monkeypatch.chdir(tmp_path)
    command, _, output = block.text.partition("\n")
    program, *words = shlex.split(command.removeprefix("$ "))
    assert program == "power-edge"
    printed = CliRunner().invoke(cli, words).output
    assert OutputChecker().check_output(output, printed, 0), printed


def test_the_accepted_change_of_the_page_is_valid() -> None:
    [block] = [each for each in PAGE if each.language == "yaml"]
    validator("accepted").validate(yaml.safe_load(block.text))
