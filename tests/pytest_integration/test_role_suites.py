"""The suites of roles in a run: their ids, for whom they run, and how they are counted."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from power_edge import package_data
from tests.support.project import Project, gate_id, item_id

pytest_plugins = ["pytester"]

SUITE = """
import pytest
from power_edge.suites import Unknown

def test_settings(node):
    (role,) = node.identity.roles
    assert role.config["prometheus_port"] == 9100, node.name

def test_unknown(node):
    raise Unknown("nobody knows")

def test_on_the_node(host):
    assert host.run("true").rc == 0

def helper():
    raise NotImplementedError
"""
FAILING = """
import pytest

@pytest.fixture
def metrics():
    raise AssertionError("nothing listens on 9100\\x1b")

def test_body(node):
    raise AssertionError("nothing listens on 9100\\x1b")

def test_fixture(node, metrics):
    pass
"""
ROLE = {"name": "monitoring-target", "config": {"prometheus_port": 9100}}


@pytest.fixture
def suites(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of suites in place of the package's, with one for monitoring-target."""
    folder = project.path / "elsewhere" / "compliance"
    folder.mkdir(parents=True)
    (folder / "test_monitoring_target.py").write_text(SUITE)
    real = package_data.folder
    monkeypatch.setattr(
        package_data, "folder", lambda name: folder if name == "compliance" else real(name)
    )
    return folder


def node(project: Project, name: str, *roles: dict[str, Any], **sections: Any) -> Path:
    folder = project.node(name)
    identity = {"version": "1.0", "node": {"hostname": name}, "roles": [*roles], **sections}
    (folder / "identity.yaml").write_text(yaml.safe_dump(identity))
    return folder


def suite_id(name: str, test: str, role: str = "monitoring-target") -> str:
    return f"node-configs/{name}/identity.yaml::{role}[{test}]"


TESTS = ("test_settings", "test_unknown", "test_on_the_node")


def test_they_run_for_nodes_that_have_the_role(project: Project, suites: Path) -> None:
    node(project, "a", ROLE)
    node(project, "b", {**ROLE, "enabled": False})
    node(project, "c")
    assert project.ids("--node=*") == [
        gate_id("a"),
        item_id("a"),
        *(suite_id("a", each) for each in TESTS),
        gate_id("b"),
        item_id("b"),
        gate_id("c"),
        item_id("c"),
    ]


def test_each_node_has_its_own(project: Project, suites: Path) -> None:
    node(project, "a", ROLE)
    node(project, "b", {**ROLE, "config": {"prometheus_port": 9101}})
    status, report = project.report("--node=*", "-k", "test_settings")
    assert status == 1
    assert {test["nodeid"]: test["outcome"] for test in report["tests"]} == {
        suite_id("a", "test_settings"): "passed",
        suite_id("b", "test_settings"): "failed",
    }
    assert report["power_edge"]["a"]["own_failed"] == 0
    assert report["power_edge"]["b"]["own_failed"] == 1
    message = next(test for test in report["tests"] if test["outcome"] == "failed")
    assert "assert 9101 == 9100" in str(message["call"]["longrepr"])  # it was rewritten


def test_a_failure_is_shown_in_its_words(project: Project, suites: Path) -> None:
    """The code of the package helps nobody who looks after a node."""
    (suites / "test_monitoring_target.py").write_text(FAILING)
    node(project, "a", ROLE)
    for test in ("test_body", "test_fixture"):
        brief = project.run("--node=a", "-k", test)
        brief.stdout.fnmatch_lines(
            [
                "_*monitoring-target[[]test_*[]] _*",
                "nothing listens on 9100\\x1b",
                "=*",
                "* - nothing*",
            ]
        )
        brief.stdout.no_fnmatch_line("*raise AssertionError*")
        for words in ("-v", "--tb=long"):
            full = project.run("--node=a", "-k", test, words)
            full.stdout.fnmatch_lines(["*raise AssertionError*"])


def test_they_are_counted_as_own_tests(project: Project, suites: Path) -> None:
    node(project, "a", ROLE)
    status, report = project.report("--node=a", "--prometheus-textfile=a.prom")
    assert status == 10
    counts = report["power_edge"]["a"]
    # An answer connects to no node, so `host` is unknown.
    assert (counts["unknown"], counts["compliant"], counts["own_failed"]) == (2, 3, 0)
    series = (project.path / "a.prom").read_text()
    for outcome, count in (("compliant", 1), ("unknown", 2)):
        head = f'power_edge_checks{{node="a",outcome="{outcome}",type="own"}} '
        assert f"{head}{count}" in series
    cases = project.junit("--node=a")
    assert ("a.own", "identity.yaml::monitoring-target[test_settings]") in cases


@pytest.mark.parametrize("test", TESTS)
def test_an_id_is_an_argument(project: Project, suites: Path, test: str) -> None:
    node(project, "a", ROLE)
    node(project, "b", ROLE)
    assert project.ids(suite_id("a", test), nodes=("a",)) == [suite_id("a", test)]


@pytest.mark.parametrize(
    "given",
    [
        suite_id("a", "test_setting"),
        suite_id("a", "helper"),
        suite_id("a", "test_settings", "vpn-gateway"),
    ],
)
def test_an_id_that_there_is_not_is_refused(project: Project, suites: Path, given: str) -> None:
    node(project, "a", ROLE)
    result = project.run(given)
    assert result.ret == 4
    hint = "(did you mean monitoring-target[test_settings]?)"
    assert f"no item '{given.partition('::')[2]}' {hint}" in result.stderr.str()


def test_the_file_of_a_node_without_derived_items_has_them(project: Project, suites: Path) -> None:
    node(project, "a", ROLE)
    given = "node-configs/a/identity.yaml"
    assert project.ids(given) == [suite_id("a", each) for each in TESTS]


def test_the_marker_of_the_role(project: Project, suites: Path) -> None:
    node(project, "a", ROLE)
    found = project.ids("--node=a", "--strict-markers", "-m", "role_monitoring_target")
    assert found == [suite_id("a", each) for each in TESTS]


def test_a_section_has_a_suite_too(project: Project, suites: Path) -> None:
    (suites / "test_access_control.py").write_text("def test_it(node): pass\n")
    node(project, "a", access_control={"ssh": {"enabled": False}})
    node(project, "b")
    assert project.ids("--node=*", "-k", "test_it") == [suite_id("a", "test_it", "access_control")]


def test_a_role_of_a_similar_name_has_no_suite(project: Project, suites: Path) -> None:
    node(project, "a", {"name": "monitoring_target"})
    roles = project.path / "node-configs" / "roles"
    roles.mkdir()
    (roles / "monitoring_target.yaml").write_text(
        "{name: monitoring_target, description: Mine., rules: []}\n"
    )
    assert project.ids("--node=a") == [gate_id("a"), item_id("a")]


def test_names_and_modules_of_the_project_do_not_hide_them(project: Project, suites: Path) -> None:
    """The project names its tests otherwise, and has a file of a suite's name."""
    folder = node(project, "a", ROLE)
    project.pytester.makeini("[pytest]\npython_functions = check_*\npython_files = check_*.py\n")
    (folder / "check_it.py").write_text("def check_it(node): pass\n")
    mine = project.path / "compliance"
    mine.mkdir()
    (mine / "test_monitoring_target.py").write_text("def test_mine(): pass\n")
    found = project.ids("--node=a", "compliance/test_monitoring_target.py")
    assert suite_id("a", "test_settings") in found
    result = project.run("--node=a", "-k", "test_settings")
    result.assert_outcomes(passed=1, deselected=5)


def test_a_gate_that_is_shut_blocks_them(project: Project, suites: Path) -> None:
    node(project, "a", ROLE)
    project.answer("a", {}, machine="0" * 32)
    status, report = project.report("--node=a")
    assert status == 12
    assert report["power_edge"]["a"]["blocked"] == len(("gate", "item", *TESTS))


def test_a_suite_that_cannot_be_imported_is_an_error_of_its_node(
    project: Project, suites: Path
) -> None:
    (suites / "test_monitoring_target.py").write_text("import nothing_of_this_name\n")
    node(project, "a", ROLE)
    status, report = project.report("--node=a", "--continue-on-collection-errors")
    assert status == 1
    assert report["power_edge"]["a"]["own_failed"] == 1


ABOUT = """
import pytest

@pytest.mark.declared("vpn_gateway.server_config.port")
def test_port(): pass

@pytest.mark.declared("vpn_gateway.routing.masquerade", True)
def test_masquerade(): pass

@pytest.mark.declared("access_control.ssh.port")
def test_ssh(): pass

@pytest.mark.declared("vpn_gateway.routing.routes")
@pytest.mark.declared("config.prometheus_port", 9100)
def test_both(): pass
"""


@pytest.mark.parametrize(
    ("sections", "settings", "tests"),
    [
        ({}, {}, set()),
        ({"vpn_gateway": {"server_config": {"port": 1194}}}, {}, {"test_port"}),
        ({"vpn_gateway": {"routing": {"masquerade": True}}}, {}, {"test_masquerade"}),
        ({"vpn_gateway": {"routing": {"masquerade": False}}}, {}, set()),
        ({"access_control": {"ssh": {"port": 22}}}, {}, {"test_ssh"}),
        ({"access_control": {"ssh": {"port": 22, "enabled": False}}}, {}, set()),
        ({"vpn_gateway": {"routing": {"routes": []}}}, ROLE["config"], set()),
        ({"vpn_gateway": {"routing": {"routes": [{"network": "10.0.0.0/8"}]}}}, {}, set()),
        (
            {"vpn_gateway": {"routing": {"routes": [{"network": "10.0.0.0/8"}]}}},
            ROLE["config"],
            {"test_both"},
        ),
    ],
)
def test_a_test_runs_where_what_it_is_about_is_declared(
    project: Project,
    suites: Path,
    sections: dict[str, Any],
    settings: dict[str, Any],
    tests: set[str],
) -> None:
    (suites / "test_monitoring_target.py").write_text(ABOUT)
    node(project, "a", {"name": "monitoring-target", "config": settings}, **sections)
    _, report = project.report("--node=a", "-k", "monitoring-target")
    found = {test["nodeid"] for test in report["tests"]}
    assert found == {suite_id("a", test) for test in tests}
