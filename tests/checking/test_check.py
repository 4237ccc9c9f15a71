"""What becomes of an answer, or of none: the gate, its item, the items behind it, and the times."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from power_edge.checking.check import (
    Checked,
    format_duration,
    from_answer,
    gate_item,
    timeouts,
    wait_by,
)
from power_edge.config import Node, load_node
from power_edge.exit_status import UNKNOWN, UNREACHABLE, WRONG_MACHINE
from power_edge.identity.identifiers import Shown
from power_edge.model import Outcome
from power_edge.probing.failure import NotAsked, Unreachable
from power_edge.probing.framing import Answer, read
from power_edge.probing.script import Timeouts
from tests.support import answers
from tests.support.project import identity_of

DAY = 86400.0


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return make(tmp_path)


def make(folder: Path, **files: Any) -> Node:
    """Return a node with one kernel parameter; `files` are more of its files, without `.yaml`."""
    place = folder / "node-configs" / "a"
    place.mkdir(parents=True)
    state = {
        "version": "1.0",
        "metadata": {"site": "here", "environment": "development"},
        "sysctl": {"vm.swappiness": "60"},
    }
    given = {"state": state, "system-identity": identity_of(answers.MACHINE), **files}
    for name, content in given.items():
        if content is not None:
            (place / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return load_node(place)


def answer(**given: Any) -> Answer:
    return read(answers.answer("a", {"sysctl.0": answers.sysctl({"vm.swappiness": "60"})}, **given))


def outcomes(checked: Checked) -> tuple[int, Outcome, Outcome]:
    """Return the status of the gate, and the outcomes of its item and of the parameter."""
    (item,) = checked.node.items
    return checked.gate.status, checked.gate_result.outcome, checked.result(item).outcome


OK, OPEN, SHUT = Outcome.COMPLIANT, Outcome.UNKNOWN, Outcome.BLOCKED


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (0, OK, OK)),
        ({"end": False}, (0, OK, OK)),
        ({"machine": answers.OTHER}, (WRONG_MACHINE, SHUT, SHUT)),
        ({"machine": None}, (WRONG_MACHINE, SHUT, SHUT)),
        ({"gate": None}, (UNREACHABLE, SHUT, SHUT)),
        # The node itself took it for another machine, and showed nothing.
        ({"gate": "wrong"}, (0, OK, OPEN)),
        ({"promised": ["packages.0"]}, (0, OK, OPEN)),
    ],
)
def test_an_answer(node: Node, given: dict[str, Any], expected: tuple[object, ...]) -> None:
    assert outcomes(Checked(node, answer(**given))) == expected


@pytest.mark.parametrize(
    ("error", "expected", "why"),
    [
        (Unreachable("no route"), (UNREACHABLE, SHUT, SHUT), "unreachable: no route"),
        (NotAsked("no files"), (UNKNOWN, OPEN, OPEN), "not asked, because"),
    ],
)
def test_no_answer(node: Node, error: Any, expected: tuple[object, ...], why: str) -> None:
    def fails() -> Answer:
        raise error

    for checked in (Checked(node, error), wait_by(node, fails)):
        assert outcomes(checked) == expected
        assert checked.observations == {}
        (item,) = node.items
        assert str(checked.result(item).why).startswith(why)
        assert str(checked.gate_result.why).startswith(why)
        assert checked.shown == Shown("linux", {})
        assert checked.answered_at(1000.0) is None


def test_the_items_of_a_type_need_not_stand_together(tmp_path: Path) -> None:
    """Those that a role demands come after all others."""
    state = {
        "version": "1.0",
        "metadata": {"site": "here", "environment": "development"},
        "sysctl": {"vm.swappiness": "60", "kernel.panic": "1"},
        "packages": [{"name": "ssh"}],
    }
    node = make(tmp_path, state=state)
    one, other, package = sorted(node.items, key=lambda item: item.type == "packages")
    node = node.with_items((one, package, other))
    sections = {
        "sysctl.0": answers.sysctl({"vm.swappiness": "60", "kernel.panic": "1"}),
        "packages.0": b"manager dpkg amd64 apt-get\nasked ssh\nrow ssh amd64 install/installed/ok 1\n",
    }
    checked = wait_by(node, lambda: read(answers.answer("a", sections)))
    found = [checked.result(item) for item in node.items]
    assert [each.outcome for each in found] == [OK, OK, OK]
    assert [each.item for each in found] == [one, package, other]


def test_the_item_of_the_gate(node: Node, tmp_path: Path) -> None:
    found = gate_item(node)
    assert (found.node, found.type, found.name, found.key) == ("a", "node", "identity", "identity")
    assert found.expected == {"hash": answers.digest(answers.MACHINE)}
    assert found.source == ("node-configs/a/system-identity.yaml", 1, 1)
    nothing = make(tmp_path / "nothing", **{"system-identity": None})
    assert gate_item(nothing).expected == {"hash": None}


def test_what_was_not_looked_at_keeps_its_item(node: Node) -> None:
    (item,) = node.items
    assert Checked(node, Unreachable("x")).result(item).item is item


def test_behind_a_shut_gate_nothing_is_observed(node: Node) -> None:
    checked = Checked(node, answer(machine=answers.OTHER))
    assert checked.observations == {}
    assert checked.shown == Shown("linux", {"machine-id": answers.digest(answers.OTHER)})
    assert checked.answered_at(1000.0) is None
    assert {*Checked(node, answer()).observations} == {"sysctl"}


def test_a_node_without_an_identity_is_shut_in_any_case(tmp_path: Path) -> None:
    node = make(tmp_path, **{"system-identity": None})
    assert outcomes(Checked(node, answer())) == (WRONG_MACHINE, SHUT, SHUT)
    assert Checked(node, answer()).shown.hashes == {"machine-id": answers.digest(answers.MACHINE)}


@pytest.mark.parametrize(
    ("age", "stale", "shown"),
    [
        (0.0, None, "0 s"),
        (-60.0, None, "0 s"),
        (-60.5, "the answer is from the future: 60 s ahead of this machine's clock", "0 s"),
        (-3600.0, "the answer is from the future: 60 min ahead of this machine's clock", "0 s"),
        (DAY, None, "24 h"),
        (DAY + 1, "the answer is 24 h old, more than 24 h (--max-age)", "24 h"),
        (9 * DAY, "the answer is 9 d old, more than 24 h (--max-age)", "9 d"),
    ],
)
def test_the_age_of_an_answer_that_came_by_other_means(
    node: Node, age: float, stale: str | None, shown: str
) -> None:
    given = answer()
    checked = from_answer(node, given, DAY, given.time + age)
    assert (checked.stale, checked.age) == (stale, shown)
    assert outcomes(checked) == ((0, OK, OK) if stale is None else (0, OPEN, OPEN))
    (item,) = node.items
    assert checked.result(item).why == stale
    assert checked.gate_result.why == stale


def test_by_default_the_age_is_that_of_now(node: Node) -> None:
    assert outcomes(from_answer(node, answer(age=DAY - 600), DAY)) == (0, OK, OK)
    assert outcomes(from_answer(node, answer(age=DAY + 600), DAY)) == (0, OPEN, OPEN)


def test_an_old_answer_of_another_machine_is_that_first(node: Node) -> None:
    given = answer(machine=answers.OTHER)
    found = from_answer(node, given, DAY, given.time + 9 * DAY)
    assert outcomes(found) == (WRONG_MACHINE, SHUT, SHUT)


def test_when_a_node_itself_answered(node: Node) -> None:
    given = answer()
    assert Checked(node, given).answered_at(1000.0) == 1000.0
    carried = from_answer(node, given, DAY)
    assert carried.answered_at(given.time + 500.0) == given.time
    assert carried.answered_at(given.time - 60.0) == given.time
    assert carried.answered_at(given.time - 60.5) is None


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0 s"),
        (119.4, "119 s"),
        (120.0, "2 min"),
        (7199.0, "120 min"),
        (7200.0, "2 h"),
        (149401.0, "42 h"),
        (172799.0, "48 h"),
        (172800.0, "2 d"),
    ],
)
def test_a_duration_as_shown(seconds: float, shown: str) -> None:
    assert format_duration(seconds) == shown


def test_deadlines_are_whole_seconds(tmp_path: Path) -> None:
    assert timeouts(make(tmp_path / "without")) == Timeouts()
    connection = {
        "ssh": {"host": "a"},
        "connect_timeout": 2.1,
        "section_timeout": 3,
        "node_timeout": 4.9,
    }
    assert timeouts(make(tmp_path / "with", connection=connection)) == Timeouts(3, 3, 5)


def test_only_a_node_without_a_connection_is_told_that_this_machine_was_checked(
    tmp_path: Path,
) -> None:
    """An answer that was carried here does not come from this machine."""
    without = make(tmp_path / "without")
    by_ssh = make(tmp_path / "with", connection={"ssh": {"host": "a"}})
    given = answer(machine=answers.OTHER)
    words = "without connection.yaml"
    assert words in str(Checked(without, given).gate.why)
    assert words not in str(from_answer(without, given, DAY).gate.why)
    assert words not in str(Checked(by_ssh, given).gate.why)
    assert words not in str(Checked(without, Unreachable("x")).gate.why)
    nothing = make(tmp_path / "nothing", **{"system-identity": None})
    assert words not in str(Checked(nothing, given).gate.why)
