"""Rules about the interface that a connection comes in by."""

from typing import Any

import pytest

from power_edge.model import Outcome
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.report.shell_line import shell_line
from power_edge.resources.firewall import canonical, name
from power_edge.resources.firewall.judge import MAY_COME
from power_edge.resources.firewall.packets.sets import within
from power_edge.resources.firewall.readers.ufw_files import Tuple
from power_edge.resources.firewall.remedy.access import ordered_rules
from power_edge.resources.firewall.ssh_access import lets_in
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    ALLOW_22,
    DROP,
    TCP22,
    answer,
    legacy,
    meta,
    nft,
    observed,
    outcome,
    results,
)
from tests.resources.firewall.test_remedies import OFFICE, only, ufw
from tests.support.firewalls import discovered

ON_ETH0 = Rule(proto="tcp", port=22, action="allow", interface="eth0")
NOT_ON_ETH0 = Rule(proto="tcp", port=22, action="deny", interface="eth0")
NAME = "allow 22/tcp from any to any on eth0"
SSH = {"port": 22, "proto": "tcp", "action": "allow"}


def on(interface: str, verdict: Any = ACCEPT, op: str = "==") -> list[Any]:
    return [meta("iifname", interface, op), TCP22, verdict]


ANYWHERE = [TCP22, ACCEPT]


def test_its_name() -> None:
    assert name(ON_ETH0) == NAME
    alike = [f"allow 22/tcp from {end} to any on eth0" for end in ("10.0.0.9/8", "10.0.0.0/8")]
    assert canonical(alike[0]) == canonical(alike[1]) != canonical(alike[1].replace("eth0", "eth1"))


@pytest.mark.parametrize(
    ("rules", "allowed", "denied"),
    [
        ([on("eth0")], "compliant", "drift"),
        ([on("docker0")], "drift", "compliant"),
        ([on("eth0"), on("docker0")], "drift", "drift"),  # open wider than declared
        ([ANYWHERE], "drift", "drift"),
        ([on("docker0", op="!=")], "drift", "drift"),
        ([on("eth*")], "compliant", "drift"),
        ([on("e*")], "compliant", "drift"),
        ([on("eth1*")], "drift", "compliant"),
        ([on("*")], "drift", "drift"),
        ([on("eth0", DROP), ANYWHERE], "drift", "compliant"),
        ([on("eth*", DROP), on("eth0")], "drift", "compliant"),
        ([], "drift", "compliant"),
        ([on("wg0"), on("eth0")], "compliant", "drift"),  # no such interface now
    ],
)
def test_what_arrives_there_decides(rules: list[list[Any]], allowed: str, denied: str) -> None:
    """The node has eth0 and docker0."""
    node = observed(nft=nft(*rules))
    assert [outcome(ON_ETH0, node), outcome(NOT_ON_ETH0, node)] == [allowed, denied]


def test_what_is_open_elsewhere_is_drift_in_the_interface() -> None:
    (found,) = results(Firewall(rules=[ON_ETH0]), observed(nft=nft(ANYWHERE))).values()
    assert [each.field for each in found.findings if each.outcome is Outcome.DRIFT] == ["interface"]
    both = [ON_ETH0, Rule(proto="tcp", port=22, action="allow", interface="docker0")]
    some = results(Firewall(rules=both), observed(nft=nft(on("eth0"), on("docker0"))))
    assert {str(each.outcome) for each in some.values()} == {"compliant"}


def test_one_that_may_come_counts_on_a_node_with_a_single_interface() -> None:
    """A VPN that comes up later would be open, too."""
    node = observed(nft=nft(ANYWHERE), interfaces="lo\neth0")
    (found,) = results(Firewall(rules=[ON_ETH0]), node).values()
    assert (found.outcome, MAY_COME in (found.why or "")) == (Outcome.DRIFT, True)
    assert outcome(ON_ETH0, observed(nft=nft(on("eth0")), interfaces="lo\neth0")) == "compliant"


@pytest.mark.parametrize(
    ("readings", "allowed", "denied", "why"),
    [
        ({"interfaces": "lo\neth1"}, "unknown", "drift", "no interface eth0 now"),
        ({"interfaces": "lo\neth1", "routes": "eth1"}, "unknown", "drift", "no interface eth0 now"),
        ({"interfaces": ""}, "unknown", "drift", "could not be read"),
        ({"interfaces": "lo\neth0\nbr0", "stacked": "port eth0 br0"}, "unknown", "unknown", "declare that one"),
    ],
)  # fmt: skip
def test_an_interface_that_gets_no_packets_now(
    readings: dict[str, str], allowed: str, denied: str, why: str
) -> None:
    node = observed(nft=nft(on("eth0")), **readings)
    assert [outcome(ON_ETH0, node), outcome(NOT_ON_ETH0, node)] == [allowed, denied]
    (found,) = results(Firewall(rules=[ON_ETH0]), node).values()
    assert why in (found.why or "")


def test_icmp_on_an_interface() -> None:
    ping = Rule(proto="icmp", action="allow", interface="eth0")
    echo = [meta("iifname", "eth0"), meta("l4proto", {"set": ["icmp", "ipv6-icmp"]}, "=="), ACCEPT]
    assert name(ping) == "allow icmp from any to any on eth0"
    assert outcome(ping, observed(nft=nft(echo))) == "compliant"
    assert outcome(ping, observed(nft=nft())) == "drift"


@pytest.mark.parametrize(
    ("rules", "extra"),
    [
        ([on("eth0")], None),
        ([on("eth0"), on("docker0")], "allow 22/tcp from any to any on docker0"),
        ([on("eth*")], "allow 22/tcp from any to any on eth* but eth0"),
        ([ANYWHERE], "allow 22/tcp from any to any"),
    ],
)
def test_an_undeclared_opening_on_another_one_is_an_extra(
    rules: list[list[Any]], extra: str | None
) -> None:
    firewall = Firewall(rules=[ON_ETH0], exclusive=True)
    found = results(firewall, observed(nft=nft(*rules)))["exclusive"]
    assert found.outcome is (Outcome.DRIFT if extra else Outcome.COMPLIANT)
    assert (found.why or "").endswith(extra or "")


@pytest.mark.parametrize(
    ("printed", "rules"),
    [
        (answer(nft=nft(on("eth0"))), [{**SSH, "interface": "eth0"}]),
        (answer(nft=nft(on("eth0")), interfaces="lo\neth0"), [{**SSH, "interface": "eth0"}]),
        (answer(nft=nft(on("eth*")), interfaces="lo\neth0\neth1\nwg0"),
         [{**SSH, "interface": "eth0"}, {**SSH, "interface": "eth1"}]),
        (answer(nft=nft(on("eth0"), on("docker0"))), [{**SSH, "interface": "eth0"}, {**SSH, "interface": "docker0"}]),
        (answer(nft=nft(on("docker0", DROP), ANYWHERE)), [{**SSH, "action": "deny", "interface": "docker0"}, SSH]),
        (answer(nft=nft(ANYWHERE)), [SSH]),
        (answer(nft=nft(on("eth*")), interfaces="lo\n" + "\n".join(f"eth{number}" for number in range(9))), None),
    ],
)  # fmt: skip
def test_discovery(printed: bytes, rules: list[dict[str, Any]] | None) -> None:
    assert discovered(printed).value.get("rules") == rules


@pytest.mark.parametrize(
    ("node", "firewall", "item", "mend"),
    [
        (ufw("allow tcp 22"), Firewall(rules=[Rule(proto="tcp", port=443, action="allow", interface="eth0")]),
         "allow 443/tcp from any to any on eth0", "ufw allow in on eth0 proto tcp from any to any port 443"),
        (ufw("allow tcp 22"), Firewall(rules=[Rule(proto="tcp", port=443, action="allow", interface="$(id)")]),
         "allow 443/tcp from any to any on $(id)", None),
        (ufw("allow tcp 22", way=OFFICE), Firewall(rules=[ON_ETH0]), NAME,
         "ufw allow in on eth0 proto tcp from any to any port 22 && ufw delete allow 22/tcp"),
        (ufw("allow any 22", way=OFFICE), Firewall(rules=[ON_ETH0]), NAME,
         "ufw allow in on eth0 proto tcp from any to any port 22 && ufw allow 22/udp && ufw delete allow 22"),
        (ufw("allow tcp 22", "allow tcp 80", way=OFFICE), Firewall(rules=[ALLOW_22, NOT_ON_ETH0], default_incoming="deny"), "deny 22/tcp from any to any on eth0", None),
    ],
)  # fmt: skip
def test_commands_of_ufw(node: Any, firewall: Firewall, item: str, mend: str | None) -> None:
    found = results(firewall, node)[item]
    if mend is None:
        assert shell_line(found.remedy) is None
    else:
        assert shell_line(only(firewall, node, item).remedy) == mend


def test_ssh_through_an_interface_that_is_not_known() -> None:
    """A rule about one interface then counts if it denies, and not if it allows."""
    needed = ordered_rules([ALLOW_22])[0].box
    assert lets_in(needed, ordered_rules([ALLOW_22]))
    assert not lets_in(needed, ordered_rules([ON_ETH0]))


def test_a_wildcard_in_a_rule_of_ufw() -> None:
    every = Tuple("allow", "", "tcp", "22", "0.0.0.0/0", "any", "0.0.0.0/0", "-", "-", "eth+")
    one = every._replace(interface="eth0")
    assert within(one.box(), every.box())
    assert not within(every.box(), one.box())
    assert (
        outcome(ON_ETH0, legacy("INPUT -i eth+ -p tcp -m tcp --dport 22 -j ACCEPT")) == "compliant"
    )
