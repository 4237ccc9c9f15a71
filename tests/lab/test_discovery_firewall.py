"""A state of the firewall, set up on a real node with the tools of each provider, is discovered as
it was declared, and holds at the next look.
"""

import shlex
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from power_edge import package_data
from power_edge.checking.evaluate import judge
from power_edge.discover.sections import Section
from power_edge.model import Outcome, Result
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import RESOURCE
from power_edge.resources.firewall.observation import parse
from tests.support.firewalls import (
    State,
    as_firewalld,
    as_iptables,
    as_nft,
    as_ufw,
    by_name,
    discovered,
    states,
)
from tests.support.items import item_of
from tests.support.lab.nodes import Node
from tests.support.scripts import body

pytestmark = pytest.mark.lab

CHECK = body("firewall", "resources")
FIND = package_data.text("probes/discovery/firewall.sh")
FEW = settings(
    max_examples=8, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


@pytest.fixture(scope="module")
def usual(node: Node) -> Node:
    node.sh("sed -i s/IPV6=no/IPV6=yes/ /etc/default/ufw")
    return node


@pytest.fixture(scope="module")
def with_firewalld(firewalld_node: Node) -> Node:
    firewalld_node.sh(
        "firewall-cmd -q --permanent --new-zone=pe && firewall-cmd -q --reload && firewall-cmd -q --set-default-zone=pe"
    )
    return firewalld_node


def found(node: Node, script: str = CHECK, *arguments: str, shell: str = "sh") -> str:
    return node.run(*shell.split(), "-c", script, "pe", *arguments).stdout


def look(node: Node) -> Section:
    return discovered(found(node).encode(errors="surrogateescape"))


def holds(node: Node, section: dict[str, Any]) -> list[Result]:
    """How a fresh look finds what was declared."""
    rules = [
        Rule(**{"from_" if field == "from" else field: value for field, value in rule.items()})
        for rule in section.get("rules", ())
    ]
    declared = Firewall(**{**section, "rules": rules})
    observed = parse(found(node).encode(errors="surrogateescape"))
    entries = list(RESOURCE.items_of(declared))
    return [
        judge(
            RESOURCE,
            item_of(RESOURCE, each.name, each.declared),
            observed,
        )
        for each in entries
    ]


def assert_same(node: Node, state: State, provider: str) -> None:
    section = look(node)
    assert by_name(section.value) == state.section, section.left_out
    results = holds(node, section.value)
    assert [
        (result.item.name, result.why)
        for result in results
        if result.outcome is not Outcome.COMPLIANT
    ] == []
    assert [text for result in results for text in result.extra] == []
    assert found(node, FIND, "changed").startswith(f"+firewall\t{provider}")


def without_firewall(node: Node) -> None:
    """Nothing filters, and ufw is not enabled: an earlier test may have left it so, and then it is
    part of the answer.
    """
    node.sh("nft flush ruleset; sed -i s/ENABLED=yes/ENABLED=no/ /etc/ufw/ufw.conf")


@FEW
@given(states(icmp=True))
def test_nftables(usual: Node, state: State) -> None:
    without_firewall(usual)
    usual.run("nft", "-j", "-f", "-", stdin=as_nft(state))
    assert_same(usual, state, "nftables: nft list table inet t")


@FEW
@given(states(icmp=True))
def test_iptables(usual: Node, state: State) -> None:
    without_firewall(usual)
    for tool, family in (("iptables-restore", 4), ("ip6tables-restore", 6)):
        usual.run(tool, stdin=as_iptables(state, family))
    assert_same(usual, state, "iptables: iptables-save shows its rules")


@FEW
@given(states(icmp=False, comments=True))
def test_ufw(usual: Node, state: State) -> None:
    usual.run("nft", "flush", "ruleset")
    usual.sh(
        "ufw --force reset; rm -f /etc/ufw/*.rules.*; "
        + " && ".join(map(shlex.join, as_ufw(state)))
    )
    assert_same(usual, state, "ufw is active: ufw status verbose")


@FEW
@given(states(icmp=False, services_once=True))
def test_firewalld(with_firewalld: Node, state: State) -> None:
    state = state._replace(outgoing="allow")
    target, *rules = as_firewalld(state, "pe")
    script = [
        "cp /usr/lib/firewalld/zones/block.xml /etc/firewalld/zones/pe.xml",
        shlex.join(("firewall-offline-cmd", "-q", *target)),
    ]
    if rules:
        script.append(
            shlex.join(
                (
                    "firewall-offline-cmd",
                    "-q",
                    *dict.fromkeys(option for options in rules for option in options),
                )
            )
        )
    with_firewalld.sh(" && ".join([*script, "firewall-cmd -q --reload"]))
    assert_same(with_firewalld, state, "firewalld: firewall-cmd --list-all")


def test_legacy_iptables(usual: Node) -> None:
    without_firewall(usual)
    state = State("deny", "allow", (Rule(proto="tcp", port=22, action="allow"),))
    if usual.run("iptables-legacy-restore", stdin=as_iptables(state, 4), check=False).returncode:
        pytest.skip("this kernel has no legacy iptables (CONFIG_IP_NF_FILTER)")
    usual.run("ip6tables-legacy-restore", stdin=as_iptables(state, 6))
    try:
        assert_same(usual, state, "iptables: iptables-legacy-save shows its rules")
    finally:
        for tool in ("iptables-legacy", "ip6tables-legacy"):
            usual.sh(f"{tool} -F; {tool} -P INPUT ACCEPT")


@pytest.mark.parametrize("shell", ["dash", "bash", "mksh"])
def test_a_plain_user_is_told_and_sudo_helps(usual: Node, shell: str) -> None:
    without_firewall(usual)
    usual.run("nft", "-j", "-f", "-", stdin=as_nft(State("deny", "allow", ())))
    outputs = {}
    for user, sudo in (("guest", ""), ("guest", "sudo -n"), ("stella", "sudo -n")):
        environment = ("env", f"PE_SUDO={sudo}", "PATH=/usr/bin:/bin:/usr/sbin")
        outputs[user, sudo] = usual.run(
            "runuser", "-u", user, "--", *environment, shell, "-c", FIND, "pe", "changed"
        ).stdout
    hidden = "?firewall\tonly root can read it\n"
    assert list(outputs.values()) == [
        hidden,
        hidden,
        "+firewall\tnftables: nft list table inet t\n",
    ]


def test_a_machine_without_a_firewall(usual: Node) -> None:
    usual.sh("nft flush ruleset; ufw --force disable")
    assert (
        found(usual, FIND, "changed")
        == "-firewall\tnothing stops what comes in; ufw is installed, and not enabled\n"
    )
    assert look(usual).value == {"enabled": False}
    assert [result.outcome for result in holds(usual, {"enabled": False})] == [Outcome.COMPLIANT]
