"""The exit status of a run, its precedence, and what nodes have to do with each other."""

from collections.abc import Iterable

import pytest

from power_edge.config import Node
from power_edge.probing.failure import Unreachable
from tests.support import answers
from tests.support.project import Project, gate_id, identity_of, item_id

pytest_plugins = ["pytester"]

KINDS = {12: "wrong", 11: "cut", 1: "drift", 10: "unknown", 0: "fine"}
BROKEN = (
    "version: '1.0'\nmetadata: {site: x, environment: development}\nsysctl: {vm.swappiness: 60}\n"
)


def make(project: Project, status: int, name: str | None = None) -> str:
    """A node that alone gives a run that status; its name."""
    name = name or KINDS[status]
    match status:
        case 12:
            project.node(name, machine=answers.OTHER, gate="wrong")
        case 11:
            project.node(name, gate=None)
        case 1:
            project.node(name, observed={"vm.swappiness": "1"})
        case 10:
            project.node(name)
            project.answer(name, {"sysctl.0": (1, b"", "no way")})
        case 0:
            project.node(name)
    return name


@pytest.mark.parametrize("status", KINDS)
def test_status_of_one_node(project: Project, status: int) -> None:
    name = make(project, status)
    result, report = project.report(f"--node={name}")
    assert result == report["exitcode"] == report["power_edge"][name]["exit_status"] == status


@pytest.mark.parametrize(("first", "second"), [(12, 11), (11, 1), (1, 10), (10, 0), (12, 0)])
def test_precedence_and_that_nodes_do_not_touch_each_other(
    project: Project, first: int, second: int
) -> None:
    names = [make(project, second), make(project, first)]
    status, report = project.report(*(f"--node={name}" for name in names))
    assert status == first
    assert {name: report["power_edge"][name]["exit_status"] for name in names} == {
        KINDS[first]: first,
        KINDS[second]: second,
    }


def test_blocked_is_blocked_all_of_it(project: Project) -> None:
    make(project, 12)
    report = project.report("--node=wrong")[1]
    gate, item = (test["metadata"]["power_edge"] for test in report["tests"])
    assert [test["outcome"] for test in report["tests"]] == ["failed", "skipped"]
    assert gate["outcome"] == item["outcome"] == "blocked"
    assert gate["actual"] is item["actual"] is None
    assert answers.digest(answers.MACHINE) in gate["why"]
    assert answers.digest(answers.OTHER) in gate["why"]
    assert answers.OTHER not in (project.path / "report.json").read_text()


def test_drift_beats_unknown(project: Project) -> None:
    project.node(
        "a",
        {"vm.swappiness": "60", "kernel.panic": "10"},
        {"vm.swappiness": "1"},
        sections={"files": [{"path": "/x", "mode": "0644"}]},
    )
    assert project.run("--node=a").ret == 1


@pytest.mark.parametrize("status", [12, 11])
def test_a_shut_gate_decides_though_its_item_is_not_selected(project: Project, status: int) -> None:
    name = make(project, status)
    for arguments in (["-m", "sysctl"], ["--deselect", gate_id(name)], ["-k", "swappiness"]):
        assert project.run(f"--node={name}", *arguments).ret == status
    assert project.run(item_id(name)).ret == status


def test_no_items_left(project: Project) -> None:
    make(project, 0)
    assert project.run("--node=fine", "-k", "nothing").ret == 5
    make(project, 12)
    assert project.run("--node=fine", "--node=wrong", "-k", "nothing").ret == 12


def test_a_node_without_a_selected_item_decides_nothing(project: Project) -> None:
    make(project, 0)
    make(project, 12)
    assert project.run("--node=fine", "--node=wrong", "-k", "fine").ret == 0


@pytest.mark.parametrize(("status", "ended"), [(0, 1), (10, 1), (12, 12)])
def test_an_own_failing_test_is_a_failure(project: Project, status: int, ended: int) -> None:
    name = make(project, status)
    (project.path / "test_own.py").write_text("def test_it(): assert False\n")
    assert project.run(f"--node={name}", "test_own.py").ret == ended


@pytest.mark.parametrize("status", [1, 7])
def test_an_own_test_may_end_the_run_with_a_status(project: Project, status: int) -> None:
    make(project, 0)
    (project.path / "test_own.py").write_text(
        f"import pytest\ndef test_it(): pytest.exit('enough', returncode={status})\n"
    )
    assert project.run("--node=fine", "test_own.py").ret == status


class Silent:
    """A node that does not answer: waiting for it ends with `reason`, or is a fault."""

    limit = 75.0

    def __init__(self, reason: str | None) -> None:
        self.reason = reason

    def is_done_within(self, seconds: float) -> bool:
        assert self.reason is not None, "waited"
        return False

    def answer(self) -> None:
        raise Unreachable(self.reason)


def test_an_interrupted_run_waits_for_nobody(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("power_edge.checking.check.ask", lambda *_: {"fine": Silent(None)})
    make(project, 0)
    (project.path / "test_own.py").write_text(
        "import pytest\ndef test_it(): pytest.exit('enough')\n"
    )
    result = project.run(
        "--node=fine", "test_own.py", "--prometheus-textfile=edge.prom", "--json-report", nodes=()
    )
    assert result.ret == 2
    result.stdout.fnmatch_lines(
        ["fine: no item was checked", "edge.prom was not written: the run ended with 2"]
    )
    assert not (project.path / "edge.prom").exists()


def test_a_node_that_does_not_answer_is_unreachable(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "power_edge.checking.check.ask", lambda *_: {"a": Silent("\x1b[31mno route\nto host")}
    )
    folder = project.node("a")
    (folder / "test_own.py").write_text("def test_it(): pass\n")
    result = project.run("--node=a", "-rs", nodes=())
    assert result.ret == 11
    result.stdout.fnmatch_lines(
        [
            "SKIPPED [[]1[]] node-configs/a/test_own.py:1: a is blocked: unreachable: \\x1b*",
            "a: 3 blocked",
            "  blocked: unreachable: \\x1b[[]31mno route\\nto host",
        ]
    )
    result.stdout.no_fnmatch_line("*waiting*")  # a log has no use for it


@pytest.mark.parametrize(
    "arguments",
    [["--node=broken"], ["--node=broken", "--node=fine"], ["node-configs/broken/state.yaml"]],
)
def test_a_broken_node_is_a_usage_error_before_anything_is_touched(
    project: Project, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr("power_edge.checking.check.ask", ask)
    make(project, 0)
    broken(project)
    result = project.run(*arguments, nodes=())
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*node-configs/broken/state.yaml:3:*60*"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize("status", [0, 1, 10, 12])
def test_with_a_broken_node_the_others_are_checked_when_told_so(
    project: Project, status: int
) -> None:
    name = make(project, status)
    broken(project)
    arguments = [
        f"--node={name}",
        "--node=broken",
        "--continue-on-collection-errors",
        "--prometheus-textfile=edge.prom",
    ]
    ended, report = project.report(*arguments)
    assert ended == report["exitcode"] == 4
    assert report["power_edge"][name]["exit_status"] == status
    written = (project.path / "edge.prom").read_text()
    assert 'power_edge_config_error{node="broken"} 1.0' in written
    assert f'power_edge_checks{{node="{name}"' in written


def test_only_a_broken_node_and_on_we_go(project: Project) -> None:
    broken(project)
    result = project.run(
        "--node=broken", "--continue-on-collection-errors", "--prometheus-textfile=none/edge.prom"
    )
    assert result.ret == 4
    result.stdout.fnmatch_lines(["*node-configs/broken/state.yaml:3:*60*"])
    result.stdout.fnmatch_lines(
        [
            "none/edge.prom could not be written: No such file or directory (make its folder, and run the command again)"
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_collecting_with_a_broken_node(project: Project) -> None:
    make(project, 0)
    broken(project)
    assert project.run("--node=*", "--collect-only", "--continue-on-collection-errors").ret == 4


def test_a_person_who_waits_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("power_edge.checking.check.ask", lambda *_: {"a": Silent("no answer")})
    project.node("a")
    project.pytester.makeconftest(
        "def pytest_collection(session): session.config.pluginmanager.get_plugin('terminalreporter').isatty = lambda: True\n"
    )
    project.run("--node=a", nodes=()).stdout.fnmatch_lines(["waiting for a, at most 75 s"])


def broken(project: Project) -> None:
    folder = project.path / "node-configs" / "broken"
    folder.mkdir(parents=True)
    (folder / "state.yaml").write_text(BROKEN)


def test_no_identity_on_file(project: Project) -> None:
    project.node("a", identity=None, machine=None, gate="hidden")
    result = project.run("--node=a")
    assert result.ret == 12
    result.stdout.fnmatch_lines(
        ["*no identity on file; record one with: power-edge identity a --write"]
    )


def test_an_identity_that_need_not_match_warns(project: Project) -> None:
    project.node(
        "a", identity=identity_of(answers.MACHINE, require_match=False), machine=answers.OTHER
    )
    result = project.run("--node=a")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["a: 2 compliant*", "  gate: identity not required to match: another machine: *"]
    )


def test_an_answer_of_its_age(project: Project) -> None:
    project.node("a", age=3600)
    result = project.run("--node=a")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["  judged by an answer that is 60 min old"])
    assert project.run("--node=a", "--max-age=90m").ret == 0


@pytest.mark.parametrize(
    ("age", "message"),
    [
        (3600, "*answer is 60 min old, more than 30 min*"),
        (-3600, "*answer is from the future: 60 min*"),
    ],
)
def test_an_answer_too_old_or_from_the_future_says_nothing(
    project: Project, age: int, message: str
) -> None:
    project.node("a", age=age)
    status, report = project.report("--node=a", "--max-age=30m", "--prometheus-textfile=edge.prom")
    assert status == 10
    assert {test["metadata"]["power_edge"]["outcome"] for test in report["tests"]} == {"unknown"}
    written = (project.path / "edge.prom").read_text()
    assert "power_edge_identity_match{" not in written
    assert "power_edge_check_compliant{" not in written
    project.run("--node=a", "--max-age=30m").stdout.fnmatch_lines([message])


def test_an_old_answer_of_another_machine_is_a_wrong_machine(project: Project) -> None:
    project.node("a", machine=answers.OTHER, gate="wrong", age=10**7)
    assert project.run("--node=a").ret == 12


def test_items_that_an_answer_does_not_hold_are_unknown(project: Project) -> None:
    project.node("a", {"vm.swappiness": "60", "kernel.panic": "10"})
    project.answer("a", {"sysctl.0": answers.sysctl({"vm.swappiness": "60"})})
    assert project.outcomes("--node=a") == (
        10,
        {
            gate_id("a"): "compliant",
            item_id("a"): "compliant",
            item_id("a", "sysctl[kernel.panic]"): "unknown",
        },
    )


def test_no_cut_of_an_answer_passes(project: Project) -> None:
    project.node("a")
    whole = project.answers["a"].read_bytes()
    ended = whole.rindex(b" C ")
    for at in (at for at in range(ended) if whole[at : at + 1] == b"\n"):
        project.answers["a"].write_bytes(whole[:at])
        assert project.run("--node=a", "-q", "-p", "no:cacheprovider").ret in {4, 10, 11}
    project.answers["a"].write_bytes(whole)
    assert project.run("--node=a").ret == 0


def test_the_gate_is_judged_by_hashes_not_by_what_the_answer_says_of_it(project: Project) -> None:
    project.node("a", machine=answers.OTHER, gate="open")
    assert project.run("--node=a").ret == 12


def test_a_pytest_that_a_test_of_a_worker_started_asks_its_nodes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacted: list[str] = []

    def ask(nodes: Iterable[Node], *_: object) -> dict[str, Silent]:
        contacted.extend(node.name for node in nodes)
        return {name: Silent("no answer") for name in contacted}

    monkeypatch.setattr("power_edge.checking.check.ask", ask)
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    project.node("a")
    project.run("--node=a", nodes=())
    assert contacted == ["a"]
