"""Own tests are counted for their node, in every report, whatever way they end."""

import json
from collections import Counter
from typing import NamedTuple

import pytest

from tests.support import answers
from tests.support.project import Project, gate_id, item_id

pytest_plugins = ["pytester"]

COMPLIANT, DRIFT, UNKNOWN, BLOCKED, WAIVED = "compliant", "drift", "unknown", "blocked", "waived"


class Case(NamedTuple):
    """An own test file of node a, what its tests come to, and the status of the run."""

    text: str
    outcomes: dict[str, int]
    status: int


HEAD = "import pytest\n"
CASES = {
    "passes": Case("def test_it(): pass\n", {COMPLIANT: 1}, 0),
    "fails": Case("def test_it(): assert False\n", {DRIFT: 1}, 1),
    "raises": Case("def test_it(): {}['x']\n", {DRIFT: 1}, 1),
    "calls fail": Case("def test_it(node): pytest.fail('x')\n", {DRIFT: 1}, 1),
    "parametrised": Case(
        "@pytest.mark.parametrize('n', range(5))\ndef test_it(node, n): assert n < 3\n",
        {COMPLIANT: 3, DRIFT: 2},
        1,
    ),
    "in a class": Case(
        "class TestIt:\n    def test_a(self, node): assert node.name == 'x'\n    def test_b(self): pass\n",
        {COMPLIANT: 1, DRIFT: 1},
        1,
    ),
    "of unittest": Case(
        "import unittest\nclass TestIt(unittest.TestCase):\n    def test_a(self): self.fail()\n    def test_b(self): pass\n",
        {COMPLIANT: 1, DRIFT: 1},
        1,
    ),
    "setup fails": Case(
        "@pytest.fixture\ndef x(): raise ValueError\ndef test_it(x): pass\n", {DRIFT: 1}, 1
    ),
    "no such fixture": Case("def test_it(nothing): pass\n", {DRIFT: 1}, 1),
    "teardown fails": Case(
        "@pytest.fixture\ndef x():\n    yield\n    raise ValueError\ndef test_it(x): pass\n",
        {DRIFT: 1},
        1,
    ),
    "fails and its teardown, too": Case(
        "@pytest.fixture\ndef x():\n    yield\n    raise ValueError\ndef test_it(x): assert False\n",
        {DRIFT: 1},
        1,
    ),
    "a fixture of the module fails at its end": Case(
        "@pytest.fixture(scope='module')\ndef x():\n    yield\n    raise ValueError\ndef test_a(x): pass\ndef test_b(): pass\n",
        {COMPLIANT: 1, DRIFT: 1},
        1,
    ),
    "unknown": Case("def test_it(facts): facts['services']['ssh']\n", {UNKNOWN: 1}, 10),
    "unknown in a fixture": Case(
        "@pytest.fixture(scope='module')\ndef x(facts): return facts['services']['ssh']\ndef test_a(x): pass\ndef test_b(x): pass\n",
        {UNKNOWN: 2},
        10,
    ),
    "unknown at the end": Case(
        "@pytest.fixture\ndef x(facts):\n    yield\n    facts['services']['ssh']\ndef test_it(x): pass\n",
        {UNKNOWN: 1},
        10,
    ),
    "fails, and is unknown at the end": Case(
        "@pytest.fixture\ndef x(facts):\n    yield\n    facts['services']['ssh']\ndef test_it(x): assert False\n",
        {DRIFT: 1},
        1,
    ),
    "unknown, and another fails": Case(
        "def test_a(facts): facts['services']['ssh']\ndef test_b(): assert False\n",
        {UNKNOWN: 1, DRIFT: 1},
        1,
    ),
    "unknown is not an expected failure": Case(
        "@pytest.mark.xfail\ndef test_it(facts): facts['services']['ssh']\n", {UNKNOWN: 1}, 10
    ),
    "fails as expected": Case("@pytest.mark.xfail\ndef test_it(): assert False\n", {WAIVED: 1}, 0),
    "calls xfail": Case("def test_it(): pytest.xfail('x')\n", {WAIVED: 1}, 0),
    "passes unexpectedly": Case("@pytest.mark.xfail\ndef test_it(): pass\n", {COMPLIANT: 1}, 0),
    "passes unexpectedly, strict": Case(
        "@pytest.mark.xfail(strict=True)\ndef test_it(): pass\n", {DRIFT: 1}, 1
    ),
    "fails in another way than expected": Case(
        "@pytest.mark.xfail(raises=KeyError)\ndef test_it(): assert False\n", {DRIFT: 1}, 1
    ),
    "is skipped": Case("@pytest.mark.skip\ndef test_it(): assert False\n", {}, 0),
    "the module is skipped": Case("pytest.skip('x', allow_module_level=True)\n", {}, 0),
    "a subtest fails": Case(
        "def test_it(subtests):\n    with subtests.test(): assert False\n    with subtests.test(): pass\n",
        {DRIFT: 1},
        1,
    ),
}


def written(project: Project) -> Counter[tuple[str, str]]:
    """Node and outcome -> how many own tests, in the textfile."""
    counts: Counter[tuple[str, str]] = Counter()
    for line in (project.path / "edge.prom").read_text().splitlines():
        for node in ("a", "b"):
            for outcome in (COMPLIANT, DRIFT, UNKNOWN, BLOCKED, WAIVED):
                head = f'power_edge_checks{{node="{node}",outcome="{outcome}",type="own"}} '
                if line.startswith(head):
                    counts[node, outcome] = int(float(line.removeprefix(head)))
    return counts


def node_line(outcomes: dict[str, int]) -> str:
    """The node's line: its two items are compliant."""
    failed = outcomes.get(DRIFT, 0)
    parts = [f"{failed} own test{'s' * (failed > 1)} failed"] if failed else []
    parts += [f"{outcomes[word]} {word}" for word in (UNKNOWN, WAIVED) if word in outcomes]
    return "a: " + ", ".join([*parts, f"{2 + outcomes.get(COMPLIANT, 0)} compliant"])


@pytest.mark.parametrize(
    "options",
    [[], ["--setup-show"], pytest.param(["-n2"], marks=pytest.mark.shell)],
    ids=["lean", "stock", "xdist"],
)
@pytest.mark.parametrize("name", CASES)
def test_an_own_test_that(project: Project, name: str, options: list[str]) -> None:
    text, outcomes, status = CASES[name]
    (project.node("a") / "test_own.py").write_text(HEAD + text)
    project.node("b")
    reports = [
        "--json-report",
        "--json-report-file=report.json",
        "--junitxml=junit.xml",
        "--prometheus-textfile=edge.prom",
    ]
    result = project.run("--node=a", "--node=b", *reports, *options)
    assert result.ret == status
    node, other = (
        json.loads((project.path / "report.json").read_text())["power_edge"][name]
        for name in ("a", "b")
    )
    items = {COMPLIANT: 2, DRIFT: 0, UNKNOWN: 0, BLOCKED: 0, WAIVED: 0}
    counted = Counter(items) + Counter({word: outcomes[word] for word in outcomes if word != DRIFT})
    expected = {**items, **counted}
    assert node == {**expected, "own_failed": outcomes.get(DRIFT, 0), "exit_status": status}
    assert other == {**items, "own_failed": 0, "exit_status": 0}
    assert +written(project) == Counter(
        {("a", outcome): count for outcome, count in outcomes.items()}
    )
    result.stdout.fnmatch_lines([f"{node_line(outcomes)}; *", "b: 2 compliant; *"])
    assert (project.path / "junit.xml").read_text().count('classname="a.own"') >= sum(
        outcomes.values()
    )
    assert 'classname="b.own"' not in (project.path / "junit.xml").read_text()


@pytest.mark.parametrize(
    "options", [[], pytest.param(["-n2"], marks=pytest.mark.shell)], ids=["plain", "xdist"]
)
def test_a_file_that_cannot_be_collected_is_a_failure_of_its_node(
    project: Project, options: list[str]
) -> None:
    (project.node("a") / "test_own.py").write_text("import nothing_of_that_name\n")
    project.node("b")
    status, report = project.report("--node=*", *options)
    assert status == (1 if options else 2)  # xdist runs the rest
    assert report["power_edge"]["a"]["own_failed"] == 1
    assert ("b" in report["power_edge"]) == bool(options), (
        "of a node that was not checked there is no exit_status"
    )
    more = [
        "--continue-on-collection-errors",
        "--junitxml=junit.xml",
        "--prometheus-textfile=edge.prom",
    ]
    status, report = project.report("--node=*", *more, *options)
    assert status == 1
    counts = {
        name: (node["own_failed"], node["exit_status"])
        for name, node in report["power_edge"].items()
    }
    assert counts == {"a": (1, 1), "b": (0, 0)}
    assert +written(project) == Counter({("a", DRIFT): 1})
    assert 'classname="a.own" name="test_own.py"' in (project.path / "junit.xml").read_text()


def test_a_file_that_is_named_alone_and_cannot_be_collected(project: Project) -> None:
    (project.node("a") / "test_own.py").write_text("import nothing_of_that_name\n")
    status, report = project.report("node-configs/a/test_own.py", "--continue-on-collection-errors")
    assert (status, report["power_edge"]["a"]["own_failed"]) == (1, 1)


@pytest.mark.parametrize(
    "options",
    [[], ["--setup-show"], pytest.param(["-n2"], marks=pytest.mark.shell)],
    ids=["lean", "stock", "xdist"],
)
def test_elsewhere_they_count_for_the_node_that_they_were_given(
    project: Project, options: list[str]
) -> None:
    project.node("a")
    project.node("b")
    (project.path / "test_all.py").write_text(
        "def test_it(node): assert node.name == 'a'\nclass TestIt:\n    def test_it(self, facts): facts['services']['ssh']\n"
    )
    status, report = project.report(
        "--node=*", "test_all.py", "--prometheus-textfile=edge.prom", *options
    )
    assert status == 1
    counts = {
        name: (node["own_failed"], node["unknown"], node["exit_status"])
        for name, node in report["power_edge"].items()
    }
    assert counts == {"a": (0, 1, 10), "b": (1, 1, 1)}
    assert +written(project) == Counter(
        {("a", COMPLIANT): 1, ("a", UNKNOWN): 1, ("b", DRIFT): 1, ("b", UNKNOWN): 1}
    )


def test_about_no_node_they_count_for_the_run(project: Project) -> None:
    project.node("a")
    (project.path / "test_other.py").write_text("def test_it(): assert False\n")
    status, report = project.report("--node=a", "test_other.py", "--prometheus-textfile=edge.prom")
    assert (
        status,
        report["power_edge"]["a"]["own_failed"],
        report["power_edge"]["a"]["exit_status"],
    ) == (1, 0, 0)
    assert 'type="own"' not in (project.path / "edge.prom").read_text()


def test_of_a_blocked_node_they_are_blocked(project: Project) -> None:
    (project.node("a", machine=answers.OTHER, gate="wrong") / "test_own.py").write_text(
        "def test_it(): assert False\n"
    )
    status, report = project.report("--node=a", "--prometheus-textfile=edge.prom")
    assert (
        status,
        report["power_edge"]["a"]["exit_status"],
        report["power_edge"]["a"]["own_failed"],
    ) == (12, 12, 0)
    assert +written(project) == Counter({("a", BLOCKED): 1})


def test_their_series_are_there_at_nought(project: Project) -> None:
    (project.node("a") / "test_own.py").write_text(
        "import pytest\n@pytest.mark.skip\ndef test_it(): pass\n"
    )
    assert project.run("--node=a", "--prometheus-textfile=edge.prom").ret == 0
    assert written(project) == Counter(
        {("a", outcome): 0 for outcome in (COMPLIANT, DRIFT, UNKNOWN, BLOCKED, WAIVED)}
    )


def test_their_names_in_metrics_and_junit(project: Project) -> None:
    folder = project.node("a")
    (folder / "deeper").mkdir()
    (folder / "deeper" / "test_own.py").write_text(
        "class TestIt:\n    def test_it(self, node): assert False\n"
    )
    (project.path / "test_all.py").write_text("def test_it(node): pass\n")
    assert project.run("--node=a", "test_all.py", "--prometheus-textfile=edge.prom").ret == 1
    series = (project.path / "edge.prom").read_text()
    assert (
        'power_edge_check_compliant{name="deeper/test_own.py::TestIt::test_it[a]",node="a",type="own"} 0.0'
        in series
    )
    assert (
        'power_edge_check_compliant{name="test_all.py::test_it[a]",node="a",type="own"} 1.0'
        in series
    )
    case = project.junit("--node=a", "test_all.py")[
        "a.own", "deeper/test_own.py::TestIt::test_it[a]"
    ]
    properties = {each.get("name"): each.get("value") for each in case.iter("property")}
    assert properties == {"node": "a", "type": "own", "outcome": DRIFT}


@pytest.mark.parametrize(
    "options",
    [[], ["--setup-show"], pytest.param(["-n1"], marks=pytest.mark.shell)],
    ids=["lean", "stock", "xdist"],
)
def test_a_fixture_that_ends_during_an_item_is_no_item_s_failure(
    project: Project, options: list[str]
) -> None:
    """The run must fail, and the item stays as judged."""
    folder = project.node("a")
    (folder / "conftest.py").write_text(
        "import pytest\n@pytest.fixture(scope='package')\ndef thing():\n    yield\n    raise ValueError('at the end')\n"
    )
    (folder / "test_own.py").write_text("def test_it(thing): pass\n")
    project.node("b")
    project.pytester.makeconftest(
        "def pytest_collection_modifyitems(items):\n    items.sort(key=lambda item: (item.path.suffix == '.yaml', '/b/' in str(item.path)))\n"
    )
    status, report = project.report("--node=*", *options)
    assert status == 1
    assert {name: node["own_failed"] for name, node in report["power_edge"].items()} == {
        "a": 1,
        "b": 0,
    }
    assert {name: node["compliant"] for name, node in report["power_edge"].items()} == {
        "a": 3,
        "b": 2,
    }


@pytest.mark.parametrize("phase", ["setup", "call", "teardown"])
@pytest.mark.parametrize("name", ["identity", "sysctl"])
def test_a_hook_that_fails_on_an_item_fails_the_run(
    project: Project, phase: str, name: str
) -> None:
    project.node("a")
    project.pytester.makeconftest(
        f"def pytest_runtest_{phase}(item):\n    assert not item.name.startswith({name!r})\n"
    )
    status, report = project.report("--node=a", "--setup-show")
    assert status == 1
    assert report["power_edge"]["a"]["exit_status"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "def test_it(node): os._exit(9)",
        "@pytest.fixture\ndef x(): os._exit(9)\ndef test_it(x): pass",
    ],
)
@pytest.mark.shell
def test_a_worker_that_dies_in_an_own_test_is_a_failure_of_its_node(
    project: Project, text: str
) -> None:
    (project.node("a") / "test_own.py").write_text(
        f"import os, pytest\n{text}\ndef test_more(): pass\n"
    )
    status, report = project.report("--node=a", "-n1")
    assert status == 1
    assert report["power_edge"]["a"]["own_failed"] == 1


@pytest.mark.parametrize("fails", ["first", "last"])
def test_of_two_tests_with_one_id_neither_hides_the_other(project: Project, fails: str) -> None:
    """pytest numbers equal ids of one parametrize, not those that several make together."""
    (project.node("a") / "test_own.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('y', ['c', 'b-c'])\n@pytest.mark.parametrize('x', ['a-b', 'a'])\n"
        f"def test_it(x, y): assert (x, y) != {('a-b', 'c') if fails == 'first' else ('a', 'b-c')}\n"
    )
    twins = "node-configs/a/test_own.py::test_it[a-b-c]"
    assert project.ids("--node=a").count(twins) == 2
    status, report = project.report("--node=a")
    assert (status, report["power_edge"]["a"]["own_failed"]) == (1, 1)
    assert {test["nodeid"]: test["outcome"] for test in report["tests"]}[twins] == "failed"
    assert project.ids("--node=a", "--lf") == [twins, twins]
    assert project.run("--node=a", "--lf").ret == 1


def test_they_are_no_items_of_the_json_report(project: Project) -> None:
    (project.node("a") / "test_own.py").write_text("def test_it(): assert False\n")
    assert project.outcomes("--node=a") == (1, {gate_id("a"): COMPLIANT, item_id("a"): COMPLIANT})


def test_a_failure_that_a_plugin_counts_is_not_lost(project: Project) -> None:
    """Whatever fails a run in pytest's eyes never ends with 0."""
    project.node("a")
    project.pytester.makeconftest(
        "def pytest_sessionstart(session):\n    global here\n    here = session\ndef pytest_runtest_logfinish():\n    here.testsfailed = 1\n"
    )
    assert project.run("--node=a").ret == 1


def test_a_run_that_stopped_before_an_own_test_leaves_the_textfile(project: Project) -> None:
    (project.node("a") / "test_own.py").write_text(
        "def test_a(): assert False\ndef test_b(): pass\n"
    )
    result = project.run("--node=a", "-x", "--prometheus-textfile=edge.prom")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["edge.prom was not written: not all tests were run"])
    assert not (project.path / "edge.prom").exists()
    assert project.run("--node=a", "--maxfail=2", "--prometheus-textfile=edge.prom").ret == 1
    assert +written(project) == Counter({("a", COMPLIANT): 1, ("a", DRIFT): 1})


EXITS = {
    "in the test": "def test_it(): pytest.exit('x', returncode=0)\n",
    "in a fixture": "@pytest.fixture\ndef x(): pytest.exit('x', returncode=0)\ndef test_it(x): pass\n",
    "at the end": "def test_it(): pass\ndef teardown_module(): pytest.exit('x', returncode=0)\n",
}


@pytest.mark.parametrize("place", EXITS)
def test_one_that_ends_the_run_makes_no_node_compliant(project: Project, place: str) -> None:
    """pytest.exit may ask for the status 0. Node b drifts, and is not looked at."""
    (project.node("a") / "test_own.py").write_text(HEAD + EXITS[place])
    project.node("b", observed={"vm.swappiness": "1"})
    result = project.run("--node=a", "--node=b", "--json-report", "--json-report-file=report.json")
    assert result.ret == 2
    nodes = json.loads((project.path / "report.json").read_text())["power_edge"]
    assert "b" not in nodes


@pytest.mark.parametrize("stop", ["-x", "--maxfail=1"])
def test_a_node_that_was_not_reached_has_no_counts(project: Project, stop: str) -> None:
    (project.node("a") / "test_own.py").write_text("def test_it(): assert False\n")
    project.node("b")
    project.run("--node=a", "--node=b", stop, "--json-report", "--json-report-file=report.json")
    nodes = json.loads((project.path / "report.json").read_text())["power_edge"]
    assert {name: each["exit_status"] for name, each in nodes.items()} == {"a": 1}
