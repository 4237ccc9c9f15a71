"""Hostile values in every place of every schema of a node's files, to `validate` and, where they
fit, to the end of a run.
"""

import shutil
import sys
import xml.etree.ElementTree as ET
from itertools import zip_longest
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from power_edge.cli import main
from power_edge.config import ConfigError, load_node
from power_edge.identity import identifiers
from power_edge.model import Outcome
from power_edge.release.accepted import entries
from power_edge.report import prometheus
from power_edge.text import readable
from tests.support.hostile import made
from tests.support.hostile.values import VALUES, harmless, safe_page
from tests.support.project import Project

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_validate(
    value: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["power-edge", "validate"])
    documents: dict[str, list[bytes]] = {}
    for name, document in made.documents(value):
        documents.setdefault(name, []).append(made.written(document))
    policies, accepted = documents.pop("policy"), documents.pop("accepted")
    root = tmp_path / "node-configs"
    (root / "roles").mkdir(parents=True)
    names = []
    for number, contents in enumerate(zip_longest(*documents.values(), fillvalue=None)):
        (root / f"n{number}").mkdir()
        names.append(f"n{number}")
        for schema, content in {
            "state": None,
            **dict(zip(documents, contents, strict=True)),
        }.items():
            if content is not None or schema == "state":
                file = root / made.FILES[schema].format(node=f"n{number}")
                file.write_bytes(content or made.written(made.STATE))

    def refused() -> set[str]:
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsysbinary.readouterr()
        harmless(out)
        harmless(err)
        assert ended.value.code in (0, 4)
        lines = [line for line in err.decode().splitlines() if line.startswith("node-configs/")]
        broken = {line.partition(":")[0].removeprefix("node-configs/") for line in lines}
        assert (ended.value.code == 4) is bool(broken)
        usable = {line.partition(":")[0] for line in out.decode().splitlines()}
        assert {name.split("/")[0] for name in broken} <= {*names, "roles", "policy.yaml"} - usable
        return broken

    broken = refused()
    assert {name.split("/")[0] for name in broken} >= {"n0", "roles"}
    roles = len(documents["role"])
    assert {f"roles/n{number}.yaml" for number in range(roles)} <= broken  # of another name
    shutil.rmtree(root)
    (root / "rig").mkdir(parents=True)
    (root / "rig" / "state.yaml").write_bytes(made.written(made.STATE))
    names = ["rig"]
    statuses = set()
    for content in policies:
        (root / "policy.yaml").write_bytes(content)
        found = refused()
        assert found <= {"policy.yaml"}
        statuses.add(bool(found))
    assert True in statuses
    for content in accepted:
        try:
            entries(content, "base")
        except ConfigError as error:
            harmless(str(error))


PLAIN = ()
SHOWN = (
    ("-v",),
    ("-vv", "--tb=long"),
    ("-q",),
    ("-rA", "--tb=short", "--durations=0"),
    ("--tb=line", "-s"),
    ("--setup-show",),
)
COLLECTED = (("--collect-only",), ("--collect-only", "-q"), ("--collect-only", "-vv"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node for each value, with the value in all places that take it."""
    root = tmp_path_factory.mktemp("hostile") / "node-configs"
    for number, value in enumerate(map(readable, VALUES.values())):  # YAML holds nothing else
        assert made.node(root / f"n{number}", value) >= 8, value
    return root


@pytest.fixture
def hostile(project: Project, folder: Path) -> Project:
    """These nodes, with an answer of each: the value is what every section says on stderr."""
    shutil.copytree(folder, project.path / "node-configs")
    for number, value in enumerate(map(readable, VALUES.values())):
        node = load_node(project.path / "node-configs" / f"n{number}")
        assert node.system_identity is not None
        messages = [
            (kind, "ok", digest)
            for kind, digest in identifiers.expected(node.system_identity).hashes.items()
        ]
        project.answer(
            node.name, {f"{item.type}.0": (1, b"", value) for item in node.items}, readings=messages
        )
    return project


def test_runs(hostile: Project) -> None:
    for options in SHOWN:
        result = hostile.run("--node=*", *options)
        harmless(result.stdout.str())
        harmless(result.stderr.str())
        assert result.ret in (1, 10)
    for options in COLLECTED:
        result = hostile.run("--node=*", *options, nodes=())
        harmless(result.stdout.str())
        harmless(result.stderr.str())
        assert result.ret == 0


def test_reports(hostile: Project) -> None:
    files = (
        "--junitxml=junit.xml",
        "--prometheus-textfile=edge.prom",
        "--html=report.html",
        "--self-contained-html",
    )
    status, report = hostile.report("--node=*", *files)
    assert status == 10
    tests = [test["metadata"]["power_edge"] for test in report["tests"] if "metadata" in test]
    own = {test["nodeid"].split("/")[1] for test in report["tests"] if "metadata" not in test}
    cases = ET.parse(hostile.path / "junit.xml").getroot().iter("testcase")
    assert len([*cases]) == len(report["tests"])
    text = (hostile.path / "edge.prom").read_bytes().decode()
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    nodes = [f"n{number}" for number in range(len(VALUES))]
    for name in (
        "power_edge_node_reachable",
        "power_edge_node_info",
        "power_edge_last_seen_timestamp_seconds",
        "power_edge_config_error",
    ):
        assert sorted(sample.labels["node"] for sample in families[name]) == sorted(nodes)
    compliant = {
        (test["node"], test["type"], test["name"])
        for test in tests
        if test["outcome"] in ("compliant", "drift")
    }
    assert {
        (each.labels["node"], each.labels["type"], each.labels["name"])
        for each in families["power_edge_check_compliant"]
    } == compliant
    kinds = {(test["node"], test["type"]) for test in tests} | {(node, "own") for node in own}
    assert len(families["power_edge_checks"]) == len(kinds) * len(Outcome)
    observed = prometheus.last_seen(hostile.path / "edge.prom")
    assert observed.keys() == {*nodes}
    assert max(observed.values()) < 8e9
    assert safe_page((hostile.path / "report.html").read_text()) == len(report["tests"])


def test_scripts(
    hostile: Project, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    escape = VALUES["osc"].encode()
    for number in range(len(VALUES)):
        monkeypatch.setattr(sys, "argv", ["power-edge", "probe-script", f"n{number}"])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsysbinary.readouterr()
        assert (ended.value.code or 0, err) == (0, b"")
        assert escape not in out
        script = out.decode()
        harmless(script[script.index("pe_main() {") :])
