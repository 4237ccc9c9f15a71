"""A node that is what node-configs/stella-PowerEdge-T420 declares, at the address that its
connection.yaml names.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.lab.nodes import Lab, Node

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
_MOUNT_KEY = """
file=/var/lib/lab/$1
mkdir -p /var/lib/lab
printf '%s\\n' "$2" >"$file"
mount --bind "$file" "/proc/sys/$(printf %s "$1" | tr . /)"
"""


@contextmanager
def t420_node(lab: Lab) -> Iterator[Node]:
    """The T420, compliant with its published files."""
    if not Path("/proc/sys/net/bridge").exists():
        subprocess.run(["modprobe", "br_netfilter"], check=True)
    files = {
        "/usr/lib/systemd/system/docker.service": _DOCKER,
        "/etc/openvpn/server.conf": _OPENVPN,
        "/etc/sysctl.d/90-t420.conf": _SYSCTL,
    }
    with lab.node(
        NAME, address=ADDRESS, machine_id=MACHINE_ID, files=files, prepare=_PREPARE
    ) as node:
        for key, value in KERNEL_KEYS.items():
            node.run("/bin/sh", "-euc", _MOUNT_KEY, "mount-key", key, value)
        yield node
