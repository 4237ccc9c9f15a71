"""Which items a command line selects, and that their ids paste back."""

import os
from pathlib import Path

import pytest

from tests.support.project import Project, gate_id, item_id

pytest_plugins = ["pytester"]

TWO = {"vm.swappiness": "60", "kernel.panic": "10"}


def both(node: str) -> list[str]:
    return [gate_id(node), item_id(node), item_id(node, "sysctl[kernel.panic]")]


def test_a_node_is_its_gate_its_items_and_the_tests_in_its_folder(project: Project) -> None:
    folder = project.node("a", TWO)
    (folder / "test_own.py").write_text("def test_it(): pass\n")
    (project.path / "test_elsewhere.py").write_text("def test_it(): pass\n")
    project.pytester.makeini("[pytest]\ntestpaths = .\n")
    assert project.ids("--node=a") == [*both("a"), "node-configs/a/test_own.py::test_it"]


def test_paths_are_collected_beside_the_nodes(project: Project) -> None:
    project.node("a")
    (project.path / "test_elsewhere.py").write_text("def test_it(): pass\n")
    assert set(project.ids("--node=a", "test_elsewhere.py")) == {
        gate_id("a"),
        item_id("a"),
        "test_elsewhere.py::test_it",
    }


def test_globs_and_repetition(project: Project) -> None:
    for name in ("rig-1", "rig-2", "home"):
        project.node(name)
    assert project.ids("--node=rig-*", nodes=("rig-1", "rig-2")) == [
        gate_id("rig-1"),
        item_id("rig-1"),
        gate_id("rig-2"),
        item_id("rig-2"),
    ]
    assert len(project.ids("--node=rig-*", "--node=home")) == 6
    assert len(project.ids("--node=rig-1", "--node=rig-*", nodes=("rig-1", "rig-2"))) == 4


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["-m", "sysctls"], "-m 'sysctls' selects no item; did you mean sysctl?"),
        (["-m", "xyz"], "-m 'xyz' selects no item; there are node, sysctl"),
        (["-m", "files"], "-m 'files' selects no item; no selected node declares files"),
        (["-m", "service"], "-m 'service' selects no item; did you mean services?"),
        (["-k", "swapines"], "-k 'swapines' selects no item; did you mean swappiness?"),
        (["-k", "not a and (panik)"], "-k 'not a and (panik)' selects no item; did you mean panic?"),
        (["-k", "xyz"], "-k 'xyz' selects no item"),
        (["-k", "a and not a"], "-k 'a and not a' selects no item"),
    ],
)  # fmt: skip
def test_what_selects_nothing_names_the_nearest(
    project: Project, words: list[str], line: str
) -> None:
    project.node("a", TWO)
    result = project.run("--node=a", *words)
    assert result.ret == 5
    assert line in result.outlines


def test_strict_markers_have_the_nearest_names_too(project: Project) -> None:
    project.node("a", TWO)
    result = project.run("--node=a", "--strict-markers", "-m", "service")
    assert result.ret == 4
    assert "-m 'service' selects no item; did you mean services?" in result.stderr.str()


def test_what_selects_something_has_no_hint(project: Project) -> None:
    project.node("a", TWO)
    for words in (["-m", "sysctl or xyz"], ["-k", "panic"], []):
        assert "selects no item" not in project.run("--node=a", *words).stdout.str()


@pytest.mark.parametrize(
    ("arguments", "selected"),
    [
        (["-k", "panic"], [item_id("a", "sysctl[kernel.panic]")]),
        (["-k", "a and not sysctl"], [gate_id("a")]),
        (["-m", "sysctl"], both("a")[1:]),
        (["-m", "node"], [gate_id("a")]),
        (["--deselect", item_id("a")], [gate_id("a"), item_id("a", "sysctl[kernel.panic]")]),
    ],
)
def test_selection_by_pytest(project: Project, arguments: list[str], selected: list[str]) -> None:
    project.node("a", TWO)
    assert project.ids("--node=a", *arguments) == selected


@pytest.mark.parametrize(
    "argument", ["node-configs/a", "node-configs/a/", "./node-configs/a", "node-configs/b/../a"]
)
def test_a_folder_is_its_node(project: Project, argument: str) -> None:
    project.node("a", TWO)
    project.node("b")
    assert project.ids(argument, nodes=("a",)) == both("a")


def test_a_state_yaml_is_its_items_and_brings_its_gate(project: Project) -> None:
    project.node("a", TWO, identity=None)
    assert project.ids("node-configs/a/state.yaml") == both("a")[1:]
    assert project.run("node-configs/a/state.yaml").ret == 12


def test_from_inside_the_folder(project: Project) -> None:
    folder = project.node("a", TWO)
    os.chdir(folder)
    assert project.ids(".") == both("a")
    assert project.ids("state.yaml") == both("a")[1:]
    assert project.ids("--node=a") == both("a")


@pytest.mark.parametrize("place", [".", "node-configs", "node-configs/a", "below/it"])
def test_an_id_works_from_every_folder(project: Project, place: str) -> None:
    project.node("a", TWO)
    (project.path / "below/it").mkdir(parents=True)
    os.chdir(project.path / place)
    for id_ in both("a"):
        assert project.ids(id_) == [id_]


def test_an_id_works_with_node_configs_elsewhere(project: Project, tmp_path: Path) -> None:
    project.node("a", TWO)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (project.path / "node-configs").rename(elsewhere / "nodes")
    (project.path / "sub").mkdir()
    for spelled in (
        str(elsewhere / "nodes"),
        os.path.relpath(elsewhere / "nodes", project.path),
        f"{elsewhere}/sub/../nodes/",
    ):
        assert project.ids(f"--node-configs={spelled}", item_id("a")) == [item_id("a")]
        assert project.ids(f"--node-configs={spelled}", "--node=a") == both("a")
        assert project.ids(f"--node-configs={spelled}", "--node=a", "--rootdir=/") == both("a")


def test_the_gate_of_a_node_without_an_identity_has_an_id_that_works(project: Project) -> None:
    project.node("a", identity=None)
    assert project.ids("--node=a") == [gate_id("a"), item_id("a")]
    assert project.ids(gate_id("a")) == [gate_id("a")]


def test_rootdir_elsewhere(project: Project, tmp_path: Path) -> None:
    project.node("a", TWO)
    assert project.ids("--node=a", f"--rootdir={tmp_path}") == both("a")
    assert project.ids(f"--rootdir={tmp_path}", item_id("a")) == [item_id("a")]


@pytest.mark.parametrize("name", ["build", "dist", "venv", "a b", "node_modules", "CVS"])
def test_a_node_may_be_called_as_folders_that_pytest_passes_over(
    project: Project, name: str
) -> None:
    project.node(name)
    assert project.ids(f"--node={name}") == [gate_id(name), item_id(name)]
    assert project.ids(item_id(name)) == [item_id(name)]


def test_a_checkout_may_be_hidden(project: Project) -> None:
    project.node("a")
    hidden = project.path / ".hidden" / "build"
    hidden.mkdir(parents=True)
    (project.path / "node-configs").rename(hidden / "node-configs")
    os.chdir(hidden)
    assert project.ids("--node=a") == [gate_id("a"), item_id("a")]


def test_collect_only_touches_no_node(project: Project) -> None:
    folder = project.node("a")
    (folder / "connection.yaml").write_text("ssh: {host: 127.0.0.1, port: 1}\n")
    assert project.ids("--node=a", nodes=()) == [gate_id("a"), item_id("a")]
    assert project.run("--collect-only", "--node=a", nodes=()).ret == 0


@pytest.mark.parametrize(
    "option", ["--markers", "--fixtures", "--cache-show", "--help", "--version"]
)
def test_what_only_shows_something_touches_no_node(
    project: Project, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr("power_edge.checking.check.ask", ask)
    project.node("a")
    result = project.run("--node=a", option, nodes=())
    assert result.ret == 0
    if option == "--markers":
        result.stdout.fnmatch_lines(["*pytest.mark.sysctl: *"])


def test_a_node_that_is_named_twice_is_checked_once(project: Project) -> None:
    project.node("a", TWO)
    assert project.ids(
        "--node=a", "node-configs/a/state.yaml", "node-configs/a", item_id("a")
    ) == both("a")


def test_symbolic_links(project: Project, tmp_path: Path) -> None:
    project.node("a")
    (project.path / "node-configs" / "b").symlink_to("a")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "node-configs").symlink_to(project.path / "node-configs")
    os.chdir(elsewhere)
    assert project.ids("--node=a") == [gate_id("a"), item_id("a")]
    assert project.ids("--node=b", nodes=()) == [gate_id("b"), item_id("b")]


def test_last_failed_first_failed_and_stepwise(project: Project) -> None:
    project.node(
        "a",
        {"vm.swappiness": "60", "kernel.panic": "10", "vm.max_map_count": "7"},
        {"vm.swappiness": "60", "kernel.panic": "1"},
    )
    panic, count = item_id("a", "sysctl[kernel.panic]"), item_id("a", "sysctl[vm.max_map_count]")
    assert project.outcomes("--node=a") == (
        1,
        {gate_id("a"): "compliant", item_id("a"): "compliant", panic: "drift", count: "drift"},
    )
    assert project.outcomes("--node=a", "--lf") == (1, {panic: "drift", count: "drift"})
    status, outcomes = project.outcomes("--node=a", "--ff")
    assert (status, list(outcomes)[:2], len(outcomes)) == (1, [panic, count], 4)
    assert project.outcomes("--node=a", "-x") == (
        1,
        {gate_id("a"): "compliant", item_id("a"): "compliant", panic: "drift"},
    )
    assert list(project.outcomes("--node=a", "--sw")[1])[-1] == panic
    assert list(project.outcomes("--node=a", "--sw", "--sw-skip")[1]) == [panic, count]


def test_last_failed_with_rootdir_elsewhere(project: Project, tmp_path: Path) -> None:
    project.node("a", TWO, {"vm.swappiness": "60", "kernel.panic": "1"})
    project.run("--node=a", f"--rootdir={tmp_path}")
    assert project.ids("--node=a", f"--rootdir={tmp_path}", "--lf") == [
        item_id("a", "sysctl[kernel.panic]")
    ]


def test_blocked_items_stay_among_the_last_failed(project: Project) -> None:
    project.node("a", TWO, machine="0" * 31 + "1", gate="wrong")
    assert project.run("--node=a").ret == 12
    assert project.ids("--node=a", "--lf") == both("a")
    assert project.run("--node=a", "--lf").ret == 12
    assert project.ids("--node=a", "--lf") == both("a")


def test_names_that_hold_what_ids_are_made_of(project: Project) -> None:
    paths = ["/a::b", "/a[b]::c]", "/a b", "/ä", "/x]", "/[", "/a'\"$(id)`", "/-k"]
    project.node("a", sections={"files": [{"path": path, "mode": "0644"} for path in paths]})
    ids = project.ids("--node=a", "-m", "files")
    assert ids == [item_id("a", f"files[{path}]") for path in paths]
    for id_ in ids:
        assert project.ids(id_) == [id_]


def test_names_that_a_terminal_would_obey_are_escaped(project: Project) -> None:
    paths = ["/a\nb", "/a\\tb", "/\x1b[31mred", "/\u202egnp", "/\x9b1m"]
    project.node("a", sections={"files": [{"path": path, "mode": "0644"} for path in paths]})
    status, report = project.report("--node=a", "-m", "files")
    assert status == 10
    assert {test["metadata"]["power_edge"]["name"] for test in report["tests"]} <= set(paths)
    assert report["power_edge"]["a"]["unknown"] == len(paths)
    for arguments in (["-v"], ["-rA"], []):
        printed = project.run("--node=a", *arguments).stdout.str()
        assert not any(character in printed for character in "\x1b\x9b\u202e")
        assert "\\x1b[31mred" in printed


def test_two_names_of_one_test_id_are_refused(project: Project) -> None:
    """Reports and --lf go by ids: the one that passes would hide the other."""
    project.node(
        "a", sections={"files": [{"path": path, "mode": "0644"} for path in ("/a<b", "/a\\x3cb")]}
    )
    result = project.run("--node=a")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*has the same test id as*declare one of them*"])


def test_two_nodes_of_one_name(project: Project) -> None:
    project.node("a")
    project.pytester.mkdir("other")
    (project.path / "other" / "node-configs").mkdir()
    (project.path / "node-configs" / "a").rename(project.path / "other/node-configs/a")
    project.node("b").rename(project.path / "node-configs" / "a")
    result = project.run("node-configs/a", "other/node-configs/a", nodes=("a",))
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: two nodes have the name a:*"])


@pytest.mark.parametrize("whole", [(), ("--node=a",)])
def test_an_id_that_no_item_has_is_an_error(project: Project, whole: tuple[str, ...]) -> None:
    """pytest would pass over it in silence beside --node, and the run would end with 0."""
    project.node("a")
    result = project.run("node-configs/a/state.yaml::sysctl[vm.swapiness]", *whole)
    assert result.ret == 4
    assert "no item 'sysctl[vm.swapiness]' (did you mean sysctl[vm.swappiness]?)" in (
        result.stderr.str()
    )


def test_an_id_beside_the_whole_node_is_one_of_its_items(project: Project) -> None:
    project.node("a")
    result = project.run("node-configs/a/state.yaml::sysctl[vm.swappiness]", "--node=a")
    assert result.ret == 0
    result.assert_outcomes(passed=2)
