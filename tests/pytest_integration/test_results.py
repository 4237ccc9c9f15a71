"""What the items and own tests of a run come to: counts and exit statuses, by node and in all."""

from types import SimpleNamespace
from typing import Any

import pytest

from power_edge.model import Item, Outcome, Result, Source
from power_edge.pytest_integration.own_tests import UNKNOWN, OwnTests, outcome_of, worst
from power_edge.pytest_integration.results import RunResults
from power_edge.report.record import record

PASS, FAIL, OPEN, SHUT, WAIVED = (
    Outcome.COMPLIANT,
    Outcome.DRIFT,
    Outcome.UNKNOWN,
    Outcome.BLOCKED,
    Outcome.WAIVED,
)


def results(
    gates: dict[str, int], items: dict[str, list[Outcome]], own: dict[str, list[Outcome]]
) -> RunResults:
    """Return the results of a run, by node. Own tests of "" are about no node."""
    found = RunResults()
    found.gates.update(gates)
    for node, outcomes in items.items():
        for index, outcome in enumerate(outcomes):
            item = Item(node, "sysctl", f"k{index}", f"k{index}", None, {}, (Source("f", 1),))
            found.add(record(Result(item, outcome)))
    for node, outcomes in own.items():
        for index, outcome in enumerate(outcomes):
            test = f"{node}::{index}"
            if node:
                found.own.node_of[test] = node
            found.own.add(test, outcome)
    return found


@pytest.mark.parametrize(
    ("gate", "items", "own", "status"),
    [
        (0, [], [], 0),
        (0, [PASS, WAIVED], [PASS, WAIVED], 0),
        (0, [PASS, FAIL, OPEN], [], 1),
        (0, [PASS, OPEN], [], 10),
        (0, [PASS], [FAIL], 1),
        (0, [PASS], [OPEN, PASS], 10),
        (0, [OPEN], [FAIL], 1),
        (0, [FAIL], [OPEN], 1),
        (10, [OPEN], [], 10),
        (11, [SHUT], [SHUT], 11),
        (12, [SHUT], [], 12),
        (12, [FAIL], [], 12),
        (12, [], [], 12),
    ],
)
def test_a_node(gate: int, items: list[Outcome], own: list[Outcome], status: int) -> None:
    found = results({"a": gate, "b": 0}, {"a": items}, {"a": own})
    assert (found.node_status("a"), found.node_status("b"), found.status()) == (status, 0, status)


@pytest.mark.parametrize(
    ("gates", "items", "own", "status"),
    [
        ({}, {}, {}, 0),
        ({"a": 0, "b": 11}, {"a": [FAIL]}, {}, 11),
        ({"a": 11, "b": 12}, {}, {}, 12),
        ({"a": 0, "b": 0}, {"a": [OPEN], "b": [FAIL]}, {}, 1),
        ({"a": 0, "b": 0}, {"a": [PASS], "b": [OPEN]}, {}, 10),
        # Tests that are about no node, and one about a node without an item.
        ({"a": 0}, {"a": [PASS]}, {"": [PASS, FAIL]}, 1),
        ({"a": 0}, {"a": [FAIL]}, {"": [OPEN]}, 1),
        ({}, {}, {"": [OPEN]}, 10),
        ({}, {}, {"b": [FAIL]}, 1),
        ({}, {"a": [FAIL]}, {}, 1),
        ({}, {"a": [PASS]}, {}, 0),
    ],
)
def test_a_run(
    gates: dict[str, int],
    items: dict[str, list[Outcome]],
    own: dict[str, list[Outcome]],
    status: int,
) -> None:
    assert results(gates, items, own).status() == status


def test_counts() -> None:
    found = results(
        {"a": 0},
        {"a": [PASS, PASS, FAIL, OPEN, SHUT, WAIVED], "b": [FAIL]},
        {"a": [PASS, FAIL, FAIL, OPEN], "b": [PASS], "": [FAIL]},
    )
    assert found.counts("a") == {
        "compliant": 3,
        "drift": 1,
        "unknown": 2,
        "blocked": 1,
        "waived": 1,
        "own_failed": 2,
    }
    assert found.counts("b") == {
        **dict.fromkeys(("unknown", "blocked", "waived", "own_failed"), 0),
        "drift": 1,
        "compliant": 1,
    }
    assert set(found.counts("c").values()) == {0}
    assert [each.name for each in found.of("a")] == [f"k{index}" for index in range(6)]


def test_a_later_record_of_an_item_replaces_it() -> None:
    found = results({}, {"a": [PASS]}, {})
    item = Item("a", "sysctl", "k0", "k0", None, {}, (Source("f", 1),))
    found.add(record(Result(item, FAIL)))
    assert (found.node_status("a"), found.counts("a")["compliant"]) == (1, 0)
    found.add(record(Result(item._replace(type="services"), PASS)))
    assert (found.node_status("a"), found.counts("a")["compliant"]) == (1, 1)


def test_the_gate_is_an_item_of_its_own() -> None:
    found = results({}, {"a": [PASS]}, {})
    assert not found.has_gate("a")
    gate = Item("a", "node", "identity", "identity", None, {}, (Source("f", 1),))
    found.add(record(Result(gate, SHUT)))
    assert found.has_gate("a")
    assert not found.has_gate("b")


@pytest.mark.parametrize(
    ("report", "blocked", "outcome"),
    [
        ({"failed": True}, False, FAIL),
        ({"failed": True}, True, FAIL),
        ({"failed": True, "when": "setup"}, False, FAIL),
        ({"failed": True, UNKNOWN: True}, False, OPEN),
        ({"skipped": True}, False, None),
        ({"skipped": True}, True, SHUT),
        ({"skipped": True, "wasxfail": ""}, False, WAIVED),
        ({"skipped": True, "wasxfail": ""}, True, WAIVED),
        ({}, False, PASS),
        ({"when": "setup"}, False, None),
        ({"when": "teardown"}, False, None),
    ],
)
def test_a_phase_of_an_own_test(
    report: dict[str, Any], blocked: bool, outcome: Outcome | None
) -> None:
    given: Any = SimpleNamespace(**{"failed": False, "skipped": False, "when": "call", **report})
    assert outcome_of(given, blocked=blocked) is outcome


def test_the_worst_phase_counts() -> None:
    order = [FAIL, OPEN, SHUT, WAIVED, PASS]
    for at, bad in enumerate(order):
        for good in order[at:]:
            assert worst([good, bad, good]) is bad
    tests = OwnTests()
    tests.node_of["t"] = "a"
    assert (tests.about("a"), tests.about("b"), tests.not_begun()) == (True, False, {"t"})
    for phase in (None, OPEN, PASS):
        tests.add("t", phase)
    assert (tests.of("a"), tests.of("b"), tests.not_begun()) == ({"t": OPEN}, {}, set())
    assert tests.failed("t")
    tests.add("t", FAIL)
    assert (tests.of("a"), tests.failed("t")) == ({"t": FAIL}, True)
    tests.replace("t", "b", PASS)
    assert (tests.of("a"), tests.of("b"), tests.failed("t")) == ({}, {"t": PASS}, False)
    tests.forget("t")
    assert (tests.of("b"), tests.about("b"), [*tests.of_no_node()]) == ({}, False, [])
    tests.replace("u", "a", SHUT)
    assert (tests.not_begun(), tests.of("a"), tests.failed("u")) == (set(), {"u": SHUT}, False)
    tests.forget("no such test")
