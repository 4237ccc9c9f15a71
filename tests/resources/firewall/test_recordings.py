"""The rulesets in all recordings of the firewall."""

from collections.abc import Iterator

import pytest

from power_edge.model import NotObserved
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import entries
from power_edge.resources.firewall.judge import judge
from power_edge.resources.firewall.ruleset import Ruleset
from tests.support.cases import FIREWALLS, cases
from tests.support.firewalls import unexpected_conditions


def rulesets(area: str) -> Iterator[tuple[str, Ruleset]]:
    """Yield the name and the ruleset of each case of an area in which one could be read."""
    for case in cases(area):
        found = case.observed()
        for ruleset in () if isinstance(found, NotObserved) else found.values():
            if isinstance(ruleset, Ruleset):
                yield case.name, ruleset


@pytest.mark.parametrize("area", FIREWALLS)
def test_no_condition_of_a_real_ruleset_ends_in_an_error(area: str) -> None:
    for case, ruleset in rulesets(area):
        assert not unexpected_conditions(ruleset), case


@pytest.mark.parametrize("area", FIREWALLS)
def test_what_is_reported_is_plain_data(area: str) -> None:
    """A member of an enum would not pass through JSON, YAML and xdist as the text that it is."""
    firewall = Firewall(default_incoming="allow", rules=[Rule(proto="tcp", port=22, action="deny")])
    for case, ruleset in rulesets(area):
        for entry in entries(firewall):
            for finding in judge(entry.declared, ruleset):
                assert type(finding.actual) in {str, int, bool, type(None)}, case
