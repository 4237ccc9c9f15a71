"""What each option of iptables means for a rule, alone and negated."""

from typing import Any

import pytest

from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall.packets import marks
from power_edge.resources.firewall.packets.program import Action
from power_edge.resources.firewall.readers.iptables import changes, target
from tests.resources.firewall.test_firewall import ALLOW_22, DENY_22, observed, outcome, save

OFFICE = Rule(proto="tcp", port=22, action="allow", from_="10.0.0.0/8")
TO_OWN = Rule(proto="tcp", port=22, action="allow", to="203.0.113.0/24")
NOT_WEB = Rule(proto="tcp", port=80, action="deny")
ECHO = Rule(proto="icmp", action="allow")
RANGE = "-p tcp -m iprange {} -m tcp --dport 22 -j ACCEPT"
TO_22 = ("-p tcp -m tcp --dport 22 -j ACCEPT",)
UDP_22 = Rule(proto="udp", port=22, action="deny")
UDP_OPEN = ("-p udp -m udp --dport 22 -j ACCEPT",)
PING = ("-p icmp -j ACCEPT",)


@pytest.mark.parametrize(
    ("option", "then", "rule", "expected"),
    [
        (RANGE.format("--src-range 10.0.0.0-10.255.255.255"), (), OFFICE, "compliant"),
        (RANGE.format("! --src-range 10.0.0.0-10.255.255.255"), (), OFFICE, "drift"),
        (RANGE.format("--dst-range 203.0.113.0-203.0.113.255"), (), TO_OWN, "compliant"),
        (RANGE.format("! --dst-range 203.0.113.0-203.0.113.255"), (), TO_OWN, "drift"),
        ("-p tcp -m multiport --sports 22 -j ACCEPT", (), ALLOW_22, "drift"),
        ("-p tcp -m multiport --dports 22 -j ACCEPT", (), ALLOW_22, "compliant"),
        ("-p tcp -m multiport --ports 22 -j ACCEPT", (), NOT_WEB, "drift"),
        ("-p tcp -m multiport ! --ports 22 -j ACCEPT", (), DENY_22, "compliant"),
        ("-p tcp -m multiport ! --ports 22 -j ACCEPT", (), NOT_WEB, "drift"),
        ("-m addrtype --src-type LOCAL -j ACCEPT", (), ALLOW_22, "drift"),
        ("-m addrtype --dst-type LOCAL -j ACCEPT", (), ALLOW_22, "compliant"),
        ("-f -j DROP", TO_22, ALLOW_22, "compliant"),
        ("! -f -j DROP", TO_22, ALLOW_22, "drift"),
        ("-m conntrack --ctdir REPLY -j DROP", TO_22, ALLOW_22, "compliant"),
        ("-m conntrack ! --ctdir REPLY -j DROP", TO_22, ALLOW_22, "drift"),
        ("-m conntrack --ctdir ORIGINAL -j DROP", TO_22, ALLOW_22, "drift"),
        ("-m conntrack ! --ctstate NEW -j DROP", TO_22, ALLOW_22, "drift"),
        ("-m pkttype --pkt-type broadcast -j DROP", TO_22, ALLOW_22, "compliant"),
        ("-m pkttype ! --pkt-type broadcast -j DROP", TO_22, ALLOW_22, "drift"),
        (
            "-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP",
            TO_22,
            ALLOW_22,
            "drift",
        ),
        ("-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", TO_22, ALLOW_22, "drift"),
        ("-p icmp -m icmp ! --icmp-type 8 -j DROP", PING, ECHO, "compliant"),
        ("-p icmp -m icmp --icmp-type 8 -j DROP", PING, ECHO, "drift"),
        ("-p icmp -m icmp --icmp-type 8/1 -j DROP", PING, ECHO, "compliant"),
        ("-p icmp -m icmp --icmp-type 8/0 -j DROP", PING, ECHO, "drift"),
        ("-o eth0 -j DROP", TO_22, ALLOW_22, "compliant"),
        ("! -o eth0 -j DROP", TO_22, ALLOW_22, "drift"),
        ("-i eth0 -j DROP", TO_22, ALLOW_22, "drift"),
        ("-i lo -j DROP", TO_22, ALLOW_22, "compliant"),
        ("-i e+ -p tcp -m tcp --dport 22 -j ACCEPT", (), ALLOW_22, "drift"),
        ("-p icmp -m icmp --icmp-type any -j DROP", PING, ECHO, "drift"),
        ("-p icmp -m icmp --icmp-type 255 -j DROP", PING, ECHO, "drift"),
        ("-p icmp -m icmp ! --icmp-type any -j DROP", PING, ECHO, "compliant"),
        ("-p icmp -m icmp --icmp-type 7 -j ACCEPT", (), ECHO, "drift"),
        # What stands in quotes is not an option.
        ('-m string --string "-f" --algo bm --to 65535 -j DROP', TO_22, ALLOW_22, "unknown"),
        # The lists of `recent` are not read.
        ("-m recent --set --name x --mask 255.255.255.255 --rsource", TO_22, ALLOW_22, "compliant"),
        ("-m recent --set --name x --rsource -j ACCEPT", (), ALLOW_22, "compliant"),
        ("-m recent ! --set --name x --rsource -j ACCEPT", (), ALLOW_22, "unknown"),
        ("-m recent --rcheck --name x --rsource -j ACCEPT", (), ALLOW_22, "unknown"),
        ("-m recent --update --name x --rsource -j ACCEPT", (), ALLOW_22, "unknown"),
        ("-m recent --remove --name x --rsource -j ACCEPT", (), ALLOW_22, "unknown"),
        (
            "-m recent --update --seconds 60 --hitcount 4 --name x --rsource -j DROP",
            TO_22,
            ALLOW_22,
            "drift",
        ),
        # A path back to the source by any interface is more than one by its own.
        ("-m rpfilter --invert -j DROP", TO_22, ALLOW_22, "compliant"),
        ("-p udp -m rpfilter --loose -m udp --dport 22 -j DROP", UDP_OPEN, UDP_22, "drift"),
        (
            "-p udp -m rpfilter --loose --invert -j DROP",
            ("-m rpfilter -j DROP", *UDP_OPEN),
            UDP_22,
            "drift",
        ),
        (
            "-p udp -m rpfilter --loose --invert -j DROP",
            ("-m rpfilter --loose -j DROP", *UDP_OPEN),
            UDP_22,
            "compliant",
        ),
        ("-p tcp -m tcp --tcp-flags SYN,ECE SYN -j DROP", TO_22, ALLOW_22, "unknown"),
        # the first packet gets in, and no other
        ("-p tcp -m tcp --tcp-flags SYN,ACK ACK -j DROP", TO_22, ALLOW_22, "drift"),
        ("-p tcp -m tcp --tcp-flags SYN,ACK,RST RST -j DROP", TO_22, ALLOW_22, "compliant"),
        ("-p tcp -m tcp --tcp-flags SYN,ACK NONE -j DROP", TO_22, ALLOW_22, "compliant"),
        # as somebody writes it into a file of ufw
        ("-p tcp -m tcp --syn -j DROP", TO_22, ALLOW_22, "drift"),
        ("-p tcp -m tcp ! --syn -j DROP", TO_22, ALLOW_22, "drift"),
        ("-p udp -m tcp --syn -j DROP", UDP_OPEN, UDP_22, "drift"),
        ("-p tcp -m tcp --dport :22 -j ACCEPT", (), ALLOW_22, "compliant"),
        ("-p tcp -m tcp --dport 22: -j ACCEPT", (), ALLOW_22, "compliant"),
        # a word that is not known may stand for any packet
        ("-m pkttype --pkt-type 0x5 -j DROP", TO_22, ALLOW_22, "unknown"),
        ("-m mark --surprise 0x0 -j ACCEPT", (), ALLOW_22, "unknown"),
        ("-m tcp --mark 0x0 -j ACCEPT", (), ALLOW_22, "unknown"),
        ("-m comment --comment -j -j ACCEPT", (), ALLOW_22, "unknown"),
        ("-p tcp -j SURPRISE", TO_22, ALLOW_22, "unknown"),
    ],
)
def test_an_option(option: str, then: tuple[str, ...], rule: Any, expected: str) -> None:
    """On a node without IPv6, before the rules `then`."""
    lines = (f"INPUT {each}" for each in (option, *then))
    node = observed(
        nft='{"nftables": []}', ip_legacy_tables="filter", ip_legacy=save(*lines), inet6=""
    )
    assert outcome(rule, node) == expected


UNTRACKED = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -j CT --notrack\nCOMMIT\n"


@pytest.mark.parametrize("target", ["CT --notrack", "NOTRACK"])
@pytest.mark.parametrize(("which", "expected"), [("mark", "compliant"), ("connmark", "drift")])
def test_a_packet_without_a_connection_has_no_mark_of_it(
    which: str, expected: str, target: str
) -> None:
    rule = f"INPUT -p tcp -m {which} ! --mark 0x1 -j ACCEPT"
    node = observed(
        nft='{"nftables": []}',
        ip_legacy_tables="filter\nraw",
        ip_legacy=UNTRACKED.replace("CT --notrack", target) + save(rule),
        inet6="",
    )
    assert outcome(ALLOW_22, node) == expected


@pytest.mark.parametrize("table", ["raw", "mangle"])
@pytest.mark.parametrize(
    ("options", "without_connection", "with_connection"),
    [
        ("--ctdir ORIGINAL", "drift", "compliant"),
        ("! --ctdir REPLY", "drift", "compliant"),
        ("--ctdir REPLY", "drift", "drift"),
        ("--ctstate INVALID,NEW --ctdir ORIGINAL", "compliant", "compliant"),
        ("--ctstate INVALID,NEW --ctdir REPLY", "compliant", "drift"),
        ("! --ctstate ESTABLISHED --ctdir REPLY", "compliant", "drift"),
        ("--ctstate NEW --ctdir ORIGINAL", "drift", "compliant"),
        ("--ctstate INVALID -m conntrack --ctdir REPLY", "drift", "drift"),
        ("--ctstate INVALID,NEW -m comment --comment x -m conntrack --ctdir ORIGINAL", "drift", "compliant"),
    ],
)  # fmt: skip
def test_a_packet_without_a_connection_has_no_direction(
    table: str, options: str, without_connection: str, with_connection: str
) -> None:
    """Before connections are looked up (raw), and behind that (mangle)."""
    line = f"-A PREROUTING -p tcp -m conntrack {options} -j DROP"
    text = f"*{table}\n:PREROUTING ACCEPT [0:0]\n{line}\nCOMMIT\n"
    node = observed(nft='{"nftables": []}', ip_legacy_tables=table, ip_legacy=text, inet6="")
    expected = without_connection if table == "raw" else with_connection
    assert outcome(DENY_22, node) == expected


def test_what_another_table_than_filter_lets_by_is_not_opened_by_a_rule() -> None:
    rule = "-p tcp -m tcp --dport 22 -j ACCEPT"
    for table, chain in (("mangle", "INPUT"), ("filter", "INPUT")):
        text = f"*{table}\n:{chain} ACCEPT [0:0]\n-A {chain} {rule}\nCOMMIT\n"
        node = observed(nft='{"nftables": []}', ip_legacy_tables=table, ip_legacy=text, inet6="")
        expected = "compliant" if table == "filter" else "drift"
        assert outcome(ALLOW_22, node) == expected, table


@pytest.mark.parametrize(
    ("policy", "rule", "denied"),
    [
        ("ACCEPT", "-p tcp -m tcp --dport 22 -j DROP", "unknown"),
        ("DROP", "-j LOG", "unknown"),
        ("ACCEPT", "-j LOG", "drift"),
    ],
)
def test_what_the_table_nat_stops_need_not_be_stopped(policy: str, rule: str, denied: str) -> None:
    """Only a connection that is tracked comes to it."""
    text = f"*nat\n:PREROUTING {policy} [0:0]\n-A PREROUTING {rule}\nCOMMIT\n"
    node = observed(nft='{"nftables": []}', ip_legacy_tables="nat", ip_legacy=text, inet6="")
    assert outcome(DENY_22, node) == denied


@pytest.mark.parametrize(
    ("name", "action"),
    [
        (None, Action.NEXT),
        ("LOG", Action.NEXT),
        ("CT", Action.NEXT),
        ("ACCEPT", Action.ALLOW),
        ("DROP", Action.DENY),
        ("RETURN", Action.RETURN),
        ("NFQUEUE", Action.UNKNOWN),
        ("DNAT", Action.UNKNOWN),
        ("", Action.UNKNOWN),
    ],
)
def test_what_a_target_does(name: str | None, action: Action) -> None:
    assert target(name, ()).action is action


PACKET, CONNECTION, ALL = marks.PACKET, marks.CONNECTION, marks.ALL


@pytest.mark.parametrize(
    ("target", "options", "expected"),
    [
        ("MARK", "--set-xmark 0x1/0xff", (PACKET, ALL & ~0xFF, 0, 1, False)),
        ("MARK", "--set-mark 0x100/0xff", (PACKET, ALL & ~0x1FF, 0, 0x100, False)),
        ("MARK", "--set-xmark 0x100/0xf0", (PACKET, ALL & ~0xF0, 0, 0x100, False)),
        ("MARK", "--set-xmark 0x1", (PACKET, 0, 0, 1, False)),
        ("CONNMARK", "--set-xmark 0x1/0xff", (CONNECTION, ALL & ~0xFF, 0, 1, True)),
        (
            "CONNMARK",
            "--restore-mark --nfmask 0xff --ctmask 0xf",
            (PACKET, ALL & ~0xFF, 0xF, 0, True),
        ),
        (
            "CONNMARK",
            "--save-mark --nfmask 0xff --ctmask 0xf",
            (CONNECTION, ALL & ~0xF, 0xFF, 0, True),
        ),
        ("CONNMARK", "--restore-mark --mask 0xf", (PACKET, ALL & ~0xF, 0xF, 0, True)),
        ("CONNMARK", "--restore-mark", (PACKET, 0, ALL, 0, True)),
        ("CONNMARK", "--save-mark", (CONNECTION, 0, ALL, 0, True)),
    ],
)
def test_a_target_that_sets_a_mark(target: str, options: str, expected: tuple[Any, ...]) -> None:
    assert changes(target, tuple((word, True) for word in options.split())) == [
        marks.Change(*expected)
    ]


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("MARK", ""),
        ("MARK", "--restore-mark"),
        ("MARK", "--or-mark 0x1"),
        ("MARK", "--set-xmark 0x1 --odd"),
        ("MARK", "--set-xmark 0x1 --odd 1"),
        ("MARK", "--set-xmark one"),
        ("CONNMARK", "--save-mark --odd 1"),
        ("CONNMARK", "--save-mark --mask"),
    ],
)
def test_a_mark_that_is_not_understood_may_be_any(target: str, options: str) -> None:
    words = tuple((word, True) for word in options.split())
    assert changes(target, words) == [marks.Change(PACKET, None), marks.Change(CONNECTION, None)]
