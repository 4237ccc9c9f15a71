"""What wakes an item of a watch, beside its own unit, file or value: docs/watch.md has the table."""

import sys
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
    assert there["detection_seconds"] is not None
    # systemd itself may remember for a moment that a file was gone: a later check finds it.
    assert after["detection_seconds"] is not None or item == VENDOR_ITEM
    assert f"{item[0]}[{item[1]}]" in running.printed()
    assert f"({source}, " in running.printed()


LOCK = """\
import fcntl, os, sys, time
file = open("/var/lib/dpkg/lock-frontend", "r+")
fcntl.lockf(file, fcntl.LOCK_EX)
open("/run/held", "w").close()
while not os.path.exists("/run/go"):
    time.sleep(0.05)
"""
WITHOUT = (
    "sed '/^Package: openvpn$/,/^$/d' /var/lib/dpkg/status >/var/lib/dpkg/new;"
    " mv /var/lib/dpkg/new /var/lib/dpkg/status; rm -f /var/lib/dpkg/info/openvpn.list"
)


def test_a_package_is_judged_when_its_manager_has_ended(node: Node, running: Watch) -> None:
    node.write("/root/lock.py", LOCK)
    node.sh(
        f"rm -f /run/held /run/go; setsid {sys.executable} /root/lock.py >/dev/null 2>&1 &"
        " until [ -e /run/held ]; do sleep 0.05; done"
    )
    before = len(running.transitions())
    # Half of what a package manager does: the package is gone, and comes again.
    node.sh(f"cp /var/lib/dpkg/status /root/; {WITHOUT}; echo changed >/etc/watched")
    running.wait("files", "/etc/watched", "drift")
    node.sh("cp /root/status /var/lib/dpkg/new; mv /var/lib/dpkg/new /var/lib/dpkg/status")
    node.sh("echo hello >/etc/watched")
    running.wait("files", "/etc/watched", "compliant")
    node.sh(WITHOUT)
    node.sh("touch /run/go")
    there = running.wait("packages", "openvpn", "drift")
    seen = [line for line in running.transitions()[before:] if line["type"] == "packages"]
    assert seen == [there]
