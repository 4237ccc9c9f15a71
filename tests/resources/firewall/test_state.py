"""Whether a firewall is in force: firewalld with its backend of iptables."""

from dataclasses import replace

import pytest

from power_edge.model.generated.resources.firewall_schema import Firewall
from power_edge.resources.firewall.ruleset import Firewalld
from tests.resources.firewall.test_firewall import legacy, results

ZONES = (
    "INPUT -j INPUT_ZONES",
    "INPUT_ZONES -i eth0 -g IN_public",
    "INPUT_ZONES -g IN_public",
    "IN_public -p tcp -m tcp --dport 22 -j ACCEPT",
)


@pytest.mark.parametrize(
    ("rules", "runs", "enabled", "disabled"),
    [
        (ZONES, True, "compliant", "drift"),
        (ZONES, False, "unknown", "drift"),
        (ZONES[1:], True, "drift", "drift"),
        (ZONES[:1], True, "drift", "drift"),
        (ZONES[:3], True, "drift", "drift"),
    ],
    ids=["whole", "stopped", "no jump", "no zones", "an empty zone"],
)
def test_firewalld_with_iptables(
    rules: tuple[str, ...], runs: bool, enabled: str, disabled: str
) -> None:
    """The policy alone stops connections in each of these."""
    node = replace(legacy(*rules, chains=["INPUT_ZONES", "IN_public"]), firewalld=Firewalld(runs))
    assert [
        str(results(Firewall(enabled=wanted), node)["enabled"].outcome) for wanted in (True, False)
    ] == [enabled, disabled]
