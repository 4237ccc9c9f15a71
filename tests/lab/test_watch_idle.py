"""A watch of a node on which nothing happens: what its own probes do wakes nothing.

A minute; an hour with POWER_EDGE_SOAK.
"""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.support.lab.nodes import Lab, Node
from tests.support.lab.watch_state import LISTEN, PATIENT, differences, known, status, until
from tests.support.lab.watching import declare, watch, watched_node

pytestmark = pytest.mark.lab

SECONDS = 3600 if os.environ.get("POWER_EDGE_SOAK") else 60
FULL = 300
"""Seconds between two checks of everything, which are meant to be."""
STATE = """
services:
- {name: cron, state: running, enabled: true}
- {name: ssh, state: running, enabled: true}
- {name: edited, state: stopped, enabled: false}
- {name: none-such, state: stopped, optional: true}
sysctl:
  net.ipv4.ip_forward: "0"
packages:
- {name: ufw, state: present}
- {name: none-such, state: absent}
files:
- {path: /etc/idle/one, mode: "0644", owner: root, group: root, content: "hello\\n"}
firewall:
  enabled: true
  default_incoming: deny
  default_outgoing: allow
  rules: [{port: 22, proto: tcp, action: allow}]
"""
WATCHER = """\
version: "1.0"
watchers:
  enabled: true
  inotify: {paths: [/etc/idle, /usr/bin]}
  journald: {units: [cron.service, edited.service]}
"""


@pytest.fixture(scope="module")
def node(lab: Lab) -> Iterator[Node]:
    files = {
        "/etc/idle/one": "hello\n",
        "/etc/systemd/system/edited.service": "[Service]\nExecStart=/bin/true\n",
    }
    with watched_node(lab, "idle", files=files) as booted:
        booted.sh("ufw allow 22/tcp >/dev/null; ufw --force enable >/dev/null")
        declare(booted, STATE, watcher=WATCHER, connection=PATIENT)
        yield booted


def events(node: Node) -> dict[str, int]:
    return {each["name"]: each["events"] for each in status(node)["sources"]}


def test_its_own_probes_wake_nothing(node: Node) -> None:
    with watch(node, LISTEN) as running:
        # What is not compliant would be looked at again and again.
        assert set(known(node).values()) == {"compliant"}, known(node)
        before, heard = status(node)["cycles"], events(node)
        running.signal(signal.SIGHUP)
        until(running, lambda: status(node)["cycles"] > before)
        end = time.monotonic() + SECONDS
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(1.0, left))
            # SIGHUP: a check of everything, and a second look at it.
            assert status(node)["cycles"] <= before + 2 + SECONDS // FULL, running.printed()
            assert events(node) == heard, running.printed()
        assert differences(node) == {}
        # It was awake all the time.
        node.sh("chmod 600 /etc/idle/one")
        running.wait("files", "/etc/idle/one", "drift")
        running.stop()
