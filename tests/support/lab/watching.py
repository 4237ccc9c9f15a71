"""A watch that runs on a node, as its own user would start it there.

The node has the machine's Python and the checkout, bound to the same places, read only.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tests.support.lab.nodes import Lab, Node
from tests.support.lab.roots import PYTHON

CHECKOUT = Path(__file__).parents[3]
FOLDER = "/srv/checks"
_SECONDS = 60.0
_NUMBERS = count(1)


def _events(number: int) -> str:
    return f"{FOLDER}/events-{number}.jsonl"


def _output(number: int) -> str:
    return f"{FOLDER}/output-{number}"


def binds() -> list[str]:
    """systemd-nspawn's options that let a node run what this process runs."""
    places = {CHECKOUT, Path(sys.prefix), Path(sys.base_prefix)} - {Path("/usr")}
    return [f"--bind-ro={place}" for place in sorted(places)]


@contextmanager
def watched_node(lab: Lab, name: str, **options: Any) -> Iterator[Node]:
    """A node that Power Edge can run on."""
    with lab.node(name, root=PYTHON, options=binds(), **options) as node:
        yield node


def declare(node: Node, state: str, **files: str) -> None:
    """Declare a node's state, in the node's own node-configs/, and record its identity.

    `files`: contents of more files, by name without `.yaml`.
    """
    folder = f"{FOLDER}/node-configs/{node.name}"
    node.sh(f"mkdir -p {folder}")
    head = 'version: "1.0"\nmetadata: {site: lab, environment: development}\n'
    node.write(f"{folder}/state.yaml", head + state)
    for file, content in files.items():
        node.write(f"{folder}/{file}.yaml", content)
    if node.run("test", "-e", f"{folder}/system-identity.yaml", check=False).returncode:
        _run(
            node, "-c", "from power_edge.cli import main; main()", "identity", node.name, "--write"
        )


class Watch:
    """A running watch: its process, and the transitions that it has logged."""

    def __init__(self, node: Node, number: int, process: "subprocess.Popen[str]") -> None:
        self.node = node
        self.process = process
        assert process.stdout is not None
        self.pid = int(process.stdout.readline())
        """By the node's count."""
        self.number = number
        self._read = 0

    def transitions(self) -> list[dict[str, Any]]:
        """What the event log holds, from its beginning."""
        text = self.node.sh(f"cat {_events(self.number)} 2>/dev/null || :")
        return [json.loads(line) for line in text.splitlines()]

    def wait(self, kind: str, name: str, outcome: str) -> dict[str, Any]:
        """Wait for a transition that has not been waited for yet."""
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            found = self.transitions()
            for number, line in enumerate(found[self._read :], self._read + 1):
                if (line["type"], line["name"], line["to"]) == (kind, name, outcome):
                    self._read = number
                    return line
            self.still_runs()
        raise AssertionError(f"{kind}[{name}] did not become {outcome}: {self.transitions()[-5:]}")

    def wait_for_any(self, kind: str, name: str, after: int) -> dict[str, Any]:
        """Wait for a transition of an item, beyond so many of them all."""
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            found = self.transitions()
            for number, line in enumerate(found[after:], after + 1):
                if (line["type"], line["name"]) == (kind, name):
                    self._read = number
                    return line
            self.still_runs()
        raise AssertionError(f"{kind}[{name}] did not change: {self.transitions()[-5:]}")

    def wait_for(self, text: str) -> None:
        """Wait until it has printed this."""
        deadline = time.monotonic() + _SECONDS
        while text not in self.printed():
            assert time.monotonic() < deadline, self.printed()
            self.still_runs()

    def wait_for_file(self, name: str) -> None:
        """Wait until a file has appeared in its folder."""
        deadline = time.monotonic() + _SECONDS
        while self.node.run("test", "-s", f"{FOLDER}/{name}", check=False).returncode:
            assert time.monotonic() < deadline, self.printed()
            self.still_runs()

    def printed(self) -> str:
        """What it has printed so far."""
        return self.node.sh(f"cat {_output(self.number)}")

    def still_runs(self) -> None:
        """Wait a moment; the watch must not have ended."""
        assert self.process.poll() is None, self.printed()
        time.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        """Send the watch a signal."""
        self.node.run("kill", f"-{number.value}", str(self.pid))

    def stop(self) -> tuple[int, str]:
        """End it by SIGTERM: its status, and what it printed."""
        self.signal(signal.SIGTERM)
        return self.end()

    def end(self) -> tuple[int, str]:
        """Wait for its end: its status, and what it printed."""
        self.process.communicate(timeout=_SECONDS)
        return self.process.returncode, self.printed()


@contextmanager
def watch(node: Node, *arguments: str, environment: Mapping[str, str] = {}) -> Iterator[Watch]:
    """A watch of a node by itself, everything checked once. It is gone at the end."""
    number = next(_NUMBERS)
    command = ["-m", "pytest", "-p", "no:cacheprovider", f"--node={node.name}", "--watch"]
    process = _start(
        node, number, [*command, f"--event-log={_events(number)}", *arguments], environment
    )
    running = Watch(node, number, process)
    try:
        running.wait("node", "identity", "compliant")
        yield running
    finally:
        node.run("kill", "-9", str(running.pid), check=False)
        process.communicate()


_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
    "PYTHONPATH": str(CHECKOUT / "plugins"),
    "PYTHONDONTWRITEBYTECODE": "1",
}


def _start(
    node: Node, number: int, arguments: Sequence[str], environment: Mapping[str, str]
) -> "subprocess.Popen[str]":
    enter = ["nsenter", f"--target={node.leader}", "--mount", "--uts", "--ipc", "--net", "--pid"]
    script = f'cd {FOLDER}; echo $$; exec "$@" >{_output(number)} 2>&1'
    return subprocess.Popen(
        [*enter, "--cgroup", "--root", "--wd", "--", "/bin/sh", "-euc", script, "watch",
         sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**_ENVIRONMENT, **environment},
    )  # fmt: skip


def _run(node: Node, *arguments: str) -> str:
    status, output = python(node, *arguments)
    assert status == 0, output
    return output


def python(node: Node, *arguments: str) -> tuple[int, str]:
    """Run Python on a node, where Power Edge can be imported: exit status and what it prints."""
    number = next(_NUMBERS)
    process = _start(node, number, arguments, {})
    process.communicate(timeout=_SECONDS)
    return process.returncode, node.sh(f"cat {_output(number)}")
