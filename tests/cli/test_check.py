"""`power-edge check`: what pytest is given."""

import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from power_edge.cli import cli

PLUGINS = ["-p", "power_edge.pytest_plugin", "-p", "power_edge.pytest_integration.check_words"]


def passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: str) -> list[str]:
    """The words that pytest gets."""
    calls: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(os, "execv", lambda path, argv: calls.append((path, argv)))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, [*arguments], standalone_mode=True)
    assert done.exit_code == 0, done.output
    ((path, argv),) = calls
    assert path == sys.executable
    assert argv[:4] == [sys.executable, "-P", "-m", "pytest"]
    assert argv[4:8] == PLUGINS
    return argv[8:]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["rig-1", "-k", "a and b", "--", "tests", "-x"],
        ["-vh", "--version", "--sudo"],
        ["--", "--help"],
    ],
    ids=" ".join,
)
def test_all_words_are_passed_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str]
) -> None:
    assert passed_on(monkeypatch, tmp_path, "check", *words) == words


def test_the_folder_of_nodes_is_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    words = passed_on(monkeypatch, tmp_path, "--node-configs=x", "check", "rig-1")
    assert words == [f"--node-configs={tmp_path / 'x'}", "rig-1"]


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_teaches(word: str) -> None:
    done = CliRunner().invoke(cli, ["check", "rig-1", word])
    assert done.exit_code == 0
    assert "power-edge check 'rig-*' -q -k 'services and not cron'" in done.output
