"""What a shell completes."""

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from power_edge.cli import cli


def completed(*words: str, incomplete: str) -> list[str]:
    shell = ShellComplete(cli, {}, "power-edge", "_POWER_EDGE_COMPLETE")
    return [item.value for item in shell.get_completions(list(words), incomplete)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("rig-1", "rig-2", "web", "rig 3", "rig$(touch x)"):
        (tmp_path / "node-configs" / name).mkdir(parents=True)
        (tmp_path / "node-configs" / name / "state.yaml").write_text('version: "1.0"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "command",
    ["adopt", "check", "derive", "discover", "identity", "install-service", "mends", "nodes", "probe-script", "validate"],
)  # fmt: skip
def test_names_of_nodes_that_a_shell_may_read(folder: Path, command: str) -> None:
    assert completed(command, incomplete="rig") == ["rig-1", "rig-2"]


def test_without_nodes_there_is_nothing_to_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert completed("check", incomplete="") == []


def test_commands() -> None:
    assert completed(incomplete="ado") == ["adopt"]
