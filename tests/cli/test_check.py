"""`power-edge check`: what pytest is given."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from power_edge.cli import cli
from power_edge.pytest_integration import compat

PLUGINS = ["-p", "power_edge.pytest_plugin", "-p", "power_edge.pytest_integration.check_words"]


def passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: str) -> list[str]:
    """The words that pytest gets."""
    calls: list[list[str]] = []

    def run_pytest(words: list[str], _: object) -> int:
        calls.append(words)
        return 11

    monkeypatch.setattr(compat, "word_usage_errors", lambda _: None)
    monkeypatch.setattr(compat, "run_pytest", run_pytest)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, [*arguments], standalone_mode=True)
    assert done.exit_code == 11, done.output
    (words,) = calls
    assert words[:4] == PLUGINS
    assert words[4::2][:2] == ["-W", "-W"]
    return words[8:]


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


@pytest.mark.shell
@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--nodiff", "ERROR: there is no option --nodiff (did you mean --no-diff?)"),
        ("--junitxm=x", "ERROR: there is no option --junitxm (did you mean --junitxml?)"),
        ("--tb=x", "ERROR: --tb: invalid choice: 'x'"),
        ("--max-age", "ERROR: --max-age: expected one argument"),
        ("-Z", "ERROR: there is no option -Z"),
    ],
)
def test_a_wrong_option_is_one_error(tmp_path: Path, option: str, said: str) -> None:
    start = "import sys; from power_edge.cli import main; sys.argv[0] = 'power-edge'; main()"
    argv = [sys.executable, "-c", start, "check", "rig-1", option]
    (tmp_path / "node-configs/rig-1").mkdir(parents=True)
    (tmp_path / "node-configs/rig-1/state.yaml").write_text('version: "1.0"\n')
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 2


@pytest.mark.shell
def test_a_folder_of_nodes_that_is_not_there_is_named(tmp_path: Path) -> None:
    start = "import sys; from power_edge.cli import main; sys.argv[0] = 'power-edge'; main()"
    argv = [sys.executable, "-c", start, f"--node-configs={tmp_path}/x", "check"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    said = f"ERROR: --node-configs={tmp_path}/x: there is no such folder\n"
    assert (done.returncode, done.stdout, done.stderr.strip()) == (4, "", said.strip())
