"""Sets of ipset, as `ipset save` 7.17 prints them, and what rules match that name them."""

import pytest

from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall.packets.sets import network, numbers, without
from power_edge.resources.firewall.readers.ipsets import read
from tests.resources.firewall.test_firewall import (
    ALLOW_22,
    match,
    nft,
    observed,
    outcome,
    save,
)

HEAD = (
    "create {} hash:{} family inet hashsize 1024 maxelem 65536{} bucketsize 12 initval 0x7d0ab1f2"
)
OWN = "10.1.2.3"
TO_ALL = "INPUT -p tcp -m tcp --dport 22 -j ACCEPT"
OWN_TO_ALL = TO_ALL.replace("-p tcp", f"-s {OWN} -p tcp")
FROM_OWN = Rule(proto="tcp", port=22, action="allow", from_=OWN)


def saved_set(kind: str, *elements: str, name: str = "s", more: str = "") -> str:
    return "\n".join([HEAD.format(name, kind, more), *(f"add {name} {each}" for each in elements)])


def node(text: str | None, *rules: str, policy: str = "DROP") -> object:
    """A node without IPv6, with legacy iptables."""
    readings = {} if text is None else {"ipset": text}
    return observed(
        nft='{"nftables": []}',
        ip_legacy_tables="filter",
        ip_legacy=save(*rules, policy=policy),
        inet6="",
        **readings,
    )


ACCEPT = "INPUT -p tcp -m set --match-set s src -m tcp --dport 22 -j ACCEPT"
BAN = "INPUT -m set --match-set s src -j DROP"


@pytest.mark.parametrize(
    ("text", "rules", "own", "everybody"),
    [
        (saved_set("ip", OWN), [ACCEPT], "compliant", "drift"),
        (saved_set("net", "10.1.0.0/16"), [ACCEPT], "drift", "drift"),  # wider than declared
        (saved_set("net", "10.1.0.0/16"), [BAN, TO_ALL], "drift", "drift"),
        (
            saved_set("net", "10.1.0.0/16", f"{OWN} nomatch"),
            [BAN, OWN_TO_ALL],
            "compliant",
            "drift",
        ),
        (saved_set("ip"), [BAN, TO_ALL], "drift", "compliant"),
        (saved_set("ip", f"{OWN} timeout 30", more=" timeout 60"), [ACCEPT], "unknown", "drift"),
        (
            saved_set("ip", f"{OWN} timeout 30", more=" timeout 60"),
            ["INPUT -m set --match-set s src -j ACCEPT"],
            "unknown",
            "drift",
        ),
        (saved_set("ip", f"{OWN} timeout 30", more=" timeout 60"), [BAN, TO_ALL], "drift", "drift"),
        (saved_set("ip", "203.0.113.1"), [BAN.replace("src", "dst"), TO_ALL], "drift", "drift"),
        (
            saved_set("ip", f"{OWN} timeout 30", more=" timeout 60"),
            [ACCEPT.replace("-m set", "-m set !")],
            "unknown",
            "unknown",
        ),
        (saved_set("ip", f"{OWN} timeout 0", more=" timeout 60"), [ACCEPT], "compliant", "drift"),
        (
            saved_set(
                "ip",
                f'{OWN} packets 1 bytes 40 comment "add s 0.0.0.0/0 timeout 1"',
                more=" counters comment",
            ),
            [ACCEPT],
            "compliant",
            "drift",
        ),
        (
            saved_set("ip", OWN),
            [ACCEPT.replace("-m set --match-set", "-m set ! --match-set")],
            "drift",
            "drift",
        ),
        (saved_set("ip", OWN, more=" netmask 24"), [ACCEPT], "unknown", "unknown"),
        (
            saved_set("ip,port", f"{OWN},tcp:22"),
            [ACCEPT.replace("src", "src,dst")],
            "unknown",
            "unknown",
        ),
        (
            saved_set("ip", OWN),
            [ACCEPT, "INPUT -p udp -j SET --add-set s src"],
            "unknown",
            "unknown",
        ),
        (
            saved_set("ip", OWN),
            [ACCEPT.replace("s src", "s src --return-nomatch")],
            "unknown",
            "unknown",
        ),
        (saved_set("ip", OWN, name="other"), [ACCEPT], "unknown", "unknown"),
        (saved_set("ip", "2001:db8::1").replace("inet ", "inet6 "), [ACCEPT], "drift", "drift"),
        (saved_set("ip", "::a01:203").replace("inet ", "inet6 "), [ACCEPT], "drift", "drift"),
        (
            saved_set("ip", f"{OWN} timeout 30", more=" timeout 60"),
            [BAN.replace("-j", "-m string --string x --algo bm -j"), OWN_TO_ALL],
            "unknown",
            "drift",
        ),
        (saved_set("ip", OWN, "surprise"), [ACCEPT], "unknown", "unknown"),
        (saved_set("ip", f"{OWN} surprise"), [ACCEPT], "unknown", "unknown"),
        (saved_set("ip", f'{OWN} comment "'), [ACCEPT], "unknown", "unknown"),
        (None, [ACCEPT], "unknown", "unknown"),
        (None, [BAN, TO_ALL], "unknown", "unknown"),
    ],
)
def test_rules_that_look_at_a_set(
    text: str | None, rules: list[str], own: str, everybody: str
) -> None:
    what = node(text, *rules)
    assert (outcome(FROM_OWN, what), outcome(ALLOW_22, what)) == (own, everybody)  # type: ignore[arg-type]


MARKED = (
    "INPUT -m set --match-set s src -j MARK --set-xmark 0x1/0xffffffff",
    "INPUT -m mark --mark 0x1 -j DROP",
    OWN_TO_ALL,
)


@pytest.mark.parametrize(
    ("timeout", "denied", "allowed"), [("0", "compliant", "drift"), ("30", "unknown", "unknown")]
)
def test_a_mark_by_a_set_that_expires_is_no_pass(timeout: str, denied: str, allowed: str) -> None:
    what = node(saved_set("ip", f"{OWN} timeout {timeout}", more=" timeout 60"), *MARKED)
    banned = Rule(proto="tcp", port=22, action="deny", from_=OWN)
    assert outcome(banned, what) == denied  # type: ignore[arg-type]
    assert outcome(FROM_OWN, what) == allowed  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("elements", "more", "own", "everybody"),
    [
        ((OWN,), "", "compliant", "drift"),
        ((f"{OWN} timeout 0",), " timeout 60", "compliant", "drift"),
        ((f"{OWN} timeout 30",), " timeout 60", "unknown", "drift"),
    ],
)
def test_rules_of_iptables_nft_that_look_at_a_set(
    elements: tuple[str, ...], more: str, own: str, everybody: str
) -> None:
    rule = [{"xt": {"type": "match", "name": "set"}}, match("tcp", "dport", 22), {"accept": None}]
    what = observed(
        nft=nft(rule, family="ip").replace('"t"', '"filter"').replace('"in"', '"INPUT"'),
        iptables=save(ACCEPT),
        inet6="",
        ipset=saved_set("ip", *elements, more=more),
    )
    assert (outcome(FROM_OWN, what), outcome(ALLOW_22, what)) == (own, everybody)


def test_the_smallest_network_decides() -> None:
    text = saved_set(
        "net", "10.0.0.0/8", "10.1.0.0/16 nomatch", "10.1.2.0/24", "10.1.2.128/25 timeout 5 nomatch"
    )
    found = read(text, ())["s"]
    wide, gap, inner, soon = (
        numbers([network(one)[1]])
        for one in ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.128/25")
    )
    with_gap = numbers([*without(wide, gap), *inner])
    assert found.all == with_gap
    assert found.permanent == without(with_gap, soon)
    assert read("create s bitmap:ip range 10.0.0.0-10.0.0.255\nadd s 10.0.0.1-10.0.0.9", ())[
        "s"
    ].all == ((0x0A000001, 0x0A000009),)
