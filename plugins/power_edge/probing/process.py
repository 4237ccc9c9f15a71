"""Run the command line that a testinfra backend builds.

This is the only module that touches testinfra's private parts. testinfra runs commands through a
shell, waits without end, keeps all that they print, and leaves them behind when this process is
killed. Here a command is argv in a session of its own, its standard input is given, its output has
a limit, and it ends with its lifeline.
"""

import errno
import os
import selectors
import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from io import BytesIO, FileIO
from pathlib import Path
from select import POLLIN, poll
from threading import Event, Lock
from typing import Any, NamedTuple

from power_edge.probing.containers import CONTAINERS, held

LONGEST_OUTPUT = 64 * 1024 * 1024
"""Bytes that a command may print before it is ended."""
LONGEST_ERRORS = 1024 * 1024
"""Bytes of standard error that are kept; the rest is read and dropped."""
TAKES_INPUT = frozenset({"local", "ssh", "paramiko", *CONTAINERS})
"""Backends whose commands can be given standard input."""

_CHUNK = 65536

# The shell forks a guard and becomes the command. The guard reads the lifeline. A line means that
# all went well. An end without a line means that the parent died or gave up: then the guard kills
# all of the session. To kill the process group is not enough, since timeout(1) makes one of its
# own; without /proc (macOS) it has to do. `$$` is the command's pid, and `self` the guard's.
_GUARDED = """
exec 3<&0
sent=$1
shift
{
    read -r word <&3
    if [ "$word" != done ] && read -r self word </proc/self/stat; then
        found=yes
        while [ -n "$found" ]; do # a process may fork before it is killed
            found=
            for each in /proc/[0-9]*/stat; do
                read -r word <"$each" || continue
                each=${each#/proc/}
                each=${each%/*}
                set -- ${word##*) }
                [ "${4-}" = $$ ] && [ "$1" != Z ] && [ "$each" != "$self" ] || continue
                found=yes
                kill -KILL "$each"
            done
        done
    fi
    kill -KILL 0
} </dev/null >/dev/null 2>&1 &
exec "$@" <"$sent" 3<&-
"""

_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM})
"""The kernel's errors if this process, its user or this machine may open no more files, or start no
more processes.
"""
_NO_THREAD = "can't start new thread"
_NO_FORK = (b"guard: ", b"ork")
"""A shell's complaint that it may start no process: how it begins, and a part of it. Examples:
`guard: 4: Cannot fork`, `guard: fork: retry: Resource ...`.
"""
# A shared connection has a process of its own, which no guard of a command ends.
_KEEPER = """
read -r word
for each in "$1"/*; do
    [ ! -S "$each" ] || ssh -F /dev/null -O exit -o "ControlPath=$each" shared
done
rm -rf -- "$1"
"""


class TooLong(Exception):
    """A command printed more than it may; it was ended."""


class NoRoom(Exception):
    """This machine has no file or process left for the command, which was not run.

    It is not a fault of the node.
    """


class Ended(NamedTuple):
    """How a command ended: its exit status (of a signal: negative), and what it printed."""

    status: int
    stdout: bytes
    stderr: bytes


class Lifeline:
    """What keeps commands alive.

    They are killed, with all that they started, when it is cut, or when this process ends in
    whatever way.
    """

    def __init__(self) -> None:
        self.begun = Event()
        """Set when a command that is tied to it runs."""
        self._lock = Lock()
        self._ends: set[int] = set()
        self._cut = False
        self._held: set[Lifeline] = set()

    @property
    def is_cut(self) -> bool:
        """Whether it was cut."""
        return self._cut

    def cut(self) -> None:
        """Kill what runs, and what is started later."""
        with self._lock:
            self._cut = True
            for end in self._ends:
                os.close(end)
            self._ends.clear()
            held = tuple(self._held)
        for other in held:
            other.cut()

    @contextmanager
    def holding(self, other: "Lifeline") -> Iterator[None]:
        """Cut another lifeline too if this one is cut during the block."""
        with self._lock:
            self._held.add(other)
            cut = self._cut
        if cut:
            other.cut()
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(other)

    def _attach(self) -> tuple[int, int]:
        with self._lock:
            # Not inherited, so that no other child holds the writing end.
            reading, writing = os.pipe()
            if self._cut:
                os.close(writing)
            else:
                self._ends.add(writing)
            return reading, writing

    def _detach(self, end: int, *, succeeded: bool) -> None:
        with self._lock:
            if end in self._ends:
                self._ends.discard(end)
                if succeeded:
                    with suppress(BrokenPipeError):
                        os.write(end, b"done\n")
                os.close(end)


def execute(
    host: Any, command: str, stdin: bytes, lifeline: Lifeline, longest: int = LONGEST_OUTPUT
) -> Any:
    """Return testinfra's result of a command on its `host`.

    The command is given `stdin` on standard input if the backend is in TAKES_INPUT; it may print
    `longest` bytes. Raises TooLong, NoRoom, and whatever the backend raises: RuntimeError with the
    result for ssh's own status 255.
    """
    backend = host.backend
    if backend.NAME == "paramiko":
        backend._exec_command = partial(_over_paramiko, backend, stdin, lifeline, longest)
    else:
        guard(host, lifeline, stdin, longest)
    with need_of_room():
        return host.run(command)


@contextmanager
def need_of_room() -> Iterator[None]:
    """Raise NoRoom for an error of the block that means: no file, process or thread is left."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise NoRoom(error.strerror) from None
        raise
    except RuntimeError as error:
        if str(error) == _NO_THREAD:
            raise NoRoom(os.strerror(errno.EAGAIN)) from None
        raise


def guard(host: Any, lifeline: Lifeline, stdin: bytes = b"", longest: int = LONGEST_OUTPUT) -> None:
    """Tie the processes of testinfra's `host` to a lifeline, those in a container too.

    Each is given `stdin` on standard input, and may print `longest` bytes.
    """
    backend = host.backend
    hold = backend.NAME in CONTAINERS

    def run_local(line: str, *args: str) -> Any:
        full_line = backend.quote(line, *args)
        if hold:
            # Names are not in the line yet, but %s.
            line = line.replace(" exec ", f" exec {CONTAINERS[backend.NAME]}", 1)
            argv = shlex.split(backend.quote(line, *args[:-1], held(args[-1], bool(stdin))))
        else:
            # The local backend's line is for a shell; a client's is its argv, quoted.
            argv = ["sh", "-c", full_line] if backend.NAME == "local" else shlex.split(full_line)
        ended = run(argv, stdin + b"\n" if hold else stdin, lifeline, longest, hold=hold)
        return backend.result(ended.status, backend.encode(full_line), ended.stdout, ended.stderr)

    backend.run_local = run_local


@contextmanager
def shared_connections() -> Iterator[Path]:
    """Make a folder for the sockets of ssh connections that commands share.

    The folder and the connections end with the block, or with this process in whatever way.
    """
    from tempfile import mkdtemp  # 4 ms, before a node is asked

    # Not in pytest's folder: the path of a socket may have 107 bytes.
    folder = mkdtemp(prefix="power-edge-")
    line, end = os.pipe()
    silent = subprocess.DEVNULL
    with subprocess.Popen(
        ["sh", "-c", _KEEPER, "keeper", folder],
        stdin=line,
        stdout=silent,
        stderr=silent,
        start_new_session=True,
    ):
        os.close(line)
        try:
            yield Path(folder)
        finally:
            os.close(end)


def run(
    argv: Sequence[str],
    stdin: bytes,
    lifeline: Lifeline,
    longest: int = LONGEST_OUTPUT,
    *,
    hold: bool = False,
) -> Ended:
    """Run a command to its end; it is given `stdin`, and may print `longest` bytes.

    `hold`: its standard input stays open after `stdin`. Raises TooLong and NoRoom. A missing
    program is status 127, with the shell's message.
    """
    with need_of_room():
        ended = _run(argv, stdin, lifeline, longest, hold)
    _refuse_no_fork(ended)
    return ended


def _refuse_no_fork(ended: Ended) -> None:
    """Raise NoRoom if the shell that was to become the command could not start a process."""
    begin, word = _NO_FORK
    if (
        ended.status != 0
        and not ended.stdout
        and ended.stderr.startswith(begin)
        and word in ended.stderr.splitlines()[0]
    ):
        raise NoRoom(os.strerror(errno.EAGAIN))


def _run(argv: Sequence[str], stdin: bytes, lifeline: Lifeline, longest: int, hold: bool) -> Ended:
    with ExitStack() as opened:
        line, end = lifeline._attach()
        opened.callback(os.close, line)
        opened.callback(lifeline._detach, end, succeeded=False)
        stdin_read, stdin_write = os.pipe()
        opened.callback(os.close, stdin_read)
        with (
            os.fdopen(stdin_write, "wb", buffering=0) as stdin_file,
            _guarded(argv, line, stdin_read) as process,
        ):
            lifeline.begun.set()
            succeeded = False
            try:
                stdout, stderr = _exchange(process, stdin_file, stdin, longest, hold)
                stdin_file.close()
                process.wait()
                succeeded = True
            finally:
                lifeline._detach(end, succeeded=succeeded)
    return Ended(process.returncode, stdout, stderr)


def _guarded(argv: Sequence[str], line: int, stdin_read: int) -> "subprocess.Popen[bytes]":
    """Start a command with its guard, which reads `line`; `stdin_read` is its standard input."""
    return subprocess.Popen(
        ["sh", "-c", _GUARDED, "guard", f"/dev/fd/{stdin_read}", *argv],
        stdin=line,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(stdin_read,),
        start_new_session=True,
    )


def _exchange(
    process: "subprocess.Popen[bytes]", stdin_file: FileIO, stdin: bytes, longest: int, hold: bool
) -> tuple[bytes, bytes]:
    """Write `stdin`, then close `stdin_file` (unless `hold`); read both outputs to their ends.

    Not all of `stdin` need be written by then.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    output, errors = process.stdout.fileno(), process.stderr.fileno()
    buffers = {output: BytesIO(), errors: BytesIO()}  # getvalue() makes no copy
    remaining = memoryview(stdin)
    stdin_write = stdin_file.fileno()
    os.set_blocking(stdin_write, False)
    with selectors.DefaultSelector() as selector:
        for descriptor in (output, errors, stdin_write):
            selector.register(
                descriptor,
                selectors.EVENT_WRITE if descriptor == stdin_write else selectors.EVENT_READ,
            )
        reading = {output, errors}
        while reading:
            for key, _ in selector.select():
                if key.fd == stdin_write:
                    remaining = _write_some(stdin_write, remaining)
                    if not remaining:
                        selector.unregister(stdin_write)
                        if not hold:
                            stdin_file.close()
                    continue
                piece = os.read(key.fd, _CHUNK)
                if not piece:
                    selector.unregister(key.fd)
                    reading.discard(key.fd)
                    continue
                if key.fd == output:
                    _append(piece, buffers[output], longest)
                elif buffers[errors].tell() + len(piece) <= LONGEST_ERRORS:
                    buffers[errors].write(piece)
    return buffers[output].getvalue(), buffers[errors].getvalue()


def client(host: Any, command: str) -> list[str]:
    """Return the argv of the ssh client with which testinfra's `host` would run a command."""
    backend = host.backend
    argv: list[str] = []

    def run_local(line: str, *args: str) -> Any:
        argv.extend(shlex.split(backend.quote(line, *args)))
        return backend.result(0, b"", b"", b"")

    backend.run_local = run_local
    host.run(command)
    return argv


class Conversation:
    """A command that goes on: it is given input again and again, and its output is read.

    It has its own lifeline. One thread uses it at a time; any thread may call `lifeline.cut`.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        """Start the command. Raises NoRoom."""
        self.lifeline = Lifeline()
        self.sent_whole = True
        """Whether all input was written."""
        self._errors = BytesIO()
        with need_of_room(), ExitStack() as opened:
            line, self._lifeline_end = self.lifeline._attach()
            opened.callback(os.close, line)
            stdin_read, stdin_write = os.pipe()
            opened.callback(os.close, stdin_read)
            with ExitStack() as failed:
                failed.callback(os.close, stdin_write)
                failed.callback(self.lifeline.cut)
                self._process = _guarded(argv, line, stdin_read)
                failed.pop_all()
        self._stdin = os.fdopen(stdin_write, "wb", buffering=0)
        os.set_blocking(stdin_write, False)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._stdout, self._stderr = self._process.stdout, self._process.stderr

    def is_silent(self) -> bool:
        """Return whether it runs, and has printed nothing that was not read."""
        ready = poll()
        ready.register(self._stdout, POLLIN)
        return self._process.poll() is None and not ready.poll(0)

    def exchange(self, stdin: bytes, take: Callable[[bytes], bool]) -> bool:
        """Write `stdin`, and pass on each piece of output until `take` has enough of it.

        Returns False if the output ended before that. Not all of `stdin` need be written by then.
        """
        self._errors = BytesIO()
        remaining = memoryview(stdin)
        output, errors, given = (
            each.fileno() for each in (self._stdout, self._stderr, self._stdin)
        )
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            selector.register(errors, selectors.EVENT_READ)
            selector.register(given, selectors.EVENT_WRITE)
            while True:
                # Errors first: they are older than the end of the output.
                for key, _ in sorted(selector.select(), key=lambda ready: ready[0].fd == output):
                    if key.fd == given:
                        remaining = _write_some(given, remaining)
                        if not remaining:
                            selector.unregister(given)
                        continue
                    piece = os.read(key.fd, _CHUNK)
                    if key.fd == errors:
                        self._keep_errors(piece)
                        if not piece:
                            selector.unregister(errors)
                    elif not piece or take(piece):
                        self.sent_whole = not remaining
                        return bool(piece)

    def _keep_errors(self, piece: bytes) -> None:
        if self._errors.tell() + len(piece) <= LONGEST_ERRORS:
            self._errors.write(piece)

    def finish(self) -> Ended:
        """Let it end by itself: its input ends, and its output is dropped. Raises NoRoom."""
        self._stdin.close()
        with selectors.DefaultSelector() as selector:
            for stream in (self._stdout, self._stderr):
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    piece = os.read(key.fd, _CHUNK)
                    if not piece:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is self._stderr:
                        self._keep_errors(piece)
        ended = Ended(self._process.wait(), b"", self._errors.getvalue())
        _refuse_no_fork(ended)
        return ended

    def close(self, *, idle: bool = False) -> None:
        """Kill it, with all that it started. `idle`: it only waits for input, and has nothing
        running but its process group, so that the guard need not search all processes.
        """
        if idle:
            self.lifeline._detach(self._lifeline_end, succeeded=True)
        self.lifeline.cut()
        self._process.kill()
        self._process.wait()
        for stream in (self._stdin, self._stdout, self._stderr):
            stream.close()


def _append(piece: bytes, buffers: BytesIO, longest: int) -> None:
    if buffers.tell() + len(piece) > longest:
        raise TooLong(f"the answer is longer than {longest // (1024 * 1024)} MiB")
    buffers.write(piece)


def _write_some(stdin_write: int, remaining: memoryview) -> memoryview:
    """Write what the pipe takes; return what is left.

    Nothing is left if nobody reads it any more: the command's output says why.
    """
    try:
        return remaining[os.write(stdin_write, remaining[:_CHUNK]) :]
    except BlockingIOError:
        return remaining
    except BrokenPipeError:
        return remaining[:0]


def _over_paramiko(
    backend: Any, stdin: bytes, lifeline: Lifeline, longest: int, command: bytes
) -> tuple[int, bytes, bytes]:
    """Run a command with standard input and limits, which paramiko's backend has not.

    Returns the exit status and both outputs.
    """
    line, end = lifeline._attach()
    try:
        channel = backend.client.get_transport().open_session()
        try:
            channel.exec_command(command)
            lifeline.begun.set()
            # An error: the command ended before it read all; its output says why.
            with suppress(OSError):
                channel.sendall(stdin)
            channel.shutdown_write()
            stdout, stderr = _drained(channel, line, longest)
            return channel.recv_exit_status(), stdout, stderr
        finally:
            channel.close()
    finally:
        lifeline._detach(end, succeeded=False)
        os.close(line)


def _drained(channel: Any, line: int, longest: int) -> tuple[bytes, bytes]:
    """Return both outputs of a channel, when they end or the connection is lost.

    `line` is this end of the lifeline; raises ConnectionAbortedError if that is cut.
    """
    output, errors = BytesIO(), BytesIO()
    while True:
        # Looked at first, so that all that came before the end is read.
        ended = channel.eof_received or channel.closed
        while channel.recv_stderr_ready():
            piece = channel.recv_stderr(_CHUNK)
            if errors.tell() + len(piece) <= LONGEST_ERRORS:
                errors.write(piece)
        if channel.recv_ready():
            _append(channel.recv(_CHUNK), output, longest)
        elif ended:
            return output.getvalue(), errors.getvalue()
        elif line in _readable(channel.fileno(), line):
            raise ConnectionAbortedError(errno.ECONNABORTED, "the command was stopped")


def _readable(*descriptors: int) -> list[int]:
    """Wait until one of these can be read; return those that can."""
    waiting = poll()
    for each in descriptors:
        waiting.register(each, POLLIN)
    return [descriptor for descriptor, _ in waiting.poll()]
