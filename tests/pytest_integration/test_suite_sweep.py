"""Suites of a watch that end badly: each of their tests is unknown, and says why."""

import asyncio
import os
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from power_edge.model import Outcome
from power_edge.pytest_integration import suite_sweep
from power_edge.pytest_integration.own_tests import OwnTests
from power_edge.pytest_integration.run_state import RunState
from power_edge.pytest_integration.suite_sweep import SuiteSweep


class Protocol:
    """A hook that does something in the copy in place of a test."""

    def __init__(self, act: Any) -> None:
        self._act = act

    def pytest_runtest_protocol(self, **_: object) -> None:
        self._act()


def sweep_of(act: Any, seconds: float) -> tuple[SuiteSweep, OwnTests]:
    manager = SimpleNamespace(get_plugin=lambda _: None, register=lambda *_: None)
    config = SimpleNamespace(pluginmanager=manager, hook=Protocol(act))
    own = OwnTests()
    state = SimpleNamespace(
        config=config, results=SimpleNamespace(own=own), node_of=lambda _: "rig-1"
    )
    test = SimpleNamespace(nodeid="a::t", name="t", location=("a", 1, "t"))
    return SuiteSweep(cast(RunState, state), cast(Any, [test]), seconds), own


@pytest.mark.shell
@pytest.mark.parametrize(
    ("act", "seconds", "why"),
    [
        (lambda: os._exit(3), 60.0, "ended without a result"),
        (lambda: time.sleep(600), 0.1, "not done after 0.1 s"),
        (lambda: None, 60.0, "it was not run"),
    ],
    ids=["died", "hangs", "left out"],
)
def test_a_suite_that_ends_badly_is_unknown(act: Any, seconds: float, why: str) -> None:
    sweep, own = sweep_of(act, seconds)
    assert own.of("rig-1") == {"a::t": Outcome.UNKNOWN}  # it was not run yet
    own.replace("a::t", "rig-1", Outcome.COMPLIANT)  # by the sweep before
    (result,) = asyncio.run(sweep.run("rig-1"))
    assert result.outcome is Outcome.UNKNOWN
    assert why in (result.why or "")
    assert own.of("rig-1") == {"a::t": Outcome.UNKNOWN}
    assert sweep.latest() == []


def test_without_a_copy_the_tests_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> int:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(suite_sweep, "in_a_copy", refuse)
    sweep, _ = sweep_of(lambda: None, 60.0)
    (result,) = asyncio.run(sweep.run("rig-1"))
    assert result.why == "the suites could not be run: Resource temporarily unavailable"


def test_tests_of_a_node_that_was_loaded_again() -> None:
    sweep, own = sweep_of(lambda: None, 60.0)
    sweep.replace("rig-1", [])
    assert sweep.items("rig-1") == []
    assert own.of("rig-1") == {}
    assert not own.about("rig-1")
