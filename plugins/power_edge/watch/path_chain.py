"""A path as the kernel walks it: each folder, each symbolic link, and what is at its end.

An inotify event is only a hint, and can be lost. A fingerprint of the whole chain decides whether a
path has changed.
"""

import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

_LINKS = 40
"""Symbolic links on the way to a file; the kernel follows as many (path_resolution(7))."""
_DEPTH = 2
"""Levels below a folder that count: /etc/systemd/system/a.service.d/b.conf."""
_ENTRIES = 4096
"""Entries of a folder that are looked at. A change beyond them shows in the folder's own times
only.
"""

_MOST_CONTENT = 1024 * 1024
_UNWRITTEN = 120.0
"""Seconds for which a page that was written may wait for the disk, with some to spare."""

Stat = tuple[object, ...]
Fingerprint = Mapping[str, Stat]
"""Path -> what lstat(2) says, for each link on the way, the end, and what is in a folder."""


class Step(NamedTuple):
    """One step on the way: a name in a folder."""

    folder: str
    name: str


class Chain(NamedTuple):
    """The way to a path. `end` is the real path that it leads to, or the first step that is missing
    (`exists` is false then).
    """

    steps: tuple[Step, ...]
    links: tuple[str, ...]
    end: str
    exists: bool


def differing(before: Fingerprint, now: Fingerprint) -> frozenset[str]:
    """Return the paths that differ between two fingerprints of one chain."""
    return frozenset(path for path in {*before, *now} if before.get(path) != now.get(path))


class Look:
    """One look at many paths. lstat(2) and readlink(2) are called once for each path.

    It shows one moment. To see later changes, make a new Look.
    """

    def __init__(self) -> None:
        self._found: dict[str, os.stat_result | int] = {}
        self._targets: dict[str, str] = {}
        self._ways = {"": Chain((), (), "/", exists=True)}
        self._ends: dict[str, Fingerprint] = {}

    def lstat(self, path: str) -> os.stat_result | int:
        """Return what lstat(2) says of a path, or the number of its error. If the path is a link
        that cannot be read, return the error of readlink(2).
        """
        found = self._found.get(path)
        if found is None:
            try:
                found = os.lstat(path)
                if stat.S_ISLNK(found.st_mode):
                    self._targets[path] = os.readlink(path)  # noqa: PTH115 it is called very often
            except OSError as error:
                found = error.errno or errno.EIO
            self._found[path] = found
        return found

    def chain(self, path: str) -> Chain:
        """Follow an absolute path through all symbolic links. Never raises."""
        names: list[str] = []
        at = path
        while (way := self._ways.get(at)) is None:
            at, _, name = at.rpartition("/")
            names.append(name)
        for name in reversed(names):
            at = f"{at}/{name}"
            way = self._ways[at] = self._walk(way, name)
        return way

    def _walk(self, way: Chain, name: str) -> Chain:
        """Extend a chain by a name in the folder where it ends, through all symbolic links."""
        if not way.exists:
            return way
        at = way.end
        rest, steps, links = [name], list(way.steps), list(way.links)
        while rest:
            name = rest.pop(0)
            if name in ("", "."):
                continue
            if name == "..":
                at = os.path.dirname(at)  # noqa: PTH120 strings are walked, thousands of times
                continue
            steps.append(Step(at, name))
            here = at.rstrip("/") + "/" + name
            if isinstance(self.lstat(here), int):
                return Chain(tuple(steps), tuple(links), here, exists=False)
            target = self._targets.get(here)
            if target is None:
                at = here
                continue
            links.append(here)
            if len(links) > _LINKS:
                return Chain(tuple(steps), tuple(links), here, exists=False)
            if target.startswith("/"):
                at = "/"
            rest = target.split("/") + rest
        return Chain(tuple(steps), tuple(links), at, exists=True)

    def fingerprint(self, way: Chain) -> Fingerprint:
        """Return the fingerprint of a chain."""
        if (at_end := self._ends.get(way.end)) is None:
            at = self.lstat(way.end)
            at_end = {way.end: self._stat(way.end)}
            if way.exists and not isinstance(at, int) and stat.S_ISDIR(at.st_mode):
                # Each entry is looked at only once, so its lstat(2) is not kept.
                at_end |= {entry.path: _stat(entry.path) for entry in entries(way.end)}
            self._ends[way.end] = at_end
        if not way.links:
            return at_end
        return {link: self._stat(link) for link in way.links} | dict(at_end)

    def recent_content(self, way: Chain) -> bytes | None:
        """Return a digest of the content of a file that was written lately; None for any other, for
        what is not a file, and for a file of more than 1 MiB.

        Who writes through mapped memory sends no event, and of several writes to one page Linux
        notes the time of the first alone, until the page has gone to the disk (after 35 s by
        default).
        """
        at = self.lstat(way.end)
        if isinstance(at, int) or not stat.S_ISREG(at.st_mode) or at.st_size > _MOST_CONTENT:
            return None
        if abs(time.time() - at.st_mtime) > _UNWRITTEN:
            return None
        with suppress(OSError):
            file = _open(way.end)
            try:
                return hashlib.blake2b(os.pread(file, _MOST_CONTENT, 0), digest_size=16).digest()
            finally:
                os.close(file)
        return None

    def _stat(self, path: str) -> Stat:
        at = self.lstat(path)
        return (at,) if isinstance(at, int) else _identity(at, self._targets.get(path, ""))


def chain(path: str) -> Chain:
    """Follow an absolute path through all symbolic links, as they are now. Never raises."""
    return Look().chain(path)


def _open(path: str) -> int:
    """Open a file without leaving a trace in its times, as far as that is allowed."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(path, flags | getattr(os, "O_NOATIME", 0))
    except PermissionError:
        return os.open(path, flags)


def folders(way: Chain) -> Iterator[str]:
    """Yield the folder at the end of a chain, and those in it that count; none for a file."""
    if way.exists and _is_folder(way.end):
        yield way.end
        yield from (
            entry.path
            for entry in entries(way.end, _DEPTH - 1)
            if entry.is_dir(follow_symlinks=False)
        )


def entries(folder: str, depth: int = _DEPTH) -> Iterator["os.DirEntry[str]"]:
    """Yield what is in a folder, so many levels deep; nothing if it is not a folder."""
    pending = [(folder, depth)]
    count = 0
    while pending:
        at, left = pending.pop()
        try:
            with os.scandir(at) as found:
                for entry in found:
                    count += 1
                    if count > _ENTRIES:
                        return
                    yield entry
                    if left > 1 and entry.is_dir(follow_symlinks=False):
                        pending.append((entry.path, left - 1))
        except OSError:
            continue


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _stat(path: str) -> Stat:
    try:
        at = os.lstat(path)
        target = os.readlink(path) if stat.S_ISLNK(at.st_mode) else ""  # noqa: PTH115
    except OSError as error:
        return (error.errno,)
    return _identity(at, target)


def _identity(at: os.stat_result, target: str) -> Stat:
    """Return what identifies a file and its content. A folder's times do not count: they change
    with each of its entries, and these are looked at themselves.
    """
    identity = (at.st_dev, at.st_ino, at.st_mode, at.st_uid, at.st_gid)
    if stat.S_ISDIR(at.st_mode):
        return identity
    return (*identity, at.st_size, at.st_mtime_ns, at.st_ctime_ns, target)
