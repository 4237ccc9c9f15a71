"""The words of `power-edge check`: which are nodes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from power_edge.discover import init
from power_edge.probing.failure import Unreachable
from tests.support.project import Project

pytest_plugins = ["pytester"]

PLUGINS = ["-p", "power_edge.pytest_plugin", "-p", "power_edge.pytest_integration.check_words"]


@pytest.fixture
def checked(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Two nodes; the second one is this machine."""
    project.node("rig-1")
    project.node("rig-2")
    monkeypatch.setattr(init, "find", lambda root: (("rig-2",), ()))
    return project


def run(project: Project, *words: str, status: int = 0) -> pytest.RunResult:
    result = project.run("-v", "-p", PLUGINS[-1], *words)
    assert result.ret == status, result.outlines + result.errlines
    return result


def nodes(result: pytest.RunResult) -> set[str]:
    lines = (line for line in result.outlines if line.startswith("node-configs/"))
    return {line.split("/")[1] for line in lines}


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        (["rig-1"], ["rig-1"]),
        (["rig-1", "rig-2"], ["rig-1", "rig-2"]),
        (["rig-*"], ["rig-1", "rig-2"]),
        (["rig-1", "--", "test_more.py"], ["rig-1"]),
        (["-q", "-v", "rig-1"], ["rig-1"]),
        ([], ["rig-2"]),
        (["--node=rig-1"], ["rig-1"]),
        (["--node", "rig-1"], ["rig-1"]),
        (["--node-site=here"], ["rig-1", "rig-2"]),
        (["--node-site", "here", "rig-1"], ["rig-1"]),
        (["--node=rig-1", "rig-2"], ["rig-1", "rig-2"]),
        (["--", "test_more.py"], ["rig-2"]),
        (["--", "node-configs/rig-1"], ["rig-1"]),
        (["--", "node-configs/rig-1/state.yaml"], ["rig-1"]),
    ],
    ids=" ".join,
)
def test_words_are_nodes(checked: Project, words: list[str], chosen: list[str]) -> None:
    (checked.path / "test_more.py").write_text("def test_more(): pass\n")
    result = checked.run("-v", "-p", PLUGINS[-1], *words, nodes=tuple(chosen))
    assert result.ret == 0, result.errlines
    assert nodes(result) == {*chosen}
    assert any("test_more" in line for line in result.outlines) == ("test_more.py" in words)


@pytest.mark.parametrize(
    "words",
    [
        ["-k", "sysctl"],
        ["rig-1", "-k", "rig-1"],
        ["-k", "rig-1", "rig-1"],
        ["-k", "rig-1 or rig-2", "rig-1"],
        ["-m", "sysctl", "rig-1", "--tb", "short"],
        ["--max-age", "7d", "rig-1", "--durations", "3"],
        ["--prometheus-textfile", "x.prom", "rig-1"],
        ["rig-1", "--json-report", "--json-report-file", "x.json"],
        ["rig-1", "-o", "console_output_style=count"],
    ],
    ids=" ".join,
)
def test_the_value_of_an_option_is_no_node(checked: Project, words: list[str]) -> None:
    chosen = "rig-1" if "rig-1" in words else "rig-2"
    result = checked.run("-v", "-p", PLUGINS[-1], *words, nodes=(chosen,))
    assert result.ret == 0, result.errlines
    assert nodes(result) == {chosen}


def test_words_of_addopts_stay_options(checked: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (checked.path / "pytest.ini").write_text("[pytest]\naddopts = -k sysctl\n")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--tb short")
    result = checked.run("-v", "-p", PLUGINS[-1], "rig-1", nodes=("rig-1",))
    assert (result.ret, nodes(result)) == (0, {"rig-1"})
    assert not any("identity" in line for line in result.outlines)  # -k leaves out the gate's item


def test_an_option_that_no_plugin_knows_yet_leaves_the_next_word_open(checked: Project) -> None:
    (checked.path / "conftest.py").write_text(
        "def pytest_addoption(parser): parser.addoption('--stage')\n"
    )
    message = "rig-1: a node, or the value of --stage? Write nodes before the options"
    assert message in run(checked, "--stage", "rig-1", status=4).stderr.str()
    result = checked.run("-v", "-p", PLUGINS[-1], "rig-1", "--stage=x", nodes=("rig-1",))
    assert (result.ret, nodes(result)) == (0, {"rig-1"})


def test_several_nodes_that_are_this_machine_on_purpose_are_all_checked(
    checked: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init, "find", lambda root: (("rig-1", "rig-2"), ()))
    assert nodes(run(checked)) == {"rig-1", "rig-2"}


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("root@na", "power-edge check NODE --hosts=root@na reaches a node there, and power-edge discover root@na makes one"),
        ("ssh://root:hunter2@na", "power-edge discover ssh://root@na makes one"),
        ("node-configs/rig-1/state.yaml::sysctl[vm.swappiness]", "power-edge check -- TEST-ID, or pytest TEST-ID"),
        ("sysctl[x]", "an item is not a node: power-edge check -- 'node-configs/NODE/state.yaml::sysctl[x]' checks it alone"),
        ("sysctl", "a type is not a node: power-edge check NODE -m sysctl checks its items alone"),
    ],
)  # fmt: skip
def test_a_word_that_means_something_else_says_what_to_write(
    checked: Project, word: str, hint: str
) -> None:
    message = run(checked, word, status=4).stderr.str()
    assert hint in message
    assert "hunter2" not in message


def test_an_option_behind_the_dashes_is_no_path(checked: Project) -> None:
    message = run(checked, "rig-1", "--", "tests", "--sudo", status=4).stderr.str()
    assert "--sudo stands behind --, where paths are: write options before it" in message
    (checked.path / "-odd.py").write_text("def test_it(): pass\n")
    done = checked.run("-v", "-p", PLUGINS[-1], "--", "-odd.py", nodes=("rig-2",))
    assert "::test_it PASSED" in done.stdout.str()


def test_a_word_that_is_no_node_is_an_error(checked: Project) -> None:
    assert "no node matches 'rig-3'" in run(checked, "rig-3", status=4).stderr.str()


def test_in_the_folder_of_nodes_a_word_is_still_a_node(
    checked: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checked.path / "node-configs")
    result = checked.run("-v", "-p", PLUGINS[-1], "rig-1", nodes=("rig-1",))
    assert (result.ret, result.parseoutcomes()) == (0, {"passed": 2})


def test_without_a_node_that_is_this_machine(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = "this machine: power-edge init makes one"
    outside = project.run("-p", PLUGINS[-1]).stderr.str()
    assert "there is no node-configs/ in this folder or above it" in outside
    project.node("rig-1")
    monkeypatch.setattr(init, "find", lambda root: ((), ("x was skipped",)))
    result = run(project, status=4)
    assert message in result.stderr.str()
    assert "x was skipped" in result.stderr.str()

    def silent(root: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
        raise Unreachable("no shell\x1b[31m")

    monkeypatch.setattr(init, "find", silent)
    assert "no shell\\x1b[31m" in run(project, status=4).stderr.str()


def test_the_node_that_is_this_machine_is_looked_for_in_the_given_folder(
    checked: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checked.path / "node-configs").rename(checked.path / "others")
    roots: list[Path] = []

    def find(root: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
        roots.append(root)
        return ("rig-2",), ()

    monkeypatch.setattr(init, "find", find)
    result = checked.run("-v", "-p", PLUGINS[-1], "--node-configs", "others", nodes=("rig-2",))
    assert (result.ret, roots) == (0, [checked.path / "others"])


def test_loaded_twice_it_would_be_seen(checked: Project) -> None:
    """The plugin is loaded once, though -p, an entry point and a conftest.py name it."""
    (checked.path / "conftest.py").write_text("pytest_plugins = ['power_edge.pytest_plugin']\n")
    # pytest may not know that an editable install, as tox makes it, is one.
    not_rewritten = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
    named = ("-p", PLUGINS[1], "-p", PLUGINS[-1])
    result = checked.run("-v", *not_rewritten, *named, "rig-1", "--trace-config", nodes=("rig-1",))
    assert result.ret == 0, result.errlines
    active = [
        line for line in result.outlines if "power_edge.pytest_plugin" in line and ": <" in line
    ]
    assert len(active) == 1


@pytest.mark.shell
def test_the_command_ends_as_pytest_does(project: Project) -> None:
    folder = project.node("rig-1", observed={"vm.swappiness": "10"})
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    (project.path / "pytest.py").write_text("raise SystemExit('a module of this folder was run')\n")
    command = [
        sys.executable,
        "-P",
        "-c",
        "from power_edge.cli import main; main()",
        "check",
        "rig-1",
    ]
    argv = [*command, f"--answers={project.answers['rig-1']}"]
    done = subprocess.run(
        argv, cwd=project.path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "vm.swappiness" in done.stdout
    (folder / "state.yaml").write_text("version: [")
    done = subprocess.run(
        argv, cwd=project.path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
