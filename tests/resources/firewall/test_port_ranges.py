"""Rules about a range of ports: every port of it must fare as declared."""

from typing import Any

import pytest

from power_edge.model import Outcome
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.report.shell_line import shell_line
from power_edge.resources.firewall import canonical, name
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    ALLOW_22,
    DROP,
    answer,
    match,
    nft,
    observed,
    outcome,
    results,
)
from tests.resources.firewall.test_remedies import only, ufw
from tests.support.firewalls import discovered

MOSH = Rule(proto="udp", port="60000-61000", action="allow")
CLOSED = Rule(proto="udp", port="60000-61000", action="deny")
OPEN = "allow 60000-61000/udp from any to any"


def udp(low: int, high: int, verdict: Any = ACCEPT) -> list[Any]:
    return [match("udp", "dport", {"range": [low, high]}), verdict]


def test_its_name() -> None:
    assert name(MOSH) == OPEN
    for what in ("60000-61000/udp", "icmp"):
        alike = [f"allow {what} from {end} to any" for end in ("10.0.0.9/8", "10.0.0.0/8", "any")]
        first, second, third = map(canonical, alike)
        assert first == second != third
        assert f" {what} " in first


@pytest.mark.parametrize(
    ("rules", "allowed", "denied"),
    [
        ([udp(60000, 61000)], "compliant", "drift"),
        ([udp(60000, 60500), udp(60501, 61000)], "compliant", "drift"),
        ([udp(1, 65535)], "compliant", "drift"),
        ([udp(60000, 60999)], "drift", "drift"),
        ([udp(60001, 61000)], "drift", "drift"),
        ([udp(60500, 60500, DROP), udp(60000, 61000)], "drift", "drift"),
        ([], "drift", "compliant"),
        ([udp(59000, 59999), udp(61001, 62000)], "drift", "compliant"),
    ],
)
def test_every_port_decides(rules: list[list[Any]], allowed: str, denied: str) -> None:
    node = observed(nft=nft(*rules))
    assert [outcome(MOSH, node), outcome(CLOSED, node)] == [allowed, denied]


def test_the_reason_names_the_ports() -> None:
    (found,) = results(Firewall(rules=[MOSH]), observed(nft=nft(udp(60000, 60999)))).values()
    assert found.why == "action: in part deny at 61000 by the default policy"
    (found,) = results(Firewall(rules=[MOSH]), observed(nft=nft())).values()
    assert found.why == "action: deny by the default policy"


@pytest.mark.parametrize(
    ("open_", "extra"),
    [
        ((60000, 61000), None),
        ((60100, 60200), None),
        ((60000, 61001), "allow 61001/udp from any to any"),
    ],
)
def test_a_declared_range_is_no_extra(open_: tuple[int, int], extra: str | None) -> None:
    firewall = Firewall(rules=[MOSH], exclusive=True)
    found = results(firewall, observed(nft=nft(udp(*open_))))["exclusive"]
    assert found.outcome is (Outcome.DRIFT if extra else Outcome.COMPLIANT)
    assert extra is None or extra in (found.why or "")


def test_the_first_declared_rule_decides_where_ranges_overlap() -> None:
    node = observed(nft=nft(udp(60500, 60500, DROP), udp(60000, 61000)))
    rules = [Rule(proto="udp", port=60500, action="deny"), MOSH]
    found = results(Firewall(rules=rules), node)
    assert {str(each.outcome) for each in found.values()} == {"compliant"}
    found = results(Firewall(rules=rules[::-1]), node)
    assert found[OPEN].outcome is Outcome.DRIFT


@pytest.mark.parametrize(
    ("rules", "ports"),
    [
        ([udp(60000, 61000)], ["60000-61000"]),
        ([udp(137, 138)], [137, 138]),
        ([udp(0, 1)], [1]),
        ([[match("udp", "dport", {"set": [53, {"range": [60000, 61000]}]}), ACCEPT]], [53, "60000-61000"]),
        ([udp(60500, 60500, DROP), udp(60000, 61000)], [60500, "60000-61000"]),
        ([udp(1000, 65535)], None),
    ],
)  # fmt: skip
def test_discovery(rules: list[list[Any]], ports: list[int | str] | None) -> None:
    """A rule about most ports is nothing that a person would declare."""
    found = discovered(answer(nft=nft(*rules))).value.get("rules")
    assert (found and [rule["port"] for rule in found]) == ports


@pytest.mark.parametrize(
    ("node", "firewall", "item", "mend"),
    [
        (ufw("allow tcp 22"), Firewall(rules=[MOSH]), OPEN, "ufw allow 60000:61000/udp"),
        (
            ufw("allow tcp 22", "deny udp 60500"),
            Firewall(rules=[MOSH]),
            OPEN,
            "ufw prepend allow 60000:61000/udp",
        ),
        (
            ufw("allow tcp 22", "allow udp 60000:61000"),
            Firewall(exclusive=True, rules=[ALLOW_22, Rule(proto="udp", port="60000-60010", action="allow")]),
            "exclusive",
            "ufw allow 60000:60010/udp && ufw delete allow 60000:61000/udp",
        ),
        (
            ufw("allow tcp 22", "allow udp 60000:61000", "allow udp 70"),
            Firewall(exclusive=True, rules=[ALLOW_22, MOSH]),
            "exclusive",
            "ufw delete allow 70/udp",
        ),
        (
            ufw("allow tcp 22", "allow udp 60000:61000"),
            Firewall(rules=[ALLOW_22, Rule(proto="udp", port="60000-61000", action="allow", from_="10.0.0.0/8")]),
            "allow 60000-61000/udp from 10.0.0.0/8 to any",
            "ufw allow proto udp from 10.0.0.0/8 to any port 60000:61000 && ufw delete allow 60000:61000/udp",
        ),
        (
            ufw("allow tcp 22", "allow udp 60005"),
            Firewall(rules=[ALLOW_22, Rule(proto="udp", port="60000-61000", action="allow", from_="10.0.0.0/8")]),
            "allow 60000-61000/udp from 10.0.0.0/8 to any",
            "ufw allow proto udp from 10.0.0.0/8 to any port 60000:61000",
        ),
    ],
)  # fmt: skip
def test_commands_of_ufw(node: Any, firewall: Firewall, item: str, mend: str) -> None:
    assert shell_line(only(firewall, node, item).remedy) == mend
