"""A node that is what node-configs/stella-PowerEdge-T420 declares, at the address that its
connection.yaml names.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.lab.containers import CONTAINERS, cleared
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.roots import Root

NAME = "stella-PowerEdge-T420"
ITEMS = [f"node-configs/{NAME}/{file}" for file in ("system-identity.yaml", "state.yaml")]
"""Selects all items, without the suites of its roles: this node only stands for it."""
MACHINE_ID = "a5bc498e58b74733905edbb8c8aedf4e"
ADDRESS = "10.8.0.1"
KERNEL_KEYS = {"vm.swappiness": "60", "fs.inotify.max_user_watches": "65536", "kernel.panic": "10"}
"""Keys of the one kernel that all nodes share, and read-only in a node: a file of the node's own is
mounted over each.
"""

_DOCKER = """\
[Unit]
Description=Stands for the Docker engine
[Service]
Type=exec
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
"""
_OPENVPN = """\
dev tun
proto udp
port 1194
ifconfig 10.8.1.1 10.8.1.2
secret static.key
cipher AES-256-CBC
"""
_SYSCTL = """\
net.ipv4.ip_forward = 1
net.ipv4.tcp_keepalive_time = 7200
net.bridge.bridge-nf-call-iptables = 1
"""
_PREPARE = """
openvpn --genkey secret /etc/openvpn/static.key
systemctl -q enable docker.service openvpn@server.service
"""
_MASQUERADE = """\
table ip vpn {
    chain after {
        type nat hook postrouting priority 100
        ip saddr 10.8.0.0/24 oifname "eth0" masquerade
    }
}
"""
_SERVER = """\
dev tun
proto udp
port 1194
topology subnet
server 10.8.0.0 255.255.255.0
ca ca.crt
cert server.crt
key server.key
dh none
"""
_SSHD = """\
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
"""
_PREPARE_ALL = """
cd /etc/openvpn
key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
openssl req -x509 $key -days 30 -subj /CN=ca -keyout ca.key -out ca.crt
openssl req $key -subj /CN=server -keyout server.key -out server.csr
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out server.crt
systemctl -q enable openvpn@server.service nftables.service
"""
_BEGIN = """
ip addr flush dev host0 scope global
ip -6 addr add "$1/64" dev host0 nodad
ip link add eth0 type veth peer name lan
ip addr add 192.168.1.10/24 dev eth0
ip link set eth0 up
ip link set lan up
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    ! ip addr show dev tun0 2>/dev/null | grep -q 10.8.0.1 || break
    sleep 0.2
done
while test $(date +%s) -le $(stat -c %Z /etc/ssh/sshd_config.d); do :; done
systemctl reload ssh
"""
"""The network of the tunnel is that of the lab: so the node is reached by IPv6 alone. A file of the
second in which sshd began would be unknown.
"""
_MOUNT_KEY = """
file=/var/lib/lab/$1
mkdir -p /var/lib/lab
printf '%s\\n' "$2" >"$file"
mount --bind "$file" "/proc/sys/$(printf %s "$1" | tr . /)"
"""


IN_FULL = Root(name="t420", below=CONTAINERS, packages=("openssl", "prometheus-node-exporter"))
"""A real docker and openvpn, and an exporter."""


@contextmanager
def t420_node(lab: Lab) -> Iterator[Node]:
    """The T420, compliant with its published files."""
    _load_bridge_netfilter()
    files = {
        "/usr/lib/systemd/system/docker.service": _DOCKER,
        "/usr/bin/docker": "#!/bin/sh\n# Stands for the program of the Docker engine\n",
        "/etc/openvpn/server.conf": _OPENVPN,
        "/etc/sysctl.d/90-t420.conf": _SYSCTL,
    }
    with lab.node(
        NAME, address=ADDRESS, machine_id=MACHINE_ID, files=files, prepare=_PREPARE
    ) as node:
        _mount_keys(node)
        yield node


@contextmanager
def t420_in_full(lab: Lab) -> Iterator[Node]:
    """The T420 as it is: with clients' packets forwarded and masqueraded, docker, and an exporter.

    It is reached by its IPv6 address alone, as stella.
    """
    _load_bridge_netfilter()
    files = {
        "/etc/openvpn/server.conf": _SERVER,
        "/etc/nftables.conf": _MASQUERADE,
        "/etc/sysctl.d/90-t420.conf": _SYSCTL,
        "/etc/ssh/sshd_config.d/50-t420.conf": _SSHD,
    }
    with (
        cleared(),
        lab.node(
            NAME, root=IN_FULL, machine_id=MACHINE_ID, files=files, prepare=_PREPARE_ALL
        ) as node,
    ):
        _mount_keys(node)
        node.run("/bin/sh", "-euc", _BEGIN, "begin", node.address6)
        yield node


def _load_bridge_netfilter() -> None:
    if not Path("/proc/sys/net/bridge").exists():
        subprocess.run(["modprobe", "br_netfilter"], check=True)


def _mount_keys(node: Node) -> None:
    for key, value in KERNEL_KEYS.items():
        node.run("/bin/sh", "-euc", _MOUNT_KEY, "mount-key", key, value)
