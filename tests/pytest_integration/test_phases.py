"""What pytest, and so every report, says of a result: nothing but compliance is a pass."""

from types import SimpleNamespace
from typing import Any

import pytest

from power_edge.model import Item, Outcome, Result, Source
from power_edge.pytest_integration.collection import _phase

ITEM = Item("n", "sysctl", "kernel.a", "kernel.a", "1", {}, (Source("n/state.yaml", 7),))


@pytest.mark.parametrize("is_gate", [False, True])
@pytest.mark.parametrize("outcome", Outcome)
def test_the_phase_of_a_result(outcome: Outcome, is_gate: bool) -> None:
    item: Any = SimpleNamespace(declared=None if is_gate else ITEM, path="n/state.yaml")
    when, shown, failure = _phase(item, Result(ITEM, outcome, why="because"))
    expected = {
        Outcome.COMPLIANT: ("call", "passed"),
        Outcome.UNKNOWN: ("setup", "failed"),
        # The gate's own item fails for all those that are skipped.
        Outcome.BLOCKED: ("call", "failed") if is_gate else ("setup", "skipped"),
    }
    assert (when, shown) == expected.get(outcome, ("call", "failed"))
    assert (failure is None) == (outcome is Outcome.COMPLIANT)
    if shown == "skipped":
        assert isinstance(failure, tuple)
        assert "because" in failure[2]
