"""The firewall's discovery: from recorded nodes and random states; and its probe on made-up trees."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from power_edge import package_data
from power_edge.model.generated.resources.firewall_schema import Firewall
from power_edge.resources.firewall import RESOURCE, canonical
from power_edge.resources.firewall.discover import infer_rules
from power_edge.resources.firewall.discover.notes import notes
from power_edge.resources.firewall.judge import Declared
from tests.resources.firewall.test_property import Chain, answer, firewalls
from tests.resources.firewall.test_property import as_nft as chains_as_nft
from tests.support.cases import RECORDINGS
from tests.support.firewalls import State, as_iptables, as_nft, by_name, discovered, states
from tests.support.shells import each_shell

pytestmark = pytest.mark.shell

PROBE = package_data.text("probes/discovery/firewall.sh")
DENY = {"enabled": True, "default_incoming": "deny", "default_outgoing": "allow"}
SSH = {"port": 22, "proto": "tcp", "action": "allow"}
PING = {"proto": "icmp", "action": "allow"}


def recorded(case: str) -> bytes:
    return (RECORDINGS / case / "section").read_bytes()


@pytest.mark.parametrize(
    ("case", "rules"),
    [
        ("ufw/basic-22-tcp", [SSH]),
        ("ufw/app-openssh", [{**SSH, "comment": "OpenSSH"}]),
        ("ufw/partly-shadowed", [{**SSH, "action": "deny", "from": "10.99.0.0/16"}, SSH]),
        (
            "ufw/deny-and-reject",
            [{**SSH, "port": 80, "action": "deny"}, {**SSH, "port": 443, "action": "reject"}, SSH],
        ),
        (
            "ufw/from-ipv6",
            [{**SSH, "from": "fd99:41::/64"}, {**SSH, "port": 80, "from": "fd99:41::1"}],
        ),
        ("ufw/list", [{**SSH, "port": 80}, {**SSH, "port": 443}, SSH]),
        ("ufw/v6-only-rule", [SSH, {**SSH, "port": 80, "from": "::/0"}]),
        ("ufw/limit", [{**SSH, "action": "limit"}]),
        (
            "nftables/verdict-map",
            [
                PING,
                SSH,
                {**SSH, "port": 80, "action": "deny"},
                {**SSH, "port": 443, "from": "10.0.0.0/8"},
            ],
        ),
        ("nftables/prerouting-drop", [{**SSH, "port": 80, "action": "deny"}, PING, SSH]),
        ("nftables/mark-or-uid-match", [PING]),
        (
            "iptables/negated-source",
            [
                PING,
                SSH,
                {**SSH, "port": 80, "action": "deny", "from": "10.0.0.0/8"},
                {**SSH, "port": 80, "from": "0.0.0.0/0"},
            ],
        ),
        ("firewalld/target-drop", [SSH]),
    ],
)
def test_rules_of_recorded_nodes(case: str, rules: list[dict[str, Any]] | None) -> None:
    assert discovered(recorded(case)).value == {**DENY, **({"rules": rules} if rules else {})}


def test_comments_of_ufw() -> None:
    rules = discovered(recorded("ufw/comments")).value["rules"]
    assert [rule["comment"] for rule in rules] == [
        "SSH access",
        "it is # not a comment",
        "deny 22/tcp ALLOW IN Anywhere",
        "umlaut ü",
    ]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            "allow_log-all tcp 22 10.0.0.9/8 any ::/0 in comment=6f6e",
            {"allow 22/tcp from any to 10.0.0.0/8": "on"},
        ),
        (
            "allow any 53 0.0.0.0/0 any 0.0.0.0/0 DNS - in",
            {"allow 53/tcp from any to any": "DNS", "allow 53/udp from any to any": "DNS"},
        ),
        (
            "allow tcp 6000:6001 0.0.0.0/0 any 0.0.0.0/0 in comment=78",
            {f"allow {port}/tcp from any to any": "x" for port in (6000, 6001)},
        ),
        ("allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=1b5b33316d", {}),
        ("allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=zz", {}),
        ("allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=" + "78" * 201, {}),
        ("allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=ff", {}),
        ("allow tcp 22 0.0.0.0/0 1024 0.0.0.0/0 in comment=78", {}),
        ("allow tcp 1:99999999999 0.0.0.0/0 any 0.0.0.0/0 in comment=", {}),
        ("", {}),
    ],
)
def test_a_line_of_ufws_files(line: str, found: dict[str, str]) -> None:
    assert notes([f"### tuple ### {line}"]) == {
        canonical(rule): note for rule, note in found.items()
    }


@pytest.mark.parametrize(
    ("case", "what", "why"),
    [
        (
            "ufw/allow-trusted-net-everything",
            "allow everything from 10.99.41.0/24 to any",
            "every check reports it",
        ),
        ("ufw/ipv6-disabled-in-ufw", "default_outgoing", "IPv4: allow, IPv6: deny"),
        ("nftables/ip-only-v6-open", "enabled", "nothing filters IPv6"),
        ("ufw/conf-enabled-not-started", "enabled", "not started"),
        ("firewalld/icmp-block", "reject icmp from any to any", "kinds of ICMP"),
    ],
)
def test_what_is_left_out_is_reported(case: str, what: str, why: str) -> None:
    assert [
        why in left.why for left in discovered(recorded(case)).left_out if left.what == what
    ] == [True]


def test_nothing_that_filters_is_no_firewall() -> None:
    assert discovered(recorded("ufw/inactive")).value == {"enabled": False}
    assert discovered(recorded("nftables/forward-hook-only")).value == {"enabled": False}


def test_what_could_not_be_read_is_hidden() -> None:
    found = discovered(recorded("ufw/not-installed"))
    assert (found.found, [hidden.what for hidden in found.hidden]) == ((), ["firewall"])


RULE = re.compile(r"allow \d+/(tcp|udp) from [^ ,]+ to [^ ,]+")


def unsaid(printed: bytes) -> list[str]:
    """Yield what is open, could be a rule, and was not tried."""
    return [
        left.what
        for left in discovered(printed).left_out
        if RULE.fullmatch(left.what) and "every check reports it" in left.why
    ]


BANS = {"crowdsec-bans"}
"""Return whether addresses are banned at every port, so that no port is open for all."""


@pytest.mark.parametrize("area", ["ufw", "firewalld", "nftables", "iptables"])
def test_what_is_open_on_recorded_nodes_is_declared_where_a_rule_can_say_it(area: str) -> None:
    assert {
        path.parent.name
        for path in (RECORDINGS / area).glob("*/section")
        if unsaid(path.read_bytes())
    } <= BANS


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(1, 2).flatmap(firewalls))
def test_what_is_open_is_declared_where_a_rule_can_say_it(chains: tuple[Chain, ...]) -> None:
    assert unsaid(answer(nft=chains_as_nft(chains))) == []


@settings(max_examples=150, deadline=None, derandomize=True)
@given(states(icmp=True))
def test_a_state_in_nftables_is_discovered_as_it_was_declared(state: State) -> None:
    found = discovered(answer(nft=as_nft(state).encode()))
    assert by_name(found.value) == state.section, found.left_out


@settings(max_examples=150, deadline=None, derandomize=True)
@given(states(icmp=True))
def test_a_state_in_iptables_is_discovered_as_it_was_declared(state: State) -> None:
    texts = {
        f"{name}_legacy": as_iptables(state, family).encode()
        for name, family in (("ip", 4), ("ip6", 6))
    }
    found = discovered(
        answer(
            nft=b'{"nftables": []}',
            ip_legacy_tables=b"filter",
            ip6_legacy_tables=b"filter",
            **texts,
        )
    )
    assert by_name(found.value) == state.section, found.left_out


def legacy(rules: str, *, chains: str = "", other_tables: str = "") -> bytes:
    """What the probe prints where iptables has these rules for IPv4, and lets in SSH alone over
    IPv6.
    """
    six = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT"
    declared = "".join(f":{chain} - [0:0]\n" for chain in chains.split())
    four = f"{other_tables}*filter\n:INPUT DROP [0:0]\n{declared}{rules}COMMIT"
    tables = {"ip_legacy_tables": b"filter", "ip6_legacy_tables": b"filter"}
    return answer(
        nft=b'{"nftables": []}', **tables, ip_legacy=four.encode(), ip6_legacy=six.encode()
    )


ACCEPTS_SSH = "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"
WATCHED = "-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd\n"
BAN = "-A f2b-sshd -s 203.0.113.5/32 -j REJECT\n"
DHCP_OF_GUESTS = (
    "-A INPUT -j LIBVIRT_INP\n-A LIBVIRT_INP -i virbr0 -p udp -m udp --dport 67 -j ACCEPT\n"
)
NODE_PORT = "-A INPUT -j KUBE-NODEPORTS\n-A KUBE-NODEPORTS -p tcp -m tcp --dport 31000 -j ACCEPT\n"
DOCKERS_NAT = """*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
"""


@pytest.mark.parametrize(
    ("printed", "rules"),
    [
        (legacy(ACCEPTS_SSH, other_tables=DOCKERS_NAT), [SSH]),
        (legacy(DHCP_OF_GUESTS + ACCEPTS_SSH, chains="LIBVIRT_INP"), [SSH]),
        (legacy(NODE_PORT + ACCEPTS_SSH, chains="KUBE-NODEPORTS"), [SSH]),
        (legacy("-A INPUT -j KUBE-FIREWALL\n-A KUBE-FIREWALL -s 203.0.113.5/32 -j DROP\n" + ACCEPTS_SSH, chains="KUBE-FIREWALL"), None),
        (legacy(WATCHED + ACCEPTS_SSH + BAN, chains="f2b-sshd"), None),
        (legacy(WATCHED + ACCEPTS_SSH, chains="f2b-sshd"), None),
        (legacy("-A INPUT -s 203.0.113.5/32 -j DROP\n" + ACCEPTS_SSH), [{**SSH, "action": "deny", "from": "203.0.113.5"}, SSH]),
        (legacy("-A INPUT -s 192.168.0.0/16 -j ACCEPT\n" + ACCEPTS_SSH + "-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 5432 -j ACCEPT\n"),
         [SSH, {**SSH, "port": 5432, "from": "10.0.0.0/8"}, {**SSH, "port": 5432, "from": "192.168.0.0/16"}]),
        (legacy("-A INPUT -p tcp -m tcp --dport 23 -j DROP\n-A INPUT -p tcp -m tcp --dport 25 -j DROP\n-A INPUT -s 10.0.0.0/8 -j ACCEPT\n"),
         [{**SSH, "port": 23, "action": "deny", "from": "0.0.0.0/0"}, {**SSH, "port": 25, "action": "deny", "from": "0.0.0.0/0"},
          {**SSH, "from": "::/0"}, {**SSH, "from": "10.0.0.0/8"}]),
        (legacy("".join(f"-A INPUT -s 203.0.113.{number}/32 -j DROP\n" for number in range(1, 10, 2)) + ACCEPTS_SSH), None),
        (legacy(ACCEPTS_SSH + "-A INPUT -p udp -m udp --dport 60000:61000 -j ACCEPT\n"),
         [SSH, {"port": "60000-61000", "proto": "udp", "action": "allow", "from": "0.0.0.0/0"}]),
    ],
    ids=["docker", "libvirt", "kubernetes", "refused-by-kubernetes", "fail2ban", "fail2ban-idle", "exception", "wider", "holes", "blocklist",
         "range"],
)  # fmt: skip
def test_rules_of_programs_and_of_odd_shapes(
    printed: bytes, rules: list[dict[str, Any]] | None
) -> None:
    assert discovered(printed).value.get("rules") == rules


def test_ping_that_ufw_is_set_to_drop() -> None:
    printed = recorded("ufw/basic-22-tcp")
    for chain, echo in (
        ("ufw-before-input", "icmp -m icmp --icmp-type 8"),
        ("ufw6-before-input", "ipv6-icmp -m icmp6 --icmpv6-type 128"),
    ):
        lines = re.findall(rf"-A {chain} .*", printed.decode())
        place = lines.index(f"-A {chain} -p {echo} -j ACCEPT")
        rule = [
            *re.finditer(
                rf'"chain": "{chain}", "handle": \d+, "expr": .*?(?={{"rule"|\n)', printed.decode()
            )
        ][place][0]
        assert rule.count('{"accept": null}') == 1
        for old, new in (
            (rule, rule.replace("accept", "drop")),
            (lines[place], lines[place].replace("ACCEPT", "DROP")),
        ):
            printed = printed.replace(old.encode(), new.encode())
    assert discovered(printed).value["rules"] == [SSH, {**PING, "action": "deny"}]


def test_a_node_without_ipv6_has_rules_about_any() -> None:
    six, four = (
        legacy(rules)
        for rules in (ACCEPTS_SSH, ACCEPTS_SSH + "-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\n")
    )
    assert discovered(six).value["rules"] == [SSH]
    assert discovered(four).value["rules"] == [SSH, {**SSH, "port": 80, "from": "0.0.0.0/0"}]
    assert discovered(re.sub(rb"(?m)(^= inet6 0\n).*\n", rb"\1", four)).value["rules"] == [
        SSH,
        {**SSH, "port": 80},
    ]


def test_a_ruleset_that_cannot_be_followed() -> None:
    found = discovered(legacy("-A INPUT -j loop\n-A loop -j loop\n", chains="loop"))
    assert found.value == {}
    assert [(each.what, "calls itself" in each.why) for each in found.hidden] == [
        ("firewall", True)
    ]
    assert not found.left_out


def test_what_is_uncertain_is_reported_as_such() -> None:
    found = discovered(legacy("-A INPUT -p tcp -m tcp --dport 80 -j QUEUE\n"))
    assert [left.what for left in found.left_out] == [
        "default_outgoing",  # answers do not get in
        "allow 80/tcp from 0.0.0.0/0 to any (perhaps)",
    ]
    found = discovered(legacy("-A INPUT -m string --string x --algo bm -j ACCEPT\n"))
    assert [
        "cannot be interpreted" in left.why
        for left in found.left_out
        if left.what == "default_incoming"
    ] == [True]


@pytest.mark.parametrize(
    ("case", "section"),
    [
        ("ufw/disabled", {"enabled": False}),
        ("ufw/reset-after-use", {"enabled": False}),
        ("ufw/stopped", {}),
        ("ufw/input-flushed-both-families", {}),
        ("ufw/jumps-alone", {}),
        ("ufw/default-allow-stops-nothing", {}),
        ("firewalld/stopped", {"enabled": False}),
        ("firewalld/input-chain-flushed", {}),
        ("nftables/service-stopped", {"enabled": False}),
        ("iptables/flushed", {"enabled": False}),
    ],
)
def test_what_a_provider_left_behind_is_not_declared_enabled(
    case: str, section: dict[str, bool]
) -> None:
    assert discovered(recorded(case)).value == section


@pytest.mark.parametrize(
    "case",
    [
        "ufw/input-flushed",
        "ufw/input-flushed-policy-left",
        "ufw/user-chain-emptied",
        "ufw/loaded-and-not-enabled",
        "firewalld/zone-chain-flushed",
    ],
)
def test_half_a_firewall_is_not_declared_enabled(case: str) -> None:
    assert "enabled" not in discovered(recorded(case)).value


def test_what_the_next_boot_changes_is_not_declared() -> None:
    assert discovered(recorded("ufw/conf-enabled-not-started")).value == {}


def test_what_says_nothing_of_a_port_is_no_rule_that_fails() -> None:
    nat = (
        "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 81 -j ACCEPT\nCOMMIT\n"
    )
    found = discovered(
        legacy(
            ACCEPTS_SSH + "-A INPUT -p tcp -m tcp --sport 53 --dport 5353 -j ACCEPT\n",
            other_tables=nat,
        )
    )
    assert [left.what for left in found.left_out] == [
        "default_outgoing",  # answers do not get in
        "allow 5353/tcp from 0.0.0.0/0 to any source port 53",
    ]


def test_of_very_many_rules_the_first_are_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infer_rules, "MANY", 30)
    found = discovered(
        legacy(
            "".join(
                f"-A INPUT -s 10.0.{port}.0/24 -p tcp -m tcp --dport {port} -j ACCEPT\n"
                for port in range(100, 190)
            )
        )
    )
    assert [rule["port"] for rule in found.value["rules"]] == list(range(100, 130))
    assert found.left_out[-1].what == "and 11 more"


UFW = "table ip filter {\n\tchain ufw-user-input {\n\t}\n}\n"
UFW_LEFT = "table ip filter {\n\tchain INPUT {\n\t\tcounter jump ufw-before-input\n\t}\n\tchain ufw-before-input {\n\t}\n}\n"
DROPS = "\t\ttype filter hook input priority filter; policy drop;\n"
LEADS = "\t\ttype filter hook prerouting priority raw; policy accept;\n\t\ttcp dport { 22, 80 } jump {}\n"


def table(name: str, **chains: str) -> str:
    return (
        f"table {name} {{\n"
        + "\n".join(f"\tchain {chain} {{\n{body}\t}}\n" for chain, body in chains.items())
        + "}\n"
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The files of a machine; `bin` comes first on PATH.

    There is a sudo, so that it does not matter who runs the tests.
    """
    for folder in ("bin", "etc/ufw", "proc/net"):
        (tmp_path / folder).mkdir(parents=True)
    tool(tmp_path, "granted", 'exec "$@"')
    tool(
        tmp_path,
        "refused",
        "echo 'sudo: unable to resolve host x' >&2; echo 'sudo: a password is required' >&2; exit 1",
    )
    return tmp_path


def tool(tree: Path, name: str, body: str) -> None:
    (tree / "bin" / name).write_text(f"#!/bin/sh\n{body}\n")
    (tree / "bin" / name).chmod(0o755)


def nft(tree: Path, rules: str) -> None:
    (tree / "rules").write_text(rules)
    tool(tree, "nft", f'[ "$*" = "list ruleset" ] && cat {tree}/rules')


def lines(tree: Path, shell: list[str], mode: str = "changed", sudo: str = "granted") -> list[str]:
    environment = {
        "PE_ROOT": str(tree),
        "PE_SUDO": sudo,
        "PATH": f"{tree}/bin:/usr/bin:/bin",
        "LC_ALL": "C",
    }
    done = subprocess.run(
        [*shell, "-c", PROBE, "pe", mode],
        capture_output=True,
        check=True,
        text=True,
        env=environment,
        cwd=tree,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@each_shell("dash", "bash", "busybox")
@pytest.mark.parametrize(
    ("rules", "conf", "line"),
    [
        ("", None, "-firewall\tnothing stops what comes in"),
        ("", "no", "-firewall\tnothing stops what comes in; ufw is installed, and not enabled"),
        ("", "yes", "+firewall\tufw is enabled in /etc/ufw/ufw.conf"),
        (UFW, "yes", "+firewall\tufw is active: ufw status verbose"),
        (UFW_LEFT, "yes", "+firewall\tufw is enabled in /etc/ufw/ufw.conf"),
        (UFW_LEFT, "no", "-firewall\tnothing stops what comes in; ufw is installed, and not enabled"),
        (table("inet firewalld", filter_INPUT=DROPS), None, "+firewall\tfirewalld: firewall-cmd --list-all"),
        (table("inet t", c=DROPS), None, "+firewall\tnftables: nft list table inet t"),
        (table("ip filter", INPUT=DROPS), None, "+firewall\tiptables: iptables-save shows its rules"),
        (table("inet t", c=LEADS.replace("{}", "x"), x="\t\tgoto y\n", y="\t\tcounter drop\n"), None, "+firewall\tnftables: nft list table inet t"),
        (table("inet t", c=LEADS.replace("{}", "x"), x="\t\tgoto y\n", y="\t\taccept\n", z="\t\tdrop\n"), None,
         "-firewall\tnothing stops what comes in"),
        (table("inet t", c=DROPS.replace("input", "forward")), None, "-firewall\tnothing stops what comes in"),
        (table("inet u", x="\t\tdrop\n") + table("inet t", c=LEADS.replace("{}", "x"), x=""), None, "-firewall\tnothing stops what comes in"),
    ],
)  # fmt: skip
def test_whose_rules_stop_anything(
    tree: Path, shell: list[str], rules: str, conf: str | None, line: str
) -> None:
    nft(tree, rules)
    if conf:
        (tree / "etc/ufw/ufw.conf").write_text(f"# a comment\nENABLED={conf}\nLOGLEVEL=low\n")
    assert lines(tree, shell) == [line]
    assert lines(tree, shell, "all")[0].startswith("+firewall\t")


@each_shell("dash", "bash", "busybox")
def test_what_it_takes_to_look(tree: Path, shell: list[str]) -> None:
    tool(tree, "nft", "echo 'netlink: Error: it broke' >&2; echo more >&2; exit 1")
    assert lines(tree, shell) == ["?firewall\tit could not be read: netlink: Error: it broke"]
    assert lines(tree, shell, sudo="refused") == ["?firewall\tonly root can read it"]


@each_shell("dash", "bash")  # busybox asks its own id
def test_a_plain_user_without_sudo_does_not_look(tree: Path, shell: list[str]) -> None:
    nft(tree, UFW)
    tool(tree, "id", "echo 1000")
    assert lines(tree, shell, sudo="") == ["?firewall\tonly root can read it"]
    tool(tree, "id", "echo 0")
    assert lines(tree, shell, sudo="") == ["+firewall\tufw is active: ufw status verbose"]


@each_shell("dash", "bash", "busybox")
def test_without_nft(tree: Path, shell: list[str]) -> None:
    assert lines(tree, shell) == [
        "?firewall\tit could not be read: neither nft nor iptables-save is on the machine"
    ]
    tool(tree, "iptables-save", "exit 1")
    assert lines(tree, shell) == ["+firewall\tiptables: iptables-save shows its rules"]


@each_shell("dash", "bash", "busybox")
def test_rules_of_legacy_iptables(tree: Path, shell: list[str]) -> None:
    nft(tree, "")
    (tree / "proc/net/ip_tables_names").write_text("filter\n")
    assert lines(tree, shell) == ["+firewall\tiptables: the legacy variant has tables"]
    tool(tree, "iptables-legacy-save", "echo '*filter'; echo ':INPUT ACCEPT [0:0]'")
    assert lines(tree, shell) == ["-firewall\tnothing stops what comes in"]
    tool(tree, "iptables-legacy-save", "echo '*filter'; echo ':INPUT DROP [0:0]'")
    assert lines(tree, shell) == ["+firewall\tiptables: iptables-legacy-save shows its rules"]


@each_shell("dash", "bash", "busybox")
def test_rules_that_programs_make(tree: Path, shell: list[str]) -> None:
    nft(
        tree,
        table(
            "ip filter",
            INPUT=DROPS + "\t\ttcp dport 22 jump f2b-sshd\n",
            DOCKER="",
            **{"f2b-sshd": "\t\treturn\n"},
        ),
    )
    assert [line.split("\t")[0] for line in lines(tree, shell)] == [
        "+firewall",
        "-rules of docker",
        "-rules of fail2ban",
    ]


def test_what_is_watched() -> None:
    declared = Declared("enabled", True, Firewall())
    assert RESOURCE.triggers(declared, "debian").paths == (
        "/etc/ufw",
        "/etc/default/ufw",
        "/etc/firewalld",
        "/etc/nftables.conf",
        "/etc/iptables",
    )
    assert RESOURCE.triggers(declared, "").paths == (
        "/etc/ufw",
        "/etc/default/ufw",
        "/etc/firewalld",
    )
