"""What the probe printed, as one record: each reading in its place, and none for another."""

from typing import Any

import pytest

from power_edge.model import NotObserved
from power_edge.resources.firewall.observation import Block, blocks, parse
from power_edge.resources.firewall.packets.program import Program
from power_edge.resources.firewall.packets.sets import network
from power_edge.resources.firewall.ruleset import Firewalld, Ruleset
from power_edge.resources.firewall.ssh_access import SshAccess
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    ALLOW_22,
    DENY_22,
    TCP22,
    answer,
    meta,
    nft,
    observed,
    outcome,
    save,
)

EMPTY = '{"nftables": []}'
NO_IPTABLES = ("absent", "")


def test_blocks() -> None:
    section = b"= one 0\n first\n  second\n \n= two absent\n= three 7\n why\n= end 0\n"
    assert blocks(section) == {
        "one": Block(0, "first\n second\n"),
        "two": Block(None, ""),
        "three": Block(7, "why"),
    }
    assert blocks(b"\n= one 0\n \xff\n= end 0\n") == {"one": Block(0, "\udcff")}
    for wrong in (b"= one\n= end 0\n", b"= one x\n= end 0\n", b"= one 0 0\n= end 0\n"):
        with pytest.raises(ValueError, match="not a line of the firewall's probe: '= one"):
            blocks(wrong)


@pytest.mark.parametrize(
    ("block", "why"),
    [
        (Block(1, ""), "x could not be read (exit status 1)"),
        (Block(0, ""), "x could not be read"),
        (Block(None, ""), "x could not be read"),
        (Block(1, "\n denied \nmore"), "x could not be read: denied "),
        (Block(1, "d" * 300), f"x could not be read: {'d' * 200}"),
    ],
    ids=str,
)
def test_why_a_reading_failed(block: Block, why: str) -> None:
    assert block.why("x") == why


def test_a_network() -> None:
    found = observed(
        nft=EMPTY,
        interfaces="lo\neth0\nbr0\neth1\neth0",
        routes="br0\nwg0\neth1\nbr0",
        stacked="port eth0 br0\nabove br0 br0.7\nodd\nport a b c",
        inet6="00000000000000000000000000000001 01 80 10 80 lo\n\n20010db8000000000000000000000002 02 40 00 82 eth0",
        echo_ignored="/proc/sys/x\n/proc/sys/y",
        addresses="127.0.0.0/8\n127.0.0.1\n192.0.2.7\n::1\n2001:db8::2",
    ).network
    assert (found.interfaces, found.ports, found.outside) == (
        ("br0", "eth1"),
        {"eth0": "br0"},
        ("br0", "eth1"),
    )
    assert found.inet6 == (network("2001:db8::2")[1][0],)
    assert found.echo_ignored == ("/proc/sys/x", "/proc/sys/y")
    assert set(found.addresses) == {4, 6}
    assert network("192.0.2.7")[1] in found.addresses[4]
    assert network("2001:db8::2")[1] in found.addresses[6]


def test_what_was_not_read_of_a_network() -> None:
    found = parse(b'= nft 0\n {"nftables": []}\n= end 0\n')[""]
    assert isinstance(found, Ruleset)
    network = found.network
    assert (network.interfaces, network.ports, network.outside) == (None, {}, ())
    assert (network.inet6, network.addresses, network.echo_ignored) == (None, {}, ())
    assert (found.ufw, found.firewalld, found.saved) == (None, None, ())
    assert found.ssh_access == SshAccess(ports=(22,))


@pytest.mark.parametrize(
    ("addresses", "families"),
    [
        ("127.0.0.1\n192.0.2.7", {4}),
        ("192.0.2.7", set()),
        ("::1\n2001:db8::2", {6}),
        ("::1", set()),
        ("2001:db8::2", set()),
        ("127.0.0.0/8\n::/0", {4, 6}),
        ("", set()),
    ],
)
def test_a_list_of_addresses_that_lacks_one_is_not_used(addresses: str, families: set[int]) -> None:
    assert set(observed(nft=EMPTY, addresses=addresses).network.addresses) == families


def test_the_operators_way_in_and_what_a_boot_loads() -> None:
    found = observed(nft=EMPTY, way="port 2222\ntunnel wg0", saved="/etc/a\n/etc/b")
    assert found.ssh_access == SshAccess(ports=(2222,), tunnels=frozenset({"wg0"}))
    assert found.saved == ("/etc/a", "/etc/b")


@pytest.mark.parametrize(
    ("readings", "ufw"),
    [
        ({"ufw": "ENABLED=yes"}, (None, None)),
        ({"ufw": "yes", "ufw_rules": "a\nb", "ufw_rules6": "c"}, (("a", "b", "c"), "")),
        ({"ufw": "yes", "ufw_rules": "a"}, (("a",), "")),
        ({"ufw": "yes", "ufw_rules6": "c"}, (("c",), "")),
        ({"ufw": "yes", "ufw_rules": (2, "no"), "ufw_rules6": "c"}, (None, "")),
        ({"ufw": "yes", "ufw_rules": "a", "ufw_rules6": (2, "no")}, (None, "")),
        ({"ufw": "yes", "ufw_rules": "", "ufw_lines": (2, "no"), "ufw_lines6": ""}, ((), None)),
        ({"ufw": "yes", "ufw_rules": "", "ufw_lines": "", "ufw_lines6": (2, "no")}, ((), None)),
    ],
    ids=str,
)
def test_rules_of_ufw(readings: Any, ufw: tuple[Any, Any]) -> None:
    found = observed(nft=EMPTY, **readings).ufw
    assert found is not None
    assert (found.lines, found.by_hand) == ufw


def test_settings_of_ufw() -> None:
    found = observed(
        nft=EMPTY,
        ufw="yes",
        ufw_settings="IPV6=no\nDEFAULT_INPUT_POLICY=REJECT",
        ufw_edited="before.rules\nafter.rules",
        ufw_code=". /etc/x",
    ).ufw
    assert found is not None
    settings = found.settings
    assert (settings.enabled, settings.ipv6, settings.incoming) == (True, False, "reject")
    assert (settings.edited, settings.code) == (("before.rules", "after.rules"), ". /etc/x")
    plain = observed(nft=EMPTY, ufw="no", ufw_edited="").ufw
    assert plain is not None
    assert (plain.settings.enabled, plain.settings.edited, plain.settings.code) == (False, (), "")
    unread = observed(nft=EMPTY, ufw="no").ufw
    assert unread is not None
    assert unread.settings.edited is None


@pytest.mark.parametrize(
    ("readings", "found"),
    [
        ({"firewalld": 's "RUNNING"'}, Firewalld(running=True)),
        ({"firewalld": "running"}, Firewalld(running=True)),
        ({"firewalld": (252, "not running")}, Firewalld(running=False)),
        ({"firewalld": 's "INIT"'}, Firewalld(None, "is not ready (init)")),
        ({"firewalld": "x" * 60}, Firewalld(None, f"is not ready ({'x' * 40})")),
        ({"firewalld": (1, "denied")}, Firewalld(None, "firewalld's state could not be read: denied")),
        ({"firewalld": ("absent", "")}, Firewalld(None, "firewalld's state could not be read")),
        ({"firewalld": "running", "firewalld_pending": "a\nb", "firewalld_stored": "c", "firewalld_boot": "enabled"},
         Firewalld(True, None, ("a", "b"), ("c",), boots=True)),
        ({"firewalld": "running", "firewalld_pending": (1, "a"), "firewalld_stored": (1, "c"), "firewalld_boot": "disabled"},
         Firewalld(running=True)),
        ({"firewalld": "running", "firewalld_pending": "", "firewalld_boot": "enabled\nenabled"}, Firewalld(True, None, ())),
    ],
    ids=str,
)  # fmt: skip
def test_firewalld(readings: Any, found: Firewalld) -> None:
    assert observed(nft=EMPTY, **readings).firewalld == found


def unread(program: Program) -> list[str]:
    """The hooks of chains that stand for rules that could not be read."""
    chains = [base for base in program.bases if "no nft" in base.text]
    assert all((base.families, base.priority) == ((4, 6), -1000) for base in chains)
    return [base.hook for base in program.bases if "no nft" in base.text and base.chain is None]


@pytest.mark.parametrize(
    ("readings", "hooks"),
    [
        ({"nft": EMPTY}, []),
        ({"nft": NO_IPTABLES, "nf_tables": "no", "iptables": ""}, []),
        ({"nft": NO_IPTABLES, "nf_tables": "no", "iptables": "", "ip6tables": ""}, []),
        ({"nft": NO_IPTABLES, "nf_tables": "no", "ip_legacy": ""}, []),
        ({"nft": NO_IPTABLES, "nf_tables": "yes", "iptables": ""}, ["prerouting", "output"]),
        ({"nft": NO_IPTABLES, "nf_tables": "perhaps", "iptables": ""}, ["prerouting", "output"]),
        ({"nft": NO_IPTABLES, "iptables": ""}, ["prerouting", "output"]),
        ({"nft": NO_IPTABLES, "nf_tables": "no", "iptables": save()}, ["prerouting", "output"]),
        ({"nft": NO_IPTABLES, "nf_tables": "no", "iptables": "", "ip6tables": save()}, ["prerouting", "output"]),
        ({"nft": NO_IPTABLES, "nf_tables": "no", "iptables": "", "ip6tables": (1, "denied")}, ["prerouting", "output"]),
    ],
    ids=str,
)  # fmt: skip
def test_rules_of_nftables_that_nothing_can_read(readings: Any, hooks: list[str]) -> None:
    assert unread(observed(**readings).program) == hooks


@pytest.mark.parametrize(
    ("readings", "why"),
    [
        ({"nft": NO_IPTABLES}, "neither nft nor iptables-save"),
        ({"nft": NO_IPTABLES, "iptables": (1, "denied")}, "neither nft nor iptables-save"),
        ({"nft": NO_IPTABLES, "ip_legacy": ("absent", "")}, "neither nft nor iptables-save"),
        ({"nft": (1, "denied"), "iptables": save()}, "the firewall could not be read: denied"),
        ({"nft": (2, "")}, "the firewall could not be read (exit status 2)"),
        ({"nft": EMPTY, "ip_legacy_tables": (1, "denied")}, "the rules of legacy iptables could not be read: denied"),
        ({"nft": EMPTY, "ip6_legacy_tables": ("absent", "")}, "the rules of legacy iptables could not be read"),
        ({"nft": EMPTY, "ip_legacy_tables": "filter"}, "the rules of legacy iptables could not be read: filter"),
        ({"nft": EMPTY, "ip_legacy_tables": "filter", "ip_legacy": (1, "denied")}, "the rules of legacy iptables could not be read: denied"),
        ({"nft": EMPTY, "ip_legacy_tables": "", "ip6_legacy_tables": "filter", "ip6_legacy": (1, "denied")}, "denied"),
        ({"nft": EMPTY, "firewalld_moved": "yes"}, "the rules changed while they were read"),
    ],
    ids=str,
)  # fmt: skip
def test_what_could_not_be_read(readings: Any, why: str) -> None:
    found = parse(answer(**readings))[""]
    assert isinstance(found, NotObserved)
    assert why in found.why


def test_rules_of_every_tool_count() -> None:
    drop = save("INPUT -p tcp -m tcp --dport 22 -j DROP", policy="ACCEPT")
    opened = nft([TCP22, ACCEPT])
    assert outcome(ALLOW_22, observed(nft=opened)) == "compliant"
    for family in ("ip", "ip6"):
        tables = {f"{family}_legacy_tables": "filter", f"{family}_legacy": drop}
        assert outcome(ALLOW_22, observed(nft=opened, **tables)) == "drift"
        empty = {f"{family}_legacy_tables": " \n", f"{family}_legacy": drop}
        assert outcome(ALLOW_22, observed(nft=opened, **empty)) == "compliant"
    names = observed(nft=opened, ip_legacy_tables="filter", ip_legacy=drop).program.chains
    assert set(names) == {("inet", "t", "in"), ("legacy ip", "filter", "INPUT")}


def test_without_nft_iptables_is_read() -> None:
    rule = save("INPUT -p tcp -m tcp --dport 22 -j ACCEPT", policy="ACCEPT")
    found = observed(nft=NO_IPTABLES, nf_tables="no", iptables=rule, ip6tables=rule).program
    assert set(found.chains) == {("ip", "filter", "INPUT"), ("ip6", "filter", "INPUT")}
    assert [base.families for base in found.bases if base.chain] == [(4,), (6,)]


def test_marks_that_rules_look_at_are_followed() -> None:
    assert observed(nft=nft([meta("mark", 1), ACCEPT])).program.bits == tuple(range(32))
    assert observed(nft=nft([TCP22, ACCEPT])).program.bits == ()


SET = "create s hash:ip family inet\nadd s 192.0.2.1"
LOOKS = "INPUT -m set --match-set s src -j DROP"
ADDS = "INPUT -p udp -j SET --add-set s src"
REMOVES = "INPUT -p udp -j SET --del-set s src"


@pytest.mark.parametrize(
    ("rules", "ipset", "denied"),
    [
        ([LOOKS], SET, "drift"),
        ([LOOKS], (1, SET), "unknown"),
        ([ADDS, LOOKS], SET, "unknown"),
        ([LOOKS, REMOVES], SET, "unknown"),
        (["INPUT -p udp -j SET --add-set other src", LOOKS], SET, "drift"),
    ],
)
def test_sets_of_ipset(rules: list[str], ipset: Any, denied: str) -> None:
    what = observed(
        nft=EMPTY,
        ip_legacy_tables="filter",
        ip_legacy=save(*rules, policy="ACCEPT"),
        ipset=ipset,
        inet6="",
    )
    assert outcome(DENY_22, what) == denied
