"""`power-edge check` of whole nodes asks them before it imports pytest, and no other run does."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from _pytest.config.findpaths import CONFIG_LOADERS_BY_NAME

from power_edge.config import Node
from power_edge.probing.connection import Options
from power_edge.probing.framing import read
from power_edge.probing.process import Lifeline
from power_edge.pytest_integration import head_start
from power_edge.pytest_integration.head_start import HeadStart
from tests.support import answers
from tests.support.project import Project

pytest_plugins = ["pytester"]

DECLARED = {"vm.swappiness": "60", "kernel.panic": "10"}
ALL = ["kernel.panic", "vm.swappiness"]
CHECK = "import sys; from power_edge.command import main; sys.argv[0] = 'power-edge'; main()"


class Asked:
    """What each node was asked for, call by call."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, list[str]], Options]] = []
        self.lifelines: list[Lifeline] = []

    def ask(self, nodes: Iterable[Node], options: Options) -> dict[str, Any]:
        loaded = list(nodes)
        self.calls.append(
            ({node.name: sorted(item.name for item in node.items) for node in loaded}, options)
        )
        return {node.name: self._pending(node) for node in loaded}

    def _pending(self, node: Node) -> Any:
        keys = [item.name for item in node.items]
        found = read(answers.answer(node.name, {"sysctl.0": answers.sysctl(DECLARED, keys)}))
        self.lifelines.append(Lifeline())
        return SimpleNamespace(
            limit=1.0,
            is_done_within=lambda _: True,
            answer=lambda: found,
            lifeline=self.lifelines[-1],
        )


@pytest.fixture
def asked(project: Project, monkeypatch: pytest.MonkeyPatch) -> Asked:
    for name in ("a", "b"):
        project.node(name, DECLARED)
    found = Asked()
    monkeypatch.setattr("power_edge.checking.check.ask", found.ask)
    monkeypatch.chdir(project.path)
    return found


def begun(words: list[str], **environment: str) -> HeadStart | None:
    """What a process of its own begins, outside of this pytest."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    with patch.dict(os.environ, {**others, **environment}, clear=True):
        return head_start.begin(words)


def begin(words: list[str]) -> HeadStart:
    found = begun(words)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("words", "nodes", "options"),
    [
        (["a"], ["a"], Options()),
        (["a", "b", "-q"], ["a", "b"], Options()),
        (["-vv", "*", "--no-diff"], ["a", "b"], Options()),
        (["a", "--sudo", "--ssh-config=config"], ["a"], Options(ssh_config="config", sudo=True)),
        (["a", "--ssh-identity-file=config"], ["a"], Options(ssh_identity_file="config")),
        (["a", "--node-configs=node-configs"], ["a"], Options()),
        (["a", "--json-report", "--json-report-file=x"], ["a"], Options()),
        (["a", "--junitxml=x.xml", "--prometheus-textfile=x.prom"], ["a"], Options()),
    ],
    ids=str,
)
def test_whole_nodes_are_asked_first(
    project: Project, asked: Asked, words: list[str], nodes: list[str], options: Options
) -> None:
    (project.path / "config").touch()
    first = begin(words)
    assert asked.calls == [(dict.fromkeys(nodes, ALL), options)]
    assert [word for word in first.words if not word.startswith("--node=")] == [
        word for word in words if word.startswith("-")
    ]
    # The run asks the same question, and takes what was begun.
    result = project.pytester.runpytest_inprocess(
        *first.words, "-p", "no:hypothesispytest", plugins=[first]
    )
    assert result.ret == 0
    result.assert_outcomes(passed=3 * len(nodes))
    assert len(asked.calls) == 1
    assert not any(lifeline.is_cut for lifeline in asked.lifelines)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["-q"],
        ["nothing"],
        ["a", "nothing"],
        ["@a"],
        ["a", "-k", "panic"],
        ["a", "-kpanic"],
        ["a", "-m", "sysctl"],
        ["a", "--lf"],
        ["a", "--sw"],
        ["a", "--deselect=x"],
        ["a", "--collect-only"],
        ["a", "--watch"],
        ["a", "--answers=x"],
        ["a", "-x"],
        ["a", "-n2"],
        ["a", "-c", "x.ini"],
        ["a", "-p", "no:testinfra"],
        ["a", "--", "node-configs/b/state.yaml"],
        ["node-configs/a/state.yaml::sysctl[vm.swappiness]"],
        ["a", "--node-site=here"],
        ["a", "--unknown"],
        ["a", "-q=x"],
        ["a", "--sudo=x"],
        ["a", "--junitxml"],
        ["a", "--junitxml=", "-q"],
        ["a", "--junitxml=node-configs"],
        ["a", "--prometheus-textfile=x.txt"],
        ["a", "--prometheus-textfile=x.prom/"],
        ["a", "--json-report-file=x"],
        ["a", "--ssh-config=missing"],
        ["a", "--ssh-identity-file=missing"],
        ["a", "--node-configs=missing"],
        ["a", "--node-configs=node-configs", "--node-configs=missing"],
        ["a", "--hosts=nonsense://x"],
        ["broken"],
        ["a", "broken"],
    ],
    ids=str,
)
def test_nothing_is_asked_before_pytest_has_read_the_words(
    project: Project, asked: Asked, words: list[str]
) -> None:
    project.node("@a", DECLARED)
    broken = project.node("broken", DECLARED)
    (broken / "state.yaml").write_text("version: '1.0'\nsysctl: 3\n")
    assert begun(words) is None
    assert asked.calls == []


def test_no_node_is_asked_before_all_routes_are_known(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []
    monkeypatch.setattr("power_edge.checking.check.start", started.append)
    monkeypatch.chdir(project.path)
    for name, url in (("a", "ssh://192.0.2.1"), ("b", "paramiko://192.0.2.1/path")):
        (project.node(name, DECLARED) / "connection.yaml").write_text(f"url: {url}\n")
    assert begun(["a", "b"]) is None
    assert started == []


@pytest.mark.parametrize(
    "name", ["PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
)
def test_nothing_is_asked_first_where_the_environment_has_words_for_pytest(
    asked: Asked, name: str
) -> None:
    assert begun(["a"], **{name: "x"}) is None
    assert asked.calls == []


OWN = 'filterwarnings = ["error"]\nmarkers = ["a: b"]\npythonpath = ["."]\ntestpaths = ["tests"]\n'
INI = "[tool.pytest.ini_options]\n"


@pytest.mark.parametrize(
    ("name", "content", "plain"),
    [
        ("pyproject.toml", "", True),
        ("pyproject.toml", "[tool.ruff]\nline-length = 100\n", True),
        ("pyproject.toml", INI, True),
        ("pyproject.toml", INI + OWN, True),
        ("pyproject.toml", f'{INI}addopts = ["--strict-markers", "--strict-config"]\n', True),
        ("pyproject.toml", f'{INI}addopts = ["--import-mode=importlib"]\n', True),
        ("pyproject.toml", f'{INI}addopts = ["-k", "x"]\n', False),
        ("pyproject.toml", f'{INI}addopts = "--strict-markers"\n', False),
        ("pyproject.toml", f"{INI}addopts = [[]]\n", False),
        ("pyproject.toml", f'{INI}required_plugins = ["x"]\n', False),
        ("pyproject.toml", f'{INI}minversion = "99"\n', False),
        ("pyproject.toml", f'{INI}filterwarnings = ["nonsense"]\n', False),
        ("pyproject.toml", f'{INI}filterwarnings = ["error::no.such.Warning"]\n', False),
        ("pyproject.toml", f"{INI}filterwarnings = [[]]\n", False),
        ("pyproject.toml", f'{INI}filterwarnings = "error"\n', False),
        ("pyproject.toml", f'[tool.pytest]\naddopts = ["-x"]\n{INI}', False),
        ("pyproject.toml", "[tool.pytest]\n", False),
        ("pyproject.toml", "tool = 3\n", True),
        ("pyproject.toml", "[tool]\npytest = 3\n", False),
        ("pyproject.toml", "[tool.pytest]\nini_options = 3\n", False),
        ("pyproject.toml", "nonsense", False),
        ("pytest.ini", "", False),
        (".pytest.ini", "", False),
        ("pytest.toml", "", False),
        (".pytest.toml", "", False),
        ("tox.ini", "[pytest]\naddopts = -x\n", False),
        ("setup.cfg", "[tool:pytest]\naddopts = -x\n", False),
    ],
)
@pytest.mark.parametrize("above", [False, True])
def test_settings_of_pytest_decide(
    project: Project, asked: Asked, monkeypatch: pytest.MonkeyPatch, name: str, content: str, plain: bool, above: bool,
) -> None:  # fmt: skip
    (project.path / "below").mkdir()
    (project.path / name).write_text(content)
    if above:
        monkeypatch.chdir(project.path / "below")
    assert (begun(["a"]) is not None) is plain
    assert bool(asked.calls) is plain


def test_the_first_file_with_settings_decides(project: Project, asked: Asked) -> None:
    (project.path / "pyproject.toml").write_text(INI)
    (project.path / "tox.ini").write_text("[pytest]\naddopts = -x\n")
    assert begun(["a"]) is not None


def test_pytest_looks_for_these_files() -> None:
    assert tuple(CONFIG_LOADERS_BY_NAME) == head_start._SETTINGS


@pytest.mark.parametrize(
    ("more", "calls"),
    [
        (["-k", "panic"], [["kernel.panic"]]),
        (["--node=b"], [ALL]),
        (["--sudo"], [ALL]),
        (["--collect-only"], []),
    ],
    ids=str,
)
def test_a_run_that_asks_anything_else_ends_what_was_begun(
    project: Project, asked: Asked, more: list[str], calls: list[list[str]]
) -> None:
    first = begin(["a"])
    asked.calls.clear()
    lifelines = list(asked.lifelines)
    project.pytester.runpytest_inprocess(
        *first.words, *more, "-p", "no:hypothesispytest", plugins=[first]
    )
    assert [nodes["a"] for nodes, _ in asked.calls] == calls
    assert all(lifeline.is_cut for lifeline in lifelines)


def test_a_run_that_is_refused_ends_what_was_begun(project: Project, asked: Asked) -> None:
    first = begin(["a"])
    result = project.pytester.runpytest_inprocess(*first.words, "--max-age=1h", plugins=[first])
    assert result.ret == 4
    assert all(lifeline.is_cut for lifeline in asked.lifelines)


def test_what_was_loaded_is_judged(project: Project, asked: Asked) -> None:
    first = begin(["a"])
    file = project.path / "node-configs/a/state.yaml"
    file.write_text(file.read_text().replace("'10'", "'11'"))
    result = project.pytester.runpytest_inprocess(
        *first.words, "-p", "no:hypothesispytest", plugins=[first]
    )
    assert result.ret == 0
    file.write_text("version: '1.0'\nsysctl: {kernel.panic: '11', vm.swappiness: '60'}\n")
    first = begin(["a"])
    result = project.pytester.runpytest_inprocess(
        *first.words, "-p", "no:hypothesispytest", plugins=[first]
    )
    assert result.ret == 1


SSH = """#!/bin/sh
[ "$1" = -V ] || echo "$*" >>"${0%/*}/calls"
exit 255
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a node over ssh; `bin/ssh` notes each call but -V in `bin/calls`."""
    node = tmp_path / "node-configs" / "a"
    node.mkdir(parents=True)
    (node / "state.yaml").write_text("version: '1.0'\nsysctl: {vm.swappiness: '60'}\n")
    (node / "connection.yaml").write_text("ssh: {host: 192.0.2.1}\n")
    (node / "system-identity.yaml").write_text("validation: {require_match: false}\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ssh").write_text(SSH)
    (tmp_path / "bin" / "ssh").chmod(0o755)
    return tmp_path


def run(place: Path, *argv: str) -> "subprocess.CompletedProcess[str]":
    """Run Python's `argv` in a place, with its ssh."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")
    } | {"PATH": f"{place / 'bin'}:{os.environ['PATH']}"}
    argv = (sys.executable, "-P", *argv)
    return subprocess.run(
        argv, cwd=place, env=environment, capture_output=True, text=True, check=False
    )


def calls(place: Path) -> list[str]:
    file = place / "bin" / "calls"
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.shell
@pytest.mark.parametrize("words", [["a"], ["a", "-k", "swappiness"], ["a", "--tb=short"]], ids=str)
def test_a_node_is_read_once(place: Path, words: list[str]) -> None:
    done = run(place, "-c", CHECK, "check", *words)
    assert (done.returncode, done.stderr) == (11, "")
    assert "warning" not in done.stdout
    assert "a: 2 blocked" in done.stdout or "a: 1 blocked" in done.stdout
    assert len(calls(place)) == 1


@pytest.mark.shell
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a", "--unknown"], "there is no option --unknown"),
        (["a", "--tb=x"], "--tb: invalid choice: 'x'"),
        (["a", "--junitxml=node-configs"], "--junitxml must be a filename"),
        (["a", "--prometheus-textfile=x"], "node_exporter reads *.prom alone"),
        (["a", "--json-report-file=x"], "--json-report-file=x alone writes nothing"),
        (["b"], "no node matches"),
        (["a", "b"], "no node matches"),
    ],
    ids=str,
)
def test_a_run_that_is_refused_asks_nothing(place: Path, words: list[str], said: str) -> None:
    done = run(place, "-c", CHECK, "check", *words)
    assert (done.returncode, done.stdout) == (4, "")
    assert said in done.stderr
    assert calls(place) == []


@pytest.mark.shell
def test_pytest_is_imported_while_the_node_works(place: Path) -> None:
    told = (
        "import sys; from power_edge.checking import check\n"
        "def ask(*_): print(*(name for name in ('pytest', 'click') if name in sys.modules), sep='');"
        " raise SystemExit\n"
        "check.ask = ask\n"
    )
    done = run(place, "-c", told + CHECK, "check", "a")
    assert (done.stdout, done.stderr) == ("\n", "")
