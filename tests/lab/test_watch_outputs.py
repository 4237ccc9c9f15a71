"""What a watch on a real node tells others: over HTTP, in the textfile, to `power-edge status`."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.lab.nodes import Lab, Node
from tests.support.lab.watching import FOLDER, Watch, declare, python, watch, watched_node

pytestmark = pytest.mark.lab

STATE = """
services:
- {name: cron, state: running, enabled: true}
sysctl:
  net.ipv4.ip_forward: "0"
"""
REPORTS = f"{FOLDER}/reports"
TEXTFILE = f"{REPORTS}/edge.prom"
GET = """
import sys, urllib.error, urllib.request
try: answer = urllib.request.urlopen("http://127.0.0.1:9400" + sys.argv[1])
except urllib.error.HTTPError as error: answer = error
print(answer.status, answer.read().decode(), end="")
"""


@pytest.fixture(scope="module")
def node(lab: Lab) -> Iterator[Node]:
    with watched_node(lab, "telling") as booted:
        # Small, so that it can be full.
        booted.sh(f"mkdir -p {REPORTS}; mount -t tmpfs -o size=200k reports {REPORTS}")
        declare(booted, STATE)
        yield booted


@pytest.fixture
def running(node: Node) -> Iterator[Watch]:
    with watch(node, "--metrics-listen=:9400", f"--prometheus-textfile={TEXTFILE}") as started:
        yield started


def get(node: Node, path: str) -> str:
    """Status and body of a page, as one text without the last line end."""
    return python(node, "-c", GET, path)[1]


def status(node: Node) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(get(node, "/status").removeprefix("200 "))
    return found


def shown(node: Node) -> tuple[int, str]:
    """Exit status and output of `power-edge status`."""
    return python(node, "-c", "from power_edge.cli import main; main()", "status")


def until(running: Watch, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, running.printed()
        running.still_runs()


def test_a_drift(node: Node, running: Watch) -> None:
    assert get(node, "/health") == "200 healthy"
    assert shown(node)[0] == 0
    node.sh("systemctl stop cron")
    running.wait("services", "cron", "drift")
    assert get(node, "/health") == "200 healthy"
    code, text = shown(node)
    assert code == status(node)["exit_status"] == 1
    assert "\ntelling: 1 drift, 2 compliant\n  drift  services[cron] for " in text
    assert "\n  dbus      up (" in text
    assert 'power_edge_drift_detection_seconds_count{node="telling"} 1.0\n' in get(node, "/metrics")
    line = 'power_edge_check_compliant{name="cron",node="telling",type="services"} 0.0\n'
    until(running, lambda: line in node.sh(f"cat {TEXTFILE}") + "\n")
    node.sh("systemctl start cron")
    running.wait("services", "cron", "compliant")
    assert running.stop()[0] == 0
    assert line.replace("0.0", "1.0") in node.sh(f"cat {TEXTFILE}")


def test_a_bus_that_is_gone(node: Node, running: Watch) -> None:
    node.sh("systemctl stop dbus.socket dbus.service 2>&1")
    until(running, lambda: get(node, "/health").startswith("503 not healthy\n"))
    assert "telling: the source dbus is down: " in get(node, "/health")
    assert "\n  dbus      down: " in shown(node)[1]
    metrics = get(node, "/metrics")
    assert 'power_edge_watch_source_up{node="telling",source="dbus"} 0.0\n' in metrics
    assert 'power_edge_watch_events_lost_total{node="telling",source="dbus"} 1.0\n' in metrics
    node.sh("systemctl start dbus.socket dbus.service")
    until(running, lambda: get(node, "/health") == "200 healthy")


def test_a_full_disk(node: Node, running: Watch) -> None:
    until(running, lambda: node.run("test", "-s", TEXTFILE, check=False).returncode == 0)
    node.sh(f"head -c 1M /dev/zero >{REPORTS}/fill 2>/dev/null || :")
    before = node.sh(f"cat {TEXTFILE}")
    node.sh("sysctl -qw net.ipv4.ip_forward=1")
    running.wait_for(f"{TEXTFILE} could not be written: No space left on device; the watch tries")
    assert node.sh(f"cat {TEXTFILE}") == before
    until(running, lambda: get(node, "/health").startswith("503 not healthy\n"))
    assert "the textfile cannot be written: No space left" in get(node, "/health")
    node.sh(f"rm {REPORTS}/fill; sysctl -qw net.ipv4.ip_forward=0")
    running.wait_for(f"{TEXTFILE} is written again")
    until(running, lambda: get(node, "/health") == "200 healthy")
    assert node.sh(f"ls -A {REPORTS}") == "edge.prom"
    code, printed = running.stop()
    assert (code, printed.count("could not be written")) == (0, 1)


def test_a_configuration_that_cannot_be_used(node: Node, running: Watch) -> None:
    error = 'power_edge_config_error{node="telling"} '
    until(running, lambda: f"{error}0.0" in node.sh(f"cat {TEXTFILE} 2>/dev/null || :"))
    node.sh(f"echo nonsense: 1 >>{FOLDER}/node-configs/telling/state.yaml")
    until(running, lambda: f"{error}1.0" in node.sh(f"cat {TEXTFILE}"))
    assert "unknown key" in status(node)["nodes"]["telling"]["configuration"]["error"]
    assert "checked by an older configuration; the present one:" in shown(node)[1]
    node.sh(f"sed -i /nonsense/d {FOLDER}/node-configs/telling/state.yaml")
    until(running, lambda: f"{error}0.0" in node.sh(f"cat {TEXTFILE}"))


def test_no_watch(node: Node) -> None:
    code, text = shown(node)
    assert code == 11
    assert text == (
        "Error: unreachable: no watch answers at http://127.0.0.1:9400: Connection refused"
        " (a watch listens only with --metrics-listen=HOST:PORT)"
    )


def test_two_watches_and_one_port(node: Node, running: Watch) -> None:
    code, text = python(
        node, "-m", "pytest", "-p", "no:cacheprovider", "--node=telling", "--watch",
        "--metrics-listen=:9400",
    )  # fmt: skip
    assert code == 4
    assert "ERROR: --metrics-listen=:9400: Address already in use; give another HOST:PORT" in text
