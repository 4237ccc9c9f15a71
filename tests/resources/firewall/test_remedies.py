"""When a firewall's remedy is not given: it could lock out, remove other rules, or do nothing.

Each state was seen on a real node, where tests/lab/test_firewall_remedies.py makes it again.
"""

from typing import Any

import pytest

from power_edge.model import Outcome, Result
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.report.shell_line import shell_line
from power_edge.resources.firewall.packets.dimension import Dimension
from power_edge.resources.firewall.packets.sets import Box, interface
from power_edge.resources.firewall.readers.ufw_files import Tuple, tuples
from power_edge.resources.firewall.ruleset import Ruleset
from power_edge.resources.firewall.ssh_access import OrderedRule, lets_in
from tests.resources.firewall.test_firewall import ALLOW_22, observed, recorded, results, save

WEB = Rule(proto="tcp", port=443, action="allow")
ON_FILE = "### tuple ### {} {} any {} in"
SETTINGS = "IPV6=yes\nDEFAULT_INPUT_POLICY=DROP\nINIT=/usr/lib/ufw/ufw-init"
PORT = "port 22"
OFFICE = "way 192.0.2.7 198.51.100.1 22 eth0\nport 22"


def ufw(
    *rules: str,
    before: tuple[str, ...] = (),
    policy: str = "DROP",
    loaded: bool = True,
    way: str = PORT,
    settings: str = SETTINGS,
    edited: str = "",
    enabled: str = "yes",
    **more: str,
) -> Ruleset:
    """A node with ufw.

    `rules`: ACTION PROTO PORT of its rules; `before`: rules of others in INPUT, before ufw's jumps.
    """
    verdict = {"allow": "ACCEPT", "deny": "DROP", "limit": "ACCEPT"}
    texts = {}
    for mark in ("", "6"):
        name = f"ufw{mark}"
        lines = [*before]
        if loaded:
            lines += [f"INPUT -j {name}-before-input", f"{name}-before-input -j {name}-user-input"]
        for rule in rules:
            action, proto, port = rule.split()
            for each in ("tcp", "udp") if proto == "any" else (proto,):
                lines.append(
                    f"{name}-user-input -p {each} -m {each} --dport {port} -j {verdict[action]}"
                )
        chains = [f"{name}-before-input", f"{name}-user-input", "DOCKER"]
        texts[f"ip{mark}_legacy"] = save(*lines, policy=policy, chains=chains)
    files = {
        f"ufw_rules{mark}": "\n".join(ON_FILE.format(rule, every, every) for rule in rules)
        for mark, every in (("", "0.0.0.0/0"), ("6", "::/0"))
    }
    readings: dict[str, Any] = {
        "nft": '{"nftables": []}', "ip_legacy_tables": "filter", "ip6_legacy_tables": "filter", "ufw": enabled, "way": way,
        "ufw_settings": settings, "ufw_edited": edited, **texts, **files, **more,
    }  # fmt: skip
    return observed(**readings)


def only(firewall: Firewall, what: Ruleset, name: str) -> Result:
    found = results(firewall, what)[name]
    assert found.outcome is Outcome.DRIFT
    assert (shell_line(found.remedy) is None) is (found.advice is not None)
    return found


ENABLED = Firewall(enabled=True, rules=[ALLOW_22])
CLOSED = Firewall(default_incoming="deny", rules=[ALLOW_22])
OPENED = Firewall(rules=[WEB])
DOCKER = ("DOCKER -o docker0 -j ACCEPT",)
WEB_NAME = "allow 443/tcp from any to any"


@pytest.mark.parametrize(
    ("what", "firewall", "item", "mend"),
    [
        (ufw("allow tcp 22", loaded=False, policy="ACCEPT"), ENABLED, "enabled", "/usr/lib/ufw/ufw-init flush-all && ufw --force enable"),
        (ufw("allow tcp 22", loaded=False, policy="ACCEPT", before=DOCKER), ENABLED, "enabled", None),
        (ufw("allow tcp 22", loaded=False, policy="ACCEPT", settings="IPV6=yes"), ENABLED, "enabled", None),
        (ufw("allow tcp 22", loaded=False, policy="ACCEPT", edited="/etc/ufw/before.rules"), ENABLED, "enabled", None),
        (ufw("allow tcp 22", enabled="no"), ENABLED, "enabled", "ufw --force enable && ufw reload"),
        (ufw("allow tcp 22", enabled="no", edited="/etc/ufw/before.init"), ENABLED, "enabled", None),
        (ufw("allow tcp 22", enabled="no", settings=f"{SETTINGS}\nMANAGE_BUILTINS=yes"), ENABLED, "enabled", "ufw --force enable && ufw reload"),
        (ufw("allow tcp 22", enabled="no", settings=f"{SETTINGS}\nMANAGE_BUILTINS=yes", before=DOCKER), ENABLED, "enabled", None),
        (ufw("allow tcp 22", enabled="no", before=("INPUT -p tcp -m tcp --dport 22 -j DROP",), way=OFFICE), ENABLED, "enabled", None),
        (ufw("allow tcp 22", policy="ACCEPT"), CLOSED, "default_incoming", "ufw default deny incoming"),
        (ufw("allow tcp 22", policy="ACCEPT", before=("INPUT -j ACCEPT",)), CLOSED, "default_incoming", None),
        (ufw("deny tcp 22", "allow tcp 22", policy="ACCEPT", way=OFFICE), CLOSED, "default_incoming", None),
        (ufw("allow tcp 22", policy="ACCEPT", way=f"tunnel wg0\nway 192.0.2.1 192.0.2.2 22 wg0\n{PORT}"), CLOSED, "default_incoming", None),
        (ufw("allow tcp 22", policy="ACCEPT", settings="IPV6=no"), Firewall(default_incoming="reject", rules=[ALLOW_22]), "default_incoming", None),
        (ufw("allow tcp 22"), OPENED, WEB_NAME, "ufw allow 443/tcp"),
        (ufw("allow tcp 22", settings="IPV6=no"), OPENED, WEB_NAME, None),
        (ufw("allow tcp 22", before=("INPUT -p tcp -m tcp --dport 443 -j DROP",)), OPENED, WEB_NAME, None),
        (ufw("allow tcp 22", "deny tcp 443:444"), OPENED, WEB_NAME, "ufw prepend allow 443/tcp"),
        (ufw("allow tcp 22", "allow any 80"), Firewall(exclusive=True, rules=[ALLOW_22]), "exclusive", "ufw delete allow 80"),
        (ufw("allow tcp 22", before=("INPUT -p tcp -m tcp --dport 81 -j ACCEPT",)), Firewall(exclusive=True, rules=[ALLOW_22]), "exclusive", None),
        (ufw("allow tcp 22", "allow tcp 80"), Firewall(exclusive=True, rules=[WEB]), "exclusive", None),
        (ufw("allow tcp 22"), Firewall(enabled=False), "enabled", "ufw disable"),
        (ufw("allow tcp 22", before=("DOCKER -j DROP",)), Firewall(enabled=False), "enabled", "ufw disable"),
    ],
)  # fmt: skip
def test_ufw(what: Ruleset, firewall: Firewall, item: str, mend: str | None) -> None:
    found = only(firewall, what, item)
    assert shell_line(found.remedy) == mend, found.advice
    closes = mend is not None and any(
        word in mend for word in ("enable", "default deny", "delete", "reload")
    )
    assert found.mend_cuts is closes


def test_a_remedy_of_ufw_does_not_leave_a_filter_of_others() -> None:
    drop = '{"nftables": [{"table": {"family": "inet", "name": "own"}}, {"chain": {"family": "inet", "table": "own", "name": "input",' \
        ' "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}}]}'  # fmt: skip
    both = ufw("allow tcp 22", nft=drop)
    assert shell_line(only(Firewall(enabled=False), both, "enabled").remedy) is None
    assert shell_line(only(OPENED, both, WEB_NAME).remedy) is None


NAMED_LIKE_UFW = "INPUT -i ufw-user-0 -m comment --comment ufw-reject- -j ACCEPT"
"""A rule of others. Its interface is named as chains of ufw are."""


def test_whose_a_rule_is_depends_on_its_chain_not_on_its_words() -> None:
    what = ufw("allow tcp 22", policy="ACCEPT", before=(NAMED_LIKE_UFW,))
    advice = only(CLOSED, what, "default_incoming").advice
    assert advice is not None
    assert "ufw-user-0" in advice
    assert "lets everything in before ufw's rules" in advice


def test_a_rule_about_lo_alone_is_ufws_own_with_ipv6_no() -> None:
    """What else names lo is not: flush-all would remove it."""
    off = {
        "loaded": False,
        "policy": "ACCEPT",
        "settings": f"{SETTINGS}\nIPV6=no".removeprefix("IPV6=yes\n"),
    }
    own, other = ("INPUT -i lo -j ACCEPT",), ("INPUT ! -i lo -p udp -m udp --dport 53 -j ACCEPT",)
    flushed = only(ENABLED, ufw("allow tcp 22", before=own, **off), "enabled")  # type: ignore[arg-type]
    assert "flush-all" in str(shell_line(flushed.remedy))
    kept = only(ENABLED, ufw("allow tcp 22", before=other, **off), "enabled")  # type: ignore[arg-type]
    assert shell_line(kept.remedy) is None


FIREWALLD = {"firewalld-pending": "", "firewalld-stored": "zone public\nservice ssh", "way": PORT}


def firewalld(name: str, **blocks: str) -> Ruleset:
    texts = {**FIREWALLD, **{block.replace("_", "-"): text for block, text in blocks.items()}}
    lines = []
    for block, text in texts.items():
        lines += [
            f"= {block} {1 if text == '?' else 0}",
            *(f" {line}" for line in text.split("\n") if line),
        ]
    return recorded("firewalld", name, "\n".join([*lines, ""]))


@pytest.mark.parametrize(
    ("what", "firewall", "item", "mend"),
    [
        (firewalld("public-default"), CLOSED, "default_incoming",
         "firewall-cmd --permanent --zone=public --set-target=DROP && firewall-cmd --reload"),
        (firewalld("public-default", firewalld_pending="public"), CLOSED, "default_incoming", None),
        (firewalld("public-default", firewalld_pending="?"), CLOSED, "default_incoming", None),
        (firewalld("public-default", way=OFFICE.replace("22 eth0", "2222 eth0")), CLOSED, "default_incoming", None),
        (firewalld("public-default"), Firewall(rules=[Rule(proto="tcp", port=22, action="deny")]), "deny 22/tcp from any to any", None),
        (firewalld("source-zone-trusted"), OPENED, WEB_NAME, None),
        (firewalld("foreign-nft-table-drops"), Firewall(rules=[ALLOW_22]), "allow 22/tcp from any to any", None),
        (firewalld("stopped"), ENABLED, "enabled", "systemctl enable --now firewalld && firewall-cmd --state"),
        (firewalld("stopped", firewalld_stored="zone public"), ENABLED, "enabled",
         "firewall-offline-cmd --zone=public --add-port=22/tcp && systemctl enable --now firewalld && firewall-cmd --state"),
        (firewalld("stopped", firewalld_stored="zone public"), Firewall(enabled=True), "enabled", None),
        (firewalld("stopped", firewalld_stored="zone public\nservice ssh\nmore"), ENABLED, "enabled", None),
        (firewalld("stopped", firewalld_stored="?"), ENABLED, "enabled", None),
        (firewalld("stopped", ufw="no", firewalld_boot="disabled"), ENABLED, "enabled", None),
        (firewalld("stopped", ufw="yes", ufw_rules="", ufw_rules6="", ufw_lines="", ufw_lines6="", firewalld_stored="zone public", firewalld_boot="disabled"), ENABLED, "enabled",
         "ufw disable && ufw allow 22/tcp && ufw --force enable"),
        (firewalld("stopped", ufw="yes", ufw_rules="", ufw_rules6="", ufw_lines="?", firewalld_stored="zone public", firewalld_boot="disabled"),
         ENABLED, "enabled", None),
        (firewalld("stopped", ufw="yes", firewalld_boot="enabled"), ENABLED, "enabled", None),
        (firewalld("stopped", ufw="no", firewalld_boot="enabled"), ENABLED, "enabled", None),
        (firewalld("stopped", ufw="yes", ufw_rules="", ufw_rules6="", firewalld_stored="?", firewalld_boot="disabled"), ENABLED, "enabled", None),
        (firewalld("stopped", ufw="no", ufw_rules="", ufw_rules6="", firewalld_boot="enabled"), ENABLED, "enabled",
         "systemctl enable --now firewalld && firewall-cmd --state"),
    ],
)  # fmt: skip
def test_firewalld(what: Ruleset, firewall: Firewall, item: str, mend: str | None) -> None:
    assert shell_line(only(firewall, what, item).remedy) == mend


def test_what_only_the_target_of_a_zone_opens_is_opened_before_the_target_changes() -> None:
    printed = shell_line(only(CLOSED, firewalld("default-zone-trusted"), "default_incoming").remedy)
    assert printed is not None
    assert printed.index("--add-port=22/tcp") < printed.index("--set-target=DROP")


@pytest.mark.parametrize(
    ("case", "firewall", "words"),
    [
        ("nftables/inet-policy-drop", OPENED, "add a rule to allow tcp port 443"),
        ("nftables/inet-policy-drop", Firewall(enabled=False), "remove them from"),
        ("nftables/ip-only-v6-open", Firewall(enabled=True), "complete them in"),
        ("nftables/output-only", Firewall(enabled=False), "remove them from"),
        (
            "nftables/inet-policy-drop",
            Firewall(default_incoming="allow"),
            "set the policy to allow",
        ),
        ("nftables/inet-policy-drop", Firewall(exclusive=True), "remove what opens these"),
        ("iptables/policy-drop-both", OPENED, "add a rule to allow tcp port 443"),
        ("iptables/order-drop-first", Firewall(rules=[ALLOW_22]), "iptables"),
    ],
)
def test_rules_of_nobody_are_a_persons(case: str, firewall: Firewall, words: str) -> None:
    area, _, name = case.partition("/")
    *_, found = results(
        firewall, recorded(area, name, "= way 0\n port 22\n= saved 0\n /etc/nftables.conf\n")
    ).values()
    assert found.outcome is Outcome.DRIFT
    assert shell_line(found.remedy) is None
    assert words in (found.advice or ""), found.advice


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", "allow 22/tcp"),
        ("allow any 22 0.0.0.0/0 any 0.0.0.0/0 in", "allow 22"),
        ("allow_log-all tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=6869", "allow log-all 22/tcp"),
        ("limit tcp 80,443 ::/0 any ::/0 in", "limit 80,443/tcp"),
        ("allow tcp 6000:6007 0.0.0.0/0 any 0.0.0.0/0 in", "allow 6000:6007/tcp"),
        (
            "allow tcp 80 0.0.0.0/0 any 0.0.0.0/0 in_eth0",
            "allow in on eth0 proto tcp from any to any port 80",
        ),
        (
            "allow udp 53 0.0.0.0/0 any 10.0.0.0/8 in",
            "allow proto udp from 10.0.0.0/8 to any port 53",
        ),
        ("allow udp any 0.0.0.0/0 53 0.0.0.0/0 in", "allow proto udp from any port 53 to any"),
        ("allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 OpenSSH - in", "allow OpenSSH"),
        (
            "allow tcp 80 0.0.0.0/0 any 10.0.0.0/8 WWW%20Full - in",
            "allow from 10.0.0.0/8 to any app WWW Full",
        ),
        ("allow any any 0.0.0.0/0 any 10.0.0.1 in", "allow from 10.0.0.1 to any"),
    ],
)
def test_a_rule_is_deleted_as_it_is_spelled_on_file(line: str, words: str) -> None:
    (found,) = tuples([f"### tuple ### {line}"])
    assert isinstance(found, Tuple)
    assert " ".join(found.spelling()) == words


SSH_BOX: Box = {Dimension.PROTO: ((6, 6),), Dimension.DPORT: ((22, 22),)}
IIF, SADDR4 = Dimension.IIF, Dimension.SADDR4
ETH0, WG0 = (interface("eth0"),), (interface("wg0"),)


@pytest.mark.parametrize(
    ("need", "rules", "kept"),
    [
        ({}, [], False),
        ({}, [("allow", {})], True),
        ({IIF: ETH0}, [("allow", {IIF: ETH0})], True),
        ({IIF: ETH0}, [("allow", {IIF: WG0})], False),
        ({}, [("allow", {IIF: ETH0})], False),  # by which interface it comes is unknown
        ({IIF: ETH0}, [("deny", {IIF: WG0}), ("allow", {})], True),
        ({SADDR4: ((1, 1),)}, [("deny", {SADDR4: ((1, 1),)}), ("allow", {})], False),
        ({SADDR4: ((1, 1),)}, [("allow", {Dimension.SADDR6: ((0, 9),)})], False),
        ({SADDR4: ((1, 9),)}, [("deny", {SADDR4: ((1, 5),)}), ("allow", {SADDR4: ((1, 5),)})], False),
        ({SADDR4: ((1, 9),)}, [("deny", {SADDR4: ((1, 5),)}), ("allow", {SADDR4: ((5, 9),)})], True),
    ],
)  # fmt: skip
def test_what_lets_a_connection_in(need: Box, rules: list[tuple[str, Box]], kept: bool) -> None:
    assert (
        lets_in(
            {**SSH_BOX, **need}, [OrderedRule(action, {**SSH_BOX, **box}) for action, box in rules]
        )
        is kept
    )


def test_rules_of_other_directions_are_left_alone() -> None:
    lines = [
        "route:allow tcp 80 0.0.0.0/0 any 0.0.0.0/0 in",
        "deny tcp 25 0.0.0.0/0 any 0.0.0.0/0 out",
    ]
    assert list(tuples(f"### tuple ### {line}" for line in lines)) == []
    with pytest.raises(ValueError, match="not understood"):
        list(tuples(["### tuple ### allow tcp"]))
