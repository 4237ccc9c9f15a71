"""The operators' own tests, beside a node's files and elsewhere, and what they are given."""

import os

import pytest

from tests.support import answers
from tests.support.project import Project, gate_id, item_id

pytest_plugins = ["pytester"]

OWN = """
import pytest

def test_node(node):
    assert node.path.name == node.name
    assert node.state.metadata.site == "here"
    assert node.identity is None

def test_seen(node, facts):
    assert facts["sysctl"]["vm.swappiness"] == "60"
    assert facts["sysctl"]["vm/swappiness"] == "60"

def test_not_there(facts):
    assert facts["sysctl"]["kernel.nope"] is None
"""
TWO = {"vm.swappiness": "60", "kernel.nope": "1"}


def test_beside_a_node_they_get_that_node(project: Project) -> None:
    for name in ("a", "b"):
        folder = project.node(name, TWO, {"vm.swappiness": "60"})
        (folder / "test_own.py").write_text(OWN)
    result = project.run("--node=*", "-v")
    result.assert_outcomes(passed=2 + 2 + 6, failed=2)
    result.stdout.fnmatch_lines_random(
        [f"node-configs/{name}/test_own.py::test_seen[[]{name}[]] PASSED*" for name in ("a", "b")]
    )


@pytest.mark.parametrize(
    ("place", "argument"),
    [(".", "node-configs/a/test_own.py"), ("node-configs/a", "test_own.py::test_seen")],
)
def test_named_by_itself_it_is_of_the_node_beside_it(
    project: Project, place: str, argument: str
) -> None:
    (project.node("a", TWO, {"vm.swappiness": "60"}) / "test_own.py").write_text(OWN)
    project.node("b", TWO)
    os.chdir(project.path / place)
    result = project.run(argument, "-v", nodes=("a",))
    result.stdout.fnmatch_lines(["*test_own.py::test_seen[[]a[]] PASSED*"])
    result.stdout.no_fnmatch_line("*sysctl[[]*")


@pytest.mark.parametrize(
    "arguments",
    [["--node=b", "."], ["--node=b", "node-configs"], ["node-configs/b", "node-configs"]],
)
def test_they_run_for_no_other_node(project: Project, arguments: list[str]) -> None:
    for name in ("a", "b"):
        deeper = project.node(name, TWO) / "deeper"
        deeper.mkdir()
        (deeper / f"test_{name}.py").write_text("def test_it(host): pass\n")
    assert (
        project.ids(*arguments, nodes=("b",))[-1] == "node-configs/b/deeper/test_b.py::test_it[b]"
    )
    assert "test_a.py" not in str(project.ids(*arguments, nodes=("b",)))


@pytest.mark.parametrize(
    ("place", "argument"), [(".", "."), (".", "node-configs"), ("node-configs/a", "-v")]
)
def test_without_a_node_they_are_left_out(project: Project, place: str, argument: str) -> None:
    (project.node("a") / "test_own.py").write_text("def test_it(host): pass\n")
    os.chdir(project.path / place)
    if place != ".":
        project.pytester.makeini("[pytest]\n")
    result = project.run(argument, nodes=())
    result.assert_outcomes()
    result.stdout.fnmatch_lines(["node-configs/: no node is selected; add --node=a"])


def test_elsewhere_they_get_each_selected_node(project: Project) -> None:
    for name in ("a", "b", "c"):
        project.node(name, TWO, {"vm.swappiness": "60"})
    project.pytester.mkdir("suite").joinpath("test_own.py").write_text(OWN)
    result = project.run(
        "--node=a", "--node=b", "suite", "-v", "-m", "not sysctl", nodes=("a", "b")
    )
    result.assert_outcomes(passed=2 + 6, deselected=4)
    result.stdout.fnmatch_lines(["suite/test_own.py::test_node[[]b[]] PASSED*"])


def test_their_conftest_and_their_folders_count(project: Project) -> None:
    folder = project.node("a")
    (folder / "conftest.py").write_text(
        "import pytest\n@pytest.fixture\ndef seven(node): return 7, node.name\n"
    )
    (folder / "deeper").mkdir()
    (folder / "deeper" / "test_own.py").write_text(
        "def test_it(seven, facts): assert seven == (7, 'a')\n"
    )
    result = project.run("--node=a")
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "facts['sysctl']['kernel.panic']",
            "sysctl kernel.panic: not read, because state.yaml does not declare it",
        ),
        ("facts['services']['ssh']", "services: not read, because state.yaml declares none"),
        ("facts['files']['/x']", "files /x: no way"),
        ("host.file('/')", "host: a run with --answers connects to no node"),
    ],
)
def test_what_could_not_be_looked_at_is_an_error(
    project: Project, expression: str, message: str
) -> None:
    folder = project.node("a", sections={"files": [{"path": "/x", "mode": "0644"}]})
    project.answer(
        "a", {"sysctl.0": answers.sysctl({"vm.swappiness": "60"}), "files.0": (1, b"", "no way")}
    )
    (folder / "test_own.py").write_text(
        f"def test_it(facts, {'host' if expression.startswith('host') else 'node'}):\n    assert {expression} is None\n"
    )
    result = project.run("--node=a", "-m", "not files", "--junitxml=junit.xml")
    result.assert_outcomes(passed=2, errors=1, deselected=1)
    assert result.ret == 10
    result.stdout.fnmatch_lines([f"*unknown: {message}".replace("[", "[[]")])
    assert f"unknown: {message}" in (project.path / "junit.xml").read_text()


def test_a_type_that_there_is_none_of_is_a_failure_that_names_the_ones_there_are(
    project: Project,
) -> None:
    (project.node("a") / "test_own.py").write_text("def test_it(facts): facts['sysctrl']\n")
    result = project.run("--node=a")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*sysctrl is not a resource type; the types are *sysctl*"])


def test_of_a_blocked_node_they_are_skipped_with_the_reason(project: Project) -> None:
    folder = project.node("a", machine=answers.OTHER, gate="wrong")
    (folder / "test_own.py").write_text(
        "def test_it(): raise AssertionError\ndef test_facts(facts): raise AssertionError\n"
    )
    project.node("b")
    (project.path / "test_all.py").write_text("def test_it(node): pass\n")
    result = project.run("--node=*", "test_all.py", "-rs")
    result.assert_outcomes(passed=3, failed=1, skipped=4)
    assert result.ret == 12
    result.stdout.fnmatch_lines(
        ["SKIPPED [[]1[]] node-configs/a/test_own.py:1: a is blocked: another machine: *"]
    )


def test_their_own_fixtures_and_parameters_of_that_name_are_theirs(project: Project) -> None:
    project.node("a")
    project.pytester.makepyfile(
        test_fixture="import pytest\n@pytest.fixture\ndef node(): return 7\ndef test_it(node): assert node == 7\n",
        test_marked="import pytest\n@pytest.mark.parametrize('edge, node', [(1, 2)])\ndef test_it(node, edge): assert node == 2\n",
    )
    result = project.run("--node=a", "test_fixture.py", "test_marked.py")
    result.assert_outcomes(passed=4)


def test_what_they_left_standing_is_ended_before_tests_of_another_folder(project: Project) -> None:
    fixture = "import pytest\n@pytest.fixture(scope='package')\ndef thing():\n    yield\n    print('ended')\n"
    folder = project.node("a")
    (folder / "conftest.py").write_text(fixture)
    (folder / "test_own.py").write_text("def test_it(thing): pass\n")
    project.node("b")
    project.pytester.mkdir("suite").joinpath("test_last.py").write_text("def test_it(): pass\n")
    project.pytester.makeconftest(
        "def pytest_collection_modifyitems(items): items.sort(key=lambda item: 'suite' in str(item.path))\n"
    )
    for options in ([], ["--setup-show"]):
        project.run("--node=a", "--node=b", "suite", *options).assert_outcomes(passed=6)


def test_a_fixture_that_fails_at_its_end_is_reported(project: Project) -> None:
    folder = project.node("a")
    (folder / "conftest.py").write_text(
        "import pytest\n@pytest.fixture(scope='package')\ndef thing():\n    yield\n    raise ValueError('at the end')\n"
    )
    (folder / "test_own.py").write_text("def test_it(thing): pass\n")
    project.pytester.mkdir("suite").joinpath("test_last.py").write_text("def test_it(): pass\n")
    project.pytester.makeconftest(
        "def pytest_collection_modifyitems(items):\n    items.sort(key=lambda item: ('suite' in str(item.path), item.path.suffix == '.yaml'))\n"
    )
    result = project.run("--node=a", "suite")
    result.assert_outcomes(passed=4, errors=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*ValueError: at the end"])


def test_an_own_test_in_the_folder_is_about_the_node(project: Project) -> None:
    folder = project.node("a", identity=None)
    (folder / "test_own.py").write_text("def test_it(): pass\n")
    result = project.run("--node=a", "-k", "test_it")
    assert result.ret == 12
    result.assert_outcomes(skipped=1, deselected=2)


def test_ids(project: Project) -> None:
    folder = project.node("a")
    (folder / "test_own.py").write_text("def test_it(facts): pass\n")
    assert project.ids("--node=a") == [
        gate_id("a"),
        item_id("a"),
        "node-configs/a/test_own.py::test_it[a]",
    ]
