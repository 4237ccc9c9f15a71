"""Types of addresses: what `fib` and addrtype match in each family.

Each answer was tried with real packets (Linux 6.18), one rule with a counter for each condition.
"""

from typing import Any

import pytest

from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    DENY_22,
    DROP,
    TCP22,
    legacy,
    match,
    meta,
    nft,
    observed,
    outcome,
    results,
)

UDP22 = match("udp", "dport", 22)
ANY: dict[int, str] = {4: "0.0.0.0/0", 6: "::/0"}
V4, V6 = meta("nfproto", "ipv4"), meta("nfproto", "ipv6")


def fib(words: str, right: Any, op: str = "==") -> dict[str, Any]:
    return {
        "match": {
            "op": op,
            "left": {"fib": {"result": "type", "flags": words.split(" . ")}},
            "right": right,
        }
    }


def rule(action: str, family: int, proto: str = "tcp") -> Rule:
    return Rule(proto=proto, port=22, action=action, from_=ANY[family])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "matches4", "matches6"),
    [
        ("--dst-type UNICAST", False, True),
        ("! --dst-type UNICAST", True, False),
        ("--dst-type LOCAL", True, True),
        ("--dst-type UNICAST,LOCAL", True, True),
        ("--dst-type LOCAL,MULTICAST", True, False),
        ("! --dst-type LOCAL,MULTICAST", False, True),
        ("--dst-type ANYCAST", False, False),
        ("--dst-type MULTICAST", False, False),
        ("! --src-type LOCAL", True, True),
        ("--src-type UNICAST", True, True),
        ("--src-type UNICAST,LOCAL", True, False),
        ("! --src-type UNICAST", False, False),
    ],
)
def test_addrtype_in_each_family(words: str, matches4: bool, matches6: bool) -> None:
    """In IPv6, addrtype tests UNICAST and MULTICAST on the address itself, beside the types of
    routes.
    """
    for family, matches in ((4, matches4), (6, matches6)):
        text = f"INPUT -p tcp -m addrtype {words} -m tcp --dport 22 -j ACCEPT"
        lets_in = legacy(text, v6=()) if family == 4 else legacy(v6=[text])
        assert outcome(rule("deny", family), lets_in) == (
            "drift" if matches or words in FORGED[family] else "compliant"
        )
        assert outcome(rule("allow", family), lets_in) == ("compliant" if matches else "drift")


FORGED = {4: {"! --src-type UNICAST"}, 6: {"--src-type UNICAST,LOCAL"}}
"""These rules let in only packets with a forged source."""


def test_what_is_dropped_by_addrtype_is_not_all_of_ipv6() -> None:
    node = legacy("INPUT -m addrtype ! --dst-type UNICAST -j DROP", policy="ACCEPT")
    assert results(Firewall(default_incoming="deny"), node)["default_incoming"].outcome == "drift"
    assert outcome(DENY_22, node) == "drift"


def test_a_type_that_is_not_known_is_not_decided() -> None:
    assert outcome(DENY_22, legacy("INPUT -m addrtype --dst-type BLACKHOLE -j ACCEPT")) == "unknown"
    assert (
        outcome(DENY_22, legacy("INPUT -m addrtype --dst-type BROADCAST,TWO -j ACCEPT", v6=()))
        == "unknown"
    )
    six = legacy(v6=["INPUT -m addrtype --dst-type BROADCAST -j ACCEPT"])
    assert outcome(DENY_22, six) == "unknown"
    assert outcome(DENY_22, observed(nft=nft([fib("daddr", "blackhole"), ACCEPT]))) == "unknown"
    assert outcome(DENY_22, observed(nft=nft([fib("saddr . iif", "local"), ACCEPT]))) == "unknown"


@pytest.mark.parametrize(
    ("words", "right", "family", "matches"),
    [
        ("daddr", "local", 4, True),
        ("daddr", "local", 6, True),
        ("daddr", "unicast", 4, False),
        ("daddr", "unicast", 6, False),
        (
            "daddr . iif",
            "local",
            4,
            False,
        ),  # an interface sees the address of another one as unicast
        ("daddr . iif", {"set": ["local", "unicast"]}, 4, True),
        ("daddr . iif", {"set": ["local", "unicast"]}, 6, True),
        ("saddr", "unicast", 4, True),
        ("saddr", "unicast", 6, True),
        ("saddr", "local", 6, False),
    ],
)
def test_fib_in_each_family(words: str, right: Any, family: int, matches: bool) -> None:
    assert outcome(
        rule("allow", family),
        observed(nft=nft([V4 if family == 4 else V6, fib(words, right), TCP22, ACCEPT])),
    ) == ("compliant" if matches else "drift")


@pytest.mark.parametrize(
    "condition",
    [
        [fib("daddr", "local")],
        [fib("daddr", {"set": ["local", "unicast"]})],
        [fib("daddr", {"set": ["broadcast", "anycast"]}, "!=")],
        [V4, fib("daddr . iif", {"set": ["local", "unicast"]})],
        [
            V4,
            fib("saddr", {"set": ["local", "unicast"]}),
        ],  # the broadcast address of another network of the node
        [V6, fib("saddr", "local", "!=")],
        [V6, fib("saddr", "unicast")],
    ],
)
def test_what_is_closed_to_usual_addresses_alone_is_not_closed(condition: list[Any]) -> None:
    node = observed(nft=nft([*condition, UDP22, DROP], policy="accept"))
    assert outcome(Rule(proto="udp", port=22, action="deny"), node) == "drift"
    assert outcome(Rule(proto="udp", port=22, action="allow"), node) == "drift"


@pytest.mark.parametrize(
    ("condition", "family"),
    [
        ([fib("daddr", "broadcast")], 4),
        ([fib("daddr", "local", "!=")], 4),
        ([fib("daddr . iif", "broadcast")], 4),
        ([fib("saddr", "broadcast")], 4),
        ([fib("daddr", "anycast")], 6),
        ([fib("daddr . iif", "anycast")], 6),
        ([fib("saddr", "local")], 6),
        ([fib("saddr", "anycast")], 6),
        ([fib("saddr", "unicast", "!=")], 6),
    ],
)
def test_what_is_open_at_or_from_other_addresses_is_not_closed(
    condition: list[Any], family: int
) -> None:
    node = observed(nft=nft([V4 if family == 4 else V6, *condition, UDP22, ACCEPT]))
    assert outcome(rule("deny", family, "udp"), node) == "drift"
    assert outcome(rule("allow", family, "udp"), node) == "drift"
    assert results(Firewall(exclusive=True), node)["exclusive"].outcome == "drift"


def test_the_kernel_itself_refuses_own_addresses_of_ipv4_as_sources() -> None:
    node = observed(nft=nft([V4, fib("saddr", "local"), UDP22, ACCEPT]))
    assert outcome(rule("deny", 4, "udp"), node) == "compliant"
    assert results(Firewall(exclusive=True), node)["exclusive"].outcome == "compliant"


@pytest.mark.parametrize(
    "kind", [fib("daddr", {"set": ["broadcast", "anycast"]}), fib("daddr", "local", "!=")]
)
def test_tcp_never_goes_to_a_broadcast_or_anycast_address(kind: Any) -> None:
    assert outcome(DENY_22, observed(nft=nft([kind, ACCEPT]))) == "compliant"
    assert (
        outcome(DENY_22, observed(nft=nft([fib("daddr", "local"), TCP22, DROP], policy="accept")))
        == "compliant"
    )


def test_what_is_allowed_need_not_be_open_at_broadcast_addresses() -> None:
    node = observed(
        nft=nft(
            [fib("daddr", {"set": ["broadcast", "anycast"]}), DROP],
            [fib("saddr", "local"), DROP],
            [UDP22, ACCEPT],
        )
    )
    assert outcome(Rule(proto="udp", port=22, action="allow"), node) == "compliant"
    assert (
        results(Firewall(default_incoming="deny"), node)["default_incoming"].outcome == "compliant"
    )


def test_ports_that_are_open_at_broadcast_addresses_alone() -> None:
    """No default of deny passes, since most of UDP is open; the extra is named for what it is."""
    four = legacy("INPUT -m addrtype --dst-type BROADCAST -j ACCEPT", v6=())
    six = observed(nft=nft([fib("daddr", "anycast"), ACCEPT]))
    for node, words in ((four, "at broadcast addresses"), (six, "at anycast addresses")):
        found = results(Firewall(default_incoming="deny", exclusive=True), node)
        assert {name: str(result.outcome) for name, result in found.items()} == {
            "default_incoming": "unknown",
            "exclusive": "drift",
        }
        assert words in str(found["exclusive"])
        denied = results(Firewall(rules=[Rule(proto="udp", port=53, action="deny")]), node)
        assert words in str(next(iter(denied.values())))


def test_what_is_open_to_all_on_the_link_is_no_default_of_deny() -> None:
    """A host sends a packet for a broadcast address to the hardware address of all."""
    node = observed(nft=nft([meta("pkttype", {"set": ["broadcast", "multicast"]}), ACCEPT]))
    assert results(Firewall(default_incoming="deny"), node)["default_incoming"].outcome == "unknown"


def test_the_order_of_ufw_opens_nothing() -> None:
    """ufw-not-local returns packets for the node, for all or for groups, and drops the rest."""
    returns = [
        f"u -m addrtype --dst-type {kind} -j RETURN" for kind in ("LOCAL", "MULTICAST", "BROADCAST")
    ]
    node = legacy(
        "INPUT -j u",
        *returns,
        "u -j DROP",
        "INPUT -p udp -m udp --dport 22 -j ACCEPT",
        v6=(),
        chains=["u"],
    )
    allowed = Firewall(
        default_incoming="deny",
        exclusive=True,
        rules=[Rule(proto="udp", port=22, action="allow", from_="0.0.0.0/0")],
    )
    assert {str(result.outcome) for result in results(allowed, node).values()} == {"compliant"}


def test_the_order_of_ufw_splits_no_opening() -> None:
    """What is open for each type of address is open for all, also where openings are too many to
    compare.
    """
    returns = [
        f"u -m addrtype --dst-type {kind} -j RETURN" for kind in ("LOCAL", "MULTICAST", "BROADCAST")
    ]
    opened = [
        f"INPUT -s 10.0.0.{at}/32 -p {proto} -m {proto} --dport {at} -j ACCEPT"
        for at in range(1, 101)
        for proto in ("tcp", "udp")
    ]
    node = legacy("INPUT -j u", *returns, "u -j DROP", *opened, v6=(), chains=["u"])
    found = results(Firewall(exclusive=True), node)["exclusive"].findings[0].why
    assert found is not None
    assert ("broadcast" in found, found.endswith("and 150 more")) == (False, True)


@pytest.mark.parametrize(
    ("family", "types", "expected"),
    [
        (4, ["unicast", "local", "broadcast"], "compliant"),
        # A source without a route has no type in IPv6. Such a packet is made by hand.
        (6, ["unicast", "local", "anycast"], "drift"),
    ],
)
def test_whether_each_source_has_a_type(family: int, types: list[str], expected: str) -> None:
    node = observed(nft=nft([fib("saddr", {"set": types}), DROP], [TCP22, ACCEPT]))
    assert outcome(rule("deny", family), node) == expected
