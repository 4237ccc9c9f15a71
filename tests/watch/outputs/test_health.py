"""/health: what makes a watch unhealthy, and what does not."""

from dataclasses import replace

import pytest

from power_edge.identity.gate import Gate
from power_edge.model import Outcome
from power_edge.model.generated.system_identity_schema import SystemIdentity, Validation
from power_edge.watch.outputs import health
from power_edge.watch.outputs.view import View
from tests.support.views import DOWN, NEVER, OPEN, UP, result, view

SHUT = Gate(12, "another machine: its machine-id is on file for b", matches=False)
GONE = Gate(11, "unreachable: timed out")
NOT_ASKED = Gate(10, "too many open files")
WARNED = Gate(0, "identity not required to match")
SHUT_LINE = "a: the gate is shut: another machine: its machine-id is on file for b"
DOWN_LINE = "a: the source inotify is down: Too many open files"


@pytest.mark.parametrize(
    ("views", "problems", "notes"),
    [
        pytest.param([view()], [], [], id="a gate that is open"),
        pytest.param([view("a", WARNED)], [], [], id="a gate with a warning"),
        pytest.param([view("a", SHUT)], [SHUT_LINE], [], id="another machine"),
        pytest.param(
            [view("a", GONE)], ["a: the gate is shut: unreachable: timed out"], [], id="unreachable"
        ),
        pytest.param(
            [view("a", NOT_ASKED)], ["a: the gate is shut: too many open files"], [], id="not asked"
        ),
        pytest.param([view("a", None)], ["a: it has not been checked yet"], [], id="not checked"),
        pytest.param([view("a", OPEN, result(Outcome.DRIFT))], [], [], id="a drift"),
        pytest.param([view(sources=[UP, NEVER])], [], [], id="a source that never was up"),
        pytest.param([view(sources=[UP, DOWN])], [DOWN_LINE], [], id="a source that was up"),
        pytest.param([view(overdue=10.0)], [], [], id="a check that is due for ten seconds"),
        pytest.param([view(overdue=10.6)], ["a: a check is 11 s overdue"], [], id="for longer"),
        pytest.param(
            [view("a", SHUT, sources=[DOWN], overdue=70)],
            [SHUT_LINE, DOWN_LINE, "a: a check is 70 s overdue"],
            [],
            id="everything",
        ),
        pytest.param([view("a", SHUT), view("b")], [], [SHUT_LINE], id="one gate of two"),
        pytest.param(
            [view("a", SHUT), view("b", None)],
            [SHUT_LINE, "b: it has not been checked yet"],
            [],
            id="no gate of two",
        ),
        pytest.param(
            [view("a", sources=[DOWN]), view("b", None)],
            [DOWN_LINE],
            ["b: it has not been checked yet"],
            id="a source of one of two",
        ),
        pytest.param(
            [view(), view("b", overdue=11)], ["b: a check is 11 s overdue"], [], id="late"
        ),
    ],
)
def test_health(views: list[View], problems: list[str], notes: list[str]) -> None:
    judgement = health.judge(views)
    assert (list(judgement.problems), list(judgement.notes)) == (problems, notes)
    assert judgement.healthy is (not problems)


def test_another_machine_that_is_no_alert() -> None:
    quiet = SystemIdentity(validation=Validation(alert_on_mismatch=False))

    def of(gate: Gate, name: str = "a") -> View:
        made = view(name, gate)
        return replace(made, node=replace(made.node, system_identity=quiet))

    assert health.judge([of(SHUT)]) == ([], [SHUT_LINE])
    assert health.judge([of(SHUT), view("b", GONE)]) == (
        ["b: the gate is shut: unreachable: timed out"],
        [SHUT_LINE],
    )
    # A node that does not answer is no other machine.
    assert not health.judge([of(GONE)]).healthy
    assert not health.judge([of(NOT_ASKED)]).healthy


def test_text() -> None:
    assert health.text(health.judge([view()])) == "healthy\n"
    assert health.text(health.judge([view(), view("b", GONE)])) == (
        "healthy\nb: the gate is shut: unreachable: timed out\n"
    )
    assert health.text(health.judge([view("a", SHUT)])) == f"not healthy\n{SHUT_LINE}\n"


def test_no_line_can_be_obeyed() -> None:
    gate = Gate(11, "\x1b[2J\n::error::\x00")
    assert health.text(health.judge([view("a", gate)])).splitlines() == [
        "not healthy",
        r"a: the gate is shut: \x1b[2J\n::error::\x00",
    ]
