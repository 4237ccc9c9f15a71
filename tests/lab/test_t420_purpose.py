"""The T420 as it is, with its published files: it passes its items and the suites of its roles. Each
thing that is broken by hand is found once, with its reason and by its suite.

`-s` prints the table.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from power_edge.config import load_node
from tests.support.lab.checking import CHECKOUT, Check, check
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.t420 import KERNEL_KEYS, NAME, t420_in_full

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def machine(lab: Lab) -> Iterator[Node]:
    with t420_in_full(lab) as booted:
        yield booted


def run(lab: Lab, node: Node) -> Check:
    """The node is reached at another address than its connection.yaml has."""
    way = f"--hosts=ssh://stella@[{node.address6}]"
    return check(lab, "-v", f"--node={NAME}", way, "--sudo", "-rfE")


def test_it_is_what_it_is_for(lab: Lab, machine: Node) -> None:
    done = run(lab, machine)
    assert done.status == 0, done.output
    outcomes = done.outcomes(NAME)
    assert len(outcomes) == 10  # with the gate
    assert set(outcomes.values()) == {"compliant"}
    assert f"{NAME}: 25 compliant" in done.output


def test_every_item_is_derived_and_nothing_else_is() -> None:
    items = load_node(CHECKOUT / "node-configs" / NAME).items
    assert len(items) == 9
    for item in items:
        files = {Path(origin.file).name for origin in item.origins}
        assert files == {"state.yaml", "identity.yaml"}, item


Broken = tuple[str, str, dict[str, str]]
"""What is done by hand, how it is undone, and what finds it, each with its reason."""

STATE, IDENTITY = (f"node-configs/{NAME}/{file}.yaml::" for file in ("state", "identity"))
WAIT = "until ip addr show dev tun0 2>/dev/null | grep -q 10.8.0.1; do sleep 0.1; done"
RELOAD = "while test $(date +%s) -le $(stat -c %Z /etc/ssh/sshd_config.d); do :; done; systemctl reload ssh"
NEXT_SECOND = (
    "until test @$(date +%s) != $(systemctl show ssh -p StateChangeTimestamp --timestamp=unix --value);"
    " do :; done"
)
FIRST = "/etc/ssh/sshd_config.d/10-lab.conf"


def value(key: str, other: str, right: str) -> tuple[str, str]:
    return f"sysctl -qw {key}={other}", f"sysctl -qw {key}={right}"


ROUNDS: dict[str, dict[str, Broken]] = {
    "items": {
        "ip_forward": (
            *value("net.ipv4.ip_forward", "0", "1"),
            {
                f"{STATE}sysctl[net.ipv4.ip_forward]": "vpn-gateway routes traffic",
                f"{IDENTITY}vpn-gateway[test_clients_are_routed_both_ways]": "forwarding is off on",
            },
        ),
        "bridge_nf_call_iptables": (
            *value("net.bridge.bridge-nf-call-iptables", "0", "1"),
            {f"{STATE}sysctl[net.bridge.bridge-nf-call-iptables]": "iptables sees bridged packets"},
        ),
        "tcp_keepalive_time": (
            *value("net.ipv4.tcp_keepalive_time", "600", "7200"),
            {f"{STATE}sysctl[net.ipv4.tcp_keepalive_time]": "the idle time before keepalive"},
        ),
        "swappiness": (
            *value("vm.swappiness", "10", KERNEL_KEYS["vm.swappiness"]),
            {f"{STATE}sysctl[vm.swappiness]": "how readily the kernel swaps"},
        ),
        "inotify_max_user_watches": (
            *value("fs.inotify.max_user_watches", "8192", "65536"),
            {f"{STATE}sysctl[fs.inotify.max_user_watches]": "how many files a user may watch"},
        ),
        "kernel_panic": (
            *value("kernel.panic", "0", "10"),
            {f"{STATE}sysctl[kernel.panic]": "the seconds from a panic to the restart"},
        ),
        "ssh does not start at boot": (
            "systemctl -q disable ssh",
            "systemctl -q enable ssh",
            {f"{STATE}services[ssh]": "access_control lets people in by SSH"},
        ),
    },
    "services": {
        "openvpn is stopped": (
            "systemctl stop openvpn@server",
            f"systemctl start openvpn@server; {WAIT}",
            {
                f"{STATE}services[openvpn@server]": "vpn-gateway ends OpenVPN tunnels",
                f"{IDENTITY}vpn-gateway[test_tunnel_is_up_with_the_declared_network]": (
                    "no tunnel is up with an address in 10.8.0.0/24"
                ),
                f"{IDENTITY}vpn-gateway[test_port_listens]": "nothing listens on 1194/udp",
            },
        ),
        "docker is stopped, its socket is not": (
            "systemctl stop docker.service",
            "systemctl start docker",
            {
                f"{STATE}services[docker]": "container-host runs its containers with docker",
                f"{IDENTITY}container-host[test_runtime_answers]": "docker.service is not active",
            },
        ),
    },
    "all units are active": {
        "the tunnel has no address": (
            "ip addr del 10.8.0.1/24 dev tun0",
            "ip addr add 10.8.0.1/24 dev tun0",
            {
                f"{IDENTITY}vpn-gateway[test_tunnel_is_up_with_the_declared_network]": (
                    "no tunnel is up with an address in 10.8.0.0/24"
                )
            },
        ),
        "docker's bridge has no address": (
            "ip addr del 172.17.0.1/16 dev docker0",
            "ip addr add 172.17.0.1/16 dev docker0",
            {
                f"{IDENTITY}container-host[test_networks_are_there]": (
                    "no interface is up with an address in 172.17.0.0/16"
                )
            },
        ),
        "the exporter listens on 127.0.0.1 alone": (
            "echo 'ARGS=--web.listen-address=127.0.0.1:9100' >/etc/default/prometheus-node-exporter;"
            "systemctl restart prometheus-node-exporter",
            "echo 'ARGS=' >/etc/default/prometheus-node-exporter; systemctl restart prometheus-node-exporter",
            {f"{IDENTITY}monitoring-target[test_exporter_answers]": "nothing listens on"},
        ),
        "the other method takes passwords": (
            f"echo 'KbdInteractiveAuthentication yes' >{FIRST}; {RELOAD}",
            f"rm {FIRST}; {RELOAD}",
            {
                f"{IDENTITY}access_control[test_passwords_are_accepted_as_declared]": (
                    "kbdinteractiveauthentication yes"
                )
            },
        ),
    },
    "all units are active, and the tunnel is up": {
        "the tunnel does not forward": (
            *value("net.ipv4.conf.tun0.forwarding", "0", "1"),
            {
                f"{IDENTITY}vpn-gateway[test_clients_are_routed_both_ways]": (
                    "forwarding is off on tun0"
                )
            },
        ),
        "a file that the exporter cannot read": (
            "echo x >/var/lib/prometheus/node-exporter/x.prom",
            "rm /var/lib/prometheus/node-exporter/x.prom",
            {
                f"{IDENTITY}monitoring-target[test_textfile_collector_reads_all_its_files]": (
                    "assert {1} <= {0.0}"
                )
            },
        ),
        "root may log in by key, when sshd is loaded again": (
            f"{NEXT_SECOND}; echo 'PermitRootLogin prohibit-password' >{FIRST}",
            f"rm {FIRST}; {RELOAD}",
            {
                f"{IDENTITY}access_control[test_root_logs_in_as_declared]": "permitrootlogin is",
                f"{IDENTITY}access_control[test_settings_are_loaded]": "the files are newer than",
            },
        ),
    },
    "packets": {
        "the answers are not forwarded": (
            *value("net.ipv4.conf.eth0.forwarding", "0", "1"),
            {
                f"{IDENTITY}vpn-gateway[test_clients_are_routed_both_ways]": (
                    "forwarding is off on eth0"
                )
            },
        ),
        "iptables-legacy drops": (
            "iptables-legacy -P FORWARD DROP",
            "iptables-legacy -P FORWARD ACCEPT",
            {f"{IDENTITY}vpn-gateway[test_no_chain_stops_clients]": "ip filter FORWARD stops it"},
        ),
        "no masquerade": (
            "nft flush chain ip vpn after",
            "nft -f /etc/nftables.conf",
            {f"{IDENTITY}vpn-gateway[test_masquerade_is_in_force]": "no rule of NAT takes it"},
        ),
        "another port": (
            "sed -i 's/^port 1194/port 1195/' /etc/openvpn/server.conf;"
            f"systemctl restart openvpn@server; {WAIT}",
            "sed -i 's/^port 1195/port 1194/' /etc/openvpn/server.conf;"
            f"systemctl restart openvpn@server; {WAIT}",
            {f"{IDENTITY}vpn-gateway[test_port_listens]": "nothing listens on 1194/udp"},
        ),
    },
    "routes": {
        "the network is reached by another interface": (
            "ip route add 192.168.1.0/25 dev docker0",
            "ip route del 192.168.1.0/25 dev docker0",
            {f"{IDENTITY}vpn-gateway[test_routes_lead_where_they_are_declared]": "docker0"},
        ),
    },
}


@pytest.mark.parametrize("name", ROUNDS)
def test_what_is_broken_is_found(lab: Lab, machine: Node, name: str) -> None:
    broken = ROUNDS[name]
    for by_hand, _, _ in broken.values():
        machine.sh(by_hand)
    done = run(lab, machine)
    docker = machine.sh("systemctl is-active docker.service || :")
    for _, undo, _ in broken.values():
        machine.sh(undo)
    assert done.status == 1, done.output
    assert (docker == "active") is (name != "services")
    printed = " ".join(done.output.split())
    _, _, summary = printed.rpartition("short test summary info")
    for what, (_, _, found) in broken.items():
        for test, reason in found.items():
            assert test in summary, done.output
            assert reason in printed, done.output
            print(f"| {what} | `{test.rpartition('/')[2]}` | {reason} |")
