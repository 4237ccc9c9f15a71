"""A watch that runs on this side of the lab, and reaches its nodes over ssh."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tests.support.lab.nodes import COMMAND_SECONDS, Lab, Node

WATCHER = 'version: "1.0"\nwatchers: {enabled: true}\nevent_handler: {sweep_seconds: 1}\n'
_NUMBERS = count(1)


class Watch:
    """A running watch: its process, and the transitions that it has logged."""

    def __init__(self, lab: Lab, process: "subprocess.Popen[bytes]", log: Path, out: Path) -> None:
        self.process = process
        self._lab = lab
        self._log = log
        self._out = out
        self._read = 0

    def transitions(self) -> list[dict[str, Any]]:
        """What the event log holds, from its beginning."""
        text = self._log.read_text() if self._log.exists() else ""
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def wait(self, node: Node, item: str, outcome: str) -> dict[str, Any]:
        """Wait for a transition of `type[name]` that has not been waited for yet."""
        found: list[dict[str, Any]] = []

        def logged() -> bool:
            nonlocal found
            found = [
                line
                for line in self.transitions()[self._read :]
                if (line["node"], f"{line['type']}[{line['name']}]", line["to"])
                == (node.name, item, outcome)
            ]
            return bool(found)

        self._until(logged, f"{node.name} {item} did not become {outcome}")
        return found[0]

    def forget(self) -> None:
        """Wait for nothing that has been logged up to now."""
        self._read = len(self.transitions())

    def _until(self, there: Callable[[], bool], complaint: str) -> None:
        deadline = time.monotonic() + COMMAND_SECONDS
        while not there():
            assert self.process.poll() is None, self.printed()
            assert time.monotonic() < deadline, f"{complaint}\n{self.printed()}"
            time.sleep(0.05)

    def printed(self) -> str:
        """What it has printed so far."""
        return self._out.read_text()

    def clients(self) -> list[int]:
        """The pids of its ssh clients, one for each connection."""
        wanted = os.fsencode(str(self._lab.ssh_config))
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0] == b"ssh" and wanted in words:
                found.append(int(folder.name))
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End it: its status, and what it printed."""
        self.process.send_signal(number)
        return self.process.wait(COMMAND_SECONDS), self.printed()


@contextmanager
def watch(lab: Lab, folder: Path, *nodes: Node, options: Sequence[str] = ()) -> Iterator[Watch]:
    """A watch of nodes that are declared in a folder; everything was checked once. It is gone at
    the end.
    """
    number = next(_NUMBERS)
    log, out = folder / f"events-{number}.jsonl", folder / f"output-{number}"
    pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    ours = [f"--ssh-config={lab.ssh_config}", "--watch", f"--event-log={log}"]
    with (
        out.open("wb") as output,
        subprocess.Popen(
            ["nsenter", f"--net=/proc/{lab.holder}/ns/net", "--", *pytest, *ours, *options]
            + [f"--node={node.name}" for node in nodes],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        running = Watch(lab, process, log, out)
        try:
            for node in nodes:
                running.wait(node, "node[identity]", "compliant")
            yield running
        finally:
            process.kill()


def sessions(node: Node) -> int:
    """How many connections over ssh a node has."""
    return int(node.sh("pgrep -fc '^sshd: [r]oot' || :"))


def await_no_session(node: Node) -> None:
    """Wait until a node has no connection, and no loop of one."""
    deadline = time.monotonic() + COMMAND_SECONDS
    while left := node.sh("pgrep -fa '^sshd: ([r]oot|[s]tella)|while [r]ead -r t l' || :"):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
