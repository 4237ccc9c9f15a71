"""Declared limits: what is a rate limit, and what only looks like one."""

from typing import Any

import pytest

from power_edge.model import Outcome
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.report.shell_line import shell_line
from power_edge.resources.firewall import name
from power_edge.resources.firewall.packets.rates import Side, of_nft
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    ALLOW_22,
    DROP,
    TCP22,
    legacy,
    nft,
    observed,
    outcome,
    results,
)
from tests.resources.firewall.test_remedies import OFFICE, ufw
from tests.support.cases import RECORDINGS
from tests.support.firewalls import discovered

LIMIT_22 = Rule(proto="tcp", port=22, action="limit")
NAME = "limit 22/tcp from any to any"
TO_22 = "INPUT -p tcp -m tcp --dport 22"
NEW = f"{TO_22} -m conntrack --ctstate NEW"
SIDE = "--name D --mask 255.255.255.255 --rsource"
SET = f"{NEW} -m recent --set {SIDE}"
UPDATE = f"{NEW} -m recent --update --seconds 30 --hitcount 6 {SIDE} -j DROP"
OPEN = f"{TO_22} -j ACCEPT"
HASH = "-m hashlimit --hashlimit-name x --hashlimit-mode srcip"


def limit(**what: Any) -> dict[str, Any]:
    return {"limit": {"rate": 3, "burst": 5, "per": "minute", **what}}


@pytest.mark.parametrize(
    ("rules", "limited", "allowed"),
    [
        ((SET, UPDATE, OPEN), "compliant", "drift"),
        ((UPDATE, SET, OPEN), "compliant", "drift"),
        ((UPDATE, f"{SET} -j ACCEPT"), "drift", "drift"),
        (("INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT", UPDATE, f"{SET} -j ACCEPT"), "compliant", "drift"),
        ((SET, UPDATE.replace("--update", "--rcheck"), OPEN), "compliant", "drift"),
        ((SET.replace("--name D", "--name E"), UPDATE, OPEN), "unknown", "drift"),
        ((SET.replace("--rsource", "--rdest"), UPDATE, OPEN), "unknown", "drift"),
        ((SET.replace("22", "23"), UPDATE, OPEN), "unknown", "drift"),
        ((f"{SET} -j RETURN", UPDATE, OPEN), "drift", "drift"),
        ((f"{SET} -m string --string x", UPDATE, OPEN), "unknown", "drift"),
        ((f"{NEW} -m recent ! --set {SIDE}", UPDATE, OPEN), "unknown", "drift"),
        ((SET, UPDATE.replace("--update", "! --update"), OPEN), "unknown", "drift"),
        ((SET, UPDATE.replace("-m recent", "-m string --string x --algo bm -m recent"), OPEN), "unknown", "unknown"),
        ((UPDATE, OPEN), "unknown", "drift"),
        ((SET, OPEN, UPDATE), "drift", "compliant"),
        ((SET, UPDATE.replace("hitcount 6", "hitcount 1"), OPEN), "unknown", "drift"),
        ((SET, UPDATE.replace("--seconds 30 ", ""), OPEN), "unknown", "drift"),
        ((SET, UPDATE.replace("--hitcount 6 ", ""), OPEN), "unknown", "unknown"),
        ((SET, UPDATE.replace("--hitcount 6 ", "--hitcount 6 --rttl "), OPEN), "unknown", "drift"),
        ((SET, UPDATE, OPEN, f"{TO_22} -m recent --remove {SIDE}"), "unknown", "drift"),
        # Another port has the same list: as ufw does it, with the same rate, or otherwise.
        ((SET, UPDATE, *(rule.replace("22", "80") for rule in (SET, UPDATE)), OPEN), "compliant", "drift"),
        ((SET, UPDATE, *(rule.replace("22", "80") for rule in (SET,)), OPEN), "unknown", "drift"),
        ((SET, UPDATE, *(rule.replace("22", "80").replace("hitcount 6", "hitcount 20") for rule in (SET, UPDATE)), OPEN), "unknown", "drift"),
        ((SET, UPDATE, *(rule.replace("22", "80").replace("seconds 30", "seconds 3600") for rule in (SET, UPDATE)), OPEN), "unknown", "drift"),
        ((f"INPUT -m recent --set {SIDE}", SET, UPDATE, OPEN), "unknown", "drift"),
        ((f"INPUT -p tcp -m tcp --dport 139 -m recent --set {SIDE} -j DROP", SET, UPDATE, OPEN), "unknown", "drift"),
        ((SET.replace("22", "80").replace("--name D", "--name E"), SET, UPDATE, OPEN), "compliant", "drift"),
        ((SET, UPDATE), "drift", "drift"),
        ((OPEN, SET, UPDATE, OPEN), "drift", "compliant"),
        (("INPUT -j ACCEPT", SET, UPDATE), "drift", "compliant"),
        ((f"{TO_22} -m limit --limit 3/min -j ACCEPT",), "compliant", "drift"),
        ((f"{TO_22} -m limit --limit 3/min --limit-burst 20 -j ACCEPT",), "compliant", "drift"),
        ((f"{TO_22} -m limit --limit 9000/sec -j ACCEPT",), "unknown", "drift"),
        ((f"{TO_22} -m limit --limit 3/min --limit-burst 0 -j ACCEPT",), "unknown", "drift"),
        ((f"{TO_22} -m limit --limit 3/min --limit-burst 1 -j ACCEPT",), "compliant", "drift"),
        ((f"{TO_22} -m limit --limit 3/min --limit-burst 99999 -j ACCEPT",), "unknown", "drift"),
        ((f"{TO_22} -m limit --limit 3/min -j DROP", OPEN), "drift", "drift"),
        ((f"{TO_22} -m limit --limit 3/min -j LOG", OPEN), "drift", "compliant"),
        ((f"{TO_22} {HASH} --hashlimit-upto 3/min -j ACCEPT",), "unknown", "drift"),
        ((f"{TO_22} {HASH} --hashlimit-above 3/min -j DROP", OPEN), "unknown", "drift"),
        ((f"{TO_22} -m connlimit --connlimit-upto 3 --connlimit-mask 32 --connlimit-saddr -j ACCEPT",), "unknown", "drift"),
        ((f"{TO_22} -m statistic --mode random --probability 0.5 -j ACCEPT",), "unknown", "drift"),
        ((OPEN,), "drift", "compliant"),
        ((), "drift", "drift"),
        (("INPUT -i eth0 -p tcp -m tcp --dport 22 -m limit --limit 3/min -j ACCEPT",), "drift", "drift"),
        (("INPUT -i eth0 -p tcp -m tcp --dport 22 -m limit --limit 3/min -j ACCEPT", "INPUT -i docker0 -j ACCEPT"), "drift", "drift"),
    ],
)  # fmt: skip
def test_matches_of_iptables(rules: tuple[str, ...], limited: str, allowed: str) -> None:
    node = legacy(*rules)
    assert [outcome(LIMIT_22, node), outcome(ALLOW_22, node)] == [limited, allowed]


@pytest.mark.parametrize(
    ("rules", "policy", "limited"),
    [
        ([[TCP22, limit(), ACCEPT]], "drop", "compliant"),
        ([[TCP22, limit(), ACCEPT]], "accept", "drift"),
        ([[TCP22, limit(), ACCEPT], [TCP22, ACCEPT]], "drop", "drift"),
        ([[TCP22, limit(inv=True), DROP], [TCP22, ACCEPT]], "drop", "compliant"),
        ([[TCP22, limit(inv=True), {"reject": None}], [TCP22, ACCEPT]], "drop", "compliant"),
        ([[TCP22, limit(inv=True), ACCEPT]], "drop", "drift"),
        ([[TCP22, limit(inv=True), {"log": None}], [TCP22, ACCEPT]], "drop", "drift"),
        ([[TCP22, limit(rate_unit="mbytes"), ACCEPT]], "drop", "unknown"),
        ([[TCP22, limit(per="fortnight"), ACCEPT]], "drop", "unknown"),
        ([[TCP22, limit(rate=0), ACCEPT]], "drop", "unknown"),
        ([[TCP22, limit(new="field"), ACCEPT]], "drop", "unknown"),
        ([[TCP22, {"limit": "name"}, ACCEPT]], "drop", "unknown"),
        ([[TCP22, {"ct count": {"val": 3, "inv": True}}, DROP], [TCP22, ACCEPT]], "drop", "unknown"),
        ([[TCP22, limit(), {"ct count": {"val": 3}}, ACCEPT]], "drop", "unknown"),
        ([[TCP22, limit(), limit(per="second"), ACCEPT]], "drop", "compliant"),
        ([[TCP22, limit(), limit(inv=True), ACCEPT]], "drop", "drift"),
        ([[TCP22, {"dnat": {"addr": "10.0.0.1"}}], [TCP22, limit(), ACCEPT]], "drop", "unknown"),
    ],
)  # fmt: skip
def test_statements_of_nft(rules: list[list[Any]], policy: str, limited: str) -> None:
    assert outcome(LIMIT_22, observed(nft=nft(*rules, policy=policy))) == limited


@pytest.mark.parametrize(("burst", "limited"), [(1, "unknown"), (2, "compliant")])
def test_a_connection_that_counts_twice(burst: int, limited: str) -> None:
    place = {"family": "inet", "table": "t"}
    over = [TCP22, limit(inv=True, burst=burst), DROP]
    more = [{"chain": {**place, "name": "other"}}, {"rule": {**place, "chain": "other", "expr": over}}]  # fmt: skip
    jump = [{"jump": {"target": "other"}}]
    assert outcome(LIMIT_22, observed(nft=nft(jump, jump, [TCP22, ACCEPT], more=more))) == limited


def test_a_limit_in_any_order_of_chains_of_one_priority() -> None:
    other = {"family": "inet", "table": "u", "name": "in", "type": "filter", "hook": "input"}
    more = [{"table": {"family": "inet", "name": "u"}}, {"chain": {**other, "prio": 0, "policy": "drop"}}]  # fmt: skip
    node = observed(nft=nft([TCP22, limit(), ACCEPT], more=more))
    assert outcome(LIMIT_22, node) == "drift"


def test_why_it_is_no_limit() -> None:
    (found,) = results(Firewall(rules=[LIMIT_22]), observed(nft=nft([TCP22, ACCEPT]))).values()
    assert (found.findings[2].actual, "at any rate" in (found.why or "")) == ("allow", True)
    (found,) = results(Firewall(rules=[ALLOW_22]), legacy(SET, UPDATE, OPEN)).values()
    assert found.findings[2].actual == "limit"
    assert name(LIMIT_22) == NAME


def test_over_ipv6_where_the_node_has_link_local_addresses_alone() -> None:
    """Nobody is kept out if it is closed there, and nobody may get in unlimited."""
    linklocal = "fe800000000000000000000000000002 02 40 20 80 eth0"
    four = {"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": "ipv4"}}
    six = {"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": "ipv6"}}
    closed, opened = ([[four, TCP22, limit(), ACCEPT], *more] for more in ([], [[six, ACCEPT]]))
    assert outcome(LIMIT_22, observed(nft=nft(*closed), inet6=linklocal)) == "compliant"
    assert outcome(LIMIT_22, observed(nft=nft(*opened), inet6=linklocal)) == "drift"
    assert outcome(LIMIT_22, observed(nft=nft(*closed))) == "drift"


@pytest.mark.parametrize("rule", [LIMIT_22, ALLOW_22])
def test_a_declared_limit_is_no_extra(rule: Rule) -> None:
    node = observed(nft=nft([TCP22, limit(), ACCEPT]))
    found = results(Firewall(rules=[rule], exclusive=True), node)["exclusive"]
    assert found.outcome is Outcome.COMPLIANT


def test_a_limit_for_some_sources_must_not_be_open_to_others() -> None:
    narrow = Rule(proto="tcp", port=22, action="limit", from_="10.0.0.0/8")
    (found,) = results(
        Firewall(rules=[narrow]), observed(nft=nft([TCP22, limit(), ACCEPT]))
    ).values()
    assert [each.field for each in found.findings if each.outcome is Outcome.DRIFT] == ["from"]


def test_icmp() -> None:
    ping = Rule(proto="icmp", action="limit")
    icmp = {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": {"set": ["icmp", "ipv6-icmp"]}}}  # fmt: skip
    assert outcome(ping, observed(nft=nft([icmp, limit(), ACCEPT]))) == "compliant"
    assert outcome(ping, observed(nft=nft([icmp, ACCEPT]))) == "drift"
    silent = observed(nft=nft([icmp, limit(), ACCEPT]), echo_ignored="/proc/sys/net/ipv4/icmp_echo_ignore_all")  # fmt: skip
    assert outcome(ping, silent) == "drift"


@pytest.mark.parametrize(
    ("node", "firewall", "mend"),
    [
        (ufw("allow tcp 443", way=OFFICE), Firewall(rules=[ALLOW_22, Rule(proto="tcp", port=80, action="limit")]), "ufw limit 80/tcp"),
        (ufw("allow tcp 22", way=OFFICE), Firewall(rules=[LIMIT_22]), "ufw limit 22/tcp"),
        (ufw("allow any 22", way=OFFICE), Firewall(rules=[LIMIT_22]), "ufw prepend limit 22/tcp"),
    ],
)  # fmt: skip
def test_commands_of_ufw(node: Any, firewall: Firewall, mend: str) -> None:
    found = [each for each in results(firewall, node).values() if each.outcome is Outcome.DRIFT]
    assert mend in {shell_line(each.remedy) for each in found}


def test_firewalld_gets_a_sentence() -> None:
    from power_edge.resources.firewall.observation import parse

    node = parse((RECORDINGS / "firewalld/ports-and-ranges/section").read_bytes())[""]
    (found,) = results(Firewall(rules=[LIMIT_22]), node).values()
    assert found.remedy is not None
    assert "rich rules" in (found.remedy.advice or "")


@pytest.mark.parametrize(
    ("case", "action"), [("ufw/limit", "limit"), ("nftables/rate-limited-accept", "limit")]
)  # fmt: skip
def test_discovery_writes_limits(case: str, action: str) -> None:
    found = discovered((RECORDINGS / case / "section").read_bytes()).value["rules"]
    assert {"port": 22, "proto": "tcp", "action": action} in found


def test_a_named_limit_has_no_side() -> None:
    assert of_nft("name").side is Side.UNKNOWN
