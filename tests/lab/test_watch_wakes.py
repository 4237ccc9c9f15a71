"""What wakes an item of a watch, beside its own unit, file or value: docs/watch.md has the table."""

from collections.abc import Iterator

import pytest

from tests.support.lab.nodes import Lab, Node
from tests.support.lab.watching import Watch, declare, watch, watched_node

pytestmark = pytest.mark.lab

SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"
VENDOR = f"{SLEEP}[Install]\nWantedBy=multi-user.target\n"
FILES = {
    "/usr/lib/systemd/system/lazy.service": SLEEP,
    "/usr/lib/systemd/system/lazy.socket": "[Socket]\nListenStream=/run/lazy.sock\n",
    "/usr/lib/systemd/system/other.timer": "[Timer]\nOnBootSec=10y\nUnit=hourly.service\n",
    "/usr/lib/systemd/system/hourly.service": SLEEP,
    "/usr/lib/systemd/system/vendor.service": VENDOR,
    "/etc/watched": "hello\n",
    "/etc/other": "other\n",
}
STATE = """
services:
- {name: lazy, state: stopped}
- {name: hourly, enabled: false}
- {name: vendor, enabled: true}
packages:
- {name: openvpn, state: present}
files:
- {path: /etc/watched, content: "hello\\n"}
firewall:
  default_incoming: allow
"""


@pytest.fixture(scope="module")
def node(lab: Lab) -> Iterator[Node]:

    with watched_node(lab, "woken", files=FILES, prepare="systemctl -q enable vendor") as booted:
        declare(booted, STATE)
        yield booted


@pytest.fixture(scope="module")
def running(node: Node) -> Iterator[Watch]:
    with watch(node) as started:
        yield started


VENDOR_ITEM, LAZY = ("services", "vendor"), ("services", "lazy")
CHANGES = {
    "socket": (LAZY, "dbus", "systemctl start lazy.socket", "systemctl stop lazy.socket"),
    "timer-of-another-name": (
        ("services", "hourly"),
        "dbus",
        "systemctl start other.timer",
        "systemctl stop other.timer",
    ),
    "unit-file-of-a-package": (
        VENDOR_ITEM,
        "inotify",
        "mv /usr/lib/systemd/system/vendor.service /root/",
        "mv /root/vendor.service /usr/lib/systemd/system/",
    ),
    "generator": (
        VENDOR_ITEM,
        "inotify",
        "mkdir -p /etc/systemd/system-generators; printf '#!/bin/sh\\n'"
        " >/etc/systemd/system-generators/new; chmod 755 /etc/systemd/system-generators/new",
        "rm /etc/systemd/system-generators/new; systemctl daemon-reload",
    ),
    "bind-mount": (
        ("files", "/etc/watched"),
        "inotify",
        "mount --bind /etc/other /etc/watched",
        "umount /etc/watched",
    ),
    "legacy": (
        ("firewall", "default_incoming"),
        "xtables",
        "iptables-legacy -P INPUT DROP",
        "iptables-legacy -P INPUT ACCEPT",
    ),
}


@pytest.mark.parametrize(("item", "source", "change", "back"), CHANGES.values(), ids=CHANGES)
def test_it_is_noticed_and_so_is_its_end(
    node: Node, running: Watch, item: tuple[str, str], source: str, change: str, back: str
) -> None:
    if source == "xtables":
        node.sh("iptables-legacy -L >/dev/null")  # the table is there before the watch looks
    before = len(running.transitions())
    node.sh(change)
    there = running.wait_for_any(*item, before)
    node.sh(back)
    after = running.wait(*item, "compliant")
    assert there["from"] == "compliant"
    for line in (there, after):
        assert line["detection_seconds"] is not None, line
    assert f"{item[0]}[{item[1]}]" in running.printed()
    assert f"({source}, " in running.printed()
