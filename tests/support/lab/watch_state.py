"""What a watch of a node knows, by its /status, beside what a fresh check of the node finds."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from power_edge.checking.check import Checked, script_for
from power_edge.config import Node as Configured
from power_edge.config import load_node
from power_edge.model import Outcome
from power_edge.probing.framing import merge, read
from power_edge.report.terminal import headline
from power_edge.text import readable
from tests.support.lab.nodes import Node
from tests.support.lab.watching import FOLDER, Watch

LISTEN = "--metrics-listen=:9400"
"""For a watch whose state is read here."""
PATIENT = "{section_timeout: 60, node_timeout: 120}\n"
"""A connection.yaml for a machine that does much else: what times out would be unknown."""
_SECONDS = 60.0
_GET = 'exec 3<>/dev/tcp/127.0.0.1/9400; printf "GET %s HTTP/1.0\\r\\n\\r\\n" "$0" >&3; cat <&3'

State = Mapping[str, str]
"""`type[name]` of each item -> its outcome; with what differs, or why it is unknown."""


def page(node: Node, path: str) -> str:
    """The body of a page of the watch on a node; empty while nothing listens."""
    answer = node.run("bash", "-c", _GET, path, check=False).stdout
    return answer.partition("\r\n\r\n")[2]


def status(node: Node) -> dict[str, Any]:
    """What /status says of the node. AssertionError: nothing listens."""
    body = page(node, "/status")
    assert body, "no watch answers"
    found: dict[str, Any] = json.loads(body)["nodes"][node.name]
    return found


def source(node: Node, name: str) -> dict[str, Any]:
    """What /status says of a source of events."""
    (found,) = [each for each in status(node)["sources"] if each["name"] == name]
    return dict(found)


def declared(node: Node) -> Configured:
    """What is declared of a node, on the node itself."""
    folder = f"{FOLDER}/node-configs/{node.name}"
    with TemporaryDirectory() as temporary:
        copy = Path(temporary) / "node-configs" / node.name
        copy.mkdir(parents=True)
        for file in node.sh(f"cd {folder}; ls *.yaml").split():
            (copy / file).write_text(node.sh(f"cat {folder}/{file}") + "\n")
        return load_node(copy)


def known(node: Node) -> State:
    """What the watch knows."""
    now = status(node)
    told = {
        f"{each['type']}[{each['name']}]": f"{each['outcome']} {each['summary']}"
        for each in now["not_compliant"]
    }
    assert now["gate"]["open"], now["gate"]
    assert now["items"]["blocked"] == 0, now["items"]
    names = [f"{item.type}[{readable(item.name)}]" for item in declared(node).items]
    assert sum(now["items"].values()) == len(names) + 1, now["items"]
    return {name: told.get(name, "compliant") for name in names}


def fresh(node: Node) -> State:
    """What a check finds that knows nothing of the watch: a probe of its own, past the watch."""
    now = declared(node)
    ran = [node.run("/bin/sh", "-c", line) for line in script_for(now).commands()]
    checked = Checked(now, merge(read(one.stdout.encode(errors="surrogateescape")) for one in ran))
    assert checked.gate.open, checked.gate.why
    found = {}
    for item in now.items:
        result = checked.result(item)
        compliant = result.outcome is Outcome.COMPLIANT
        told = "compliant" if compliant else f"{result.outcome.value} {headline(result)}"
        found[f"{item.type}[{readable(item.name)}]"] = told
    return found


def compared(node: Node) -> tuple[State, State]:
    """What the watch knows, and what a fresh check finds.

    What is read before the check and after it is one state if it is the same: else the state was
    still changing, and the comparison is made again.
    """
    before = known(node)
    while True:
        found = fresh(node)
        after = known(node)
        if before == after:
            return after, found
        before = after


def differences(node: Node) -> dict[str, tuple[str, str]]:
    """The items of which the watch knows something else than a fresh check finds: both."""
    knows, found = compared(node)
    return {name: (knows[name], found[name]) for name in found if knows[name] != found[name]}


def until(running: Watch, holds: Callable[[], bool]) -> None:
    """Wait until something holds, while the watch runs."""
    deadline = time.monotonic() + _SECONDS
    while not holds():
        assert time.monotonic() < deadline, running.printed()
        running.still_runs()


def await_agreement(running: Watch) -> None:
    """Wait until the watch knows what a fresh check finds. A full check would be five minutes away."""
    deadline = time.monotonic() + _SECONDS
    while found := differences(running.node):
        assert time.monotonic() < deadline, found
        running.still_runs()
