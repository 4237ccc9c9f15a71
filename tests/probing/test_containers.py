"""Containers' clients: the script comes by standard input, their command lines show nothing of it,
and what they run ends with us.
"""

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from power_edge.probing.failure import Unreachable
from power_edge.probing.process import Lifeline, execute, guard
from power_edge.probing.route import Route
from power_edge.probing.script import Timeouts, probe_script
from power_edge.probing.transport import Job, ask
from tests.probing.test_process import HANGS, Holders, holders
from tests.support.scripts import OPEN, echo_in_place_of_the_probes, items

__all__ = ["RUNS", "Lifeline", "holders"]

pytestmark = pytest.mark.shell

CLIENT = f"""#!{sys.executable}
import os, subprocess, sys, threading

words = sys.argv[1:sys.argv.index("/bin/sh")]
with open(sys.argv[0] + ".argv", "w") as file:
    file.write("\\0".join(sys.argv[1:]))
if "gone" in words:
    sys.exit("Error: No such container: gone")

def carry(source, sink):
    while piece := os.read(source, 65536):
        try:
            while piece:
                piece = piece[os.write(sink, piece):]
        except OSError:
            pass
    os.close(sink)

def begun(*carried):
    threads = [threading.Thread(target=carry, args=each, daemon=True) for each in carried]
    for thread in threads:
        thread.start()
    return threads

(read0, write0), (read1, write1), (read2, write2), (read3, write3) = (os.pipe() for _ in range(4))
if os.fork() == 0:
    os.setsid()
    for each in (write0, read1, read2, read3):
        os.close(each)
    for each in range(3):
        os.dup2(os.open(os.devnull, os.O_RDWR), each)
    pipe = subprocess.PIPE
    command = subprocess.Popen(sys.argv[-3:], stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
    begun((read0, command.stdin.fileno()))
    for thread in begun((command.stdout.fileno(), write1), (command.stderr.fileno(), write2)):
        thread.join()
    os.write(write3, bytes([command.wait() % 256]))
    os._exit(0)
for each in (read0, write1, write2, write3):
    os.close(each)
if "-i" in words or "--mode=non-interactive" in words:
    begun((0, write0))
else:
    os.close(write0)
for thread in begun((read1, 1), (read2, 2)):
    thread.join()
os._exit(os.read(read3, 1)[0])
"""
"""A stand-in for a client and the engine behind it, which goes on without the client, as dockerd
was seen to do.

The engine closes the command's standard input when the client is gone, reads on what the command
prints, and ends nothing. The command gets standard input only with -i; lxc always passes it on. The
client ends when the command does, whether or not its own input has ended.
"""
URLS = {
    "docker": "docker://web",
    "podman": "podman://root@web",
    "kubectl": "kubectl://web?namespace=exec&container=one",
    "lxc": "lxc://web",
}


@pytest.fixture
def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in URLS:
        (tmp_path / name).write_text(CLIENT)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    echo_in_place_of_the_probes(monkeypatch)
    return tmp_path


@pytest.mark.parametrize("name", URLS)
def test_the_script_comes_by_standard_input(name: str, clients: Path) -> None:
    names = [f"/etc/{'x' * 1000}/{number}" for number in range(500)]
    answer = ask(
        Job(probe_script("a", OPEN, items(names), Timeouts()), Route(URLS[name])), Lifeline()
    )
    assert answer.complete
    assert b"".join(
        answer.outputs[each].stdout
        for each in sorted(answer.outputs, key=lambda each: int(each[6:]))
    ) == b"".join(each.encode() + b"\0" for each in names)
    *_, shell, option, line = (clients / f"{name}.argv").read_text().split("\0")
    assert (shell, option) == ("/bin/sh", "-c")
    assert "sh -c 'base64 -d|gzip -dc|sh'\n" in line
    assert len(line) < 1500


@pytest.mark.usefixtures("clients")
def test_why_there_is_no_answer_is_the_client_s_word() -> None:
    with pytest.raises(Unreachable, match="No such container: gone"):
        ask(Job(probe_script("a", OPEN, (), Timeouts()), Route("docker://gone")), Lifeline())


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("name", URLS)
def test_a_command_of_a_test_ends_as_it_does_anywhere(name: str) -> None:
    host = Route(URLS[name]).host(1)
    guard(host, Lifeline())
    done = host.run("cat; echo 'a b'; echo why >&2; exit 3")
    assert (done.rc, done.stdout, done.stderr) == (3, "a b\n", "why\n")
    assert host.run("kill -TERM $$").rc == 128 + signal.SIGTERM


def hanging(fifo: str) -> str:
    return f"sh -c {shlex.quote(HANGS)} {shlex.quote(fifo)}"


RUNS: dict[str, Callable[[str, str, Lifeline], object]] = {
    "a probe": lambda url, fifo, lifeline: execute(
        Route(url).host(1), f"cat; {hanging(fifo)}", b"sent", lifeline
    ),
    "an own test": lambda url, fifo, lifeline: of_a_test(url, lifeline).run(hanging(fifo)),
}


def of_a_test(url: str, lifeline: Lifeline) -> Any:
    host = Route(url).host(1)
    guard(host, lifeline)
    return host


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize("run", RUNS)
def test_what_runs_in_a_container_ends_with_its_lifeline(
    name: str, run: str, holders: Holders
) -> None:
    lifeline = Lifeline()
    thread = threading.Thread(target=RUNS[run], args=(URLS[name], holders.fifo, lifeline))
    thread.start()
    holders.await_begun()
    lifeline.cut()
    holders.await_gone()
    thread.join()


@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_what_runs_in_a_container_ends_with_a_run_that_is_killed(
    death: signal.Signals, holders: Holders
) -> None:
    code = "import sys; from tests.probing.test_containers import *; RUNS['a probe'](*sys.argv[1:], Lifeline())"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", code, URLS["docker"], holders.fifo],
        env=environment,
        stderr=subprocess.DEVNULL,
    ) as run:
        holders.await_begun()
        run.send_signal(death)
        holders.await_gone()
