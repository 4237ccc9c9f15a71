"""The firewall's probe and judge on real nodes, against real packets.

The rulesets are those of the recordings, made once more by their `setup.sh`. What is judged a pass
for connections from somewhere must be what such connections meet: each port, source and family is
tried from the node's peer, and every declaration that one could make of them is judged.
"""

import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from power_edge.checking.evaluate import judge
from power_edge.model import NotObserved, Observations, Outcome
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import RESOURCE
from power_edge.resources.firewall.observation import parse
from tests.support.cases import check
from tests.support.items import item_of
from tests.support.lab.checking import check as checked
from tests.support.lab.checking import declare
from tests.support.lab.nodes import Lab, Node, as_user
from tests.support.lab.recorded import make_firewall
from tests.support.scripts import body

pytestmark = pytest.mark.lab

BODY = body("firewall", "resources")
PORTS = (22, 80, 443, 6003, 8080)
CASES = {
    "ufw": ("basic-22-tcp", "from-port-not-to-port", "v6-only-rule", "partly-shadowed", "default-reject", "rule-inserted-before-ufw",
            "user-rules-edited-not-loaded", "in-on-interface", "inactive"),
    "nftables": ("inet-policy-drop", "ip-only-v6-open", "two-base-chains", "verdict-map", "netdev-ingress", "prerouting-drop", "dormant-table",
                 "policy-drop-final-reject", "named-set", "forward-hook-only"),
    "iptables": ("policy-drop-both", "negated-source", "reject-tcp-reset", "v4-only", "order-drop-first"),
    "firewalld": ("public-default", "rich-reject-beats-service", "foreign-nft-table-drops", "interface-in-other-zone", "source-zone-trusted",
                  "flushed-behind-its-back", "killed-rules-remain"),
}  # fmt: skip
NETWORK = {"firewalld": "42"}
"""The third byte of the addresses in an area's recordings; the others have 41."""
LISTEN = """
[Socket]
Accept=yes
MaxConnections=1000
TriggerLimitIntervalSec=0
"""
SERVE = "[Service]\nType=simple\nExecStart=/bin/cat\nStandardInput=socket\n"
KNOCK = """
import socket, sys, threading
def knock(source, target, port):
    with socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET) as one:
        # Longer than the second until the first retransmission: Linux drops an ICMP error that comes while connect() holds the socket (tcp_v4_err).
        one.settimeout(2)
        one.bind((source, 0))
        try:
            one.connect((target, port))
            return "allow"
        except TimeoutError:
            return "deny"
        except OSError:
            return "reject"
def run(*where):
    found[where] = knock(*where)
found = {}
source_target = [word.split(",") for word in sys.argv[2:]]
threads = [threading.Thread(target=run, args=(source, target, int(port))) for source, target in source_target for port in sys.argv[1].split(",")]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
for (source, target, port), end in found.items():
    print(source, port, end)
"""


def reachable_at(lab: Lab, node: Node, third: str) -> Iterator[Node]:
    """The addresses that the recordings speak of, and something that listens on each port."""
    ours = (f"10.99.{third}.1/24", f"192.168.{int(third) + 30}.1/24", f"fd99:{third}::1/64")
    theirs = (f"10.99.{third}.2/24", f"fd99:{third}::2/64")
    for address in ours:
        lab.run(
            "ip", "address", "add", address, "dev", "lab0", *(["nodad"] if ":" in address else [])
        )
    for address in theirs:
        node.run(
            "ip", "address", "add", address, "dev", "host0", *(["nodad"] if ":" in address else [])
        )
    node.run("ip", "route", "add", f"192.168.{int(third) + 30}.0/24", "dev", "host0")
    ports = [port for port in PORTS if port != 22]
    node.write("/run/systemd/system/listen.socket", LISTEN + "".join(f"ListenStream=[::]:{port}\nListenStream=0.0.0.0:{port}\n" for port in ports)
               + "BindIPv6Only=ipv6-only\n")  # fmt: skip
    node.write("/run/systemd/system/listen@.service", SERVE)
    node.sh(
        "systemctl daemon-reload; systemctl start listen.socket; sysctl -qw net.ipv4.icmp_ratelimit=0"
    )  # a refusal for each of the packets
    yield node
    for address in ours:
        lab.run("ip", "address", "del", address, "dev", "lab0")


@pytest.fixture(scope="module")
def usual(lab: Lab, node: Node) -> Iterator[Node]:
    yield from reachable_at(lab, node, "41")


@pytest.fixture(scope="module")
def with_firewalld(lab: Lab, firewalld_node: Node) -> Iterator[Node]:
    yield from reachable_at(lab, firewalld_node, "42")


@pytest.fixture
def target(request: pytest.FixtureRequest, area: str) -> Node:
    fixture = "with_firewalld" if area == "firewalld" else "usual"
    found = request.getfixturevalue(fixture)
    assert isinstance(found, Node)
    return found


def probe(
    node: Node, *, sudo: str = "", prefix: tuple[str, ...] = ()
) -> Observations | NotObserved:
    done = node.run(
        *prefix, "env", f"PE_SUDO={sudo}", "timeout", "20", "sh", "-c", BODY, "pe", check=False
    )
    if done.returncode:
        return NotObserved(done.stderr.strip())
    return parse(done.stdout.encode(errors="surrogateescape"))


def knock(lab: Lab, third: str) -> dict[tuple[str, int], str]:
    """(source, port) -> what a connection from there met."""
    ways = [
        (f"10.99.{third}.1", f"10.99.{third}.2"),
        (f"192.168.{int(third) + 30}.1", f"10.99.{third}.2"),
        (f"fd99:{third}::1", f"fd99:{third}::2"),
    ]
    done = lab.run(
        sys.executable, "-c", KNOCK, ",".join(map(str, PORTS)), *(",".join(way) for way in ways)
    )
    return {
        (source, int(port)): end
        for source, port, end in (line.split() for line in done.stdout.splitlines())
    }


def outcome(rule: Rule, observed: Observations | NotObserved) -> Outcome:
    (entry,) = RESOURCE.items_of(Firewall(rules=[rule]))
    item = item_of(RESOURCE, entry.name, entry.declared)
    return judge(RESOURCE, item, observed).outcome


@pytest.mark.parametrize(
    ("area", "name"), [(area, name) for area, names in CASES.items() for name in names]
)
def test_what_passes_is_what_packets_meet(lab: Lab, target: Node, area: str, name: str) -> None:
    third = NETWORK.get(area, "41")
    case = make_firewall(target, area, name)
    observed = probe(target)
    met = knock(lab, third)
    assert len(met) == 3 * len(PORTS)
    office, home, other = f"10.99.{third}.1", f"192.168.{int(third) + 30}.1", f"fd99:{third}::1"
    sources = {
        "any": (office, home, other),
        f"10.99.{third}.0/24": (office,),
        home: (home,),
        f"fd99:{third}::/64": (other,),
    }
    for port, (text, who) in product(PORTS, sources.items()):
        ends = {met[source, port] for source in who}
        # a connection over IPv6 that is refused with an ICMP error looks to Linux like one that
        # nobody answered
        quiet = ends <= {"deny"} and all(":" in source for source in who)
        for action in ("allow", "deny", "reject"):
            if (
                outcome(Rule(proto="tcp", port=port, action=action, from_=text), observed)
                is Outcome.COMPLIANT
            ):
                fits = ends == {action} or (
                    action == "reject" and (quiet or ends == {"deny", "reject"})
                )
                assert fits, f"{action} {port} from {text} passes, and met {ends}: {met}"
    for verdict in case.verdicts:
        check(verdict, verdict.declared, {"firewall": observed})


def test_legacy_rules_count_beside_those_of_nft(lab: Lab, usual: Node) -> None:
    make_firewall(usual, "nftables", "prerouting-drop")
    usual.sh("nft delete table inet raw")
    assert outcome(Rule(proto="tcp", port=80, action="allow"), probe(usual)) is Outcome.COMPLIANT
    if usual.run(
        "iptables-legacy", "-A", "INPUT", "-p", "tcp", "--dport", "80", "-j", "DROP", check=False
    ).returncode:
        pytest.skip("this kernel has no legacy iptables (CONFIG_IP_NF_FILTER)")
    try:
        assert knock(lab, "41")["10.99.41.1", 80] == "deny"
        assert outcome(Rule(proto="tcp", port=80, action="allow"), probe(usual)) is Outcome.DRIFT
        assert (
            outcome(Rule(proto="tcp", port=22, action="allow"), probe(usual)) is Outcome.COMPLIANT
        )
    finally:
        usual.sh("iptables-legacy -F")


def test_a_key_that_decides_nothing_goes_past_the_catchall_of_its_map(
    lab: Lab, usual: Node
) -> None:
    chain = "type filter hook input priority 0; policy drop; ct state established accept; iifname vmap { host0 : continue, * : drop };"
    usual.sh(
        f"nft flush ruleset; nft 'table inet t {{ chain c {{ {chain} tcp dport 80 accept; }}; }}'"
    )
    assert knock(lab, "41")["10.99.41.1", 80] == "allow"
    assert outcome(Rule(proto="tcp", port=80, action="deny"), probe(usual)) is Outcome.DRIFT


def test_an_echo_that_the_kernel_does_not_answer_is_not_allowed(usual: Node) -> None:
    usual.sh(
        "nft flush ruleset; nft 'table inet t { chain c { type filter hook input priority 0; policy drop; meta l4proto { 1, 58 } accept; }; }'"
    )
    echo = Rule(proto="icmp", action="allow")
    for key in ("net.ipv4.icmp_echo_ignore_all", "net.ipv6.icmp.echo_ignore_all"):
        assert outcome(echo, probe(usual)) is Outcome.COMPLIANT
        usual.sh(f"sysctl -qw {key}=1")
        assert outcome(echo, probe(usual)) is Outcome.DRIFT
        usual.sh(f"sysctl -qw {key}=0")


@pytest.mark.parametrize("shell", ["dash", "bash", "mksh"])
def test_a_plain_user_learns_nothing_and_one_with_sudo_all(usual: Node, shell: str) -> None:
    make_firewall(usual, "nftables", "inet-policy-drop")
    observed = {}
    for user, sudo in (("guest", ""), ("guest", "sudo -n"), ("stella", "sudo -n")):
        run = (*as_user(user, sudo), *shell.split(), "-c", BODY, "pe")
        done = usual.run(*run, check=False)
        observed[user, sudo] = (
            NotObserved(done.stderr.strip()) if done.returncode else parse(done.stdout.encode())
        )
    allowed = Rule(proto="tcp", port=22, action="allow")
    assert {who: outcome(allowed, answer).value for who, answer in observed.items()} == {
        ("guest", ""): "unknown", ("guest", "sudo -n"): "unknown", ("stella", "sudo -n"): "compliant",
    }  # fmt: skip


ODD_RULES = """
compliant
    tcp flags & (fin|syn|rst|ack) == syn tcp dport 22 accept
    tcp flags syn / fin,syn,rst,ack tcp dport 22 accept
    tcp flags & (fin|syn|rst|ack) != syn drop; tcp dport 22 accept
    tcp flags syn tcp dport 22 accept
    tcp flags & (syn|ack) == 0 drop; tcp dport 22 accept
    ct state != new drop; tcp dport 22 accept
    ct state != established tcp dport 22 accept
    ct state != {established, related} tcp dport 22 accept
    ct state vmap { established : accept, related : accept, invalid : drop }; tcp dport 22 accept
    ct state vmap { new : accept }
    ct state new,untracked tcp dport 22 accept
    ct state { new, established } tcp dport 22 accept
    fib daddr type local tcp dport 22 accept
    fib daddr . iif type != { local, broadcast, multicast } drop; tcp dport 22 accept
    fib saddr . iif oif missing drop; tcp dport 22 accept
    fib saddr . iif oif 0 drop; tcp dport 22 accept
    fib saddr . iif oif exists tcp dport 22 accept
    meta l4proto . th dport { tcp . 22, udp . 53 } accept
    meta l4proto . th dport vmap { tcp . 22 : accept, udp . 53 : drop }
    tcp dport . ct state { 22 . new } accept
    @th,16,16 22 accept
    tcp dport vmap { 22 : accept, 1-21 : drop }
    tcp dport < 1024 accept
    tcp dport >= 22 accept
    tcp dport 1-1023 accept
    ip saddr 0.0.0.0/0 tcp dport 22 accept; ip6 saddr ::/0 tcp dport 22 accept
    ip saddr 0.0.0.0/1 tcp dport 22 accept; ip saddr 128.0.0.0/1 tcp dport 22 accept; meta nfproto ipv6 tcp dport 22 accept
    ip protocol tcp accept; ip6 nexthdr tcp accept
    meta protocol ip tcp dport 22 accept; meta protocol ip6 tcp dport 22 accept
    tcp dport 22 meta mark set 5 accept
    tcp dport 22 counter log prefix "x" level info accept comment "deny"
    exthdr rt exists drop; tcp dport 22 accept
    rt type 0 drop; tcp dport 22 accept
    meta pkttype { broadcast, multicast } drop; tcp dport 22 accept
    meta pkttype host tcp dport 22 accept
    meta pkttype unicast tcp dport 22 accept
    iif lo accept; tcp dport 22 accept
    iif != lo tcp dport 22 accept
    tcp dport 22 jump c
    tcp dport @ports accept
    tcp dport vmap @vm
    tcp dport 22 update @flood { ip saddr } ; tcp dport 22 accept
    icmp type echo-request accept; tcp dport 22 accept
    tcp dport 22 notrack; ct state new tcp dport 22 accept
    ct status dnat accept; tcp dport 22 accept
    ct direction original tcp dport 22 accept
    ct mark 1 accept; tcp dport 22 accept
    socket transparent 1 accept; tcp dport 22 accept
    th dport 22 accept
    meta l4proto { tcp, udp } th dport 22 accept
    meta l4proto 6 accept
    meta l4proto != { icmp, ipv6-icmp } accept
    meta nfproto { ipv4, ipv6 } tcp dport 22 accept
    tcp dport ssh accept
    tcp dport 22 goto c
    tcp dport @dyn accept
    meta mark set 5; meta mark 5 tcp dport 22 accept
    meta mark set 5 tcp dport 23; meta mark & 4 == 4 tcp dport 22 accept
    ct mark set 7; ct mark 7 tcp dport 22 accept
    ip saddr @gone drop; tcp dport 22 accept
    tcp sport 0 tcp flags syn / fin,syn,rst,ack drop; tcp dport 22 accept
unknown
    tcp flags != syn drop; tcp dport 22 accept
    iifname vmap { "lo" : accept, "host*" : accept }
    iifname . tcp dport { "host0" . 22 } accept
    meta skuid 0 tcp dport 22 accept
    tcp dport 22 tcp option maxseg size set 1400 accept
    ip ttl < 5 drop; tcp dport 22 accept
    meta iifgroup 5 tcp dport 22 accept
    iif host0 tcp dport 22 accept
    tcp dport @soon accept
    ip saddr @every tcp dport 22 accept; ip6 saddr ::/0 tcp dport 22 accept
    tcp dport 22 add @flood { ip saddr limit rate over 3/minute } drop; tcp dport 22 accept
    tcp dport 22 quota over 10 mbytes drop; tcp dport 22 accept
    meta time > "2020-01-01" tcp dport 22 accept
    tcp dport 22 ct helper "x" accept
    ether type ip tcp dport 22 accept; ether type ip6 tcp dport 22 accept
    numgen random mod 2 0 tcp dport 22 accept
drift
    jhash ip saddr mod 2 0 tcp dport 22 accept
    tcp dport 22 meta mark 5 accept
    tcp dport 22 ct mark 5 accept
    ip saddr @banned drop; tcp dport 22 accept
    udp sport 0 drop; meta mark 1 accept
    tcp flags ! syn tcp dport 22 accept
    reject with icmp type host-unreachable; tcp dport 22 accept
    reject with tcp reset; tcp dport 22 accept
    ip saddr . tcp dport { 10.0.0.0/8 . 22 } accept
    tcp dport { 22, 80 } ct state new limit rate over 5/second drop; tcp dport 22 accept
    tcp dport 22 ct count over 10 drop; tcp dport 22 accept
    tcp dport > 22 accept
    tcp dport != 22 accept
    tcp dport != { 22, 80 } accept
    ip saddr != 10.0.0.0/8 tcp dport 22 accept
    tcp dport 22 ip dscp set cs1 accept
    tcp dport 22 tcp sport 1024-65535 accept
    tcp dport @none accept
    ip saddr @nets drop; tcp dport 22 accept
    ip saddr 10.0.0.1-10.0.0.9 drop; tcp dport 22 accept
"""
"""Rules in nft's own words, in a chain of policy drop, under what must come of `allow 22/tcp`: nft
leaves out of JSON what follows from the rest.
"""
ODD_TABLE = """
table inet t {{
    set ports {{ type inet_service; flags interval; elements = {{ 20-25, 80 }}; }}
    set none {{ type inet_service; }}
    set dyn {{ type inet_service; flags timeout; elements = {{ 22 }}; }}
    set soon {{ type inet_service; timeout 1h; elements = {{ 22 }}; }}
    set banned {{ type ipv4_addr; flags timeout; elements = {{ 192.0.2.1 timeout 1h }}; }}
    set gone {{ type ipv4_addr; flags timeout; }}
    set nets {{ type ipv4_addr; flags interval; elements = {{ 10.0.0.0/8, 192.168.0.1 }}; }}
    set flood {{ type ipv4_addr; flags dynamic; size 100; }}
    set every {{ type ipv4_addr; flags interval; elements = {{ * }}; }}
    map vm {{ type inet_service : verdict; elements = {{ 22 : accept, 80 : drop }}; }}
    chain c {{ accept; }}
    chain in {{ type filter hook input priority 0; policy drop;
        ct state established accept
        {}
    }}
}}
"""


def test_rules_as_the_kernel_lists_them(usual: Node) -> None:
    expected = ""
    wrong = []
    for line in ODD_RULES.strip().splitlines():
        if not line.startswith(" "):
            expected = line
            continue
        usual.run(
            "nft",
            "-f",
            "-",
            stdin="flush ruleset\n" + ODD_TABLE.format(line.strip().replace("; ", "\n")),
        )
        got = outcome(Rule(proto="tcp", port=22, action="allow"), probe(usual)).value
        if got != expected:
            wrong.append((line.strip(), got, expected))
    usual.run("nft", "flush", "ruleset")
    assert wrong == []


WATCHED = """
: >/run/seen # or what an earlier run saw would pass for the monitor's start
nft monitor >/run/seen & monitor=$!
until grep -q first /run/seen; do nft add table inet first; nft delete table inet first; done
nft add table inet before
sh -c "$1" pe >/dev/null
nft add table inet after
until grep -q after /run/seen; do :; done
kill $monitor
nft delete table inet before; nft delete table inet after
sed -n '/add table inet before/,/add table inet after/p' /run/seen
"""


def test_reading_commits_nothing(usual: Node) -> None:
    """A commit to the kernel's rules, even of nothing, would wake the watch, which would run the
    probe.
    """
    make_firewall(usual, "ufw", "basic-22-tcp")
    observed = usual.run("sh", "-c", WATCHED, "watched", BODY).stdout.splitlines()
    assert [line for line in observed if not line.startswith("# new generation")] == [
        "add table inet before",
        "add table inet after",
    ]
    assert len(observed) == 3
    assert len(usual.run("sh", "-c", WATCHED, "watched", "ufw show raw").stdout.splitlines()) > 3


def mended(
    lab: Lab, node: Node, folder: Path, firewall: dict[str, object]
) -> tuple[dict[str, str], dict[str, str]]:
    """What `pytest --node` says of a declaration, and what it says when each command that it prints
    has been run, once.
    """
    declare(folder, node, {"firewall": firewall})
    before = checked(lab, f"--node={node.name}", folder=folder)
    for _, item in sorted(before.items.items(), key=lambda entry: "enabled" in entry[0][1]):
        if item["mend"]:
            node.sh(item["mend"])
    after = checked(lab, f"--node={node.name}", folder=folder)
    return before.outcomes(node.name), after.outcomes(node.name)


def test_printed_commands_mend_ufw(lab: Lab, usual: Node, tmp_path: Path) -> None:
    make_firewall(usual, "ufw", "inactive")
    usual.sh("ufw default allow incoming; ufw allow 8080/tcp; ufw deny 443/tcp; ufw allow 6003/tcp")
    rules = [
        {"port": 22, "proto": "tcp", "action": "allow"},
        {"port": 443, "proto": "tcp", "action": "allow"},
        {"port": 6003, "proto": "tcp", "action": "allow", "from": "10.99.0.0/16"},
    ]
    firewall = {
        "enabled": True,
        "default_incoming": "deny",
        "default_outgoing": "allow",
        "rules": rules,
    }
    before, after = mended(lab, usual, tmp_path, firewall)
    assert (
        before["firewall[enabled]"]
        == before["firewall[default_incoming]"]
        == before["firewall[allow 443/tcp from any to any]"]
        == "drift"
    )
    assert (
        after["firewall[enabled]"]
        == after["firewall[default_incoming]"]
        == after["firewall[allow 443/tcp from any to any]"]
        == "compliant"
    )
    _, after = mended(lab, usual, tmp_path / "again", firewall | {"exclusive": True})
    assert {name: outcome for name, outcome in after.items() if outcome != "compliant"} == {}


def test_printed_commands_mend_firewalld(lab: Lab, with_firewalld: Node, tmp_path: Path) -> None:
    make_firewall(with_firewalld, "firewalld", "interface-in-other-zone")
    with_firewalld.sh(
        "firewall-cmd --zone=drop --add-service=ssh; firewall-cmd --permanent --zone=drop --add-service=ssh"
    )
    with_firewalld.sh("firewall-cmd --permanent --zone=drop --change-interface=host0")
    rules = [
        {"port": 22, "proto": "tcp", "action": "allow"},
        {"port": 80, "proto": "tcp", "action": "allow"},
        {"port": 443, "proto": "tcp", "action": "allow", "from": "10.99.0.0/16"},
        {"port": 8080, "proto": "tcp", "action": "reject"},
    ]
    before, after = mended(
        lab, with_firewalld, tmp_path, {"enabled": True, "default_incoming": "deny", "rules": rules}
    )
    assert sorted(before.values()).count("drift") == 3, before
    assert {name: outcome for name, outcome in after.items() if outcome != "compliant"} == {}


def test_firewalld_that_has_just_been_started_is_waited_for(with_firewalld: Node) -> None:
    """systemctl comes back before the rules are loaded."""
    make_firewall(with_firewalld, "firewalld", "public-default")
    done = with_firewalld.run(
        "sh", "-c", 'systemctl restart firewalld; exec sh -c "$1" pe', "restart", BODY
    )
    observed = parse(done.stdout.encode())
    assert outcome(Rule(proto="tcp", port=22, action="allow"), observed) is Outcome.COMPLIANT


def test_what_firewalld_holds_for_a_time_is_no_pass(with_firewalld: Node) -> None:
    node = with_firewalld
    make_firewall(node, "firewalld", "public-default")

    def outcomes(action: str = "allow") -> list[str]:
        observed = probe(node)
        rules = (Rule(proto="tcp", port=port, action=action) for port in (22, 80, 8080))  # type: ignore[arg-type]
        return [outcome(rule, observed).value for rule in rules]

    node.sh("firewall-cmd --add-port=80/tcp")
    assert outcomes() == ["compliant", "compliant", "drift"]
    node.sh("firewall-cmd --add-port=8080/tcp --timeout=1h")
    # One of them is timed, and firewalld does not say which one, nor whether its files keep it.
    assert outcomes() == ["unknown", "unknown", "unknown"]
    assert outcomes("reject") == ["drift", "drift", "drift"]
    node.sh("firewall-cmd --permanent --add-port=80/tcp --add-port=8080/tcp")
    assert outcomes() == ["unknown", "unknown", "unknown"]
    node.sh("firewall-cmd --remove-port=8080/tcp")
    assert outcomes() == ["compliant", "compliant", "drift"]
    node.sh("firewall-cmd --permanent --remove-port=8080/tcp")
    node.sh("firewall-cmd --permanent --new-policy=in")
    node.sh("firewall-cmd --permanent --policy=in --add-ingress-zone=ANY")
    node.sh("firewall-cmd --permanent --policy=in --add-egress-zone=HOST")
    node.sh("firewall-cmd --reload; firewall-cmd --policy=in --add-port=8080/tcp --timeout=1h")
    # firewalld 1.3 keeps what a policy was given for a time.
    assert outcomes() == ["compliant", "compliant", "compliant"]
    node.sh("firewall-cmd --policy=in --remove-port=8080/tcp; firewall-cmd --reload")
    assert outcomes() == ["compliant", "compliant", "drift"]


def test_another_network_namespace_is_not_the_one_of_the_node(usual: Node) -> None:
    found = probe(usual, prefix=("unshare", "--net"))
    assert isinstance(found, NotObserved)
    assert "another network namespace" in found.why


EXCHANGE = """
import socket, sys
for target in sys.argv[1:]:
    with socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET) as one:
        one.settimeout(2)
        try:
            one.connect((target, 80))
            one.send(b"ping")
            print(one.recv(4).decode())
        except OSError:
            print("nothing")
"""
NEXT_PACKETS = [
    ("ct state new tcp dport 80 accept", "", Outcome.DRIFT),
    ("ct state established accept; tcp dport 80 accept", "tcp sport 443 accept", Outcome.DRIFT),
    ("ct state established accept; tcp dport 80 accept", "ct state established accept", Outcome.COMPLIANT),
]  # fmt: skip
"""Rules for what comes in, those for what goes out ("" for all of it), and what `allow 80/tcp` is."""


@pytest.mark.parametrize(("into", "out", "expected"), NEXT_PACKETS)
def test_an_opening_is_one_that_data_passes(
    lab: Lab, usual: Node, into: str, out: str, expected: Outcome
) -> None:
    chains = {"input": into, **({"output": out} if out else {})}
    text = "".join(
        f"chain {hook} {{\ntype filter hook {hook} priority 0; policy drop;\n"
        f"meta l4proto ipv6-icmp accept\n{rules.replace('; ', chr(10))}\n}}\n"
        for hook, rules in chains.items()
    )
    usual.run("nft", "-f", "-", stdin=f"flush ruleset\ntable inet t {{\n{text}}}\n")
    found = outcome(Rule(proto="tcp", port=80, action="allow"), probe(usual))
    told = lab.run(sys.executable, "-c", EXCHANGE, "10.99.41.2", "fd99:41::2").stdout.split()
    usual.run("nft", "flush", "ruleset")
    assert found is expected
    assert told == ["ping" if expected is Outcome.COMPLIANT else "nothing"] * 2
