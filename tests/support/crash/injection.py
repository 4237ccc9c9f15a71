"""Commands whose N-th system call that touches a folder fails, or is where they are killed: by
strace(1), in the kernel.

A run without a fault lists the calls. Of a call strace knows its name and the how-manieth of that
name it is in its thread, so a second run meets the same one.
"""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).parents[3]
CALLS = (
    "open,openat,creat,write,writev,pwrite64,fsync,fdatasync,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat,unlink,unlinkat,"
    "rmdir,chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,truncate,ftruncate,flock,utimensat,setxattr,fsetxattr,copy_file_range,sendfile"
)
"""What can write, and what it takes to."""
READING = "open,openat,read,pread64,getdents64"
"""What reads, and what it takes to."""
READ_ERRORS = ("EIO", "EACCES", "ENOMEM", "EMFILE")
_READS = re.compile(r"^open(at)?\(.*O_RDONLY")
ERRORS = ("ENOSPC", "EIO", "EROFS", "EACCES")
KILL = "KILL"
TEMPORARIES = tuple(f".power-edge-{number:016x}.tmp" for number in range(6))
"""Names of a watch's temporary files; else nobody knows them before."""
_UNDONE = ("rename", "renameat2", "link", "unlink")
"""Calls that undo what they did: with an error that stays, undoing fails as well."""


class Call(NamedTuple):
    """A system call by its name and the how-manieth of that name it is in its thread; `text` is what
    strace shows of it.
    """

    name: str
    place: int
    text: str


class Fault(NamedTuple):
    """What happens at a call: an error, at this one alone or at all of that name from here on; or
    the end of the process.
    """

    call: Call
    kind: str
    on: bool = False

    @property
    def option(self) -> str:
        what = "signal=KILL" if self.kind == KILL else f"error={self.kind}"
        return f"--inject={self.call.name}:{what}:when={self.call.place}{'+' if self.on else ''}"

    def __str__(self) -> str:
        return f"{self.kind}{' on and on from' if self.on else ' at'} {self.call.text}"


class Done(NamedTuple):
    """What came of a command. A status below 0 is a signal's."""

    status: int
    out: str
    err: str
    calls: tuple[Call, ...]
    met: tuple[str, ...] = ()
    """The calls that a fault was injected into."""


class Commands:
    """Runs commands, power-edge or pytest by their arguments, in processes that are forked from one
    that has all loaded.
    """

    def __init__(self, zygote: "subprocess.Popen[str]", folder: Path) -> None:
        self._zygote = zygote
        self._folder = folder
        for name in ("out", "err", "trace"):
            (folder / name).touch()

    def run(
        self,
        *argv: str,
        cwd: Path,
        env: dict[str, str] | None = None,
        umask: int = 0o022,
        fault: Fault | None = None,
        touching: Sequence[Path] = (),
        reading: str | None = None,
        replaced: Mapping[str, str] = {},
        only: Sequence[Path] = (),
    ) -> Done:
        """Run a command.

        The calls in what comes back are those that write and touch a folder of `touching` (cwd
        without one), or, where the expression `reading` is given, those that read a file whose path
        it is found in. `replaced` are attributes of modules that are other paths.

        With `only` it is a watch, which gets a SIGTERM when it is ready. The calls are those of all
        of its threads and children that name one of these files or folders. Its temporary files are
        named TEMPORARIES in turn.
        """
        link = _Link(self._folder / "notify") if only else None
        files = {name: str(self._folder / name) for name in ("out", "err")}
        given = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LC_ALL": "C.UTF-8", **(env or {})}
        if link is not None:
            given["NOTIFY_SOCKET"] = link.address
        stdin, stdout = self._zygote.stdin, self._zygote.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(
            json.dumps(
                {
                    "argv": argv,
                    "cwd": str(cwd),
                    "env": given,
                    "umask": umask,
                    "replaced": replaced,
                    "counts_temporaries": bool(only),
                    **files,
                }
            )
            + "\n"
        )
        stdin.flush()
        child = int(stdout.readline())
        options = [
            "-y",
            "-s0",
            "-o",
            str(self._folder / "trace"),
            f"--trace={CALLS if reading is None else READING}",
            "-p",
            str(child),
            *([fault.option] if fault else []),
            *_only(only),
        ]
        with subprocess.Popen(["strace", *options], stderr=subprocess.PIPE, text=True) as tracer:
            assert tracer.stderr is not None
            attached = tracer.stderr.readline()
            assert "attached" in attached, attached + tracer.stderr.read()
            os.kill(child, signal.SIGCONT)
            if link is not None and link.is_ready_before(stdout.fileno()):
                os.kill(child, signal.SIGTERM)
            status = os.waitstatus_to_exitcode(int(stdout.readline()))
        trace = (self._folder / "trace").read_text(errors="replace")
        calls = (
            tuple(_calls(trace, cwd, touching or [cwd]))
            if reading is None
            else tuple(_reading_calls(trace, reading))
        )
        met = tuple(line for line in trace.splitlines() if line.endswith("(INJECTED)"))
        out, err = ((self._folder / name).read_text() for name in ("out", "err"))
        return Done(status, out, err, calls, met)


class _Link:
    """The socket by which a service tells systemd that it is ready."""

    def __init__(self, file: Path) -> None:
        file.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(file))
        self.address = str(file)

    def is_ready_before(self, end: int) -> bool:
        """Wait until the service is ready, or the descriptor can be read: it has ended."""
        with self._socket:
            while True:
                ready, _, _ = select.select([self._socket.fileno(), end], [], [])
                if end in ready:
                    return False
                if b"READY=1" in self._socket.recv(4096).split(b"\n"):
                    return True


def _only(files: Sequence[Path]) -> Iterator[str]:
    """Options of strace: all threads and children, and the calls that name these files."""
    if files:
        yield "-f"
    for path in files:
        yield from ("-P", str(path))


def _calls(trace: str, cwd: Path, folders: Sequence[Path]) -> Iterator[Call]:
    """The calls of a trace that touch one of these folders, but for those that only read.

    Where several threads have the same, a fault is for all of them.
    """
    found = set()
    for call in _all_calls(trace):
        text = call.text.replace(f"AT_FDCWD<{cwd}>, ", "")
        if any(str(folder) in text for folder in folders) and not (
            _READS.match(text) and "O_DIRECTORY" not in text and ".power-edge-" not in text
        ):
            if call[:2] not in found:
                yield call._replace(text=text)
            found.add(call[:2])


def _reading_calls(trace: str, path: str) -> Iterator[Call]:
    """The calls of a trace that read what has a path in which the expression is found, but for
    those that find nothing.
    """
    for call in _all_calls(trace):
        text = re.sub(r"AT_FDCWD<.*?>, ", "", call.text)
        if re.search(path, text) and " = -1 " not in text:
            yield call


def _all_calls(trace: str) -> Iterator[Call]:
    counts: Counter[tuple[str, str]] = Counter()
    for line in trace.splitlines():
        thread, text = _parted(line)
        name, separator, _ = text.partition("(")
        if not separator or not name.isidentifier():
            continue
        counts[thread, name] += 1
        yield Call(name, counts[thread, name], text)


def _parted(line: str) -> tuple[str, str]:
    """The number of the thread that begins a line of a trace with several, and the rest."""
    number, _, rest = line.partition(" ")
    return (number, rest.lstrip()) if number.isdecimal() else ("", line)


@contextmanager
def commands(folder: Path) -> Iterator[Commands]:
    """Commands with their traces in a folder."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    arguments = [sys.executable, "-m", "tests.support.crash.zygote"]
    with subprocess.Popen(
        arguments,
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as zygote:
        yield Commands(zygote, folder)
        assert zygote.stdin is not None
        zygote.stdin.close()


def read_faults(calls: Sequence[Call]) -> Iterator[Fault]:
    """Every error at every call that reads."""
    for call in calls:
        for error in READ_ERRORS:
            yield Fault(call, error)


def faults(calls: Sequence[Call]) -> Iterator[Fault]:
    """Every fault at every call."""
    for call in calls:
        yield Fault(call, KILL)
        for error in ERRORS:
            yield Fault(call, error)
        yield from _that_stays(call)


def spread_faults(calls: Sequence[Call]) -> Iterator[Fault]:
    """The end of the process at every call, and an error at every call: of each name of a call all
    errors are tried.
    """
    for call in calls:
        yield Fault(call, KILL)
        yield from _that_stays(call)
    yield from _spread(calls, ERRORS)


def spread_read_faults(calls: Sequence[Call]) -> Iterator[Fault]:
    """An error at every call that reads: of each name of a call all errors are tried."""
    yield from _spread(calls, READ_ERRORS)


def _spread(calls: Sequence[Call], errors: Sequence[str]) -> Iterator[Fault]:
    by_name: dict[str, list[Call]] = {}
    for call in calls:
        by_name.setdefault(call.name, []).append(call)
    for same in by_name.values():
        for number in range(max(len(same), len(errors))):
            yield Fault(same[number % len(same)], errors[number % len(errors)])


def _that_stays(call: Call) -> Iterator[Fault]:
    """An error of what undoes a call, too."""
    if call.name in _UNDONE:
        yield Fault(call, "ENOSPC", on=True)
