"""How careful to be with a change: each reason, and what is none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from power_edge.change_gate.change import Change, Kind
from power_edge.change_gate.forecast import Forecast
from power_edge.change_gate.risk import Level, is_other, risk
from power_edge.change_gate.rules import Breach
from power_edge.config.policy import load_policy
from power_edge.model import Item, Outcome, Remedy, Result, Source
from tests.support import answers
from tests.support.change import Folder, compared

Nodes = Mapping[str, Mapping[str, Any]]
MANY: Nodes = {name: {} for name in "abcdef"}
PROD, ONE, TWO = (
    {"environment": "production"},
    {"machine": answers.MACHINE},
    {"machine": answers.OTHER},
)
OTHER_VALUE = {"sysctl": {"vm.swappiness": "2"}}
HALF = "it touches more than half of all nodes"
GONE = "a node is removed, so it is no longer checked"
MACHINE = "it changes which machine a node is (system-identity.yaml)"
ACCESS = "it changes who gets into a node (access_control, firewall)"
PRODUCTION = "it touches a production node"
PLACE = Source("f", 1)


def side(nodes: Nodes, **files: str) -> Any:
    def write(at: Folder) -> None:
        for name, given in nodes.items():
            at.node(name, **given)
        for name, text in files.items():
            at.write(name, text)

    return write


@pytest.mark.parametrize(
    ("old", "new", "level", "reasons"),
    [
        (MANY, {**MANY, "a": OTHER_VALUE}, Level.LOW, []),
        (MANY, {**MANY, **dict.fromkeys("abc", OTHER_VALUE)}, Level.LOW, []),
        (MANY, {**MANY, **dict.fromkeys("abcd", OTHER_VALUE)}, Level.HIGH, [HALF]),
        ({"a": {}}, {"a": OTHER_VALUE}, Level.LOW, []),  # of one node all is nothing special
        ({"a": {}, "b": {}}, {"a": OTHER_VALUE, "b": OTHER_VALUE}, Level.HIGH, [HALF]),
        ({**MANY, "g": {}}, MANY, Level.HIGH, [GONE]),
        (MANY, {**MANY, "g": {}}, Level.LOW, []),
        (MANY, {**MANY, "g": {"firewall": {"enabled": True}}}, Level.LOW, []),
        (MANY, {**MANY, "g": ONE}, Level.LOW, []),
        (MANY, {**MANY, "a": {"firewall": {"enabled": True}}}, Level.HIGH, [ACCESS]),
        ({**MANY, "a": ONE}, {**MANY, "a": TWO}, Level.HIGH, [MACHINE]),
        ({**MANY, "a": ONE}, {name: each for name, each in MANY.items() if name != "a"} | {"g": ONE}, Level.MEDIUM, ["a node gets another name"]),
        ({**MANY, "a": PROD}, {**MANY, "a": {**OTHER_VALUE, **PROD}}, Level.MEDIUM, [PRODUCTION]),
        ({**MANY, "a": PROD}, {**MANY, "a": OTHER_VALUE}, Level.MEDIUM, [PRODUCTION]),
        (MANY, {**MANY, "a": PROD}, Level.MEDIUM, [PRODUCTION]),
        (MANY, {**MANY, "g": PROD}, Level.MEDIUM, [PRODUCTION]),
        ({**MANY, "b": PROD}, {**MANY, "a": OTHER_VALUE, "b": PROD}, Level.LOW, []),
        (
            {**MANY, "a": PROD},
            {**MANY, "a": {"firewall": {"enabled": True}, **PROD}},
            Level.HIGH,
            [ACCESS, PRODUCTION],
        ),
    ],
)  # fmt: skip
def test_what_nodes_show(
    tmp_path: Path, old: Nodes, new: Nodes, level: Level, reasons: list[str]
) -> None:
    difference, _ = compared(tmp_path, side(old), side(new))
    found = risk(difference, [], None, ())
    assert (found.level, [why for _, why in found.reasons]) == (level, reasons)


OTHER_FILE = "it changes files that are not declarations, such as tests, which run"


@pytest.mark.parametrize(
    ("file", "level", "reasons"),
    [
        ("a/watcher.yaml", Level.LOW, []),
        ("a/connection.yaml", Level.MEDIUM, ["it changes how a node is reached (connection.yaml)"]),
        ("policy.yaml", Level.HIGH, ["it changes the policy"]),
        ("roles/relay.yaml", Level.MEDIUM, ["it changes what a role demands"]),
        ("a/test_own.py", Level.MEDIUM, [OTHER_FILE]),
    ],
)
def test_what_files_show(tmp_path: Path, file: str, level: Level, reasons: list[str]) -> None:
    texts = {
        "a/watcher.yaml": 'version: "1.0"\nwatchers: {enabled: false}\n',
        "a/connection.yaml": "ssh: {host: x}\n",
        "policy.yaml": "max_nodes: 1\n",
        "roles/relay.yaml": "name: relay\ndescription: x\nrules:\n- {item: {sysctl: {vm.swappiness: '1'}}, reason: y}\n",
        "a/test_own.py": "",
    }
    difference, _ = compared(tmp_path, side(MANY), side(MANY, **{file: texts[file]}))
    found = risk(difference, [], None, ())
    assert (found.level, [why for _, why in found.reasons]) == (level, reasons)


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("node-configs/policy.yaml", False),
        ("node-configs/a/policy.yaml", True),
        ("node-configs/a/state.yaml", False),
        ("node-configs/roles/relay.yaml", False),
        ("node-configs/roles/relay.py", True),
        ("node-configs/a/relay.yaml", True),
        ("node-configs/a/files/motd", True),
        ("node-configs/conftest.py", True),
    ],
)
def test_files_that_declare_nothing(path: str, other: bool) -> None:
    assert is_other(path) is other


@pytest.mark.parametrize(
    ("protected", "reasons"),
    [
        (["sysctl.vm"], ["it changes a protected field"]),
        (["sysctl.net"], []),
        (["sysctl.net", "sysctl.vm"], ["it changes a protected field"]),
    ],
)
def test_a_policy(tmp_path: Path, protected: list[str], reasons: list[str]) -> None:
    def both(change: Nodes) -> Any:
        def write(at: Folder) -> None:
            side({**MANY, **change})(at)
            at.policy(protected=protected)

        return write

    difference, root = compared(tmp_path, both({}), both({"a": OTHER_VALUE}))
    policy = load_policy(root)
    assert [why for _, why in risk(difference, [], policy, ()).reasons] == reasons
    breach = Breach("max_nodes", "x", PLACE, PLACE, "y")
    found = risk(difference, [breach], None, ())
    assert found == (Level.HIGH, ((Level.HIGH, "it breaks the policy"),))


DRIFTS = "nodes drift once it is merged"
OPEN = "what it does to some nodes is unknown"
CUTS = "a command that ends a drift could cut the way to a node"


def forecast(*outcomes: Outcome, cuts: bool = False, why: str | None = None) -> Forecast:
    item = Item("a", "sysctl", "x", "x", None, {}, (PLACE,))
    change = Change("a", "sysctl", "x", "x", Kind.CHANGED, (), PLACE)
    remedy = Remedy((("x",),), cuts=cuts)
    return Forecast(
        "a", tuple((change, Result(item, each, (), None, remedy)) for each in outcomes), why
    )


OK, BAD, UNKNOWN = Outcome.COMPLIANT, Outcome.DRIFT, Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("forecasts", "level", "reasons"),
    [
        ([], Level.LOW, []),
        ([forecast(OK)], Level.LOW, []),
        ([forecast(OK, BAD)], Level.MEDIUM, [DRIFTS]),
        ([forecast(OK), forecast(BAD), forecast(BAD)], Level.MEDIUM, [DRIFTS]),
        ([forecast(OK, UNKNOWN)], Level.MEDIUM, [OPEN]),
        ([forecast(Outcome.BLOCKED)], Level.MEDIUM, [OPEN]),
        ([forecast(why="no recorded answer")], Level.MEDIUM, [OPEN]),
        ([forecast(BAD), forecast(UNKNOWN)], Level.MEDIUM, [DRIFTS, OPEN]),
        ([forecast(BAD, cuts=True)], Level.HIGH, [CUTS, DRIFTS]),
    ],
)
def test_what_answers_show(
    tmp_path: Path, forecasts: list[Forecast], level: Level, reasons: list[str]
) -> None:
    difference, _ = compared(tmp_path, side({"a": {}}), side({"a": {}}))
    found = risk(difference, [], None, forecasts)
    assert (found.level, [why for _, why in found.reasons]) == (level, reasons)
