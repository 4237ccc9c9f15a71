"""What own tests are given agrees with every recorded verdict: `facts` and a check never differ."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from power_edge.model import NotObserved, Outcome, Result
from power_edge.resources import resource
from tests.support.cases import Case, cases, verdict_of

FIELDS = {
    "services": {"state", "enabled"},
    "packages": {"state"},
    "files": {"mode"},
    "ufw": {"enabled", "default_incoming", "default_outgoing"},
    "firewalld": {"enabled", "default_incoming", "default_outgoing"},
    "nftables": {"enabled", "default_incoming", "default_outgoing"},
    "iptables": {"enabled", "default_incoming", "default_outgoing"},
}
"""Fields whose declared value and fact are written alike."""
MORE_THAN_A_FACT = ("disabled", "latest")
"""Declared values that ask for more than one fact."""


def facts(case: Case, result: Result) -> Mapping[str, Any]:
    """Return the fields that an own test gets for the thing of a result; {} for none."""
    kind, observations = resource(case.kind), case.observed()
    key = "" if kind.whole else result.item.key
    if isinstance(observations, NotObserved) or key not in observations:
        return {}
    observed = observations[key]
    found = None if isinstance(observed, NotObserved) else kind.fact(observed)
    return found if isinstance(found, Mapping) else {}


def compared(area: str) -> Iterator[tuple[str, object, Outcome, object]]:
    """Yield the field, the declared value, the outcome and the fact of each recorded finding."""
    for case in cases(area):
        for verdict in case.verdicts:
            for result in verdict_of(verdict.declared, {case.kind: case.observed()})[1]:
                lenient = getattr(result.item.declared, "by_socket", False)
                fields = {} if lenient else facts(case, result)
                for finding in result.findings:
                    if finding.field in FIELDS[area] and finding.field in fields:
                        yield (
                            finding.field,
                            finding.expected,
                            finding.outcome,
                            fields[finding.field],
                        )


@pytest.mark.parametrize("area", FIELDS)
def test_a_fact_is_what_a_check_says(area: str) -> None:
    known = 0
    for field, declared, outcome, fact in compared(area):
        if isinstance(fact, NotObserved) or declared in MORE_THAN_A_FACT:
            continue
        known += 1
        expected = f"{int(str(declared), 8):04o}" if field == "mode" else declared
        if outcome is Outcome.COMPLIANT:
            assert fact == expected, (field, expected, fact)
        elif outcome is Outcome.DRIFT:
            assert fact != expected, (field, expected, fact)
    assert known > 10, known
