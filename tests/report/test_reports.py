"""JSON, JUnit and Prometheus of a run: what DESIGN names, whole or not there."""

import json
import os
import re
import threading
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from power_edge.config import schema
from power_edge.model import Outcome
from power_edge.probing.framing import read
from tests.support import answers
from tests.support.project import Project, gate_id, identity_of, item_id

pytest_plugins = ["pytester"]

FIVE = {outcome.value: 0 for outcome in Outcome}
NONE = FIVE | {"own_failed": 0}


def four(project: Project) -> None:
    """A node with an item of each outcome that is not blocked, and a blocked one."""
    project.node(
        "a",
        {"vm.swappiness": "60", "kernel.panic": "10"},
        sections={"files": [{"path": "/x", "mode": "0644"}]},
    )
    values: dict[str, str | bytes] = {"vm.swappiness": "60", "kernel.panic": "1"}
    project.answer("a", {"sysctl.0": answers.sysctl(values), "files.0": (1, b"", "no way")})
    project.node("b", machine=answers.OTHER, gate="wrong")


def test_json(project: Project) -> None:
    four(project)
    status, report = project.report("--node=*")
    assert status == 12
    Draft202012Validator(schema("report")).validate(report)
    assert report["power_edge"] == {
        "a": {**NONE, "compliant": 2, "drift": 1, "unknown": 1, "exit_status": 1},
        "b": {**NONE, "blocked": 2, "exit_status": 12},
    }
    items: dict[str, Any] = {
        test["nodeid"]: test["metadata"]["power_edge"] for test in report["tests"]
    }
    assert items[item_id("a", "sysctl[kernel.panic]")] == {
        "node": "a",
        "type": "sysctl",
        "name": "kernel.panic",
        "outcome": "drift",
        "expected": {"value": "10"},
        "actual": {"value": "1"},
        "why": None,
        "source": "node-configs/a/state.yaml:7",
        "mend": "sysctl -w kernel.panic=10",
    }
    unknown = items[item_id("a", "files[/x]")]
    assert (unknown["actual"]["mode"], unknown["why"], unknown["mend"]) == (None, "no way", None)
    gate = items[gate_id("a")]
    assert (gate["type"], gate["name"], gate["outcome"], gate["source"]) == (
        "node",
        "identity",
        "compliant",
        "node-configs/a/system-identity.yaml:1",
    )
    assert gate["expected"] == gate["actual"] == {"hash": answers.digest(answers.MACHINE)}
    assert items[item_id("b")]["actual"] is items[gate_id("b")]["actual"] is None
    assert answers.MACHINE not in json.dumps(report)


def test_json_of_a_stale_answer_and_of_no_identity_fit_the_schema(project: Project) -> None:
    project.node("a", age=10**6)
    project.node("b", identity=None, gate="hidden")
    project.node("c", identity={"validation": {"require_match": False}})
    report = project.report("--node=*")[1]
    Draft202012Validator(schema("report")).validate(report)
    assert report["power_edge"]["a"] == {**NONE, "unknown": 2, "exit_status": 10}


@pytest.mark.parametrize("family", ["xunit1", "xunit2"])
@pytest.mark.parametrize("plain", [True, False])
def test_junit(project: Project, family: str, plain: bool) -> None:
    four(project)
    stock = () if plain else ("--setup-show",)  # pytest's own protocol for each item
    cases = project.junit("--node=*", "-o", f"junit_family={family}", *stock)
    assert list(cases) == [
        ("a.node", "identity"),
        ("a.sysctl", "vm.swappiness"),
        ("a.sysctl", "kernel.panic"),
        ("a.files", "/x"),
        ("b.node", "identity"),
        ("b.sysctl", "vm.swappiness"),
    ]
    assert {
        name: [child.tag for child in case if child.tag not in ("properties", "system-out")]
        for name, case in cases.items()
    } == {
        ("a.node", "identity"): [],
        ("a.sysctl", "vm.swappiness"): [],
        ("a.sysctl", "kernel.panic"): ["failure"],
        ("a.files", "/x"): ["error"],
        ("b.node", "identity"): ["failure"],
        ("b.sysctl", "vm.swappiness"): ["skipped"],
    }
    case = cases["a.sysctl", "kernel.panic"]
    place = {"file": "node-configs/a/state.yaml", "line": "7"} if family == "xunit1" else {}
    assert case.attrib == {
        "classname": "a.sysctl",
        "name": "kernel.panic",
        "time": case.get("time"),
        **place,
    }
    properties = [(each.get("name"), each.get("value")) for each in case.iter("property")]
    assert properties == [
        ("node", "a"),
        ("type", "sysctl"),
        ("name", "kernel.panic"),
        ("outcome", "drift"),
        ("expected", '{"value": "10"}'),
        ("actual", '{"value": "1"}'),
        ("why", ""),
        ("source", "node-configs/a/state.yaml:7"),
        ("mend", "sysctl -w kernel.panic=10"),
    ]
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("message") == "value: 10 expected, 1 observed"
    assert "mend     sysctl -w kernel.panic=10" in (failure.text or "")
    assert "Traceback" not in (project.path / "junit.xml").read_text()


def test_what_a_node_shows_is_data_to_every_report(project: Project) -> None:
    observed = b'\x1b[31m<b>&"\xff\x80\x01]]>'
    project.node("a", {"vm.swappiness": "60"}, {"vm.swappiness": observed})
    result = project.run(
        "--node=a",
        "--junitxml=j.xml",
        "--json-report",
        "--json-report-file=j.json",
        "--prometheus-textfile=e.prom",
        "-v",
        "-rA",
    )
    assert result.ret == 1
    assert "\x1b" not in result.stdout.str()
    result.stdout.fnmatch_lines(['*\\x1b[[]31m<b>&"\\xff\\x80\\x01]]>*'])
    (item,) = [
        test
        for test in json.loads((project.path / "j.json").read_text())["tests"]
        if test["outcome"] == "failed"
    ]
    assert item["metadata"]["power_edge"]["actual"] == {"value": '\x1b[31m<b>&"\\xff\\x80\x01]]>'}
    assert ET.parse(project.path / "j.xml").getroot() is not None
    assert "[31m" not in (project.path / "e.prom").read_text()


def series(project: Project) -> dict[str, str]:
    lines = (project.path / "edge.prom").read_text().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def test_prometheus(project: Project) -> None:
    four(project)
    (project.path / "node-configs" / "a" / "identity.yaml").write_text(
        'version: "1.0"\nnode: {hostname: a, purpose: "VPN \\"gateway\\"\\n\\\\"}\nroles: [{name: dev-workstation, enabled: true}]\n'
    )
    assert project.run("--node=*", "--prometheus-textfile=edge.prom").ret == 12
    found = series(project)
    checks = {
        key: float(value) for key, value in found.items() if key.startswith("power_edge_checks{")
    }
    counts = {
        ("a", "node", "compliant"),
        ("a", "sysctl", "compliant"),
        ("a", "sysctl", "drift"),
        ("a", "files", "unknown"),
    }
    counts |= {("b", "node", "blocked"), ("b", "sysctl", "blocked")}
    assert checks == {
        f'power_edge_checks{{node="{node}",outcome="{outcome}",type="{kind}"}}': float(
            (node, kind, outcome) in counts
        )
        for node, kind in (
            ("a", "node"),
            ("a", "sysctl"),
            ("a", "files"),
            ("b", "node"),
            ("b", "sysctl"),
        )
        for outcome in FIVE
    }
    assert {key: value for key, value in found.items() if "check_compliant" in key} == {
        'power_edge_check_compliant{name="identity",node="a",type="node"}': "1.0",
        'power_edge_check_compliant{name="vm.swappiness",node="a",type="sysctl"}': "1.0",
        'power_edge_check_compliant{name="kernel.panic",node="a",type="sysctl"}': "0.0",
    }
    assert {key: value for key, value in found.items() if "reachable" in key or "match" in key} == {
        'power_edge_node_reachable{node="a"}': "1.0",
        'power_edge_node_reachable{node="b"}': "1.0",
        'power_edge_identity_match{node="a"}': "1.0",
        'power_edge_identity_match{node="b"}': "0.0",
    }
    hashed = answers.digest(answers.MACHINE)
    assert (
        f'power_edge_node_info{{identity_hash="{hashed}",node="a",purpose="VPN \\"gateway\\"\\n\\\\",site="here"}}'
        in found
    )
    for name in ("a", "b"):
        assert float(found[f'power_edge_run_duration_seconds{{node="{name}"}}']) >= 0
        assert float(found[f'power_edge_last_run_timestamp_seconds{{node="{name}"}}']) > 1.7e9
        assert found[f'power_edge_config_error{{node="{name}"}}'] == "0.0"
    assert (project.path / "edge.prom").stat().st_mode & 0o777 == 0o644


def test_of_two_own_tests_with_one_name_the_one_that_fails_counts(project: Project) -> None:
    project.node("a")
    for file, verdict in (("test_1.py", "False"), ("test_2.py", "True")):
        (project.path / file).write_text(
            "import pytest\n\n"
            '@pytest.mark.parametrize("file", ["x"], ids=["node-configs/a/t"])\n'
            f"def test_it(node, file): assert {verdict}\n"
        )
    arguments = ("--node=a", "test_1.py", "test_2.py", "--prometheus-textfile=edge.prom")
    assert project.run(*arguments).ret == 1
    compliant = {key: value for key, value in series(project).items() if "t]" in key}
    assert list(compliant.values()) == ["0.0"]


def test_every_series_carries_its_node_and_they_come_in_one_order(project: Project) -> None:
    four(project)
    (project.path / "node-configs" / "a" / "test_own.py").write_text("def test_it(): pass\n")
    orders = set()
    for _ in range(2):
        project.run("--node=*", "--prometheus-textfile=edge.prom")
        orders.add(tuple(series(project)))
    (order,) = orders
    assert len(order) > 40
    assert not [key for key in order if not re.search(r'[{,]node="[ab]"[,}]', key)]


def test_no_second_textfile_of_a_node_in_a_folder(project: Project) -> None:
    """node_exporter keeps one of two equal series, and says nothing to who asks."""
    for name in ("a", "b"):
        project.node(name)

    def run(name: str, file: str) -> pytest.RunResult:
        nodes = ("a", "b") if name == "*" else (name,)
        return project.run(f"--node={name}", f"--prometheus-textfile={file}", nodes=nodes)

    assert run("a", "edge.prom").ret == 0
    assert run("b", "other.prom").ret == 0
    result = run("a", "second.prom")
    assert result.ret == 3
    result.stdout.fnmatch_lines(
        ["second.prom could not be written: edge.prom beside it has *node a*"]
    )
    assert not (project.path / "second.prom").exists()
    assert run("*", "other.prom").ret == 3
    assert 'node="a"' not in (project.path / "other.prom").read_text()
    (project.path / "edge.prom").unlink()
    assert run("*", "other.prom").ret == 0
    assert run("a", "other.prom").ret == 0


LAST_SEEN = 'power_edge_last_seen_timestamp_seconds{node="a"}'


@pytest.mark.parametrize("shut", ["cut", "wrong", "stale", "broken"])
def test_when_a_node_was_last_seen_outlives_a_run_that_does_not_see_it(
    project: Project, shut: str
) -> None:
    folder = project.node("a", age=100)
    assert project.run("--node=a", "--prometheus-textfile=edge.prom").ret == 0
    before = series(project)[LAST_SEEN]
    assert 1.7e9 < float(before) < time.time() - 90
    match shut:
        case "cut":
            project.answer("a", {}, gate=None)
        case "wrong":
            project.answer("a", {}, machine=answers.OTHER, gate="wrong")
        case "stale":
            project.answer(
                "a", {"sysctl.0": answers.sysctl({"vm.swappiness": "60"})}, age=-3600
            )  # from the future
        case "broken":
            (folder / "state.yaml").write_text("broken\n")
    nodes = () if shut == "broken" else ("a",)
    status = project.run(
        "--node=a",
        "--continue-on-collection-errors",
        "--prometheus-textfile=edge.prom",
        nodes=nodes,
    ).ret
    assert status == {"cut": 11, "wrong": 12, "stale": 10, "broken": 4}[shut]
    assert series(project)[LAST_SEEN] == before


@pytest.mark.parametrize(
    "before", ["", f"{LAST_SEEN} now\n", f"{LAST_SEEN}\n", LAST_SEEN[:-3], "\xff\n"]
)
def test_a_node_never_seen_has_no_time_of_it_whatever_the_old_file_is(
    project: Project, before: str
) -> None:
    project.node("a", gate=None)
    (project.path / "edge.prom").write_bytes(before.encode("latin-1"))
    assert project.run("--node=a", "--prometheus-textfile=edge.prom").ret == 11
    assert "last_seen_timestamp_seconds{" not in (project.path / "edge.prom").read_text()


def test_a_node_is_seen_when_the_run_asked_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By this machine's clock: the node's may be wrong."""
    project.node("a")
    answer = read(
        answers.answer("a", {"sysctl.0": answers.sysctl({"vm.swappiness": "60"})}, age=10**6)
    )
    pending = SimpleNamespace(limit=1.0, is_done_within=lambda seconds: True, answer=lambda: answer)
    monkeypatch.setattr("power_edge.checking.check.ask", lambda *_: {"a": pending})
    begun = time.time()
    assert project.run("--node=a", "--prometheus-textfile=edge.prom", nodes=()).ret == 0
    assert begun <= float(series(project)[LAST_SEEN]) <= time.time()


def test_prometheus_of_the_unreachable(project: Project) -> None:
    project.node("a", gate=None)
    assert project.run("--node=a", "--prometheus-textfile=edge.prom").ret == 11
    found = series(project)
    assert found['power_edge_node_reachable{node="a"}'] == "0.0"
    assert not [key for key in found if "identity_match" in key]


def test_prometheus_of_an_identity_that_need_not_match(project: Project) -> None:
    project.node(
        "a", identity=identity_of(answers.MACHINE, require_match=False), machine=answers.OTHER
    )
    assert project.run("--node=a", "--prometheus-textfile=edge.prom").ret == 0
    assert series(project)['power_edge_identity_match{node="a"}'] == "0.0"


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["--node=a", "-k", "panic"], 1, "items were deselected"),
        (["--node=a", "--deselect", gate_id("a")], 1, "items were deselected"),
        (["--node=a", "--node=b", "--deselect", "node-configs/b"], 1, "items were deselected"),
        (["--node=a", "-x"], 1, "not all items were judged"),
        ([item_id("a")], 0, "not all items were judged"),
        (["node-configs/a/state.yaml", gate_id("a")], 1, "only a part of a was selected"),
        (["--node=a", "test_own.py", "--deselect=test_own.py::test_b"], 1, "items were deselected"),
        (["--node=a", "-k", "nothing"], 5, "the run ended with 5"),
        (["--node=a", "test_broken.py"], 2, "the run ended with 2"),
    ],
)
def test_prometheus_of_a_part_leaves_the_file_as_it_was(
    project: Project, arguments: list[str], status: int, reason: str
) -> None:
    project.node(
        "a",
        {"vm.swappiness": "60", "kernel.panic": "10", "vm.max_map_count": "7"},
        {"vm.swappiness": "60", "kernel.panic": "1"},
    )
    project.node("b")
    (project.path / "test_own.py").write_text(
        "def test_a(node): assert False\ndef test_b(node): pass\n"
    )
    (project.path / "test_broken.py").write_text("import nothing_of_that_name\n")
    (project.path / "edge.prom").write_text("old\n")
    nodes = tuple(name for name in ("a", "b") if name == "a" or "--node=b" in arguments)
    result = project.run(*arguments, "--prometheus-textfile=edge.prom", nodes=nodes)
    assert result.ret == status
    assert (project.path / "edge.prom").read_text() == "old\n"
    result.stdout.fnmatch_lines([f"edge.prom was not changed: {reason}"])


def test_prometheus_of_a_part_writes_no_file_where_there_is_none(project: Project) -> None:
    project.node("a")
    result = project.run("--node=a", "-k", "identity", "--prometheus-textfile=gone/edge.prom")
    result.stdout.fnmatch_lines(["gone/edge.prom was not written: items were deselected"])
    assert not (project.path / "gone").exists()


REPORTS = {
    "--junitxml": "junit.xml",
    "--json-report-file": "report.json",
    "--prometheus-textfile": "edge.prom",
    "--html": "report.html",
}
BESIDE = ("--json-report", "--self-contained-html")


@pytest.mark.parametrize("observed", ["60", "1"])
@pytest.mark.parametrize("option", REPORTS)
def test_what_cannot_be_written_is_told_and_the_old_file_stays(
    project: Project, option: str, observed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.node("a", observed={"vm.swappiness": observed})
    file = project.path / REPORTS[option]
    file.write_text("old\n")

    def fsync(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("power_edge.atomic_file.os.fsync", fsync)
    before = sorted(project.path.iterdir())
    result = project.run(
        "--node=a",
        *BESIDE,
        f"{option}={file}",
        "-p",
        "no:cacheprovider",
        *(["--json-report-file="] * (option[2] == "p")),
    )
    assert result.ret == 3, "a drift must not hide that the report is missing"
    assert file.read_text() == "old\n"
    result.stdout.fnmatch_lines(
        [
            f"{file} could not be written: No space left on device (make room, and run the command again)"
        ]
    )
    assert "generated xml" not in result.stdout.str()
    assert "Generated html" not in result.stdout.str()
    assert {path for path in sorted(project.path.iterdir()) if path not in before} <= {
        project.path / ".report.json"
    }


@pytest.mark.parametrize("option", REPORTS)
def test_a_crash_in_the_middle_leaves_the_old_file(
    project: Project, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.node("a")
    file = project.path / REPORTS[option]
    file.write_text("old\n")
    written: list[str] = []
    real = Path.replace

    def replace(beside: Path, target: Path) -> Path:
        written.append(beside.read_text())
        assert target.read_text() == "old\n"
        assert not beside.name.endswith((".prom", ".xml", ".json", ".html"))
        return real(beside, target)

    monkeypatch.setattr(Path, "replace", replace)
    project.run(
        "--node=a", *BESIDE, f"{option}={file}", *(["--json-report-file="] * (option[2:4] != "js"))
    )
    assert written == [file.read_text()]
    assert file.read_text() != "old\n"


@pytest.mark.parametrize(
    "option", ["--junitxml", "--json-report-file", "--prometheus-textfile"]
)  # pytest-html makes its folder before the run
def test_a_report_into_a_folder_that_is_none(project: Project, option: str) -> None:
    project.node("a")
    (project.path / "file").write_text("")
    result = project.run(
        "--node=a",
        "--json-report",
        f"{option}={project.path}/file/report.prom",
        *(["--json-report-file="] * (option[2:4] != "js")),
    )
    assert result.ret == 3
    assert "could not be written: " in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


@pytest.mark.parametrize("option", ["--junitxml", "--json-report-file"])
def test_folders_of_reports_are_made(project: Project, option: str) -> None:
    project.node("a")
    assert project.run("--node=a", "--json-report", f"{option}=some/where/report").ret == 0
    assert (project.path / "some/where/report").stat().st_size > 100


@pytest.mark.parametrize("option", REPORTS)
def test_what_is_no_file_is_written_to_and_not_replaced(project: Project, option: str) -> None:
    """As /dev/stdout is. (A pipe of our own: a fault must not cost the machine its /dev/null.)"""
    project.node("a")
    pipe = project.path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    assert project.run("--node=a", *BESIDE, "--json-report-file=", f"{option}={pipe}").ret == 0
    assert pipe.is_fifo()
    reader.join(10)
    assert b"sysctl" in read[0]


def test_reports_of_runs_about_no_node_are_pytest_s_own(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replacing(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("power_edge.pytest_integration.atomic_reports.replacing", replacing)
    project.pytester.makepyfile(test_it="def test_it(): pass\n")
    assert project.run("--junitxml=junit.xml", "--json-report", "test_it.py").ret == 0


OWN_TESTS = """
import pytest

@pytest.fixture
def breaks_at_start():
    raise ValueError

@pytest.fixture
def breaks_at_end():
    yield
    raise ValueError

def test_passes(): pass
def test_fails(): assert False
def test_unknown(facts): facts["files"]["/x"]
def test_skips(): pytest.skip("no")
def test_breaks_at_start(breaks_at_start): pass
def test_breaks_at_end(breaks_at_end): pass
def test_fails_and_breaks_at_end(breaks_at_end): assert False
def test_skips_and_breaks_at_end(breaks_at_end): pytest.skip("no")

@pytest.mark.skip
def test_is_left_out(breaks_at_start): pass

@pytest.mark.xfail
def test_fails_as_expected(): assert False

@pytest.mark.xfail
def test_passes_unexpectedly(): pass

@pytest.mark.xfail(strict=True)
def test_must_not_pass(): pass

@pytest.mark.xfail
def test_breaks_at_start_as_expected(breaks_at_start): pass

@pytest.mark.xfail
def test_fails_and_breaks_at_end_as_expected(breaks_at_end): assert False

@pytest.mark.xfail
def test_unknown_as_expected(facts): facts["files"]["/x"]
"""


@pytest.mark.parametrize(
    "more", [(), pytest.param(("-n1",), marks=pytest.mark.shell)], ids=["", "xdist"]
)
@pytest.mark.parametrize("blocked", [False, True])
def test_all_reports_count_own_tests_alike(
    project: Project, more: tuple[str, ...], blocked: bool
) -> None:
    folder = (
        project.node("a", gate="wrong", machine=answers.OTHER) if blocked else project.node("a")
    )
    (folder / "test_own.py").write_text(OWN_TESTS)
    _, report = project.report("--node=a", *more, "--prometheus-textfile=x.prom", "--junitxml=xml")
    counts = report["power_edge"]["a"]
    own = dict.fromkeys((outcome.value for outcome in Outcome), 0)
    items = dict(own)
    for line in (project.path / "x.prom").read_text().splitlines():
        if line.startswith("power_edge_checks{"):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            of = own if labels["type"] == "own" else items
            of[labels["outcome"]] += int(float(line.rpartition(" ")[2]))
    counted = {outcome: own[outcome] + items[outcome] for outcome in own}
    assert {**counted, "drift": items["drift"], "own_failed": own["drift"]} == {
        name: count for name, count in counts.items() if name != "exit_status"
    }
    cases = [*ET.parse(project.path / "xml").iter("testcase")]
    names = [(case.get("classname"), case.get("name")) for case in cases]
    assert len(names) == len({*names}) == OWN_TESTS.count("def test_") + 2
    found = [
        each.get("value")
        for case in cases
        for each in case.iter("property")
        if each.get("name") == "outcome"
    ]
    assert {outcome: found.count(outcome) for outcome in counted} == counted
    if not blocked:
        assert own == {"compliant": 2, "drift": 6, "unknown": 2, "blocked": 0, "waived": 3}
