"""What an answer says of the nodes of a change, without git: drift is said, and what is unknown."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from power_edge.change_gate.forecast import Forecast, forecasts
from tests.support import answers
from tests.support.change import Folder, compared

Nodes = Mapping[str, Mapping[str, Any]]
DAY = 86_400.0
KEY = "vm.swappiness"


def value(number: int, **more: Any) -> dict[str, Any]:
    return {"sysctl": {KEY: str(number)}, **more}


def answer(node: str, number: int = 60, **more: Any) -> bytes:
    sections = {"sysctl.0": answers.sysctl({KEY: str(number)})}
    return answers.answer(node, sections, **{"machine": node * 32, **more})


def expected(
    folder: Path,
    old: Nodes,
    new: Nodes,
    given: Mapping[str, bytes],
    max_age: float = DAY,
    *,
    later: float = 0,
) -> list[Forecast]:
    def side(nodes: Nodes) -> Any:
        def write(at: Folder) -> None:
            for name, each in nodes.items():
                at.node(name, **{"machine": name * 32, **each})

        return write

    where = folder / "answers"
    where.mkdir()
    for name, content in given.items():
        (where / name).write_bytes(content)
    difference, _ = compared(folder, side(old), side(new))
    return list(forecasts(difference, where, max_age, time.time() + later))


def short(found: list[Forecast]) -> list[str]:
    """Return `node: type[name] outcome` of each item, `node: why` where nothing is known."""
    lines: list[str] = []
    for each in found:
        if each.why is not None:
            assert each.results == ()
            lines.append(f"{each.node}: {each.why}")
        for change, result in each.results:
            assert (change.type, change.key) == (result.item.type, result.item.key)
            lines.append(f"{each.node}: {change.type}[{change.name}] {result.outcome}")
    return lines


TWO_KEYS = {"sysctl": {KEY: "10", "kernel.panic": "1"}}


@pytest.mark.parametrize(
    ("old", "new", "given", "lines"),
    [
        # A node that drifts is said, whether its item is changed, added, or comes with the node.
        ({"a": value(60)}, {"a": value(10)}, {"a": 60}, ["a: sysctl[vm.swappiness] drift"]),
        ({"a": value(60)}, {"a": value(10)}, {"a": 10}, ["a: sysctl[vm.swappiness] compliant"]),
        ({"a": value(60)}, {"a": value(10)}, {}, ["a: no recorded answer"]),
        (
            {"a": {"sysctl": {"kernel.panic": "1"}}},
            {"a": TWO_KEYS},
            {"a": 60},
            ["a: sysctl[vm.swappiness] drift"],
        ),
        ({}, {"a": value(10)}, {"a": 60}, ["a: sysctl[vm.swappiness] drift"]),
        (
            {"a": value(60)},
            {"a": TWO_KEYS},
            {"a": 10},
            ["a: sysctl[kernel.panic] unknown", "a: sysctl[vm.swappiness] compliant"],
        ),
        # The answer of the new name counts, as the watch will ask for it.
        (
            {"b": value(60, machine="a" * 32)},
            {"a": value(10)},
            {"a": 60},
            ["a: sysctl[vm.swappiness] drift"],
        ),
        (
            {"b": value(60, machine="a" * 32)},
            {"a": value(10)},
            {"b": 60},
            ["a: no recorded answer"],
        ),
        # Nothing is demanded any more, so nothing can drift.
        ({"a": TWO_KEYS}, {"a": value(10)}, {"a": 60}, []),
        ({"a": value(60), "b": value(60)}, {"b": value(60)}, {"a": 10, "b": 10}, []),
        # A file of a node is no item.
        ({"a": value(60)}, {"a": value(60, environment="production")}, {"a": 10}, []),
        ({"a": value(60)}, {"a": value(60)}, {"a": 10}, []),
        # One node says nothing of another, before it or behind it.
        (
            {"a": value(60), "b": value(60), "c": value(60), "d": value(60)},
            {"a": value(60), "b": value(10), "c": value(60), "d": value(10)},
            {"a": 1, "b": 60, "c": 1, "d": 60},
            ["b: sysctl[vm.swappiness] drift", "d: sysctl[vm.swappiness] drift"],
        ),
        (
            {"a": value(60), "b": value(60)},
            {"b": value(10)},
            {"b": 60},
            ["b: sysctl[vm.swappiness] drift"],
        ),
        (
            {"a": value(60), "b": value(60)},
            {"a": value(10), "b": value(10)},
            {"b": 60},
            ["a: no recorded answer", "b: sysctl[vm.swappiness] drift"],
        ),
    ],
)
def test_what_drifts_once_it_is_merged(
    tmp_path: Path, old: Nodes, new: Nodes, given: Mapping[str, int], lines: list[str]
) -> None:
    files = {f"{name}.answer": answer(name, number) for name, number in given.items()}
    assert sorted(short(expected(tmp_path, old, new, files))) == lines


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (answer("b"), "its answer is from b"),
        (answer("a", age=2 * DAY), "the answer is 2 d old, more than 24 h (--max-age)"),
        (answer("a", age=-DAY), "the answer is from the future"),
        (answer("a", machine=answers.OTHER), "its answer was not judged: another machine"),
        (answer("a", machine=None), "its answer was not judged: the node shows no identity"),
        (answer("a", gate=None), "its answer was not judged: unreachable: the answer ends before"),
        (b"", "its answer cannot be used: "),
        (b"::set-output name=a::b\n", "its answer cannot be used: "),
    ],
)
def test_an_answer_that_says_nothing_of_the_node(tmp_path: Path, content: bytes, why: str) -> None:
    """It would be compliant by its values."""
    [found] = expected(tmp_path, {"a": value(10)}, {"a": value(60)}, {"a.answer": content})
    assert (found.node, found.results) == ("a", ())
    assert (found.why or "").startswith(why)
    assert not (found.why or "").endswith("None")


@pytest.mark.parametrize(
    ("age", "later", "max_age", "is_known"),
    [
        (3600, 0, 7200, True),
        (7200, 0, 3600, False),
        # The time that is asked for, not that of the clock.
        (0, 7200, 3600, False),
        (7200, -7200, 3600, True),
        (0, -7200, 3600, False),
    ],
)
def test_the_age_that_is_allowed(
    tmp_path: Path, age: float, later: float, max_age: float, is_known: bool
) -> None:
    given = {"a.answer": answer("a", age=age)}
    old, new = {"a": value(10)}, {"a": value(60)}
    [found] = expected(tmp_path, old, new, given, max_age, later=later)
    assert (found.why is None) == is_known
    assert bool(found.results) == is_known


def test_a_folder_in_place_of_an_answer(tmp_path: Path) -> None:
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers/a.answer").mkdir()
    difference, _ = compared(
        tmp_path, lambda at: at.node("a"), lambda at: at.node("a", **value(10))
    )
    [found] = forecasts(difference, tmp_path / "answers", DAY, time.time())
    assert found == Forecast("a", (), "its answer is not a regular file")
