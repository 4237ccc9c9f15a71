"""The paramiko backend has a channel and no process of ours: what is kept of its output, and that
it ends when it should.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.lab.nodes import Lab, Node

pytestmark = pytest.mark.lab

EXECUTE = """if True:
    import json, sys, threading
    from power_edge.probing.process import LONGEST_OUTPUT, Lifeline, execute
    from power_edge.probing.route import Route

    url, ssh_config, command, sent, longest = sys.argv[1:]
    lifeline = Lifeline()
    def cut():
        sys.stdin.readline()
        lifeline.cut()
    threading.Thread(target=cut, daemon=True).start()
    try:
        result = execute(Route(url, ssh_config).host(10), command, sent.encode(), lifeline, int(longest or LONGEST_OUTPUT))
        told = [result.rc, len(result.stdout_bytes), result.stdout_bytes[:100].decode(), len(result.stderr_bytes)]
    except Exception as error:
        told = [type(error).__name__, str(error)]
    print(json.dumps(told), flush=True)
    sys.stdin.read()
"""
"""Runs a command on a node.

A line on standard input cuts its lifeline; the process goes on until its standard input ends.
"""
ALIVE = "exec 9>/run/alive; "


@contextmanager
def begun(
    lab: Lab, node: Node, command: str, sent: str = "", longest: str = ""
) -> Iterator["subprocess.Popen[bytes]"]:
    url = f"paramiko://stella@{node.address}"
    inside = [
        "nsenter",
        f"--net=/proc/{lab.holder}/ns/net",
        "--",
        sys.executable,
        "-c",
        EXECUTE,
        url,
        str(lab.ssh_config),
        command,
        sent,
        longest,
    ]
    with subprocess.Popen(inside, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        try:
            yield process
        finally:
            process.stdin.close()


@contextmanager
def fifo(node: Node) -> Iterator["subprocess.Popen[bytes]"]:
    """A reader of the node's /run/alive, which ends when the last process there that holds it has
    ended.
    """
    node.sh("[ -p /run/alive ] || { mkfifo /run/alive; chmod 666 /run/alive; }")
    enter = ["nsenter", f"--target={node.leader}", "--mount", "--root", "--", "cat", "/run/alive"]
    with subprocess.Popen(enter, stdout=subprocess.PIPE) as reader:
        try:
            yield reader
        finally:
            reader.kill()


def result_of(process: "subprocess.Popen[bytes]") -> list[Any]:
    assert process.stdout is not None
    printed: list[Any] = json.loads(process.stdout.readline())
    return printed


def test_input_and_both_outputs_are_carried(lab: Lab, node: Node) -> None:
    with begun(lab, node, "cat; echo why >&2; exit 3", "sent " * 20_000) as process:
        assert result_of(process) == [3, 100_000, "sent " * 20, 4]


def test_errors_beyond_what_a_channel_holds_keep_no_answer_back(lab: Lab, node: Node) -> None:
    """A channel holds 2 MiB; of errors 1 MiB is kept."""
    with begun(lab, node, "yes errors | head -c 8000000 >&2; echo done") as process:
        status, length, output, errors = result_of(process)
        assert (status, length, output) == (0, 5, "done\n")
        assert 900_000 < errors <= 1024 * 1024


def test_output_is_capped_as_it_is_read_and_its_command_ends(lab: Lab, node: Node) -> None:
    with fifo(node) as reader, begun(lab, node, f"{ALIVE}yes", "", str(1024 * 1024)) as process:
        assert result_of(process) == ["TooLong", "the answer is longer than 1 MiB"]
        assert reader.communicate()[0] == b""  # while our process, and the connection, are there


def test_the_channel_is_closed_with_the_lifeline(lab: Lab, node: Node) -> None:
    command = f"{ALIVE}echo begun >&9; while sleep 0.1; do echo x; done"
    with fifo(node) as reader, begun(lab, node, command) as process:
        assert reader.stdout is not None
        assert process.stdin is not None
        assert reader.stdout.readline() == b"begun\n"
        process.stdin.write(b"cut\n")
        process.stdin.flush()
        assert result_of(process) == [
            "ConnectionAbortedError",
            "[Errno 103] the command was stopped",
        ]
        assert reader.communicate()[0] == b""


def test_a_connection_that_is_lost_ends_the_reading(lab: Lab, node: Node) -> None:
    with begun(lab, node, "echo part; sleep 1; kill -KILL $PPID") as process:
        assert result_of(process) == [-1, 5, "part\n", 0]
