"""What pytest, and so every report, says of a result: nothing but compliance is a pass."""

from types import SimpleNamespace
from typing import Any

import pytest

from power_edge.model import Item, Outcome, Result, Source
from power_edge.pytest_integration.collection import CheckItem, CouldNotLook, Drifted, _phase

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


GATE = ITEM._replace(type="node", name="identity", key="identity")


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("declared", [ITEM, None])
@pytest.mark.parametrize("is_judged", [False, True])
def test_an_item_under_pytests_own_protocol(
    outcome: Outcome, declared: Item | None, is_judged: bool
) -> None:
    """As with --pdb. The gate's result is not an item's, and one node's is not another's."""
    own = Result(declared or GATE, outcome, why="because")
    wrong = Result(ITEM, Outcome.COMPLIANT if outcome is not Outcome.COMPLIANT else Outcome.DRIFT)
    checked = SimpleNamespace(
        gate_result=wrong if declared else own,
        result=lambda each: {id(ITEM): own if declared else wrong}[id(each)],
    )
    nodes = SimpleNamespace(checked={"n": checked}.__getitem__)
    item: Any = SimpleNamespace(
        parent=SimpleNamespace(nodes=nodes), node_name="n", declared=declared, result=None
    )
    item.judge = lambda: CheckItem.judge(item)
    if is_judged:
        assert item.judge() is own
        assert item.result is own
    if outcome is Outcome.UNKNOWN:
        with pytest.raises(CouldNotLook, match="because"):
            CheckItem.setup(item)
    elif outcome is Outcome.BLOCKED and declared is not None:
        with pytest.raises(pytest.skip.Exception, match="because"):
            CheckItem.setup(item)
    else:
        try:
            CheckItem.setup(item)
        except pytest.skip.Exception:  # which would skip this test as well
            pytest.fail("a drift was skipped")
    if not is_judged:
        item.result = None
    if outcome is Outcome.COMPLIANT:
        CheckItem.runtest(item)
    else:
        with pytest.raises(Drifted):
            CheckItem.runtest(item)
