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
    ["about", "adopt", "check", "derive", "discover", "identity", "install-service", "mends", "nodes", "probe-script", "validate"],
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


def test_the_items_of_a_node_that_a_shell_may_read(folder: Path) -> None:
    state = """version: "1.0"
sysctl: {vm.swappiness: "60"}
packages:
- {name: "libc6:i386"}
files:
- {path: /etc/motd}
- {path: "/etc/$(touch x)"}
firewall: {enabled: true, rules: [{port: 22, proto: tcp, action: allow}]}
"""
    (folder / "node-configs/rig-1/state.yaml").write_text(state)
    assert completed("adopt", "rig-1", incomplete="") == [
        "sysctl[vm.swappiness]",
        "packages[libc6:i386]",
        "files[/etc/motd]",
        "firewall[enabled]",
    ]
    assert completed("adopt", "rig-1", "sysctl[vm.swappiness]", incomplete="fi") == [
        "files[/etc/motd]",
        "firewall[enabled]",
    ]
    (folder / "node-configs/rig-2/state.yaml").write_text("version: no\n")
    assert completed("adopt", "rig-2", incomplete="") == []
    assert completed("adopt", "no-node", incomplete="") == []


def test_what_the_nodes_are(folder: Path) -> None:
    metadata = 'version: "1.0"\nmetadata: {site: north, environment: production}\n'
    (folder / "node-configs/rig-1/state.yaml").write_text(metadata)
    (folder / "node-configs/rig-2/state.yaml").write_text(metadata.replace("north", "$(x)"))
    (folder / "node-configs/web/state.yaml").write_text("version: no\n")
    assert completed("nodes", "--site", incomplete="") == ["north"]
    assert completed("nodes", "--environment", incomplete="pro") == ["production"]
    assert completed("nodes", "--role", incomplete="") == []


@pytest.mark.parametrize(
    ("words", "incomplete", "expected"),
    [
        (["gate", "--format"], "m", ["markdown"]),
        (["gate", "--fail-on"], "h", ["high"]),
        (["discover", "--only"], "s", ["services", "sysctl"]),
        (["schema"], "sta", ["state", "status"]),
        (["schema"], "d", ["diff"]),
    ],
)
def test_words_that_are_known(words: list[str], incomplete: str, expected: list[str]) -> None:
    assert completed(*words, incomplete=incomplete) == expected
