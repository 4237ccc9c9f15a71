"""The suites of roles on a real VPN gateway: it passes them, and each thing that is broken by hand is
found by its test, with its reason. Its units are active all the time. What looks as declared and is
not is never passed.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.lab.checking import check, declare
from tests.support.lab.nodes import Lab, Node

pytestmark = pytest.mark.lab

OPENVPN = """\
dev tun0
proto udp
port 1194
ifconfig 10.77.0.1 10.77.0.2
route 10.77.0.0 255.255.255.0
secret static.key
cipher AES-256-CBC
"""
SSHD = "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
PREPARE = """
openvpn --genkey secret /etc/openvpn/static.key
systemctl -q enable openvpn@server.service
"""
WAIT = """
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    ip addr show dev tun0 2>/dev/null | grep -q 10.77.0.1 && break
    sleep 0.2
done
"""
"""Until the tunnel has its address, at most 4 s."""
BEGIN = f"""
ip link add eth9 type veth peer name peer9
ip addr add 192.168.77.1/24 dev eth9
ip link set eth9 up
ip link set peer9 up
sysctl -qw net.ipv4.ip_forward=1
nft add table ip t
nft 'add chain ip t p {{ type nat hook postrouting priority 100; }}'
nft add rule ip t p oifname eth9 masquerade
{WAIT}"""
IDENTITY = {
    "version": "1.0",
    "node": {"hostname": "gateway"},
    "roles": [{"name": "vpn-gateway"}],
    "vpn_gateway": {
        "provider": "openvpn",
        "server_config": {"network": "10.77.0.0/24", "port": 1194, "protocol": "udp"},
        "routing": {
            "ip_forward": True,
            "masquerade": True,
            "routes": [{"network": "192.168.77.0/24", "via": "eth9"}],
        },
    },
    "access_control": {"ssh": {"enabled": True, "port": 22, "password_auth": False}},
}


@pytest.fixture(scope="module")
def gateway(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Path]]:
    """A VPN gateway, and the folder with its node-configs/."""
    files = {"/etc/openvpn/server.conf": OPENVPN, "/etc/ssh/sshd_config.d/50-lab.conf": SSHD}
    folder = tmp_path_factory.mktemp("gateway")
    with lab.node("gateway", files=files, prepare=PREPARE) as node:
        declare(folder, node, {})
        (folder / "node-configs" / node.name / "identity.yaml").write_text(yaml.safe_dump(IDENTITY))
        node.sh(BEGIN)
        # A file of the second in which the daemon began is unknown, and a node boots in half of one.
        node.sh("while test $(date +%s) -le $(stat -c %Z /etc/ssh/sshd_config.d); do :; done")
        node.sh("systemctl reload ssh")
        yield node, folder


def failed(lab: Lab, folder: Path) -> tuple[int, str]:
    run = check(lab, "--node=gateway", "-rfE", folder=folder)
    return run.status, run.output


def test_it_passes_its_suites(lab: Lab, gateway: tuple[Node, Path]) -> None:
    status, output = failed(lab, gateway[1])
    assert status == 0, output


LEGACY = "iptables-legacy"
BROKEN: dict[str, tuple[str, str, str, str]] = {
    "the tunnel has no address": (
        "ip addr del 10.77.0.1 peer 10.77.0.2 dev tun0",
        f"systemctl restart openvpn@server; {WAIT}",
        "vpn-gateway[test_tunnel_is_up_with_the_declared_network]",
        "no tunnel is up with an address in 10.77.0.0/24",
    ),
    "the tunnel does not forward": (
        "sysctl -qw net.ipv4.conf.tun0.forwarding=0",
        "sysctl -qw net.ipv4.conf.tun0.forwarding=1",
        "vpn-gateway[test_clients_are_routed_both_ways]",
        "forwarding is off on tun0",
    ),
    "the answers are not forwarded": (
        "sysctl -qw net.ipv4.conf.eth9.forwarding=0",
        "sysctl -qw net.ipv4.conf.eth9.forwarding=1",
        "vpn-gateway[test_clients_are_routed_both_ways]",
        "forwarding is off on eth9",
    ),
    "legacy drops": (
        f"{LEGACY} -P FORWARD DROP",
        f"{LEGACY} -P FORWARD ACCEPT",
        "vpn-gateway[test_no_chain_stops_clients]",
        "ip filter FORWARD stops it",
    ),
    "no masquerade": (
        "nft flush chain ip t p",
        "nft add rule ip t p oifname eth9 masquerade",
        "vpn-gateway[test_masquerade_is_in_force]",
        "no rule of NAT takes it",
    ),
    "passwords by the other method": (
        "echo 'KbdInteractiveAuthentication yes' >/etc/ssh/sshd_config.d/10-lab.conf",
        "rm /etc/ssh/sshd_config.d/10-lab.conf",
        "access_control[test_passwords_are_accepted_as_declared]",
        "kbdinteractiveauthentication yes",
    ),
}
"""What is done by hand, how it is undone, the test that finds it, and its reason."""


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_by_hand_is_found(lab: Lab, gateway: tuple[Node, Path], what: str) -> None:
    node, folder = gateway
    by_hand, undo, test, reason = BROKEN[what]
    node.sh(by_hand)
    try:
        assert node.sh("systemctl is-active openvpn@server ssh") == "active\nactive"
        status, output = failed(lab, folder)
    finally:
        node.sh(undo)
    assert status == 1, output
    assert f"identity.yaml::{test}" in output, output
    assert reason in output, output


def ruleset(*tables: str) -> tuple[str, str]:
    """Put these tables beside the masquerade, and what undoes that."""
    names = [table.partition(" {")[0] for table in tables]
    rules = "\n".join(tables)
    return (
        f"nft -f - <<'END'\n{rules}\nEND",
        "; ".join(f"nft delete table {name.removeprefix('table ')}" for name in names),
    )


def chain(family: str, hook: str, priority: int, *rules: str, kind: str = "filter") -> str:
    head = f"type {kind} hook {hook} priority {priority};"
    return f"table {family} lie {{ chain c {{ {head} {'; '.join(rules)}; }}; }}"


def instead(rule: str) -> tuple[str, str]:
    """Another rule in place of the masquerade."""
    back = "nft flush chain ip t p; nft add rule ip t p oifname eth9 masquerade"
    return f"nft flush chain ip t p; nft add rule ip t p {rule}", back


def server(*lines: str) -> tuple[str, str]:
    """More lines in the file of openvpn."""
    begin = f"systemctl reset-failed openvpn@server; systemctl restart openvpn@server; {WAIT}"
    more = "\\n".join(lines)
    return (
        f"cp /etc/openvpn/server.conf /root/; printf '{more}\\n' >>/etc/openvpn/server.conf; {begin}",
        f"cp /root/server.conf /etc/openvpn/; {begin}",
    )


def daemon(*lines: str) -> tuple[str, str]:
    """A file that sshd reads first."""
    file = "/etc/ssh/sshd_config.d/10-lab.conf"
    more = "\\n".join(lines)
    return f"printf '{more}\\n' >{file}; systemctl reload ssh", f"rm {file}; systemctl reload ssh"


MASQUERADE, STOPS, CLIENTS = (
    f"vpn-gateway[test_{test}]"
    for test in ("masquerade_is_in_force", "no_chain_stops_clients", "all_addresses_are_routed")
)
PORT = "vpn-gateway[test_port_listens]"
PASSWORDS = "access_control[test_passwords_are_accepted_as_declared]"
REACHED = "nothing that others can reach listens on"
LIES: dict[str, tuple[tuple[str, str], str, str]] = {
    "to an address of nobody": (instead("snat to 203.0.113.9"), MASQUERADE, "not understood"),
    "another source": (instead("ip saddr 10.9.0.0/24 masquerade"), MASQUERADE, "no rule of NAT"),
    "a negated interface": (instead("iifname != tun0 masquerade"), MASQUERADE, "no rule of NAT"),
    "a mark": (instead("mark 5 masquerade"), MASQUERADE, "takes a part of it"),
    "what follows the first packet": (
        ruleset(chain("inet", "forward", 10, "iifname tun0 ct state established drop")),
        STOPS,
        "stops it",
    ),
    "no outgoing interface yet": (
        ruleset(
            chain(
                "ip",
                "prerouting",
                -150,
                "policy drop",
                "iifname { lo, host0 } accept",
                "oifname { tun0, eth9 } accept",
            )
        ),
        STOPS,
        "may stop it",
    ),
    "no state yet": (
        ruleset(
            chain(
                "ip",
                "prerouting",
                -300,
                "policy drop",
                "iifname { lo, host0 } accept",
                "ct state new,established accept",
            )
        ),
        STOPS,
        "may stop it",
    ),
    "led elsewhere": (
        ruleset(chain("ip", "prerouting", -100, "iifname tun0 redirect", kind="nat")),
        STOPS,
        "lead it elsewhere",
    ),
    "rewritten": (
        ruleset(chain("ip", "prerouting", -150, "iifname tun0 ip daddr set 10.99.0.9")),
        STOPS,
        "lead it elsewhere",
    ),
    "ARP": (ruleset(chain("arp", "input", 0, "iifname eth9 drop")), STOPS, "may stop it"),
    "translated": (
        ("iptables -A FORWARD -m conntrack --ctstate SNAT -j DROP", "iptables -D FORWARD 1"),
        STOPS,
        "may stop it",
    ),
    "IPsec": (
        (
            "ip xfrm policy add dir fwd src 10.77.0.0/24 dst 0.0.0.0/0 action block",
            "ip xfrm policy flush",
        ),
        STOPS,
        "IPsec has a policy",
    ),
    "a rule about half of the clients": (
        ("ip rule add from 10.77.0.128/25 prohibit", "ip rule del from 10.77.0.128/25 prohibit"),
        CLIENTS,
        "is about a part of",
    ),
    "half of the network": (
        ("ip route add blackhole 192.168.77.128/25", "ip route del blackhole 192.168.77.128/25"),
        CLIENTS,
        "is routed by blackhole",
    ),
    "a link that is down": (
        ("ip link set peer9 down", "ip link set peer9 up"),
        CLIENTS,
        "whose link is down",
    ),
    "127.0.0.1 as an address of IPv6": (
        server("proto udp6", "local ::ffff:127.0.0.1"),
        PORT,
        REACHED,
    ),
    "an interface that leads nowhere": (server("bind-dev lo"), PORT, REACHED),
    "an alias of a method": (
        daemon("Match User eve", " SkeyAuthentication yes"),
        PASSWORDS,
        "a Match block sets it",
    ),
    "settings on the command line": (
        (
            "echo SSHD_OPTS=-oPasswordAuthentication=yes >/etc/default/ssh; systemctl restart ssh",
            "echo SSHD_OPTS= >/etc/default/ssh; systemctl restart ssh",
        ),
        PASSWORDS,
        "passwordauthentication is yes",
    ),
    "a second daemon": (
        (
            "printf 'Port 2222\\nPidFile /root/other.pid\\nPasswordAuthentication yes\\n' >/root/other;"
            "/usr/sbin/sshd -f /root/other; until test -s /root/other.pid; do :; done",
            "kill $(cat /root/other.pid)",
        ),
        PASSWORDS,
        "has settings of its own",
    ),
}
"""What is done by hand and how it is undone, a test that sees it, and its reason. Some of it cannot
be told from what is declared, and is unknown."""


@pytest.mark.parametrize("what", LIES)
def test_what_looks_as_declared_is_not_passed(
    lab: Lab, gateway: tuple[Node, Path], what: str
) -> None:
    node, folder = gateway
    (by_hand, undo), test, reason = LIES[what]
    node.sh(by_hand)
    try:
        assert node.sh("systemctl is-active openvpn@server ssh") == "active\nactive"
        status, output = failed(lab, folder)
    finally:
        node.sh(undo)
    assert status in (1, 10), output
    assert f"identity.yaml::{test}" in output, output
    assert reason in " ".join(output.split()), output
