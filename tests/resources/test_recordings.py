"""What each probe printed on real nodes leads to the recorded verdicts, for every resource type."""

import pytest

from tests.support.cases import AREAS, Case, Verdict, check, parameters


@pytest.mark.parametrize(
    ("case", "verdict"), [parameter for area in AREAS for parameter in parameters(area)]
)
def test_recorded_case(case: Case, verdict: Verdict) -> None:
    check(verdict, verdict.declared, {case.kind: case.observed()})
