"""A node's command line, sent again before all that would make the same one is loaded.

Loading the configuration, and the code for it, takes a fifth of the time of the ssh that follows. So the command line of a run is remembered, under
a digest of all that it was made of: the options, the node's files, Power Edge's own. Where nothing of this has changed a later run sends it at once.
Then it loads and makes everything as always, and takes the answer only if it would send the same, to the byte. Only what was found sound is
remembered: what cannot be used is refused before its node is touched.

What is remembered is run by a shell. Its file is this user's alone and outside the tree that pull requests fill, and the digest is over times of
this machine's inodes, too, which nobody knows who prepares a file elsewhere. Whatever is amiss, the run does without.
"""

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

from power_edge import data, whole
from power_edge.place import find_node_configs

_DIGEST = 32
_LARGEST = 4 << 20


class Ahead:
    """The command line of one node that is remembered in a file, or will be, and the process of it if there was one to send."""

    def __init__(self, file: Path, made_of: bytes) -> None:
        """Send it, if what it was made of has not changed. Raises OSError."""
        self._file = file
        self._made_of = made_of
        self._line = line = _remembered(file, made_of)
        self._process = Popen(["/bin/sh", "-c", b"exec " + line], stdin=DEVNULL, stdout=PIPE, stderr=PIPE) if line else None

    def stand_before(self, backend: Any) -> None:
        """Of the first command that a backend of testinfra runs on this machine, return what was sent if it is the same; else run and remember it."""
        run_local = backend.run_local

        def first(command: str, *arguments: str) -> Any:
            backend.run_local = run_local
            line = backend.encode(backend.quote(command, *arguments))
            if self._process is not None and line == self._line:
                process, self._process = self._process, None
                stdout, stderr = process.communicate()
                return backend.result(process.returncode, line, stdout, stderr)
            self.close()
            result = run_local(command, *arguments)
            if line.startswith(b"ssh "):  # sshpass has a password among its arguments
                _remember(self._file, self._made_of, line)
            return result

        backend.run_local = first

    def close(self) -> None:
        """End what was sent and not taken."""
        if self._process is not None:
            with self._process as process:
                process.kill()
            self._process = None


def send(options: Mapping[str, object], cwd: Path) -> Ahead | None:
    """Send what is remembered of the one node that options of pytest name; None where they name no such node, or nothing can be remembered of it."""
    match options:
        case {"node": [str(name)], "node_configs": given, "file_or_dir": [], "answers": []}:
            root = cwd / str(given) if given else find_node_configs(cwd)
        case _:
            return None
    try:
        if root is None or not (options.get("hosts") or (root / name / "connection.yaml").exists()):
            return None
        folder = (root / name).resolve()
        cache = _cache(folder)
        return None if cache is None else Ahead(cache / sha256(os.fsencode(folder)).hexdigest(), _made_of(options, cwd, folder))
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None


def _cache(folder: Path) -> Path | None:
    """Where to remember; None if that is in the tree (the repository's, if there is one) of a node's folder."""
    given = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 pathlib raises where there is no home
    cache = Path(given).resolve()
    tree = next((above for above in folder.parents if (above / ".git").exists()), folder.parent.parent)
    return cache / "power-edge" if Path(given).is_absolute() and not cache.is_relative_to(tree) else None


def _made_of(options: Mapping[str, object], cwd: Path, folder: Path) -> bytes:
    """A digest of all that decides the command line and whether the configuration is sound. Raises OSError."""
    files = sorted(_file(entry.path) for entry in os.scandir(folder) if entry.name.endswith(".yaml"))
    libraries = [Path(place).stat().st_mtime_ns for place in sys.path if place.endswith("-packages")]
    ours = [sorted(_code(os.fspath(place))) for place in (Path(data.__file__).parent, data.folder("probes"), data.folder("schemas"))]
    return sha256(repr((sorted(options.items()), cwd, files, libraries, ours)).encode()).digest()


def _file(path: str) -> tuple[str, int, int, bytes]:
    content, inode = _read(path)
    return *_stamp(path, inode), sha256(content).digest()


def _code(folder: str) -> Iterator[tuple[str, int, int]]:
    """The stamp of every file below a folder, but for compiled ones."""
    for entry in os.scandir(folder):
        if not entry.is_dir():
            yield _stamp(entry.path, entry.stat())
        elif entry.name != "__pycache__":
            yield from _code(entry.path)


def _stamp(path: str, inode: os.stat_result) -> tuple[str, int, int]:
    """What a file does not keep when it is written: nobody can set its time of change."""
    return path, inode.st_size, inode.st_ctime_ns


def _read(path: str | Path, flags: int = 0) -> tuple[bytes, os.stat_result]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)  # O_NONBLOCK: nobody writes to a stranger's FIFO
    with os.fdopen(descriptor, "rb") as file:
        return file.read(_LARGEST), os.fstat(descriptor)


def _remembered(file: Path, made_of: bytes) -> bytes | None:
    with suppress(OSError):
        content, inode = _read(file, os.O_NOFOLLOW)
        digest, line = content[:_DIGEST], content[_DIGEST:]
        if _is_ours(inode, stat.S_IFREG) and _is_ours(file.parent.lstat(), stat.S_IFDIR) and digest == sha256(made_of + line).digest():
            return line
    return None


def _remember(file: Path, made_of: bytes, line: bytes) -> None:
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_ours(file.parent.lstat(), stat.S_IFDIR):
            with whole.replacing(file) as beside:
                beside.chmod(0o600)
                beside.write_bytes(sha256(made_of + line).digest() + line)


def _is_ours(inode: os.stat_result, kind: int) -> bool:
    """Whether it is a file of this kind that is this user's, and that nobody else may read or write."""
    return stat.S_IFMT(inode.st_mode) == kind and inode.st_uid == os.geteuid() and not inode.st_mode & 0o077
