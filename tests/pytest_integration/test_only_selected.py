"""Only what is selected is read from a node, and in one round trip."""

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from power_edge.config import Node
from power_edge.probing.framing import read
from tests.support import answers
from tests.support.project import Project, item_id

pytest_plugins = ["pytester"]

DECLARED = {"vm.swappiness": "60", "kernel.panic": "10"}
FILE = "files[/etc/x]"
ALL = ["files[/etc/x]", "sysctl[kernel.panic]", "sysctl[vm.swappiness]"]


class Asked:
    """What each node was asked for, call by call."""

    def __init__(self) -> None:
        self.calls: list[dict[str, list[str]]] = []

    def ask(self, nodes: Iterable[Node], _: object) -> dict[str, object]:
        loaded = list(nodes)
        self.calls.append(
            {
                node.name: sorted(f"{item.type}[{item.name}]" for item in node.items)
                for node in loaded
            }
        )
        return {node.name: self._pending(node) for node in loaded}

    def _pending(self, node: Node) -> object:
        keys = [item.name for item in node.items if item.type == "sysctl"]
        sections = {"sysctl.0": answers.sysctl(DECLARED, keys)} if keys else {}
        found = read(answers.answer(node.name, sections))
        return SimpleNamespace(limit=1.0, is_done_within=lambda _: True, answer=lambda: found)


@pytest.fixture
def asked(project: Project, monkeypatch: pytest.MonkeyPatch) -> Asked:
    for name in ("a", "b"):
        project.node(name, DECLARED, sections={"files": [{"path": "/etc/x", "mode": "0600"}]})
    found = Asked()
    monkeypatch.setattr("power_edge.checking.check.ask", found.ask)
    return found


def run(project: Project, *arguments: str) -> pytest.RunResult:
    return project.run(*arguments, nodes=())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--node=a"], {"a": ALL}),
        (["--node=a", "-m", "sysctl"], {"a": ALL[1:]}),
        (["--node=a", "-k", "panic"], {"a": ALL[1:2]}),
        (["--node=*", "-k", "b and swappiness"], {"b": ALL[2:]}),
        (["--node=a", f"--deselect={item_id('a', FILE)}"], {"a": ALL[1:]}),
        ([item_id("a")], {"a": ALL[2:]}),
        ([item_id("a"), item_id("b", FILE)], {"a": ALL[2:], "b": ALL[:1]}),
        (["node-configs/a/state.yaml"], {"a": ALL}),
        (["node-configs/a/system-identity.yaml"], {"a": []}),
        (["--node=a", "-m", "node"], {"a": []}),
        (["--node=*", "-k", "nothing"], {"a": [], "b": []}),
        (["--node=a", "--lf"], {"a": ALL}),
    ],
)
def test_it_is_read_once(
    project: Project, asked: Asked, arguments: list[str], expected: dict[str, list[str]]
) -> None:
    run(project, *arguments)
    assert asked.calls == [expected]


def test_what_failed_the_last_time(project: Project, asked: Asked) -> None:
    (project.path / "node-configs/a/state.yaml").write_text(
        (project.path / "node-configs/a/state.yaml").read_text().replace("'10'", "'11'")
    )
    assert run(project, "--node=a", "-m", "sysctl").ret == 1
    run(project, "--node=a", "--lf")
    assert asked.calls[1] == {"a": ["sysctl[kernel.panic]"]}


def test_an_own_test_may_look_at_anything(project: Project, asked: Asked) -> None:
    folder: Path = project.path / "node-configs" / "a"
    (folder / "test_own.py").write_text(
        "def test_panic(facts): assert facts['sysctl']['kernel.panic'] == '10'\n"
    )
    assert run(project, "--node=a", "-k", "test_panic").ret == 0
    assert asked.calls == [{"a": ALL}]


def test_what_is_selected_is_judged_as_ever(project: Project, asked: Asked) -> None:
    result = run(project, "--node=a", "-m", "sysctl")
    assert result.ret == 0
    result.assert_outcomes(passed=2, deselected=2)


@pytest.mark.usefixtures("asked")
def test_a_route_that_cannot_be_used_is_refused_first(project: Project) -> None:
    result = run(project, "--node=a", "-m", "sysctl", "--hosts=nonsense://x")
    assert result.ret == 4
    assert "collected" not in result.stdout.str()


def test_listing_reads_nothing(project: Project, asked: Asked) -> None:
    run(project, "--node=a", "-k", "panic", "--collect-only")
    assert asked.calls == []


@pytest.mark.shell
@pytest.mark.parametrize(
    ("arguments", "expected", "passed"),
    [
        (["--node=a", "-k", "panic"], {"a": ALL[1:2]}, 1),
        (["--node=*", "-k", "b and swappiness"], {"b": ALL[2:]}, 1),
        ([item_id("a"), item_id("b", "sysctl[kernel.panic]")], {"a": ALL[2:], "b": ALL[1:2]}, 2),
        (["node-configs/a/system-identity.yaml"], {"a": []}, 1),
        (["--node=*", "-k", "nothing"], {"a": [], "b": []}, 0),
        (["--node=b", "-m", "sysctl"], {"b": ALL[1:]}, 2),
    ],
)
def test_workers_read_what_is_selected(
    project: Project,
    asked: Asked,
    arguments: list[str],
    expected: dict[str, list[str]],
    passed: int,
) -> None:
    result = run(project, "-n2", *arguments)
    assert asked.calls == [expected]
    result.assert_outcomes(passed=passed)
    assert result.ret == (0 if passed else 5)


@pytest.mark.shell
def test_an_own_test_in_a_worker_may_look_at_anything(project: Project, asked: Asked) -> None:
    folder: Path = project.path / "node-configs" / "a"
    (folder / "test_own.py").write_text(
        "def test_panic(facts): assert facts['sysctl']['kernel.panic'] == '10'\n"
    )
    result = run(project, "-n2", "--node=a", "-k", "test_panic")
    assert asked.calls == [{"a": ALL}]
    assert result.ret == 0


@pytest.mark.shell
def test_what_drifts_in_a_worker_is_reported(project: Project, asked: Asked) -> None:
    file = project.path / "node-configs/a/state.yaml"
    file.write_text(file.read_text().replace("'10'", "'11'"))
    result = run(project, "-n2", "--node=a", "-m", "sysctl")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["a sysctl[[]kernel.panic[]] value: 11 -> 10"])


CRASHES = """
import os

def pytest_runtest_logstart(nodeid):
    if "PYTEST_XDIST_WORKER" in os.environ and nodeid.endswith("b/state.yaml::sysctl[kernel.panic]"):
        os._exit(3)
"""


@pytest.mark.shell
@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("restarts", [0, 1])
@pytest.mark.parametrize("more", [(), ("-m", "sysctl or node")])
def test_a_worker_that_crashes_makes_no_node_compliant(
    project: Project, restarts: int, more: tuple[str, ...]
) -> None:
    (project.path / "conftest.py").write_text(CRASHES)
    options = ("-n1", f"--max-worker-restart={restarts}", "--prometheus-textfile=edge.prom", *more)
    status, report = project.report("--node=*", *options, nodes=())
    assert status == 1
    assert report["power_edge"].get("b", {"exit_status": None})["exit_status"] != 0
    assert not (project.path / "edge.prom").exists()
