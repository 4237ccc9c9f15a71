"""Plugins that people have beside ours: each shows our items properly, none is needed."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.support import answers
from tests.support.project import PASSED_OVER, Project, gate_id, item_id

pytest_plugins = ["pytester"]


def two(project: Project) -> None:
    """A node with an item of each outcome, and a blocked one."""
    project.node(
        "a",
        {"vm.swappiness": "60", "kernel.panic": "10"},
        sections={"files": [{"path": "/x", "mode": "0644"}]},
    )
    values: dict[str, str | bytes] = {"vm.swappiness": "60", "kernel.panic": b"\xff\x1b"}
    project.answer("a", {"sysctl.0": answers.sysctl(values), "files.0": (1, b"", "no way")})
    project.node("b", machine=answers.OTHER, gate="wrong")
    (project.path / "node-configs" / "a" / "test_own.py").write_text(
        "def test_it(facts): assert facts['sysctl']['vm.swappiness'] == '60'\n"
    )


def results_of(report: dict[str, Any]) -> dict[str, Any]:
    return {test["nodeid"]: (test["outcome"], test.get("metadata")) for test in report["tests"]}


@pytest.mark.parametrize("dist", ["load", "loadfile", "each", "worksteal"])
@pytest.mark.shell
def test_xdist(project: Project, dist: str) -> None:
    two(project)
    plain_status, plain = project.report("--node=*")
    cases = project.junit("--node=*")
    tx = ["--tx=popen"] if dist == "each" else []
    status, report = project.report(
        "--node=*",
        "-n2",
        f"--dist={dist}",
        "--junitxml=x.xml",
        "--prometheus-textfile=edge.prom",
        *tx,
    )
    assert status == plain_status == 12
    assert results_of(report) == results_of(plain)
    assert report["power_edge"] == plain["power_edge"]
    assert report["exitcode"] == plain["exitcode"]
    assert (
        'power_edge_checks{node="a",outcome="drift",type="sysctl"} 1.0'
        in (project.path / "edge.prom").read_text()
    )
    xml = (project.path / "x.xml").read_text()
    assert all(f'classname="{kind}" name="{name}"' in xml for kind, name in cases)


@pytest.mark.shell
def test_xdist_does_not_ask_twice_and_waits_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workers are processes: that they ask nothing is seen by there being no way to the node."""
    folder = project.node("a")
    (folder / "connection.yaml").write_text("ssh: {host: 127.0.0.1, port: 1}\n")
    waited: list[str] = []

    class Unanswered:
        limit = 5.0

        def is_done_within(self, seconds: float) -> bool:
            return True

        def answer(self) -> None:
            from power_edge.probing.failure import Unreachable

            waited.append("a")
            raise Unreachable("nobody there")

    monkeypatch.setattr("power_edge.checking.check.ask", lambda *_: {"a": Unanswered()})
    result = project.run("--node=a", "-n2", nodes=())
    assert result.ret == 11
    assert waited == ["a"]
    result.stdout.fnmatch_lines(["a: 2 blocked", "  blocked: unreachable: nobody there"])


@pytest.mark.shell
def test_xdist_and_deselection(project: Project) -> None:
    two(project)
    assert project.run("--node=*", "-n2", "-m", "sysctl").ret == 12
    result = project.run(
        "--node=a", "-n2", "-k", "panic", "--prometheus-textfile=edge.prom", nodes=("a",)
    )
    assert result.ret == 1
    result.stdout.fnmatch_lines(["edge.prom was not written: items were deselected"])


@pytest.mark.shell
def test_xdist_has_nothing_to_ask_where_nothing_is_judged(project: Project) -> None:
    project.node("a")
    for option in ("--collect-only", "--fixtures"):
        result = project.run("--node=a", "-n2", option, nodes=())
        assert result.ret == 0
        assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


def test_html(project: Project) -> None:
    two(project)
    options = ("-Werror", *PASSED_OVER)
    assert (
        project.run("--node=*", "--html=report.html", "--self-contained-html", options=options).ret
        == 12
    )
    page = (project.path / "report.html").read_text()
    match = re.search(r'data-jsonblob="([^"]*)"', page)
    assert match is not None
    tests = json.loads(unescape(match[1]))["tests"]
    entries = {name: (runs[0]["result"], runs[0]["log"]) for name, runs in tests.items()}
    results = {name: result for name, (result, _) in entries.items()}
    assert results[item_id("a")] == "Passed"
    assert results[item_id("a", "sysctl[kernel.panic]")] == "Failed"
    assert results[gate_id("b")] == "Failed"
    assert results[item_id("b")] == "Skipped"
    (error,) = [name for name, result in results.items() if result == "Error"]
    assert error.startswith(item_id("a", "files[/x]"))
    log = unescape(entries[item_id("a", "sysctl[kernel.panic]")][1])
    assert "expected  10" in log
    assert "mend     sysctl -w kernel.panic=10" in log
    # The row says it without a click.
    (run,) = tests[item_id("a", "sysctl[kernel.panic]")]
    assert f">{item_id('a', 'sysctl[kernel.panic]')} value: 10 -&gt; \\xff\\x1b</td>" in "".join(
        run["resultsTableRow"]
    )
    (run,) = tests[error]
    assert f">{item_id('a', 'files[/x]')} unknown: " in "".join(run["resultsTableRow"])


def test_allure(project: Project) -> None:
    two(project)
    assert project.run("--node=*", "--alluredir=allure", options=PASSED_OVER).ret == 12
    results = [
        json.loads(file.read_text()) for file in Path(project.path, "allure").glob("*-result.json")
    ]
    statuses = {result["name"]: result["status"] for result in results}
    assert statuses["sysctl[kernel.panic]"] == "failed"
    assert statuses["files[/x]"] == "broken"
    (drift,) = [result for result in results if result["name"] == "sysctl[kernel.panic]"]
    assert "10 expected" in drift["statusDetails"]["message"]
    assert "mend     sysctl -w kernel.panic=10" in drift["statusDetails"]["trace"]
    assert sorted(result["status"] for result in results) == [
        "broken",
        "failed",
        "failed",
        "passed",
        "passed",
        "passed",
        "skipped",
    ]


OTHERS = [
    "json-report",
    "pytest_jsonreport",
    "testinfra",
    "pytest11.testinfra",
    "xdist",
    "html",
    "allure_pytest",
    "metadata",
]
PYTESTS = [
    "junitxml",
    "cacheprovider",
    "debugging",
    "setuponly",
    "setupplan",
    "stepwise",
    "warnings",
    "skipping",
    "capture",
    "logging",
    "faulthandler",
]


@pytest.mark.parametrize("off", [*OTHERS, *PYTESTS])
def test_none_of_them_is_needed(project: Project, off: str) -> None:
    two(project)
    result = project.run("--node=*", "-p", f"no:{off}")
    assert result.ret == 12
    result.stdout.fnmatch_lines(["a: 1 drift, 1 unknown, 3 compliant*", "b: 2 blocked"])


@pytest.mark.parametrize(
    "options",
    [
        ["-p", "no:terminal"],
        ["--no-summary"],
        ["--no-header", "-qq"],
        ["--tb=no"],
        ["--tb=short"],
        ["--showlocals"],
    ],
)
def test_however_little_is_shown(project: Project, options: list[str]) -> None:
    two(project)
    assert project.run("--node=*", *options).ret == 12


@pytest.mark.parametrize(
    "options",
    [
        ["--setup-show"],
        ["--trace-config"],
        ["--durations=3"],
        ["--capture=no"],
        ["--color=yes"],
        ["--import-mode=importlib"],
    ],
)
def test_options_of_pytest(project: Project, options: list[str]) -> None:
    two(project)
    result = project.run("--node=*", *options)
    assert result.ret == 12
    assert "INTERNALERROR" not in result.stdout.str()


@pytest.mark.shell
def test_beside_tests_of_others_it_does_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it(request):
            ours = [name for name in sys.modules if name.startswith("power_edge")]
            assert ours == ["power_edge", "power_edge.pytest_plugin"]
            assert not [name for name in ("jsonschema_rs", "msgspec", "prometheus_client") if name in sys.modules]
            assert not request.config.pluginmanager.has_plugin("power_edge_run")
        """
    )
    assert pytester.runpytest_subprocess("-p", "no:cacheprovider").ret == 0


@pytest.mark.shell
def test_pytest_rewrites_no_module_of_ours_in_a_run_about_nodes(project: Project) -> None:
    """It would read the source of each, before the nodes are asked."""
    project.node("a")
    (project.path / "node-configs" / "a" / "test_own.py").write_text(
        """
import sys

def test_it():
    loaders = {
        name: type(module.__loader__).__name__
        for name, module in sys.modules.items()
        if name.startswith("power_edge.")
    }
    del loaders["power_edge.pytest_plugin"]  # it depends on the way in which it was installed
    assert {*loaders.values()} == {"SourceFileLoader"}, loaders
"""
    )
    result = project.pytester.runpytest_subprocess("--node=a", f"--answers={project.answers['a']}")
    assert result.ret == 0, result.stdout.str()


def test_own_tests_of_a_run_about_no_node_have_testinfra_s_host(project: Project) -> None:
    project.pytester.makepyfile(test_it="def test_it(host): assert host.backend.NAME == 'local'\n")
    assert project.run("test_it.py").ret == 0
