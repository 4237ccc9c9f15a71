"""What is read for the selected tests: one rule, whatever says what a test looks at."""

import pytest

from power_edge.model import Item, Source
from power_edge.pytest_integration.needed import Beyond, Looks, needed

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
