"""docs/releases.md: its commands print what is shown there, on the schemas of this checkout."""

import re
import shlex
import shutil
from contextlib import ExitStack
from doctest import OutputChecker
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from power_edge.cli import cli
from power_edge.config.schema import validator
from power_edge.release import interface
from tests.docs.test_docs import CHECKOUT, Block, blocks
from tests.support.newer_schemas import newer_schemas
from tests.support.repository import commit, make

pytestmark = pytest.mark.shell

PAGE = [
    block
    for block in blocks()
    if block.place.startswith("docs/releases.md") and not block.comment.startswith("promotion")
]
"""The examples about promotions are run by test_promotions.py."""
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


STATE = 'version: "{}"\nmetadata: {{site: north, environment: production}}\n'
NODES = {
    "version needs": {"rig-07": ("1.0", "enabled: true"), "rig-08": ("1.0", "state: running")},
    "validate": {"rig-07": ("1.0", "enabled: true"), "rig-09": ("1.9", "state: running")},
}
"""The nodes of a command of the page: what each says, and its field."""


@pytest.mark.parametrize(
    "block", [pytest.param(each, id=each.place) for each in PAGE if each.language == "console"]
)
def test_the_commands_print_what_is_shown(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, (old, new) in EDITS.items():
        _schemas(tmp_path / name, old, new)
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^\$ power-edge (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE)
    assert len(commands) == block.text.count("$ ")
    with ExitStack() as stack:
        for words, output in commands:
            if words.startswith(("version check", "version next")) and not Path(".git").is_dir():
                _repository(tmp_path / "repository", monkeypatch)
            for name, (says, field) in NODES.get(words, {}).items():
                folder = tmp_path / "node-configs" / name
                folder.mkdir(parents=True)
                (folder / "state.yaml").write_text(
                    f"{STATE.format(says)}services:\n- name: ssh\n  {field}\n"
                )
            if words in NODES:
                stack.enter_context(newer_schemas(tmp_path / "newer", monkeypatch))
            printed = CliRunner().invoke(cli, shlex.split(words)).output
            assert OutputChecker().check_output(output, printed, 0), printed


def _schemas(folder: Path, old: str, new: str) -> None:
    shutil.copytree(CHECKOUT / "schemas", folder)
    core = folder / "core.schema.yaml"
    text = core.read_text()
    assert old in text
    core.write_text(text.replace(old, new, 1))


def _repository(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository with a release, and the example's change since then."""
    make(folder, monkeypatch)
    _schemas(folder / "schemas", *EDITS["before"])
    (folder / "schemas" / "VERSION").write_text("1.0\n")
    pyproject = (CHECKOUT / "pyproject.toml").read_text()
    commit({"pyproject.toml": pyproject, interface.FILE: "pytest --watch\n"}, "v1.2.0")
    shutil.rmtree(folder / "schemas")
    _schemas(folder / "schemas", *EDITS["with-masked"])
    commit(
        {
            "schemas/VERSION": "1.1\n",
            "changelog.d/masked.bugfix.md": "A masked service can be declared.\n",
            interface.FILE: "pytest --watch\npower-edge derive --json\n",
        }
    )


def test_the_accepted_change_of_the_page_is_valid() -> None:
    [block] = [each for each in PAGE if each.language == "yaml"]
    validator("accepted").validate(yaml.safe_load(block.text))
