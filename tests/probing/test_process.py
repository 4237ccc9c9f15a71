"""What a command is given, what is kept of what it prints, and that nothing of it outlives us."""

import errno
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from power_edge.probing import process
from power_edge.probing.process import Lifeline, NoRoom, TooLong, execute, guard, run

pytestmark = pytest.mark.shell

HANGS = 'exec 9>"$0"; echo begun >&9; (timeout 1000 sleep 1000; true) & sleep 1000; wait'
"""A process with a child in a group of its own. All of them hold the FIFO open."""


class Holders:
    """The processes that hold a FIFO open."""

    def __init__(self, fifo: Path) -> None:
        self.fifo = str(fifo)
        os.mkfifo(fifo)
        self._end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)

    def await_begun(self) -> None:
        select.select([self._end], [], [])
        assert os.read(self._end, 100) == b"begun\n"

    def await_gone(self) -> None:
        os.set_blocking(self._end, True)
        while os.read(self._end, 100):
            pass

    def close(self) -> None:
        os.close(self._end)


@pytest.fixture
def holders(tmp_path: Path) -> Iterator[Holders]:
    started = Holders(tmp_path / "alive")
    yield started
    started.close()


def test_a_command_gets_its_input_and_all_that_it_prints_is_kept() -> None:
    sent = bytes(range(256)) * 4096
    ended = run(["sh", "-c", "cat; echo why >&2; exit 3"], sent, Lifeline())
    assert (ended.status, ended.stdout, ended.stderr) == (3, sent, b"why\n")


def test_arguments_are_not_read_by_a_shell() -> None:
    words = ["$(id)", "a b", "'", "*", "-n", ""]
    assert run(["printf", "%s|", *words], b"", Lifeline()).stdout == "|".join([*words, ""]).encode()


def test_a_command_that_does_not_read_its_input() -> None:
    assert run(["sh", "-c", "exec <&-; echo no"], b"x" * 1_000_000, Lifeline()).stdout == b"no\n"


def test_a_program_that_is_missing() -> None:
    ended = run(["/nonexistent/ssh"], b"", Lifeline())
    assert (ended.status, b"not found" in ended.stderr) == (127, True)


def test_an_endless_answer_is_cut_and_its_command_ended(holders: Holders) -> None:
    with pytest.raises(TooLong, match="longer than 1 MiB"):
        run(
            ["sh", "-c", 'exec 9>"$0"; echo begun >&9; yes', holders.fifo],
            b"",
            Lifeline(),
            longest=1024 * 1024,
        )
    holders.await_begun()
    holders.await_gone()


def test_endless_errors_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LONGEST_ERRORS", 100_000)
    ended = run(["sh", "-c", "head -c 1000000 /dev/zero >&2; echo done"], b"", Lifeline())
    assert (ended.stdout, len(ended.stderr) <= 100_000) == (b"done\n", True)


def test_a_lifeline_that_is_cut_ends_what_runs_and_lets_nothing_else_begin(
    holders: Holders,
) -> None:
    lifeline = Lifeline()
    thread = threading.Thread(target=run, args=(["sh", "-c", HANGS, holders.fifo], b"", lifeline))
    thread.start()
    holders.await_begun()
    lifeline.cut()
    holders.await_gone()
    thread.join()
    assert run(["sleep", "1000"], b"", lifeline).status == -signal.SIGKILL


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_nothing_outlives_a_parent_that_is_killed(holders: Holders, death: signal.Signals) -> None:
    code = (
        "import sys; from power_edge.probing.process import *; run(sys.argv[1:], b'', Lifeline())"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", code, "sh", "-c", HANGS, holders.fifo]
    with subprocess.Popen(argv, env=environment, stderr=subprocess.DEVNULL) as parent:
        holders.await_begun()
        parent.send_signal(death)
        holders.await_gone()


def test_what_a_command_leaves_behind_ends_with_it(holders: Holders) -> None:
    leaves = 'exec 9>"$0"; echo begun >&9; sleep 1000 >/dev/null 2>&1 & echo left'
    assert run(["sh", "-c", leaves, holders.fifo], b"", Lifeline()).stdout == b"left\n"
    holders.await_begun()
    holders.await_gone()


class Client:
    """A testinfra backend that builds the command line of a client program, as ssh's does."""

    NAME = "ssh"
    encode = staticmethod(str.encode)

    def quote(self, line: str, *args: str) -> str:
        return line % tuple(map(shlex.quote, args)) if args else line

    def result(self, *parts: Any) -> tuple[Any, ...]:
        return parts

    def run_local(self, line: str, *args: str) -> Any:
        raise AssertionError("testinfra's own, which leaves processes behind")


def test_the_command_line_of_a_backend_is_run_as_argv_with_our_input() -> None:
    backend = Client()
    host = SimpleNamespace(
        backend=backend, run=lambda command: backend.run_local("env X=%s sh -c %s", "a b", command)
    )
    status, _, stdout, stderr = execute(host, 'echo "$X"; cat', b"sent", Lifeline())
    assert (status, stdout, stderr) == (0, b"a b\nsent", b"")


def test_the_local_backend_s_line_is_a_shell_s() -> None:
    backend = Client()
    backend.NAME = "local"
    host = SimpleNamespace(backend=backend, run=lambda command: backend.run_local(command + "|cat"))
    assert execute(host, "cat|tr a-z A-Z", b"sent", Lifeline())[2] == b"SENT"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM])
def test_what_this_machine_has_no_room_for_is_not_run(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def popen(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    lifeline, before = Lifeline(), len([*Path("/dev/fd").iterdir()])
    monkeypatch.setattr(subprocess, "Popen", popen)
    with pytest.raises(NoRoom, match=os.strerror(number)):
        run(["true"], b"", lifeline)
    assert len([*Path("/dev/fd").iterdir()]) == before


@pytest.mark.parametrize(
    "message", ["guard: 4: Cannot fork", "guard: fork: retry: Resource temporarily unavailable"]
)
def test_a_shell_of_ours_that_may_start_no_process_is_no_answer(message: str) -> None:
    with pytest.raises(NoRoom):
        run(["sh", "-c", 'echo "$0" >&2; exit 2', message], b"", Lifeline())
    assert (
        run(["sh", "-c", 'echo "$0" >&2; exit 2', "sh: 1: Cannot fork"], b"", Lifeline()).status
        == 2
    )  # the node's own


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="takes root, to become a user whose processes are counted",
)
def test_a_limit_on_processes_is_told_as_ours() -> None:
    code = """
import resource
from power_edge.probing.process import *
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
try:
    print(run(["true"], b"", Lifeline()))
except NoRoom as error:
    print("no room:", error)
"""
    argv = ["setpriv", "--reuid=54321", "--clear-groups", sys.executable, "-c", code]
    done = subprocess.run(
        argv,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "no room: Resource temporarily unavailable\n", done


def test_the_processes_of_a_host_for_tests_hang_on_its_lifeline(holders: Holders) -> None:
    backend = Client()
    lifeline = Lifeline()
    guard(SimpleNamespace(backend=backend), lifeline)
    thread = threading.Thread(target=backend.run_local, args=("sh -c %s %s", HANGS, holders.fifo))
    thread.start()
    holders.await_begun()
    lifeline.cut()
    holders.await_gone()
    thread.join()
    assert lifeline.begun.is_set()


@pytest.mark.parametrize("death", [None, signal.SIGKILL, signal.SIGTERM])
def test_shared_connections_end_with_their_user(
    tmp_path: Path, holders: Holders, death: signal.Signals | None
) -> None:
    """In place of ssh a program that says what it is called with."""
    (tmp_path / "ssh").write_text(
        f'#!/bin/sh\nexec 9>{holders.fifo}\necho "$@" >{tmp_path}/called\n'
    )
    (tmp_path / "ssh").chmod(0o755)
    code = """if True:
        import os, socket, sys
        from power_edge.probing.process import shared_connections
        with shared_connections() as folder:
            bound = socket.socket(socket.AF_UNIX)
            bound.bind(f"{folder}/shared")
            os.write(os.open(sys.argv[1], os.O_WRONLY), b"begun\\n")
            print(folder, flush=True)
            sys.stdin.read()
    """
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
    }
    with subprocess.Popen(
        [sys.executable, "-c", code, holders.fifo],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as user:
        assert user.stdout is not None
        assert user.stdin is not None
        holders.await_begun()
        folder = Path(user.stdout.readline().decode().strip())
        keeper = next(
            int(pid)
            for pid in Path(f"/proc/{user.pid}/task/{user.pid}/children").read_text().split()
        )
        ended = os.pidfd_open(keeper)
        if death is None:
            user.stdin.close()
        else:
            user.send_signal(death)
        select.select([ended], [], [])
        os.close(ended)
    assert (
        tmp_path / "called"
    ).read_text() == f"-F /dev/null -O exit -o ControlPath={folder}/shared shared\n"
    assert not folder.exists()
