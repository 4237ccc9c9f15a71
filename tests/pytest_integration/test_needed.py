"""What is read for the selected tests: one rule, whatever says what a test looks at."""

from pathlib import Path

import pytest

from power_edge.change_gate import sides
from power_edge.model import Item, Source
from power_edge.pytest_integration.needed import Beyond, Looks, by_id, needed
from tests.support.change import Folder

A, B = (
    Item("n", "sysctl", name, name, "1", {}, (Source("state.yaml", 1),))
    for name in ("kernel.a", "kernel.b")
)


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([], {"n": [], "m": []}),
        ([[("n", Beyond.GATE)]], {"n": []}),
        ([[("n", A)], [("n", Beyond.GATE)], [("n", B)]], {"n": [A, B]}),
        ([[("n", A)], [("n", Beyond.ANY)], [("n", B)]], {"n": None}),
        ([[("n", Beyond.ANY), ("m", Beyond.ANY)], [("m", A)]], {"n": None, "m": None}),
        ([[("n", A), ("n", B)], [("m", B)]], {"n": [A, B], "m": [B]}),
        ([[]], {}),
    ],
)
def test_what_is_needed(looks: list[list[Looks]], expected: dict[str, list[Item] | None]) -> None:
    tests = range(len(looks))
    assert needed(["n", "m"], tests, lambda test: looks[test]) == expected


def test_what_a_test_looks_at_by_its_id(tmp_path: Path) -> None:
    """An id that names no item of ours may look at anything: else its items would not be read."""
    folder = Folder(tmp_path)
    folder.role("relay", {"sysctl": {"kernel.panic": "1"}})
    folder.node("a", {"vm.swappiness": "60", "vm.overcommit_memory": "1"})
    folder.node("b", {"vm.swappiness": "10"}, roles=("relay",))
    nodes = sides.after(folder.root).nodes
    looks = by_id(nodes.values())

    def short(test: str) -> list[tuple[str, object]]:
        return [(name, what.name if isinstance(what, Item) else what) for name, what in looks(test)]

    anything = [("a", Beyond.ANY), ("b", Beyond.ANY)]
    for test, expected in {
        "node-configs/a/system-identity.yaml::identity": [("a", Beyond.GATE)],
        "node-configs/a/state.yaml::sysctl[vm.swappiness]": [("a", "vm.swappiness")],
        "node-configs/b/state.yaml::sysctl[vm.swappiness]": [("b", "vm.swappiness")],
        "node-configs/b/identity.yaml::sysctl[kernel.panic]": [("b", "kernel.panic")],
        "node-configs/a/identity.yaml::sysctl[kernel.panic]": anything,
        "node-configs/a/state.yaml::sysctl[kernel.panic]": anything,
        "node-configs/a/test_own.py::test_it": anything,
        "": anything,
    }.items():
        assert short(test) == expected
