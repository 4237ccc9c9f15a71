"""The hooks of Power Edge: what a report format of anyone gets."""

import json

import pytest

from power_edge.pytest_integration.formats import formats
from tests.support import answers
from tests.support.project import Project, gate_id, item_id

pytest_plugins = ["pytester"]

FORMAT = """
import json
from pathlib import Path

import pytest

def line(*fields):
    with open("hooks.jsonl", "a") as file:
        file.write(json.dumps(fields) + "\\n")

@pytest.hookimpl(optionalhook=True)
def pytest_power_edge_item(config, report, item):
    line("item", report.nodeid, report.when, item.node, item.type, item.name, item.outcome)

@pytest.hookimpl(optionalhook=True)
def pytest_power_edge_own_test(report, node, outcome):
    line("own", report.nodeid, report.when, node, outcome)

@pytest.hookimpl(optionalhook=True)
def pytest_power_edge_report(config, report):
    results = [[each.type, each.outcome] for node in report.nodes for each in node.results]
    line("report", report.status, results, report.broken, report.incomplete)
    report.note("written by a format")
    if Path("full").exists():
        report.could_not_write("my.file", OSError(28, "No space left on device"))
"""
OWN = "def test_mine(node): assert node.name != 'a'\n"
OWN_ID = "node-configs/a/test_own.py::test_mine[a]"


@pytest.fixture
def written(project: Project) -> Project:
    """A node with a drift and a failing own test, and a format of its operator's."""
    project.pytester.makeconftest(FORMAT)
    node = project.node("a", {"vm.swappiness": "60"})
    (node / "test_own.py").write_text(OWN)
    project.answer("a", {"sysctl.0": answers.sysctl({"vm.swappiness": "1"})})
    return project


def lines(project: Project) -> list[list[object]]:
    text = (project.path / "hooks.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("processes", ["0", pytest.param("1", marks=pytest.mark.shell)])
def test_a_format_gets_each_phase_and_the_run(written: Project, processes: str) -> None:
    result = written.run("--node=a", "-n", processes)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["written by a format"])
    found = lines(written)
    item = item_id("a", "sysctl[vm.swappiness]")
    assert ["item", item, "call", "a", "sysctl", "vm.swappiness", "drift"] in found
    assert ["item", gate_id("a"), "call", "a", "node", "identity", "compliant"] in found
    assert ["own", OWN_ID, "call", "a", "drift"] in found
    results = [["node", "compliant"], ["sysctl", "drift"]]
    assert [each for each in found if each[0] == "report"] == [["report", 1, results, [], None]]


def test_a_run_whose_report_could_not_be_written_fails(written: Project) -> None:
    written.answer("a", {"sysctl.0": answers.sysctl({"vm.swappiness": "60"})})
    (written.path / "node-configs/a/test_own.py").unlink()
    (written.path / "full").touch()
    result = written.run("--node=a")
    result.stdout.fnmatch_lines(["my.file could not be written: No space left on device*"])
    assert result.ret == 3


def test_a_run_about_no_node_calls_no_hook(written: Project) -> None:
    written.pytester.makepyfile(test_it="def test_it(): pass\n")
    assert written.run("test_it.py", nodes=()).ret == 0
    assert not (written.path / "hooks.jsonl").exists()


def test_formats_are_found_because_they_are_there() -> None:
    assert {name for name, _ in formats()} >= {"html", "json_report", "junit", "prometheus"}
